//! What time it is for those who send: the controllers' stamps in SPAT, beside the own clock.

use std::collections::VecDeque;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::time::{Span, Timestamp};

/// How far the clocks of others are ahead, lately.
#[derive(Debug, Default)]
pub(super) struct SenderClocks {
    /// When it was received, and by how much its stamp is ahead of that; newest last.
    stamps: VecDeque<(Timestamp, Span)>,
}

/// Stamps that are held: ten seconds of ten a second.
const STAMPS_MAX: usize = 100;
/// Older ones say nothing of now.
const AGE_MAX: Span = Span::from_millis(15_000);
/// Fewer are no witness.
const STAMPS_MIN: usize = 10;

impl SenderClocks {
    /// Takes down the stamp of a message, if it bears one of full precision.
    pub(super) fn handle(&mut self, now: Timestamp, message: &MessageFrame<'_>) {
        let MessageFrame::Spat(spat) = message else {
            return;
        };
        let intersection = spat.intersections.iter().next();
        let own = intersection.map(|of| (of.moy, of.time_stamp));
        let stamp = [own, Some((spat.moy, spat.time_stamp))];
        let stamp = stamp
            .into_iter()
            .flatten()
            .find_map(|(moy, millis)| moy.zip(millis));
        let sent = stamp.and_then(|(moy, millis)| {
            Timestamp::from_minute_of_year(moy.value(), millis.value(), now)
        });
        if let Some(sent) = sent {
            if self.stamps.len() >= STAMPS_MAX {
                self.stamps.pop_front();
            }
            self.stamps.push_back((now, sent - now));
        }
    }

    /// The median of the stamps of the last seconds; `None` where too few were heard.
    pub(super) fn ahead(&self, now: Timestamp) -> Option<Span> {
        let is_fresh =
            |received: Timestamp| (Span::default()..=AGE_MAX).contains(&(now - received));
        let fresh = self
            .stamps
            .iter()
            .filter(|(received, _)| is_fresh(*received));
        let mut ahead: Vec<Span> = fresh.map(|(_, ahead)| *ahead).collect();
        ahead.sort_unstable();
        (ahead.len() >= STAMPS_MIN).then(|| ahead.get(ahead.len() / 2).copied())?
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The second minute of 2026 and some.
    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_660_000 + millis)
    }

    fn heard(clocks: &mut SenderClocks, now: Timestamp, stamp_ms: i64) {
        let stamp_ms = 60_000 + stamp_ms;
        let spat = json!({"spatFrame": {
            "msgCnt": 0, "moy": stamp_ms / 60_000, "timeStamp": stamp_ms % 60_000,
            "intersections": [{"intersectionId": {"id": 1}, "status": "0000",
                "phases": [{"id": 1, "phaseStates": [{"light": "red"}]}]}],
        }})
        .to_string();
        let spat: MessageFrame<'_> = serde_json::from_str(&spat).unwrap();
        clocks.handle(now, &spat);
    }

    #[test]
    fn the_median_of_many_is_told_and_of_few_nothing() {
        let mut clocks = SenderClocks::default();
        for n in 0..9 {
            heard(&mut clocks, at(n * 100), n * 100 - 30);
        }
        assert_eq!(clocks.ahead(at(900)), None);
        heard(&mut clocks, at(900), 100_000);
        assert_eq!(clocks.ahead(at(900)), Some(Span::from_millis(-30)));
        assert_eq!(clocks.ahead(at(60_000)), None, "nobody is heard any more");
    }

    #[test]
    fn an_own_clock_that_is_an_hour_behind_shows() {
        let mut clocks = SenderClocks::default();
        for n in 0..1_000 {
            heard(&mut clocks, at(n * 10), n * 10 + 3_600_000);
        }
        assert_eq!(clocks.ahead(at(10_000)), Some(Span::from_millis(3_600_000)));
        assert_eq!(clocks.stamps.len(), STAMPS_MAX);
    }
}
