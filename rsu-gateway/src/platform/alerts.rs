//! Which events and signs are in force: the same RSI is broadcast up to ten times a second, the
//! platform is told once when something begins, changes, and ends.

use std::collections::BTreeMap;

use rsu_firmware::time::{Span, Timestamp};

use super::content::{Alert, AlertId};
use super::utc::UtcTime;

/// How many are held at a time; the one heard of longest ago makes way.
pub const ALERTS_MAX: usize = 256;

/// What is not heard of for so long has ended. An RSI is broadcast at least every second
/// (T/CSAE 159-2020); this bridges what passing trucks hide.
pub const ALERT_SILENCE_MAX: Span = Span::from_millis(10_000);

/// The events and signs in force.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    held: BTreeMap<AlertId, Held>,
    evicted: u64,
}

#[derive(Debug)]
struct Held {
    alert: Alert,
    heard: Timestamp,
}

impl Alerts {
    /// Takes down what was heard, and returns it when it is news.
    pub(super) fn handle(&mut self, now: Timestamp, alert: Alert) -> Option<&Alert> {
        let id = alert.alert_id;
        if let Some(held) = self.held.get_mut(&id) {
            held.heard = now;
            if held.alert.says_the_same_as(&alert) {
                return None;
            }
        } else if self.held.len() >= ALERTS_MAX {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.heard);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.held.remove(&id);
                self.evicted += 1;
            }
        }
        self.held.insert(id, Held { alert, heard: now });
        self.held.get(&id).map(|held| &held.alert)
    }

    /// One that has ended by `now`, if there is any, for the last time.
    pub(super) fn poll_ended(&mut self, now: Timestamp) -> Option<Alert> {
        let is_silent = |held: &Held| now - held.heard >= ALERT_SILENCE_MAX;
        let id = self.held.iter().find(|(_, held)| is_silent(held))?.0;
        let held = self.held.remove(&{ *id })?;
        Some(Alert {
            event_status: false,
            time_stamp: UtcTime(now),
            ..held.alert
        })
    }

    /// When [`Alerts::poll_ended`] may have something next.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let ends = self
            .held
            .values()
            .map(|held| held.heard + ALERT_SILENCE_MAX);
        ends.min()
    }

    /// Those dropped because [`ALERTS_MAX`] others came.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rsu_firmware::message::RoadSideInformation;
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
    }

    fn alert(sender: u64, radius: u16, now: Timestamp) -> Alert {
        let rsi: RoadSideInformation<'_> = serde_json::from_value(json!({
            "msgCnt": 0, "id": format!("{sender:016X}"), "refPos": {"lat": 0, "long": 0},
            "rtes": [{"rteId": 1, "eventType": 1, "eventSource": "police", "eventRadius": radius}],
        }))
        .unwrap();
        Alert::of(&rsi, now).next().unwrap()
    }

    #[test]
    fn only_what_begins_changes_or_ends_is_news() {
        let mut alerts = Alerts::default();
        assert!(alerts.handle(at(0), alert(1, 10, at(0))).is_some());
        assert!(alerts.handle(at(1), alert(1, 10, at(1))).is_none());
        assert!(alerts.handle(at(2), alert(1, 20, at(2))).is_some());
        assert!(alerts.handle(at(3), alert(1, 20, at(3))).is_none());
        assert_eq!(alerts.poll_timeout(), Some(at(13)));
        assert_eq!(alerts.poll_ended(at(12)), None);
        let ended = alerts.poll_ended(at(13)).unwrap();
        assert!(!ended.event_status);
        assert_eq!(ended.event_radius.map(|radius| radius.value()), Some(20));
        assert_eq!(alerts.poll_ended(at(100)), None);
        assert!(alerts.handle(at(101), alert(1, 20, at(101))).is_some());
    }

    #[test]
    fn senders_without_number_do_not_grow_the_table() {
        let mut alerts = Alerts::default();
        for sender in 0..2 * ALERTS_MAX as u64 {
            assert!(alerts.handle(at(0), alert(sender, 1, at(0))).is_some());
        }
        assert_eq!(alerts.held.len(), ALERTS_MAX);
        assert_eq!(alerts.evicted(), ALERTS_MAX as u64);
    }
}
