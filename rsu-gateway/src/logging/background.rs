//! Writes lines in a thread of its own: whoever logs never waits for who reads.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait; further ones are lost, and counted.
pub const QUEUE_LINES_MAX: usize = 1_024;

/// The way to the thread that writes.
#[derive(Clone, Debug)]
pub(super) struct Background {
    queue: SyncSender<Task>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Task {
    Write(Vec<u8>),
    /// Everything before this was written when the sender is gone.
    Flush(SyncSender<()>),
}

impl Background {
    /// Starts the thread; it ends with the process.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, tasks) = mpsc::sync_channel(QUEUE_LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(&tasks, to, &counter))?;
        Ok(Self { queue, lost })
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn flush(&self, time_max: Duration) {
        let (done, flushed) = mpsc::sync_channel(0);
        if self.queue.try_send(Task::Flush(done)).is_ok() {
            // It ends by the sender's drop, or by the time; there is nothing more to do then.
            let _ = flushed.recv_timeout(time_max);
        }
    }
}

fn write_all(tasks: &Receiver<Task>, mut to: impl Write, lost: &AtomicU64) {
    while let Ok(task) = tasks.recv() {
        match task {
            Task::Write(line) => {
                if to.write_all(&line).is_err() {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            Task::Flush(done) => drop(done),
        }
    }
}

/// Is given whole lines.
impl Write for Background {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Task::Write(line.into())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Background {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::logging::recent::RecentLines;

    /// Takes nothing until it is let.
    struct Stuck(Receiver<()>, RecentLines);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nobody_up() {
        let (go, wait) = mpsc::channel();
        let written = RecentLines::default();
        let mut background = Background::start(Stuck(wait, written.clone())).unwrap();
        for _ in 0..QUEUE_LINES_MAX + 100 {
            background.write_all(b"line\n").unwrap();
        }
        assert!((99..=100).contains(&background.lost()));
        drop(go);
        background.flush(Duration::from_secs(60));
        while written.read().len() < QUEUE_LINES_MAX * b"line\n".len() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_flush_waits_for_what_was_said_before() {
        let written = RecentLines::default();
        let mut background = Background::start(written.clone()).unwrap();
        for _ in 0..100 {
            background.write_all(b"line\n").unwrap();
        }
        background.flush(Duration::from_secs(60));
        assert_eq!(written.read().len(), 500);
        assert_eq!(background.lost(), 0);
    }
}
