//! The crate `asn1-codecs`, with types of its compiler `asn1-compiler`.

use asn1_codecs::{PerCodecData, uper::UperCodec};
use generated::{MessageFrame, TimeChangeDetails};

use super::Visit;
use crate::Codec;

#[allow(
    clippy::all,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused
)]
mod generated {
    use super::Visit;

    macro_rules! enumerated {
        ($name:ident) => {
            visit!($name, value => u64::from(value.0));
        };
    }

    macro_rules! ia5_string {
        ($name:ident) => {
            visit!($name, value => value.0.bytes().map(u64::from).sum());
        };
    }

    include!(concat!(env!("OUT_DIR"), "/asn1_codecs.rs"));
    include!(concat!(env!("OUT_DIR"), "/asn1_codecs_visits.rs"));
}

/// `asn1-codecs`.
#[derive(Debug)]
pub struct Asn1Codecs;

impl Codec for Asn1Codecs {
    const NAME: &'static str = "asn1-codecs";

    type Message = MessageFrame;

    fn keep(bytes: &[u8]) -> Result<MessageFrame, String> {
        MessageFrame::uper_decode(&mut PerCodecData::from_slice_uper(bytes))
            .map_err(|error| error.to_string())
    }

    fn encode(message: &MessageFrame, buffer: &mut Vec<u8>) -> usize {
        let mut data = PerCodecData::new_uper();
        message.uper_encode(&mut data).expect("it was decoded");
        *buffer = data.into_bytes();
        buffer.len()
    }

    fn decode(bytes: &[u8]) -> u64 {
        Self::keep(bytes).expect("it was decoded before").visit()
    }

    fn peek(bytes: &[u8]) -> u64 {
        let MessageFrame::Bsmframe(bsm) = Self::keep(bytes).expect("a BSM") else {
            return 0;
        };
        let sum = bsm.id.visit().wrapping_add(bsm.pos.lat.visit());
        sum.wrapping_add(bsm.pos.longwise.visit())
            .wrapping_add(bsm.speed.visit())
    }

    fn find(bytes: &[u8], sought: u8) -> u64 {
        let MessageFrame::Spatframe(spat) = Self::keep(bytes).expect("a SPAT") else {
            return 0;
        };
        let phases = spat.intersections.0.iter().flat_map(|i| &i.phases.0);
        let mut found = phases.filter(|phase| phase.id.0 == sought);
        let Some(state) = found.next().and_then(|phase| phase.phasestates.0.first()) else {
            return 0;
        };
        let likely_end = match &state.timing {
            None => 0,
            Some(TimeChangeDetails::Counting(times)) => times.likelyendtime.visit(),
            Some(TimeChangeDetails::Utctiming(times)) => times.likelyendutctime.visit(),
        };
        state.light.visit() + likely_end
    }
}
