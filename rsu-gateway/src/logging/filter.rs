//! Which lines are logged.

use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};

/// A log filter: a level, or directives such as `info,rsu_gateway::mqtt=debug`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(pub(super) Targets);

/// Why a text is no log filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{filter}\" is no log filter: {reason}")]
pub struct InvalidFilter {
    filter: String,
    reason: String,
}

impl Default for Filter {
    /// `info`
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(directives: &str) -> Result<Self, Self::Err> {
        parse(directives).map(Self).map_err(|reason| InvalidFilter {
            filter: directives.into(),
            reason,
        })
    }
}

/// A word alone has to be a level: tracing would take a misspelt one for the name of a module, and
/// log nothing.
fn parse(directives: &str) -> Result<Targets, String> {
    let is_level = |word: &&str| word.trim().parse::<LevelFilter>().is_ok();
    let mut words = directives.split(',').filter(|part| !part.contains('='));
    match words.find(|word| !is_level(word)) {
        Some(word) => Err(format!("\"{word}\" is no level")),
        None => directives
            .parse()
            .map_err(|error: ParseError| error.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_filters() {
        for filter in [
            "off",
            "error",
            "info",
            "trace",
            "info,rsu_gateway::mqtt=debug",
        ] {
            assert!(filter.parse::<Filter>().is_ok(), "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_named() {
        for filter in ["inof", "info,rsu_gateway::mqtt=verbose"] {
            let error = filter.parse::<Filter>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{filter}\"")), "{error}");
        }
    }
}
