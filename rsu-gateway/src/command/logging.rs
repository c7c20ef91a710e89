//! The options of logging.

use clap::Args;

use super::Failure;
use crate::config::LogFormat;
use crate::logging::{self, Filter, LogControl, SiteLimit};

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct Options {
    /// What to log: error, warn, info, debug, trace, off, or a filter such as
    /// `info,rsu_gateway::mqtt=debug`.
    /// [default: info]
    #[arg(long, global = true, value_name = "LEVEL", env = "RSU_LOG")]
    log_level: Option<Filter>,

    /// How to write a log line. [default: text, with priorities where stderr is the journal]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Options {
    /// Sets logging up for the whole process. What the command line does not say is taken from
    /// `level` and `format`.
    ///
    /// # Errors
    /// `level` is no filter.
    pub(super) fn start(
        &self,
        level: Option<&str>,
        format: Option<LogFormat>,
    ) -> Result<LogControl, Failure> {
        self.start_limited(level, format, None)
    }

    /// The same for a service, whose call sites are limited, for nobody watches it.
    ///
    /// # Errors
    /// As [`Options::start`].
    pub(super) fn start_service(
        &self,
        level: Option<&str>,
        format: Option<LogFormat>,
    ) -> Result<LogControl, Failure> {
        self.start_limited(level, format, Some(SiteLimit::default()))
    }

    fn start_limited(
        &self,
        level: Option<&str>,
        format: Option<LogFormat>,
        site_limit: Option<SiteLimit>,
    ) -> Result<LogControl, Failure> {
        let filter = match (&self.log_level, level) {
            (Some(filter), _) => filter.clone(),
            (None, Some(level)) => level.parse()?,
            (None, None) => Filter::default(),
        };
        let format = self.log_format.or(format).unwrap_or_default();
        Ok(logging::start(logging::Settings {
            filter,
            json: format == LogFormat::Json,
            site_limit,
        })?)
    }
}
