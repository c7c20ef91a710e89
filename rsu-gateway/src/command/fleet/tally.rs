//! What a subscriber hears of the fleet: how much, how late, and what is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use rsu_firmware::time::Timestamp;
use serde::Deserialize;

use super::unit::ByStream;
use crate::platform::{RsuId, Stream, Tits0180};

/// What was heard, shared by the subscriber and those who look.
#[derive(Clone)]
pub(super) struct Tally(Arc<Mutex<Heard>>);

/// What was heard so far.
#[derive(Clone)]
pub(super) struct Heard {
    /// How the units are called; see [`unit_id`].
    prefix: String,
    /// Publishes of each unit, repetitions left out.
    pub(super) units: Vec<HeardOfUnit>,
    /// What was heard on each stream of the whole fleet.
    pub(super) streams: Vec<HeardOnStream>,
    /// Records that came more than once.
    pub(super) repeated: u64,
}

/// What was heard of one unit.
#[derive(Clone, Default)]
pub(super) struct HeardOfUnit {
    /// Publishes.
    pub(super) publishes: ByStream,
    /// The latest number of a durable record.
    latest: u64,
}

/// What was heard on one stream.
#[derive(Clone)]
pub(super) struct HeardOnStream {
    /// Publishes.
    pub(super) publishes: u64,
    /// Bytes of payload.
    pub(super) bytes: u64,
    /// From the time in the record to the arrival, in ms; binary payloads tell no time.
    pub(super) latency_ms: Histogram<u64>,
}

/// What is later counts as this late.
const LATENCY_MS_MAX: u64 = 3_600_000;
/// A latency is at most 1 % off.
const SIGNIFICANT_DIGITS: u8 = 2;

/// The identifier of unit `number`, from 0.
pub(super) fn unit_id(prefix: &str, number: u16) -> String {
    format!("{prefix}-{:04}", u32::from(number) + 1)
}

impl Tally {
    /// Of `units` units, whose identifiers begin with `prefix`.
    pub(super) fn new(prefix: &RsuId, units: u16) -> Self {
        let streams = Stream::ALL.iter().map(|_| HeardOnStream::new());
        Self(Arc::new(Mutex::new(Heard {
            prefix: format!("{prefix}-"),
            units: vec![HeardOfUnit::default(); units.into()],
            streams: streams.collect(),
            repeated: 0,
        })))
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a publish in; one that is no report of the fleet's is passed over.
    pub(super) fn hear(&self, now: Timestamp, topic: &str, payload: &[u8]) {
        let Some((id, stream)) = Tits0180::reported(topic) else {
            return;
        };
        let mut heard = self.heard();
        let Heard {
            prefix,
            units,
            streams,
            repeated,
        } = &mut *heard;
        let number = id.strip_prefix(prefix.as_str());
        let number = number.and_then(|number| number.parse::<usize>().ok());
        let unit = number.and_then(|number| units.get_mut(number.checked_sub(1)?));
        let Some((unit, on_stream)) = unit.zip(streams.get_mut(stream as usize)) else {
            return;
        };
        let record = Record::of(payload);
        if let Some(sequence) = record.and_then(|record| record.seq) {
            if sequence <= unit.latest {
                *repeated += 1;
                return;
            }
            unit.latest = sequence;
        }
        if let Some(count) = unit.publishes.get_mut(stream as usize) {
            *count += 1;
        }
        on_stream.publishes += 1;
        on_stream.bytes += payload.len() as u64;
        if let Some(record) = record {
            let latency = now - Timestamp::from_millis(record.time_ms);
            let latency_ms = latency.as_millis().max(0).unsigned_abs();
            on_stream.latency_ms.saturating_record(latency_ms);
        }
    }
}

impl HeardOnStream {
    fn new() -> Self {
        Self {
            publishes: 0,
            bytes: 0,
            latency_ms: Histogram::new_with_max(LATENCY_MS_MAX, SIGNIFICANT_DIGITS)
                .expect("these bounds are within what it takes"),
        }
    }
}

impl Heard {
    /// What of that which a unit has `made` was not heard, for each unit.
    pub(super) fn missing<'m>(
        &'m self,
        made: impl Iterator<Item = &'m ByStream> + 'm,
    ) -> impl Iterator<Item = ByStream> + 'm {
        self.units.iter().zip(made).map(|(unit, made)| {
            let mut missing = *made;
            for (missing, heard) in missing.iter_mut().zip(unit.publishes) {
                *missing = missing.saturating_sub(heard);
            }
            missing
        })
    }

    /// Publishes of the whole fleet.
    pub(super) fn publishes(&self) -> u64 {
        self.streams.iter().map(|stream| stream.publishes).sum()
    }
}

