//! V2X.RSU.RSI.UP: one event (RTE) or sign (RTS) of a road side information.
//!
//! | member | from the RSI | note |
//! |---|---|---|
//! | `alertID` | `id`, `rteId` or `rtsId` | `3132333435363738-rte-5`: unique among all senders |
//! | `duration` | `timeDetails` | ms from start to end; 0 where either is not told (the draft names no unit) |
//! | `eventStatus` | | true; false when it ended, see [`Alerts`](crate::platform::Alerts) |
//! | `timeStamp` | `moy`, else the time of reception | |
//! | `eventClass` | kind and `eventType` | signs: TrafficSign; events by their class in GB/T 29100: 3xx AdverseWeather, 9xx AbnormalVehicle, others AbnormalTraffic |
//! | `eventType` | `eventType` or `signType` | |
//! | `eventSource` | `eventSource` | `unknown` for signs |
//! | `eventPosition` | `eventPos` or `signPos` | a list of one or none |
//! | `eventPriority` | upper three bits of `priority` | 0..=7, 7 the most urgent |
//! | `referenceLinks` | `referenceLinks` in JER | ours: many signs have no other place |

use std::fmt;

use encoding_rs::GBK;
use rsu_firmware::message::{
    Confidence, Description, EventSource, Position3D, Radius, ReferenceLink, ReferenceLinkList,
    ReferencePath, ReferencePathList, RoadSideInformation, RsiPriority, RsiTimeDetails, RteData,
    RtsData, TemporaryId,
};
use rsu_firmware::time::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::{Acknowledgement, Location, location_at};
use crate::platform::dialect::RsiReport;
use crate::platform::utc::UtcTime;

/// `{rsiSourceType, rsiSourceId, rsi, ack, seqNum}`. The draft does not list the types of source:
/// it is always `rsu`, and its id that of the RSI.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RsiUp<'a> {
    /// `rsu`.
    pub rsi_source_type: &'static str,
    /// Who sent the RSI.
    #[cfg_attr(test, schemars(schema_with = "super::schema::temporary_id"))]
    pub rsi_source_id: TemporaryId,
    /// The event or sign.
    pub rsi: &'a Alert,
    /// Whether and how to acknowledge.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "super::schema::AskedAcknowledgement"))]
    pub acknowledgement: Acknowledgement,
}

impl<'a> From<&RsiReport<'a>> for RsiUp<'a> {
    fn from(report: &RsiReport<'a>) -> Self {
        Self {
            rsi_source_type: "rsu",
            rsi_source_id: report.alert.alert_id.sender,
            rsi: report.alert,
            acknowledgement: report.acknowledgement,
        }
    }
}

/// An event or sign as the platform sees it, with our identifier or, in a downlink, its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(bound = ""))]
#[serde(rename_all = "camelCase")]
pub struct Alert<Id = AlertId> {
    /// Unique among all senders.
    #[serde(rename = "alertID")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub alert_id: Id,
    /// Milliseconds; 0 unknown, or, in a downlink, once.
    pub duration: i64,
    /// False when it has ended.
    pub event_status: bool,
    /// As of when.
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    pub time_stamp: UtcTime,
    /// What kind of thing it is.
    pub event_class: AlertClass,
    /// By GB/T 29100 (events) or GB 5768 (signs).
    pub event_type: u16,
    /// Who reported it.
    #[cfg_attr(test, schemars(schema_with = "super::schema::event_source"))]
    pub event_source: EventSource,
    /// 0.5 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u8>", range(max = 200)))]
    pub event_confidence: Option<Confidence>,
    /// Where it is.
    pub event_position: Vec<Location>,
    /// 0.1 m.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    pub event_radius: Option<Radius>,
    /// More in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_description: Option<String>,
    /// 0..=7, 7 the most urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(max = 7)))]
    pub event_priority: Option<u8>,
    /// The roads concerned, as lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_paths: Vec<AlertPath>,
    /// The roads concerned, as links of the MAP (ours).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(schema_with = "super::schema::reference_links"))]
    pub reference_links: Vec<ReferenceLink>,
}

/// Which event or sign of which sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId {
    /// The road side unit.
    pub sender: TemporaryId,
    /// A sign, not an event.
    pub is_sign: bool,
    /// Its number.
    pub number: u8,
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_sign { "rts" } else { "rte" };
        write!(f, "{}-{kind}-{}", self.sender, self.number)
    }
}

impl Serialize for AlertId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `eventClass` of the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "the names say it")]
pub enum AlertClass {
    AbnormalTraffic,
    AdverseWeather,
    AbnormalVehicle,
    TrafficSign,
}

