//! Looking at a message that nobody has validated: to decide whether it is worth verifying its
//! signature, which takes as long as decoding hundreds of messages.

use super::{
    DSecond, Latitude, Longitude, MsgCount, Position3D, Speed, TemporaryId, TimeConfidence,
};
use crate::uper::{Element, Profile, Reader};

/// What a BSM says of its sender. Of the rest of the message nothing is known, not even that it is
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BsmPeek {
    /// The vehicle.
    pub id: TemporaryId,
    /// Its latitude.
    pub lat: Latitude,
    /// Its longitude.
    pub long: Longitude,
    /// Its speed.
    pub speed: Speed,
}

impl BsmPeek {
    /// Reads the four fields, if the bytes begin as a BSM does and the fields keep their ranges.
    #[inline]
    pub fn read(bytes: &[u8], profile: Profile) -> Option<Self> {
        let reader = &mut Reader::new(bytes, profile);
        // Of the CHOICE that a MessageFrame is, the marker of an extension and the index.
        if reader.bits(4) != 0 {
            return None;
        }
        let _extended = reader.flag();
        let [time_confidence, pos_accuracy, pos_confidence] = [(); 3].map(|()| reader.flag());
        // Angle, motionCfd, safetyExt and emergencyExt come behind what is looked for.
        reader.bits(4);
        MsgCount::decode(reader, &mut ());
        let id = TemporaryId::decode(reader, &mut ());
        DSecond::decode(reader, &mut ());
        TimeConfidence::decode_if(reader, &mut (), time_confidence);
        let Position3D { lat, long, .. } = Position3D::decode(reader, &mut ());
        // No branches on what is there: each of them would cost more than all of the reading.
        reader.bits_if(POS_ACCURACY_BITS, pos_accuracy);
        let elevation = reader.bits_if(1, pos_confidence) != 0;
        reader.bits_if(CONFIDENCE_BITS, pos_confidence);
        reader.bits_if(CONFIDENCE_BITS, elevation);
        reader.bits(TRANSMISSION_BITS);
        let speed = Speed::decode(reader, &mut ());
        let peek = Self {
            id,
            lat,
            long,
            speed,
        };
        (!reader.failed()).then_some(peek)
    }
}

/// Two axes of 8 bits and an orientation of 16.
const POS_ACCURACY_BITS: u32 = 32;
/// One of 16 values, of the position and of the elevation.
const CONFIDENCE_BITS: u32 = 4;
/// One of 8 values.
const TRANSMISSION_BITS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_messages_are_not_looked_at() {
        let spat = [0x30; 64];
        assert_eq!(BsmPeek::read(&spat, Profile::default()), None);
    }

    #[test]
    fn a_message_that_ends_before_the_fields_is_not_looked_at() {
        for length in 0..30 {
            let bytes = [0; 30];
            let (bytes, _) = bytes.split_at(length);
            let seen = BsmPeek::read(bytes, Profile::default()).is_some();
            // 4 bits of CHOICE, 8 of preamble, 7 + 64 + 16 + 1 + 31 + 32 + 3 + 13 of fields.
            assert_eq!(seen, length * 8 >= 179, "{length} bytes");
        }
    }
}
