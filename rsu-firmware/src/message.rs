//! The Day-I message set: YD/T 3709-2020 (T/CSAE 53), and its 2019 edition beside it.
//!
//! ```
//! use rsu_firmware::message::MessageFrame;
//! use rsu_firmware::uper::Profile;
//!
//! # let bytes = [0x40, 0x01, 0xd6, 0xcf, 0xb7, 0x9a, 0x66, 0x20, 0x8b, 0xd3,
//! #     0xd3, 0x59, 0xd4, 0x5a, 0xd2, 0x74, 0x80, 0x35, 0xa4, 0xe9, 0x00];
//! match MessageFrame::decode(&bytes, Profile::Ydt3709_2020) {
//!     Ok(MessageFrame::Spat(spat)) => {
//!         for intersection in &spat.intersections {
//!             for phase in &intersection.phases {
//!                 let states = phase.phase_states.len();
//!                 assert!(phase.id.value() > 0 && states > 0);
//!             }
//!         }
//!     }
//!     Ok(_) => {}
//!     Err(error) => assert!(error.bit <= bytes.len() * 8),
//! }
//! ```

mod bsm;
mod common;
mod map;
pub mod observe;
mod peek;
mod position_offset;
mod rsi;
mod rsm;
mod spat;
mod visitor;

pub use bsm::*;
pub use common::*;
pub use map::*;
pub use peek::BsmPeek;
pub use position_offset::*;
pub use rsi::*;
pub use rsm::*;
pub use spat::*;
pub use visitor::Visitor;

use crate::uper::{Element, Encoding, Error, Profile, Reader, Tracer, choice};
use visitor::Visiting;

choice! {
    /// One message, as it travels in the payload of a DSMP frame.
    pub enum MessageFrame<'a>: extensible {
        /// What a vehicle says of itself.
        Bsm(BasicSafetyMessage<'a>) = 0 "bsmFrame",
        /// The roads of an intersection.
        Map(MapData<'a>) = 1 "mapFrame",
        /// The traffic participants that the roadside perceives.
        Rsm(RoadsideSafetyMessage<'a>) = 2 "rsmFrame",
        /// The traffic lights.
        Spat(Spat<'a>) = 3 "spatFrame",
        /// Traffic events and signs.
        Rsi(RoadSideInformation<'a>) = 4 "rsiFrame",
    }
}

impl<'a> MessageFrame<'a> {
    /// Reads and validates the whole message. What lies behind it in `bytes` is ignored.
    ///
    /// # Errors
    /// The first rule of the schema that the bytes break, with its bit and field.
    pub fn decode(bytes: &'a [u8], profile: Profile) -> Result<Self, Error> {
        Self::decode_prefix(bytes, profile).map(|(message, _)| message)
    }

    /// As [`decode`](Self::decode), and says how many bytes the message takes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn decode_prefix(bytes: &'a [u8], profile: Profile) -> Result<(Self, usize), Error> {
        let mut reader = Reader::new(bytes, profile);
        let message = <Self as Element>::decode(&mut reader, &mut ());
        if reader.failed() {
            return Err(why_not_decoded(bytes, profile));
        }
        Ok((message, reader.position().div_ceil(8)))
    }

    /// Shows all of a message to `visitor` in the single pass that validates it: the elements of
    /// every list, and in the end the message. If it turns out to be wrong, the visitor has seen
    /// what came before the error, and must forget it.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline(always)]
    pub fn visit(
        bytes: &'a [u8],
        profile: Profile,
        visitor: &mut impl Visitor<'a>,
    ) -> Result<(), Error> {
        let mut reader = Reader::new(bytes, profile);
        let message = <Self as Element>::decode(&mut reader, &mut Visiting(visitor));
        if reader.failed() {
            return Err(why_not_decoded(bytes, profile));
        }
        visitor.message(&message);
        // What was read from the wire owns nothing: nobody need look for what to free.
        #[allow(
            clippy::forget_non_drop,
            reason = "with serde, lists may own something"
        )]
        core::mem::forget(message);
        Ok(())
    }

    /// Writes the message into `buffer` and returns the number of bytes it takes. What lies
    /// behind them in the buffer may be overwritten.
    ///
    /// # Errors
    /// The first value that the schema forbids, or [`ErrorKind::BufferFull`](crate::uper::ErrorKind).
    pub fn encode(&self, buffer: &mut [u8], profile: Profile) -> Result<usize, Error> {
        let mut encoding = Encoding::new(profile);
        let mut writer = encoding.writer(buffer);
        Element::encode(self, &mut writer);
        let len = writer.finish();
        if encoding.failed() {
            return Err(self.why_not_encoded(buffer, profile));
        }
        Ok(len)
    }

    #[cold]
    fn why_not_encoded(&self, buffer: &mut [u8], profile: Profile) -> Error {
        let mut encoding = Encoding::tracing(profile);
        let mut writer = encoding.writer(buffer);
        Element::encode(self, &mut writer);
        writer.finish();
        let fault = encoding.fault();
        let mut tracer = encoding.into_observer();
        tracer.note(fault);
        tracer.into_error()
    }
}

/// Reads once more, step by step, to find the bit and the field.
#[cold]
#[inline(never)]
fn why_not_decoded(bytes: &[u8], profile: Profile) -> Error {
    let mut reader = Reader::new(bytes, profile);
    let mut tracer = Tracer::default();
    <MessageFrame<'_> as Element>::decode(&mut reader, &mut tracer);
    tracer.note(reader.fault());
    tracer.into_error()
}
