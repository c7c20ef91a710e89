//! What every record says of itself: the member `record`, last in every JSON object that goes up.
//!
//! ```json
//! "record":{"class":"durable","spool":"5f0c93a1b2c3d4e5","seq":17,"timeMs":1767225600000,
//!           "clock":{"synchronization":"synchronized","errorMs":1.2}}
//! ```
//!
//! `seq` counts the records of one class of one spool from 1 and never repeats, whatever happens to
//! the unit: a platform that knows (`spool`, `class`, `seq`) drops duplicates and sees gaps.

use rsu_firmware::time::Timestamp;
use serde::Serialize;

use super::dialect::{Class, Form};
use crate::clock::ClockQuality;

/// A record's number, time and quality of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// How the record is treated on its way.
    pub class: Class,
    /// Its place in the spool; left out where it was not kept.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// When it was made, by the unit's clock: milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
    /// How good that clock was.
    pub clock: ClockQuality,
}

/// Where a record was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Place {
    /// The spool: a random number of its own, 16 hex digits.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{16}$")))]
    #[serde(serialize_with = "hex")]
    pub spool: u64,
    /// The number in that spool and class, from 1.
    pub seq: u64,
}

impl Record {
    /// A record that is made now.
    pub fn new(class: Class, place: Option<Place>, now: Timestamp, clock: ClockQuality) -> Self {
        Self {
            class,
            place,
            time_ms: now.as_millis(),
            clock,
        }
    }

    /// Appends `payload` to `sealed`, with this record as its last member where its form takes it.
    pub fn seal(&self, payload: &[u8], form: Form, sealed: &mut Vec<u8>) {
        let open = payload.strip_suffix(b"}");
        let (Form::Object, Some(open)) = (form, open) else {
            sealed.extend_from_slice(payload);
            return;
        };
        sealed.reserve(open.len() + RECORD_BYTES_TYPICAL);
        sealed.extend_from_slice(open);
        if open != b"{" {
            sealed.push(b',');
        }
        sealed.extend_from_slice(b"\"record\":");
        let before = sealed.len();
        if serde_json::to_writer(&mut *sealed, self).is_err() {
            // Writing numbers and names to memory does not fail; the object stays one all the same.
            sealed.truncate(before);
            sealed.extend_from_slice(b"null");
        }
        sealed.push(b'}');
    }
}

const RECORD_BYTES_TYPICAL: usize = 160;

fn hex<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{id:016x}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Synchronization;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn record(place: Option<Place>) -> Record {
        let clock = ClockQuality {
            synchronization: Synchronization::Synchronized,
            error_ms: Some(1.5),
        };
        let now = Timestamp::from_millis(1_767_225_600_000);
        Record::new(Class::Durable, place, now, clock)
    }

    fn sealed(payload: &[u8], form: Form) -> Vec<u8> {
        let mut sealed = Vec::new();
        let place = Place {
            spool: 0x5F0C_93A1_B2C3_D4E5,
            seq: 17,
        };
        record(Some(place)).seal(payload, form, &mut sealed);
        sealed
    }

    #[test]
    fn the_record_is_the_last_member_of_an_object() {
        let text = String::from_utf8(sealed(br#"{"a":1}"#, Form::Object)).unwrap();
        assert_eq!(
            text,
            r#"{"a":1,"record":{"class":"durable","spool":"5f0c93a1b2c3d4e5","seq":17,"timeMs":1767225600000,"clock":{"synchronization":"synchronized","errorMs":1.5}}}"#
        );
        let empty: Value = serde_json::from_slice(&sealed(b"{}", Form::Object)).unwrap();
        assert_eq!(empty["record"]["seq"], 17);
    }

    #[test]
    fn what_was_not_kept_has_no_number() {
        let mut live = Vec::new();
        record(None).seal(b"{}", Form::Object, &mut live);
        let live: Value = serde_json::from_slice(&live).unwrap();
        let members: Vec<_> = live["record"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["class", "clock", "timeMs"]);
    }

    #[test]
    fn a_complete_payload_stays_as_it_is() {
        assert_eq!(sealed(b"\x02}", Form::Complete), b"\x02}");
    }

    proptest! {
        #[test]
        fn an_object_stays_an_object_with_one_member_more(
            members in proptest::collection::btree_map("[a-z]{1,8}", any::<i32>(), 0..5),
        ) {
            let payload = serde_json::to_vec(&json!(members)).unwrap();
            let sealed: Value = serde_json::from_slice(&sealed(&payload, Form::Object)).unwrap();
            let sealed = sealed.as_object().unwrap();
            prop_assert_eq!(sealed.len(), members.len() + 1);
            for (name, value) in members {
                prop_assert_eq!(&sealed[&name], &json!(value));
            }
        }
    }
}