impl AlertClass {
    /// The class of an event by the hundreds of its type in GB/T 29100.
    const fn of_event(event_type: u16) -> Self {
        match event_type / 100 {
            3 => Self::AdverseWeather,
            9 => Self::AbnormalVehicle,
            _ => Self::AbnormalTraffic,
        }
    }
}

/// A road as a line with a width; the names are those of the draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlertPath {
    /// The line, in the direction of travel.
    pub active_path: Vec<Location>,
    /// 0.1 m.
    #[cfg_attr(test, schemars(with = "u16"))]
    pub path_radius: Radius,
}

impl Alert {
    /// All events and signs of a message received at `now`.
    pub fn of<'a>(
        message: &'a RoadSideInformation<'a>,
        now: Timestamp,
    ) -> impl Iterator<Item = Self> + 'a {
        let rsi = Rsi::new(message, now);
        let events = message.rtes.iter().flatten();
        let signs = message.rtss.iter().flatten();
        events
            .map(move |event| rsi.event(&event))
            .chain(signs.map(move |sign| rsi.sign(&sign)))
    }

    /// Whether the two say the same, whenever they say it.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let other = Self {
            time_stamp: self.time_stamp,
            ..other.clone()
        };
        *self == other
    }
}

/// What all events and signs of a message share.
#[derive(Clone, Copy)]
struct Rsi<'a> {
    sender: TemporaryId,
    reference: &'a Position3D,
    time: Timestamp,
}

impl<'a> Rsi<'a> {
    fn new(message: &'a RoadSideInformation<'a>, now: Timestamp) -> Self {
        let minute = message.moy.map(|moy| moy.value());
        let time = minute.and_then(|minute| Timestamp::from_minute_of_year(minute, 0, now));
        Self {
            sender: message.id,
            reference: &message.ref_pos,
            time: time.unwrap_or(now),
        }
    }

    fn event(&self, event: &RteData<'_>) -> Alert {
        let event_type = event.event_type.value();
        Alert {
            alert_id: AlertId {
                sender: self.sender,
                is_sign: false,
                number: event.rte_id.value(),
            },
            duration: self.duration_ms(event.time_details.as_ref()),
            event_status: true,
            time_stamp: UtcTime(self.time),
            event_class: AlertClass::of_event(event_type),
            event_type,
            event_source: event.event_source,
            event_confidence: event.event_confidence,
            event_position: self.positions(event.event_pos.as_ref()),
            event_radius: event.event_radius,
            event_description: event.description.as_ref().map(text),
            event_priority: event.priority.map(priority),
            reference_paths: self.paths(event.reference_paths.as_ref()),
            reference_links: links(event.reference_links.as_ref()),
        }
    }

    fn sign(&self, sign: &RtsData<'_>) -> Alert {
        Alert {
            alert_id: AlertId {
                sender: self.sender,
                is_sign: true,
                number: sign.rts_id.value(),
            },
            duration: self.duration_ms(sign.time_details.as_ref()),
            event_status: true,
            time_stamp: UtcTime(self.time),
            event_class: AlertClass::TrafficSign,
            event_type: sign.sign_type.value(),
            event_source: EventSource::Unspecified,
            event_confidence: None,
            event_position: self.positions(sign.sign_pos.as_ref()),
            event_radius: None,
            event_description: sign.description.as_ref().map(text),
            event_priority: sign.priority.map(priority),
            reference_paths: self.paths(sign.reference_paths.as_ref()),
            reference_links: links(sign.reference_links.as_ref()),
        }
    }

    fn positions(
        &self,
        offset: Option<&rsu_firmware::message::PositionOffsetLlv>,
    ) -> Vec<Location> {
        let position = |offset| location_at(self.reference, offset);
        offset.map(position).into_iter().collect()
    }

    fn paths(&self, paths: Option<&ReferencePathList<'_>>) -> Vec<AlertPath> {
        let path = |path: ReferencePath<'_>| AlertPath {
            active_path: path
                .active_path
                .iter()
                .map(|point| location_at(self.reference, &point))
                .collect(),
            path_radius: path.path_radius,
        };
        paths.into_iter().flatten().map(path).collect()
    }

    /// The end belongs to the year that brings it nearest to the start.
    fn duration_ms(&self, details: Option<&RsiTimeDetails>) -> i64 {
        let duration = || {
            let details = details?;
            let (start, end) = (details.start_time?.value(), details.end_time?.value());
            let start = Timestamp::from_minute_of_year(start, 0, self.time)?;
            let end = Timestamp::from_minute_of_year(end, 0, start)?;
            Some((end - start).as_millis().max(0))
        };
        duration().unwrap_or(0)
    }
}

