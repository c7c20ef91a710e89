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

    reads!(bsmframe, spatframe, counting, utctiming);
}
