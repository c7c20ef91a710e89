//! A part of the board that may not be there, or go away.

use std::fmt::Display;
use std::io;
use std::path::Path;

use rsu_firmware::time::{Span, Timestamp};
use tracing::{info, warn};

/// A part that failed is left alone for so long.
const RETRY_INTERVAL: Span = Span::from_millis(5_000);

/// A part that is opened when it is first needed, and again a while after it failed.
pub(super) struct Part<T> {
    /// Its key in `[device]`.
    key: &'static str,
    open: Box<dyn Fn() -> io::Result<T> + Send>,
    opened: Option<T>,
    /// Not before this time, since the boot, while it fails.
    retry: Option<Timestamp>,
    failures: u64,
}

impl<T> Part<T> {
    pub(super) fn new(
        key: &'static str,
        open: impl Fn() -> io::Result<T> + Send + 'static,
    ) -> Self {
        Self {
            key,
            open: Box::new(open),
            opened: None,
            retry: None,
            failures: 0,
        }
    }

    /// What `work` makes of the part; `None` while it fails.
    pub(super) fn work<R, E: Display>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Option<R> {
        if self.retry.is_some_and(|retry| now < retry) {
            return None;
        }
        match self.try_work(work) {
            Ok(result) => {
                if self.retry.take().is_some() {
                    info!("device.{}: works again", self.key);
                }
                Some(result)
            }
            Err(error) => {
                self.opened = None;
                self.failures = self.failures.saturating_add(1);
                if self.retry.replace(now + RETRY_INTERVAL).is_none() {
                    warn!("device.{}: {error}; is tried again", self.key);
                }
                None
            }
        }
    }

    /// How often it could not be opened, or failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// The part, if it is open.
    pub(super) fn into_opened(self) -> Option<T> {
        self.opened
    }

    fn try_work<R, E: Display>(
        &mut self,
        work: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, String> {
        let part = match self.opened.take() {
            Some(part) => part,
            None => (self.open)().map_err(|error| error.to_string())?,
        };
        work(self.opened.insert(part)).map_err(|error| error.to_string())
    }
}

/// Says in an error which file it is about.
pub(super) fn about<T>(path: &Path, result: Result<T, impl Display>) -> io::Result<T> {
    result.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_fails_is_left_alone_for_a_while_and_opened_again() {
        let is_there = Arc::new(AtomicBool::new(false));
        let there = is_there.clone();
        let mut part = Part::new("part", move || match there.load(Ordering::Relaxed) {
            true => Ok(0),
            false => Err(io::Error::other("not there")),
        });
        let mut count = |now| {
            part.work(now, |worked| {
                *worked += 1;
                match *worked {
                    3 => Err("worn out"),
                    worked => Ok(worked),
                }
            })
        };
        assert_eq!(count(at(0)), None);
        is_there.store(true, Ordering::Relaxed);
        assert_eq!(count(at(4_999)), None);
        assert_eq!(count(at(5_000)), Some(1));
        assert_eq!(count(at(5_001)), Some(2));
        assert_eq!(count(at(5_002)), None);
        assert_eq!(count(at(10_002)), Some(1), "another one");
        assert_eq!(part.failures(), 2);
        assert_eq!(part.into_opened(), Some(1));
    }
}
