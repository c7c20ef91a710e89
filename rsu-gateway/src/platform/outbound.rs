//! From a report to a publish: the dialect's words, the class, the number.

use rsu_firmware::time::Timestamp;
use tracing::debug;

use super::unacknowledged::Unacknowledged;
use super::{
    Acknowledgement, Class, Classes, Counters, Dialect, Outgoing, Published, Report, Settings,
    Sink, Stream, Unwritable,
};

/// Writes reports in the platform's dialect, into buffers that are reused.
pub(super) struct Outbound {
    pub(super) dialect: Box<dyn Dialect>,
    pub(super) classes: Classes,
    payload: Vec<u8>,
    pub(super) counters: Counters,
    pub(super) published: Published,
    pub(super) unacknowledged: Unacknowledged,
}

impl Outbound {
    pub(super) fn new(dialect: Box<dyn Dialect>, classes: Classes) -> Self {
        Self {
            dialect,
            classes,
            payload: Vec::new(),
            counters: Counters::default(),
            published: Published::default(),
            unacknowledged: Unacknowledged::default(),
        }
    }

    pub(super) fn publish(&mut self, now: Timestamp, report: &Report<'_>, sink: &mut Sink<'_>) {
        self.publish_as(self.classes.of(report.stream()), now, report, sink);
    }

    pub(super) fn publish_as(
        &mut self,
        class: Class,
        now: Timestamp,
        report: &Report<'_>,
        sink: &mut Sink<'_>,
    ) {
        let stream = report.stream();
        if !self.dialect.carries(stream) {
            return;
        }
        self.payload.clear();
        let written = self.dialect.topics().of(report).and_then(|topic| {
            let form = self.dialect.write(now, report, &mut self.payload)?;
            Ok((topic, form))
        });
        let (topic, form) = match written {
            Ok(written) => written,
            Err(Unwritable::Told) => return,
            Err(error) => {
                debug!(stream = stream.name(), %error, "a report was not written");
                self.counters.report_unwritable += 1;
                return;
            }
        };
        self.published.count(stream);
        let outgoing = Outgoing {
            stream,
            class,
            form,
            topic,
            payload: &self.payload,
        };
        sink(outgoing);
        if let Some(seq_num) = report.acknowledgement_asked() {
            self.unacknowledged.hold(now, seq_num, &outgoing);
        }
    }
}

/// The last number given to a message of each stream.
#[derive(Debug, Default)]
pub(super) struct Sequence([u64; Stream::ALL.len()]);

impl Sequence {
    /// The next number, from 1.
    pub(super) fn next(&mut self, stream: Stream) -> u64 {
        let Some(last) = self.0.get_mut(stream as usize) else {
            return 0;
        };
        *last += 1;
        *last
    }

    pub(super) fn acknowledgement(
        &mut self,
        stream: Stream,
        settings: &Settings,
    ) -> Acknowledgement {
        let seq_num = settings.request_acknowledgements.then(|| self.next(stream));
        Acknowledgement { seq_num }
    }
}
