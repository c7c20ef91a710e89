//! Our codec, used as a program would use it.

mod sum;

use rsu_firmware::message::{BsmPeek, MessageFrame, Phase, PhaseState, Visitor};
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
        MessageFrame::visit(bytes, PROFILE, &mut sum).expect("it was decoded before");
        sum.total()
    }

    fn peek(bytes: &[u8]) -> u64 {
        let bsm = BsmPeek::read(bytes, PROFILE).expect("a BSM");
        u64::from_be_bytes(bsm.id.0)
            .wrapping_add(bsm.lat.value() as u64)
            .wrapping_add(bsm.long.value() as u64)
            .wrapping_add(u64::from(bsm.speed.value()))
    }

    fn find(bytes: &[u8], sought: u8) -> u64 {
        let mut finder = Finder {
            sought,
            state: None,
            found: None,
        };
        MessageFrame::visit(bytes, PROFILE, &mut finder).expect("a SPAT");
        finder.found.unwrap_or(0)
    }
}

/// Looks for a phase while the message is validated.
struct Finder {
    sought: u8,
    /// Of the phase whose states come by, the first one.
    state: Option<u64>,
    found: Option<u64>,
}

impl<'a> Visitor<'a> for Finder {
    #[inline(always)]
    fn phase_state(&mut self, state: &PhaseState<'a>) {
        self.state.get_or_insert_with(|| sum::change(state));
    }

    #[inline(always)]
    fn phase(&mut self, phase: &Phase<'a>) {
        let first = self.state.take();
        if phase.id.value() == self.sought && self.found.is_none() {
            self.found = first;
        }
    }
}
