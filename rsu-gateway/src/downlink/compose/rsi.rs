//! RSI of events and signs: the inverse of what [`Alert::of`](crate::platform::Alert::of) tells.

use encoding_rs::GBK;
use rsu_firmware::message::{
    Description, EventType, Latitude, Longitude, MessageFrame, MsgCount, Position3D, ReferencePath,
    RoadSideInformation, RsiPriority, RsiTimeDetails, RteData, RteId, RtsData, RtsId, SignType,
};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::FixedOctetString;

use super::super::answer::Refusal;
use super::super::broadcast::{Broadcast, BroadcastClass};
use super::super::command::RsiBroadcast;
use super::{Composer, limited, minute_of_year};
use crate::platform::content::{Alert, AlertClass, AlertPath, Location, OutOfRange, offset_to};

impl Composer {
    /// An event or sign that vehicles know by `number`, which is the unit's to give.
    ///
    /// The end counts from the event's own time, where the clock `is_trusted`, else from now.
    pub(in crate::downlink) fn rsi(
        &self,
        now: Timestamp,
        is_trusted: bool,
        number: u8,
        rsi: RsiBroadcast,
    ) -> Result<Broadcast, Refusal> {
        let RsiBroadcast { alert, etag } = rsi;
        let id = limited("rsi.alertID", alert.alert_id.clone())?;
        let etag = etag.map(|etag| limited("eTag", etag)).transpose()?;
        let begin = if is_trusted { alert.time_stamp.0 } else { now };
        let until = begin + Span::from_millis(alert.duration);
        let lasts = match alert.duration {
            ..0 => return Err(Refusal::bad_parameter("rsi.duration: is negative")),
            0 => None,
            _ if until <= now => return Err(Refusal::bad_parameter("rsi.duration: is over")),
            _ => Some(until),
        };
        let message = self.message(&alert, number, lasts.map(|until| (begin, until)))?;
        let class = match alert.event_class {
            AlertClass::TrafficSign => BroadcastClass::RsiStatic,
            AlertClass::AbnormalTraffic | AlertClass::AdverseWeather => {
                BroadcastClass::RsiSemiStatic
            }
            AlertClass::AbnormalVehicle => BroadcastClass::RsiDynamic,
        };
        let broadcast = self.broadcast(now, class, id, MessageFrame::Rsi(message));
        self.checked(Broadcast {
            etag,
            once: lasts.is_none(),
            until_ms: lasts.map(Timestamp::as_millis),
            ..broadcast
        })
    }

    fn message(
        &self,
        alert: &Alert<String>,
        number: u8,
        lasts: Option<(Timestamp, Timestamp)>,
    ) -> Result<RoadSideInformation<'static>, Refusal> {
        let reference = self.reference(alert)?;
        let time_details = lasts.map(|(begin, until)| RsiTimeDetails {
            start_time: Some(minute_of_year(begin).0),
            // The minute in which it ends still belongs to it.
            end_time: Some(minute_of_year(until + Span::from_millis(59_999)).0),
            end_time_confidence: None,
        });
        let parts = Parts {
            alert,
            reference: &reference,
        };
        let is_sign = alert.event_class == AlertClass::TrafficSign;
        let rtss = is_sign.then(|| parts.sign(number, time_details.clone()));
        let rtes = (!is_sign).then(|| parts.event(number, time_details));
        Ok(RoadSideInformation {
            msg_cnt: MsgCount::saturating(0),
            moy: Some(minute_of_year(alert.time_stamp.0).0),
            id: self.sender,
            rtes: rtes.transpose()?.map(|event| vec![event].into()),
            rtss: rtss.transpose()?.map(|sign| vec![sign].into()),
            ref_pos: reference,
        })
    }

    /// What the positions are relative to: the first of them, or where the unit stands.
    fn reference(&self, alert: &Alert<String>) -> Result<Position3D, Refusal> {
        let points = alert
            .reference_paths
            .iter()
            .flat_map(|path| &path.active_path);
        if let Some(first) = alert.event_position.iter().chain(points).next() {
            let position = Position3D::try_from(*first);
            return position.map_err(|error| at("rsi.eventPosition", error));
        }
        let degrees = |degrees: f64| (degrees * 1e7).round() as i64;
        let own = self.position.map(|own| Position3D {
            lat: Latitude::saturating(degrees(own.latitude_deg)),
            long: Longitude::saturating(degrees(own.longitude_deg)),
            elevation: None,
        });
        own.ok_or_else(|| {
            Refusal::bad_parameter("rsi.eventPosition: is empty, and the unit knows no position")
        })
    }
}

