//! The crate `rasn`, with types of its compiler `rasn-compiler`.

use generated::day1::{MessageFrame, TimeChangeDetails};

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
    include!(concat!(env!("OUT_DIR"), "/rasn.rs"));

    mod visits {
        use super::day1::*;
        use crate::peers::Visit;

        macro_rules! enumerated {
            ($name:ident) => {
                visit!($name, value => *value as u64);
            };
        }

        macro_rules! ia5_string {
            ($name:ident) => {
                visit!($name, value => {
                    value.0.as_iso646_bytes().iter().map(|octet| u64::from(*octet)).sum()
                });
            };
        }

        include!(concat!(env!("OUT_DIR"), "/rasn_visits.rs"));
    }
}

/// `rasn`.
#[derive(Debug)]
pub struct Rasn;

impl Codec for Rasn {
    const NAME: &'static str = "rasn";

    type Message = MessageFrame;

    fn keep(bytes: &[u8]) -> Result<MessageFrame, String> {
        rasn::uper::decode(bytes).map_err(|error| error.to_string())
    }

    fn encode(message: &MessageFrame, buffer: &mut Vec<u8>) -> usize {
        *buffer = rasn::uper::encode(message).expect("it was decoded");
        buffer.len()
    }

    fn decode(bytes: &[u8]) -> u64 {
        Self::keep(bytes).expect("it was decoded before").visit()
    }

    fn peek(bytes: &[u8]) -> u64 {
        let MessageFrame::bsmframe(bsm) = Self::keep(bytes).expect("a BSM") else {
            return 0;
        };
        let sum = bsm.id.visit().wrapping_add(bsm.pos.lat.visit());
        sum.wrapping_add(bsm.pos.longwise.visit())
            .wrapping_add(bsm.speed.visit())
    }

    fn find(bytes: &[u8], sought: u8) -> u64 {
        let MessageFrame::spatframe(spat) = Self::keep(bytes).expect("a SPAT") else {
            return 0;
        };
        let phases = spat.intersections.0.iter().flat_map(|i| &i.phases.0);
        let mut found = phases.filter(|phase| phase.id.0 == sought);
        let Some(state) = found.next().and_then(|phase| phase.phasestates.0.first()) else {
            return 0;
        };
        let likely_end = match &state.timing {
            None => 0,
            Some(TimeChangeDetails::counting(times)) => times.likelyendtime.visit(),
            Some(TimeChangeDetails::utctiming(times)) => times.likelyendutctime.visit(),
        };
        state.light.visit() + likely_end
    }
}