/// What a JSON payload says of itself: in its last member, or, the fused junction, among its first.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    seq: Option<u64>,
    time_ms: i64,
}

/// Longer than what is before the end of the one, and up to the time in the other.
const RECORD_BYTES_MAX: usize = 512;

impl Record {
    fn of(payload: &[u8]) -> Option<Self> {
        Self::last(payload).or_else(|| Self::first(payload))
    }

    fn last(payload: &[u8]) -> Option<Self> {
        let from = payload.len().saturating_sub(RECORD_BYTES_MAX);
        let end = payload.strip_suffix(b"}")?.get(from..)?;
        serde_json::from_slice(behind(b"\"record\":", end)?).ok()
    }

    fn first(payload: &[u8]) -> Option<Self> {
        let begin = payload.get(..RECORD_BYTES_MAX.min(payload.len()))?;
        let time = behind(b"\"timeMs\":", begin)?;
        let digits = time.iter().take_while(|byte| byte.is_ascii_digit()).count();
        Some(Self {
            seq: None,
            time_ms: serde_json::from_slice(time.get(..digits)?).ok()?,
        })
    }
}

fn behind<'t>(name: &[u8], text: &'t [u8]) -> Option<&'t [u8]> {
    let at = text
        .windows(name.len())
        .rposition(|window| window == name)?;
    text.get(at + name.len()..)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        Tally::new(&"fleet".parse().unwrap(), 2)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + millis)
    }

    #[test]
    fn publishes_are_counted_by_unit_and_stream_with_their_latency() {
        let tally = tally();
        let spat = br#"{"a":[{}],"record":{"class":"live","timeMs":1767225600000,"clock":{"synchronization":"unknown","errorMs":null}}}"#;
        tally.hear(at(7), "rsu/fleet-0002/spat/up", spat);
        tally.hear(at(9), "rsu/fleet-0002/bsm/up", b"\x01\x00\x01!");
        let heard = tally.heard();
        let spats = &heard.streams[Stream::Spat as usize];
        assert_eq!((spats.publishes, spats.bytes), (1, spat.len() as u64));
        assert_eq!(spats.latency_ms.max(), 7);
        assert!(heard.streams[Stream::Bsm as usize].latency_ms.is_empty());
        assert_eq!(heard.units[1].publishes[Stream::Bsm as usize], 1);
        assert_eq!(heard.publishes(), 2);
    }

    #[test]
    fn the_fused_junction_tells_its_time_at_the_beginning() {
        let tally = tally();
        let vehicles = "{},".repeat(1_000);
        let junction = format!(
            r#"{{"rsuId":"fleet-0001","seq":7,"timeMs":1767225600000,"vehicles":[{vehicles}{{}}]}}"#
        );
        tally.hear(at(12), "rsu/fleet-0001/junction/up", junction.as_bytes());
        let heard = tally.heard();
        assert_eq!(
            heard.streams[Stream::Junction as usize].latency_ms.max(),
            12
        );
    }

    #[test]
    fn a_record_counts_once_however_often_it_comes() {
        let tally = tally();
        let record =
            |sequence| format!(r#"{{"record":{{"class":"durable","seq":{sequence},"timeMs":1}}}}"#);
        for sequence in [1, 2, 1, 2, 3] {
            tally.hear(
                at(0),
                "rsu/fleet-0001/alarm/up",
                record(sequence).as_bytes(),
            );
        }
        assert_eq!(tally.heard().publishes(), 3);
        assert_eq!(tally.heard().repeated, 2);
    }

    #[test]
    fn what_was_made_and_not_heard_is_missing() {
        let tally = tally();
        let mut made = [ByStream::default(); 2];
        made[0][Stream::Map as usize] = 3;
        made[1][Stream::Bsm as usize] = 1;
        tally.hear(at(0), "rsu/fleet-0001/map/up", b"{}");
        // More of one unit does not stand for less of another.
        tally.hear(at(0), "rsu/fleet-0001/bsm/up", b"");
        let heard = tally.heard();
        let missing: Vec<_> = heard.missing(made.iter()).collect();
        assert_eq!(missing[0][Stream::Map as usize], 2);
        assert_eq!(missing[1][Stream::Bsm as usize], 1);
        assert_eq!(missing.iter().flatten().sum::<u64>(), 3);
    }

    #[test]
    fn what_is_not_of_the_fleet_is_passed_over() {
        let tally = tally();
        for topic in [
            "rsu/fleet-0000/spat/up",
            "rsu/fleet-0003/spat/up",
            "rsu/R1/spat/up",
            "rsu/fleet-0001/spat/down",
            "fleet-0001/spat/up",
            "",
        ] {
            tally.hear(at(0), topic, b"{}");
        }
        assert_eq!(tally.heard().publishes(), 0);
    }
}
