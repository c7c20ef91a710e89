//! How much each call site may say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// How much a call site may say: `lines` in each `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteLimit {
    /// Lines.
    pub lines: u32,
    /// Time after which it may say as much again.
    pub interval: Duration,
}

impl Default for SiteLimit {
    /// 20 lines in 10 s.
    fn default() -> Self {
        Self {
            lines: 20,
            interval: Duration::from_secs(10),
        }
    }
}

/// The call sites that have said something: as many as the program has in its source at most.
#[derive(Debug)]
pub(super) struct Sites {
    limit: Option<SiteLimit>,
    sites: Mutex<HashMap<Identifier, Site>>,
}

#[derive(Debug)]
struct Site {
    place: String,
    since: Instant,
    said: u32,
    left_out: u64,
}

impl Sites {
    pub(super) fn new(limit: Option<SiteLimit>) -> Self {
        Self {
            limit,
            sites: Mutex::default(),
        }
    }

    pub(super) fn layer(self: Arc<Self>) -> SitesLayer {
        SitesLayer(self)
    }

    /// The sites whose interval is over, and how many lines each had to leave out.
    pub(super) fn take_left_out(&self) -> Vec<(String, u64)> {
        match self.limit {
            Some(limit) => self.take_left_out_at(limit, Instant::now()),
            None => Vec::new(),
        }
    }

    fn take_left_out_at(&self, limit: SiteLimit, now: Instant) -> Vec<(String, u64)> {
        let mut sites = self.lock();
        let over = sites.values_mut().filter(|site| {
            site.left_out > 0 && now.saturating_duration_since(site.since) >= limit.interval
        });
        over.map(|site| (site.place.clone(), std::mem::take(&mut site.left_out)))
            .collect()
    }

    /// Whether `site` may say a line.
    fn admit(&self, limit: SiteLimit, metadata: &Metadata<'_>, now: Instant) -> bool {
        let mut sites = self.lock();
        let site = sites.entry(metadata.callsite()).or_insert_with(|| Site {
            place: place(metadata),
            since: now,
            said: 0,
            left_out: 0,
        });
        if now.saturating_duration_since(site.since) >= limit.interval {
            site.since = now;
            site.said = 0;
        }
        let is_admitted = site.said < limit.lines;
        match is_admitted {
            true => site.said += 1,
            false => site.left_out = site.left_out.saturating_add(1),
        }
        is_admitted
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Site>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(metadata: &Metadata<'_>) -> String {
    match metadata.line() {
        Some(line) => format!("{}:{line}", metadata.target()),
        None => metadata.target().into(),
    }
}

/// Keeps from all layers what a site says beyond its limit.
#[derive(Debug)]
pub(super) struct SitesLayer(Arc<Sites>);

impl<S: Subscriber> Layer<S> for SitesLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        match self.0.limit {
            Some(limit) => self.0.admit(limit, event.metadata(), Instant::now()),
            None => true,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::logging::recent::RecentLines;
    use tracing_subscriber::layer::SubscriberExt;

    const LIMIT: SiteLimit = SiteLimit {
        lines: 3,
        interval: Duration::from_secs(1_000),
    };

    fn say_often() {
        for number in 0..10 {
            tracing::info!(number, "often");
        }
    }

    fn logged(sites: &Arc<Sites>, say: impl FnOnce()) -> String {
        let lines = RecentLines::default();
        let writing = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(writing);
        let subscriber = tracing_subscriber::registry()
            .with(sites.clone().layer())
            .with(layer);
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(lines.read()).unwrap()
    }

    #[test]
    fn a_site_that_says_too_much_is_cut_short_and_others_are_not() {
        let sites = Arc::new(Sites::new(Some(LIMIT)));
        let lines = logged(&sites, || {
            say_often();
            tracing::warn!("once");
        });
        assert_eq!(lines.matches("often").count(), 3, "{lines}");
        assert_eq!(lines.matches("once").count(), 1, "{lines}");
    }

    #[test]
    fn what_was_left_out_is_told_once_when_the_time_is_over() {
        let sites = Arc::new(Sites::new(Some(LIMIT)));
        logged(&sites, say_often);
        let now = Instant::now();
        assert_eq!(sites.take_left_out_at(LIMIT, now), []);
        let later = now + LIMIT.interval;
        let left_out = sites.take_left_out_at(LIMIT, later);
        let [(place, 7)] = left_out.as_slice() else {
            panic!("{left_out:?}");
        };
        assert!(place.contains("sites::tests:"), "{place}");
        assert_eq!(sites.take_left_out_at(LIMIT, later), []);
    }

    #[test]
    fn after_its_time_a_site_may_speak_again() {
        let limit = SiteLimit {
            interval: Duration::ZERO,
            ..LIMIT
        };
        let sites = Arc::new(Sites::new(Some(limit)));
        let lines = logged(&sites, say_often);
        assert_eq!(lines.matches("often").count(), 10);
    }

    #[test]
    fn without_a_limit_everything_is_said() {
        let sites = Arc::new(Sites::new(None));
        let lines = logged(&sites, say_often);
        assert_eq!(lines.matches("often").count(), 10);
        assert_eq!(sites.take_left_out(), []);
    }
}
