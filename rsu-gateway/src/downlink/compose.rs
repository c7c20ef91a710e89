//! Makes messages of what the platform wants broadcast, and checks that they can be sent.

mod rsi;

use rsu_firmware::message::{DSecond, MessageFrame, MinuteOfTheYear, MsgCount, Spat, TemporaryId};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::{FixedOctetString, Profile};

use super::answer::Refusal;
use super::broadcast::{Broadcast, BroadcastClass, BroadcastKey, MESSAGE_BYTES_MAX};
use super::command::{CommandKind, MapBroadcast, RsmBroadcast};
use crate::platform::{RsuId, Unit, UnitPosition};

pub(super) use rsi::number_of;

/// Makes the messages of one unit.
#[derive(Debug)]
pub(super) struct Composer {
    profile: Profile,
    sender: TemporaryId,
    position: Option<UnitPosition>,
}

/// The identifier by which vehicles know the unit: the last eight bytes of its own, behind zeros
/// where that is shorter.
pub fn sender_id(id: &RsuId) -> TemporaryId {
    let mut octets = [0; 8];
    let bytes = id.as_ref().as_bytes().iter().rev();
    for (octet, byte) in octets.iter_mut().rev().zip(bytes) {
        *octet = *byte;
    }
    FixedOctetString(octets)
}

impl Composer {
    pub(super) fn new(unit: &Unit, profile: Profile) -> Self {
        Self {
            profile,
            sender: sender_id(&unit.id),
            position: unit.position,
        }
    }

    pub(super) fn map(&self, now: Timestamp, map: MapBroadcast) -> Result<Broadcast, Refusal> {
        let id = limited("mapSlice", map.map_slice)?;
        let etag = limited("eTag", map.etag)?;
        let message = MessageFrame::Map(map.map);
        let broadcast = self.broadcast(now, BroadcastClass::Map, id, message);
        self.checked(Broadcast {
            etag: Some(etag),
            ..broadcast
        })
    }

    /// The draft's SPAT has no time, which its countdowns count from: it is that of acceptance.
    ///
    /// # Errors
    /// The message cannot be sent, or is out of date by a clock that `is_trusted`.
    pub(super) fn spat(
        &self,
        now: Timestamp,
        is_trusted: bool,
        mut spat: Spat<'static>,
    ) -> Result<Broadcast, Refusal> {
        let class = BroadcastClass::Spat;
        let told = spat.moy.zip(spat.time_stamp);
        let stamped = told.and_then(|(moy, millis)| {
            Timestamp::from_minute_of_year(moy.value(), millis.value(), now)
        });
        match (stamped, class.validity()) {
            (Some(stamped), Some(validity)) if is_trusted && now - stamped > validity => {
                let age_ms = (now - stamped).as_millis();
                return Err(Refusal::bad_parameter(format!(
                    "timeStamp: {age_ms} ms ago"
                )));
            }
            _ => {}
        }
        let states = spat.intersections.iter();
        let has_time = states.clone().all(|state| state.time_stamp.is_some());
        if spat.time_stamp.is_none() && !has_time {
            let (moy, millis) = minute_of_year(now);
            spat.moy = Some(moy);
            spat.time_stamp = Some(millis);
        }
        let ids = states.map(|state| {
            let node = state.intersection_id;
            let region = node.region.map(|region| format!("{}-", region.value()));
            format!("{}{}", region.unwrap_or_default(), node.id.value())
        });
        let id = ids.collect::<Vec<_>>().join(",");
        self.checked(self.broadcast(now, class, id, MessageFrame::Spat(spat)))
    }

    pub(super) fn rsm(&self, now: Timestamp, rsm: RsmBroadcast) -> Result<Vec<Broadcast>, Refusal> {
        let messages = rsm.messages.into_iter().enumerate();
        let broadcasts = messages.map(|(place, mut message)| {
            message.id = self.sender;
            let message = MessageFrame::Rsm(message);
            let broadcast = self.broadcast(now, BroadcastClass::Rsm, place.to_string(), message);
            self.checked(broadcast)
        });
        broadcasts.collect()
    }

    fn broadcast(
        &self,
        now: Timestamp,
        class: BroadcastClass,
        id: String,
        message: MessageFrame<'static>,
    ) -> Broadcast {
        let kind = match class {
            BroadcastClass::Map => CommandKind::Map,
            BroadcastClass::Spat => CommandKind::Spat,
            BroadcastClass::Rsm => CommandKind::Rsm,
            BroadcastClass::RsiStatic
            | BroadcastClass::RsiSemiStatic
            | BroadcastClass::RsiDynamic => CommandKind::Rsi,
        };
        let until = class.validity().map(|validity| now + validity);
        Broadcast {
            key: BroadcastKey { kind, id },
            class,
            etag: None,
            message,
            once: false,
            since_ms: now.as_millis(),
            until_ms: until.map(Timestamp::as_millis),
        }
    }

    /// The broadcast, if it can be sent.
    fn checked(&self, mut broadcast: Broadcast) -> Result<Broadcast, Refusal> {
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        broadcast.encode(MsgCount::saturating(0), self.profile, &mut buffer)?;
        Ok(broadcast)
    }
}

/// Most characters of what the platform calls something.
const NAME_CHARS_MAX: usize = 128;

fn limited(member: &str, name: String) -> Result<String, Refusal> {
    match name.chars().count() {
        1..=NAME_CHARS_MAX => Ok(name),
        count => Err(Refusal::bad_parameter(format!(
            "{member}: {count} characters, not 1 to {NAME_CHARS_MAX}"
        ))),
    }
}

/// The minute of the UTC year, and the milliseconds within it.
fn minute_of_year(time: Timestamp) -> (MinuteOfTheYear, DSecond) {
    let (minute, millis) = time.minute_of_year();
    (
        MinuteOfTheYear::saturating(minute.into()),
        DSecond::saturating(millis.into()),
    )
}

#[cfg(test)]
mod tests;