fn priority(priority: RsiPriority) -> u8 {
    let [octet] = priority.0;
    octet >> 5
}

fn links(links: Option<&ReferenceLinkList<'_>>) -> Vec<ReferenceLink> {
    links.into_iter().flatten().collect()
}

/// GB 2312 is read as its superset GBK, which senders use as well; what is neither becomes U+FFFD.
fn text(description: &Description<'_>) -> String {
    match description {
        Description::TextString(text) => text.to_string(),
        Description::TextGb2312(text) => {
            let octets: Vec<u8> = text.octets().collect();
            GBK.decode_without_bom_handling(&octets).0.into_owned()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json, to_value};

    const NEW_YEAR_2026: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn alerts(rsi: Value) -> Vec<Alert> {
        let rsi: RoadSideInformation<'_> = from_value(rsi).unwrap();
        Alert::of(&rsi, NEW_YEAR_2026).collect()
    }

    fn rsi(member: &str, list: Value) -> Value {
        let mut rsi = json!({
            "msgCnt": 0, "moy": 10, "id": "3132333435363738",
            "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
        });
        rsi[member] = list;
        rsi
    }

    #[test]
    fn an_event_in_the_fields_of_the_draft() {
        let offset = json!({"offsetLL": {"position-LL1": {"lon": 1, "lat": 2}}});
        let alerts = alerts(rsi(
            "rtes",
            json!([{
                "rteId": 5, "eventType": 904, "eventSource": "detection",
                "eventPos": offset, "eventRadius": 300,
                "description": {"textGB2312": "B5C0C2B7CAA9B9A4"},
                "timeDetails": {"startTime": 10, "endTime": 12},
                "priority": "A0",
                "referencePaths": [{"activePath": [offset, offset], "pathRadius": 40}],
                "eventConfidence": 180,
            }]),
        ));
        let position = json!({"lat": 295_000_002, "lon": 1_065_000_001});
        assert_eq!(
            to_value(&alerts).unwrap(),
            json!([{
                "alertID": "3132333435363738-rte-5",
                "duration": 120_000,
                "eventStatus": true,
                "timeStamp": "2026-01-01T00:10:00.000Z",
                "eventClass": "AbnormalVehicle",
                "eventType": 904,
                "eventSource": "detection",
                "eventConfidence": 180,
                "eventPosition": [position],
                "eventRadius": 300,
                "eventDescription": "道路施工",
                "eventPriority": 5,
                "referencePaths": [{"active_path": [position, position], "path_radius": 40}],
            }]),
        );
    }

    #[test]
    fn a_sign_without_a_position_keeps_its_links() {
        let link = json!({
            "upstreamNodeId": {"id": 1}, "downstreamNodeId": {"id": 2}, "referenceLanes": "6000",
        });
        let alerts = alerts(rsi(
            "rtss",
            json!([{
                "rtsId": 9, "signType": 37,
                "description": {"textString": "60"},
                "referenceLinks": [link],
            }]),
        ));
        assert_eq!(
            to_value(&alerts).unwrap(),
            json!([{
                "alertID": "3132333435363738-rts-9",
                "duration": 0,
                "eventStatus": true,
                "timeStamp": "2026-01-01T00:10:00.000Z",
                "eventClass": "TrafficSign",
                "eventType": 37,
                "eventSource": "unknown",
                "eventPosition": [],
                "eventDescription": "60",
                "referenceLinks": [link],
            }]),
        );
    }

    #[test]
    fn a_duration_may_cross_new_year() {
        let details = json!({"startTime": 525_599, "endTime": 1});
        let event = json!([{
            "rteId": 1, "eventType": 301, "eventSource": "police", "timeDetails": details,
        }]);
        let alerts = alerts(rsi("rtes", event));
        assert_eq!(alerts[0].duration, 120_000);
        assert_eq!(alerts[0].event_class, AlertClass::AdverseWeather);
    }

    #[test]
    fn a_text_that_is_not_gb2312_is_delivered_with_marks() {
        let event = json!([{
            "rteId": 1, "eventType": 1, "eventSource": "police",
            "description": {"textGB2312": "FFFF41"},
        }]);
        let text = alerts(rsi("rtes", event))[0].event_description.clone();
        assert_eq!(text.as_deref(), Some("\u{FFFD}\u{FFFD}A"));
    }
}
