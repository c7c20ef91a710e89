//! Logs: what the program says on stderr while it works, and the last of it in memory.
//!
//! Under systemd a line begins with its priority (`sd-daemon(3)`), and is written by a thread of
//! its own: a journal that does not take lines holds nothing up, the lines are counted instead.
//! A call site that says too much is cut short, and says how much was left out.

mod background;
mod filter;
mod format;
mod recent;
mod sites;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, reload};

pub use background::QUEUE_LINES_MAX;
pub use filter::{Filter, InvalidFilter};
pub use recent::{RECENT_BYTES_MAX, RecentLines};
pub use sites::SiteLimit;

use background::Background;
use format::{Journal, OneLine};
use sites::Sites;

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which lines.
    pub filter: Filter,
    /// As JSON objects instead of text.
    pub json: bool,
    /// How much a call site may say; everything, where there is none.
    pub site_limit: Option<SiteLimit>,
}

/// Changes the logging of the process, and reads its last lines.
#[derive(Clone, Debug)]
pub struct LogControl {
    filter: reload::Handle<Targets, Registry>,
    sites: Arc<Sites>,
    recent: RecentLines,
    background: Option<Background>,
}

/// Sets logging up for the whole process.
///
/// # Errors
/// It is set up already, or the thread that writes cannot be started.
pub fn start(settings: Settings) -> io::Result<LogControl> {
    let (filter, filter_handle) = reload::Layer::new(settings.filter.0);
    let sites = Arc::new(Sites::new(settings.site_limit));
    let recent = RecentLines::default();
    let background = match format::stderr_is_journal() {
        true => Some(Background::start(io::stderr())?),
        false => None,
    };
    let recent_lines = fmt::layer()
        .with_ansi(false)
        .with_writer(OneLine(recent.clone()));
    Registry::default()
        .with(filter)
        .with(sites.clone().layer())
        .with(recent_lines)
        .with(stderr(settings.json, background.clone()))
        .try_init()
        .map_err(io::Error::other)?;
    Ok(LogControl {
        filter: filter_handle,
        sites,
        recent,
        background,
    })
}

fn stderr<S>(json: bool, background: Option<Background>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match (background, json) {
        (Some(journal), false) => fmt::layer()
            .event_format(Journal::default())
            .with_ansi(false)
            .with_writer(OneLine(journal))
            .boxed(),
        (Some(journal), true) => fmt::layer().json().with_writer(OneLine(journal)).boxed(),
        (None, true) => fmt::layer().json().with_writer(io::stderr).boxed(),
        (None, false) => fmt::layer()
            .with_target(false)
            .with_ansi(wants_colours())
            .with_writer(OneLine(io::stderr))
            .boxed(),
    }
}

/// A terminal shows colours, unless its user has said otherwise (no-color.org); a file does not.
fn wants_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

impl LogControl {
    /// Logs by `filter` from now on.
    ///
    /// # Errors
    /// Logging has ended.
    pub fn set_filter(&self, filter: &Filter) -> io::Result<()> {
        self.filter
            .reload(filter.0.clone())
            .map_err(io::Error::other)
    }

    /// Says, for each call site whose time is over, how many lines were left out: to be called
    /// every few seconds, and at the end.
    pub fn tell_left_out(&self) {
        for (site, lines) in self.sites.take_left_out() {
            tracing::warn!(site, lines, "lines like the last ones were left out");
        }
    }

    /// The last lines that were logged.
    pub fn recent(&self) -> &RecentLines {
        &self.recent
    }

    /// Lines that were lost because the journal did not take them in time.
    pub fn lost(&self) -> u64 {
        self.background.as_ref().map_or(0, Background::lost)
    }

    /// Waits until everything said so far is written, but not longer than `time_max`.
    pub fn flush(&self, time_max: Duration) {
        if let Some(background) = &self.background {
            background.flush(time_max);
        }
    }
}
