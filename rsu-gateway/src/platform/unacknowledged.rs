//! Reports that the platform was asked to acknowledge and has not yet: sent again after 2, 4, 8 s
//! and so on, up to every 4096 s (T/ITS 0180.1).
//!
//! The broker has been given the first of each for certain, so those that follow are live: nothing
//! piles up while the broker cannot be reached.

use std::collections::VecDeque;

use rsu_firmware::time::{Span, Timestamp};

use super::dialect::{Class, Form, Outgoing, Stream};

/// How many reports are held; the oldest makes way.
pub const UNACKNOWLEDGED_MAX: usize = 64;

const WAIT_MIN: Span = Span::from_millis(2_000);
const WAIT_MAX: Span = Span::from_millis(4_096_000);

#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    held: VecDeque<Held>,
    evicted: u64,
}

#[derive(Debug)]
struct Held {
    stream: Stream,
    seq_num: u64,
    form: Form,
    topic: String,
    payload: Vec<u8>,
    wait: Span,
    due: Timestamp,
}

impl Unacknowledged {
    /// Holds what was just sent. Of INFO only the latest counts.
    pub(super) fn hold(&mut self, now: Timestamp, seq_num: u64, sent: &Outgoing<'_>) {
        if sent.stream == Stream::Info {
            self.held.retain(|held| held.stream != Stream::Info);
        }
        if self.held.len() >= UNACKNOWLEDGED_MAX {
            self.held.pop_front();
            self.evicted += 1;
        }
        self.held.push_back(Held {
            stream: sent.stream,
            seq_num,
            form: sent.form,
            topic: sent.topic.to_owned(),
            payload: sent.payload.to_owned(),
            wait: WAIT_MIN,
            due: now + WAIT_MIN,
        });
    }

    /// The platform has acknowledged a report.
    pub(super) fn acknowledge(&mut self, stream: Stream, seq_num: u64) {
        self.held
            .retain(|held| (held.stream, held.seq_num) != (stream, seq_num));
    }

    /// One that is to be sent again by `now`.
    pub(super) fn poll(&mut self, now: Timestamp) -> Option<Outgoing<'_>> {
        // A clock that was set back must not put it off.
        let is_due = |held: &&mut Held| now >= held.due || held.due - now > held.wait;
        let held = self.held.iter_mut().find(is_due)?;
        held.wait = (held.wait * 2).min(WAIT_MAX);
        held.due = now + held.wait;
        Some(Outgoing {
            stream: held.stream,
            class: Class::Live,
            form: held.form,
            topic: &held.topic,
            payload: &held.payload,
        })
    }

    /// When [`Unacknowledged::poll`] may have something next.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.held.iter().map(|held| held.due).min()
    }

    /// Those given up because [`UNACKNOWLEDGED_MAX`] others came.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
    }

    fn sent(stream: Stream) -> Outgoing<'static> {
        Outgoing {
            stream,
            class: Class::Durable,
            form: Form::Object,
            topic: "t",
            payload: b"{}",
        }
    }

    #[test]
    fn it_is_sent_again_after_twice_the_time_up_to_4096_s() {
        let mut unacknowledged = Unacknowledged::default();
        unacknowledged.hold(at(0), 1, &sent(Stream::Rsi));
        let mut times = Vec::new();
        for second in 0..20_000 {
            if let Some(again) = unacknowledged.poll(at(second)) {
                assert_eq!((again.class, again.payload), (Class::Live, &b"{}"[..]));
                times.push(second);
            }
        }
        let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(times[0], 2);
        let expected = [
            4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096,
        ];
        assert_eq!(waits, expected);
        unacknowledged.acknowledge(Stream::Rsi, 2);
        unacknowledged.acknowledge(Stream::Map, 1);
        assert!(unacknowledged.poll_timeout().is_some());
        unacknowledged.acknowledge(Stream::Rsi, 1);
        assert_eq!(unacknowledged.poll_timeout(), None);
    }

    #[test]
    fn of_info_the_latest_counts_and_nothing_grows() {
        let mut unacknowledged = Unacknowledged::default();
        for seq_num in 0..1_000 {
            unacknowledged.hold(at(0), seq_num, &sent(Stream::Info));
        }
        assert_eq!(unacknowledged.held.len(), 1);
        for seq_num in 0..1_000 {
            unacknowledged.hold(at(0), seq_num, &sent(Stream::Map));
        }
        assert_eq!(unacknowledged.held.len(), UNACKNOWLEDGED_MAX);
        assert_eq!(unacknowledged.evicted(), 1_001 - UNACKNOWLEDGED_MAX as u64);
        let an_hour_back = at(-3_600);
        assert!(unacknowledged.poll(an_hour_back).is_some());
    }
}
