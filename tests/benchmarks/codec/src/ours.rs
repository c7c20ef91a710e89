//! Our codec, used as a program would use it.

mod sum;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use sum::Sum;

use crate::Codec;

const PROFILE: Profile = Profile::Ydt3709_2020;

/// `rsu-firmware`.
#[derive(Debug)]
pub struct Ours;

impl Codec for Ours {
    const NAME: &'static str = "ours";

    type Message = MessageFrame<'static>;

    /// Through JSON, so that the lists of the message are in memory and not on the wire.
    fn keep(bytes: &[u8]) -> Result<Self::Message, String> {
        let message = MessageFrame::decode(bytes, PROFILE).map_err(|error| error.to_string())?;
        let json = serde_json::to_string(&message).map_err(|error| error.to_string())?;
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    fn encode(message: &Self::Message, buffer: &mut Vec<u8>) -> usize {
        message.encode(buffer, PROFILE).expect("it was decoded")
    }

    fn decode(bytes: &[u8]) -> u64 {
        let mut sum = Sum::default();
        let message = MessageFrame::decode_with(bytes, PROFILE, &mut sum);
        sum.message(&message.expect("it was decoded before"));
        sum.total()
    }

    fn peek(bytes: &[u8]) -> u64 {
        let MessageFrame::Bsm(bsm) = MessageFrame::decode(bytes, PROFILE).expect("a BSM") else {
            return 0;
        };
        let id = u64::from_be_bytes(bsm.id.0);
        let position = (bsm.pos.lat.value() as u64).wrapping_add(bsm.pos.long.value() as u64);
        id.wrapping_add(position)
            .wrapping_add(u64::from(bsm.speed.value()))
    }

    fn find(bytes: &[u8], sought: u8) -> u64 {
        let MessageFrame::Spat(spat) = MessageFrame::decode(bytes, PROFILE).expect("a SPAT") else {
            return 0;
        };
        for intersection in &spat.intersections {
            for phase in &intersection.phases {
                if phase.id.value() == sought {
                    return phase.phase_states.iter().next().map_or(0, |state| sum::change(&state));
                }
            }
        }
        0
    }
}