/// The parts that events and signs have in common.
struct Parts<'a> {
    alert: &'a Alert<String>,
    reference: &'a Position3D,
}

impl Parts<'_> {
    fn event(
        &self,
        number: u8,
        time_details: Option<RsiTimeDetails>,
    ) -> Result<RteData<'static>, Refusal> {
        Ok(RteData {
            rte_id: RteId::saturating(number.into()),
            event_type: EventType::saturating(self.alert.event_type.into()),
            event_source: self.alert.event_source,
            event_pos: self.position()?,
            event_radius: self.alert.event_radius,
            description: self.description()?,
            time_details,
            priority: self.priority()?,
            reference_paths: self.paths()?.map(Into::into),
            reference_links: self.links().map(Into::into),
            event_confidence: self.alert.event_confidence,
        })
    }

    fn sign(
        &self,
        number: u8,
        time_details: Option<RsiTimeDetails>,
    ) -> Result<RtsData<'static>, Refusal> {
        Ok(RtsData {
            rts_id: RtsId::saturating(number.into()),
            sign_type: SignType::saturating(self.alert.event_type.into()),
            sign_pos: self.position()?,
            description: self.description()?,
            time_details,
            priority: self.priority()?,
            reference_paths: self.paths()?.map(Into::into),
            reference_links: self.links().map(Into::into),
        })
    }

    /// A message has room for one position.
    fn position(&self) -> Result<Option<rsu_firmware::message::PositionOffsetLlv>, Refusal> {
        match self.alert.event_position.as_slice() {
            [] => Ok(None),
            [one] => self.offset("rsi.eventPosition", one).map(Some),
            many => Err(Refusal::bad_parameter(format!(
                "rsi.eventPosition: {} positions, a message has room for one",
                many.len()
            ))),
        }
    }

    fn offset(
        &self,
        member: &str,
        location: &Location,
    ) -> Result<rsu_firmware::message::PositionOffsetLlv, Refusal> {
        offset_to(self.reference, location).map_err(|error| at(member, error))
    }

    /// ASCII as it is, else in GBK, of which GB 2312 is the part that all can read.
    fn description(&self) -> Result<Option<Description<'static>>, Refusal> {
        let Some(text) = &self.alert.event_description else {
            return Ok(None);
        };
        if text.is_empty() {
            return Ok(None);
        }
        if text.is_ascii() {
            return Ok(Some(Description::TextString(text.clone().into())));
        }
        let (octets, _, has_unmappable) = GBK.encode(text);
        if has_unmappable {
            let text = "rsi.eventDescription: has characters that GBK does not know";
            return Err(Refusal::bad_parameter(text));
        }
        Ok(Some(Description::TextGb2312(octets.into_owned().into())))
    }

    fn priority(&self) -> Result<Option<RsiPriority>, Refusal> {
        match self.alert.event_priority {
            None => Ok(None),
            Some(priority @ 0..=7) => Ok(Some(FixedOctetString([priority << 5]))),
            Some(priority) => Err(Refusal::bad_parameter(format!(
                "rsi.eventPriority: {priority} is not within 0..=7"
            ))),
        }
    }

    fn paths(&self) -> Result<Option<Vec<ReferencePath<'static>>>, Refusal> {
        let path = |path: &AlertPath| {
            let points = path.active_path.iter();
            let points = points.map(|point| self.offset("rsi.referencePaths", point));
            Ok(ReferencePath {
                active_path: points.collect::<Result<Vec<_>, Refusal>>()?.into(),
                path_radius: path.path_radius,
            })
        };
        let paths = self.alert.reference_paths.iter().map(path);
        let paths = paths.collect::<Result<Vec<_>, Refusal>>()?;
        Ok((!paths.is_empty()).then_some(paths))
    }

    fn links(&self) -> Option<Vec<rsu_firmware::message::ReferenceLink>> {
        let links = &self.alert.reference_links;
        (!links.is_empty()).then(|| links.clone())
    }
}

/// The number by which vehicles know an event or sign.
pub(in crate::downlink) fn number_of(broadcast: &Broadcast) -> Option<u8> {
    let MessageFrame::Rsi(rsi) = &broadcast.message else {
        return None;
    };
    let events = rsi.rtes.iter().flatten().map(|event| event.rte_id.value());
    let signs = rsi.rtss.iter().flatten().map(|sign| sign.rts_id.value());
    events.chain(signs).next()
}

fn at(member: &str, error: OutOfRange) -> Refusal {
    Refusal::bad_parameter(format!("{member}: {error}"))
}
