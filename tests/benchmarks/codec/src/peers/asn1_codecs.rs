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

    reads!(Bsmframe, Spatframe, Counting, Utctiming);
}
