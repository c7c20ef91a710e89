//! Many units, wave by wave: a few first, and nobody else once one of them went back.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::error::{Doing, Error};

/// A fleet file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Private key for ssh, relative to the file.
    pub key: Option<PathBuf>,
    /// Units of a wave that are updated at the same time.
    #[serde(default = "one")]
    pub at_once: NonZeroUsize,
    /// In this order; the first are the canaries.
    #[serde(rename = "wave")]
    pub waves: Vec<Wave>,
}

/// Units that get an update together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// For people.
    pub name: String,
    /// `HOST` or `HOST:PORT`.
    pub units: Vec<String>,
}

/// What has become of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Result {
    /// The wave's name.
    pub wave: String,
    /// As the fleet file calls it.
    pub unit: String,
    /// What has become of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

impl Fleet {
    /// A fleet of one.
    pub fn single(unit: &str) -> Self {
        Self {
            key: None,
            at_once: one(),
            waves: vec![Wave {
                name: "only".into(),
                units: vec![unit.into()],
            }],
        }
    }

    /// Reads a fleet file.
    ///
    /// # Errors
    ///
    /// It cannot be read or understood, is empty, or names a unit twice.
    pub fn read(path: &Path) -> std::result::Result<Self, Error> {
        let text = std::fs::read_to_string(path).doing("read", path)?;
        let mut fleet = Self::parse(&text).map_err(|problem| Error::content(path, problem))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        fleet.key = fleet.key.map(|key| folder.join(key));
        Ok(fleet)
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let fleet: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut units: Vec<_> = fleet.waves.iter().flat_map(|wave| &wave.units).collect();
        if units.is_empty() {
            return Err("names no unit".into());
        }
        units.sort_unstable();
        let twice = units
            .iter()
            .zip(units.iter().skip(1))
            .find(|(one, next)| one == next);
        match twice {
            Some((unit, _)) => Err(format!("{unit} is named twice")),
            None => Ok(fleet),
        }
    }

    /// Updates all units by `update`, until one of them alarms. Those that are under way then come
    /// to their end, and a wave begins only when the one before is through.
    pub fn update(&self, update: impl Fn(&str) -> Outcome + Sync) -> Vec<Result> {
        let stopped = AtomicBool::new(false);
        let mut results = Vec::new();
        for wave in &self.waves {
            let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..wave.units.len()).collect());
            let outcomes = Mutex::new(vec![Outcome::NotTried; wave.units.len()]);
            let work = || {
                while !stopped.load(Ordering::SeqCst) {
                    let next = lock(&waiting).pop_front();
                    let Some((index, unit)) = next.and_then(|n| Some((n, wave.units.get(n)?)))
                    else {
                        return;
                    };
                    let outcome = update(unit);
                    if outcome.is_alarming() {
                        stopped.store(true, Ordering::SeqCst);
                    }
                    if let Some(place) = lock(&outcomes).get_mut(index) {
                        *place = outcome;
                    }
                }
            };
            thread::scope(|scope| {
                for _ in 0..self.at_once.get().min(wave.units.len()) {
                    scope.spawn(work);
                }
            });
            let outcomes = outcomes
                .into_inner()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            results.extend(
                wave.units
                    .iter()
                    .zip(outcomes)
                    .map(|(unit, outcome)| Result {
                        wave: wave.name.clone(),
                        unit: unit.clone(),
                        outcome,
                    }),
            );
        }
        results
    }
}

/// What a panicking neighbour has left is whole: it is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = r#"
        at_once = 2
        [[wave]]
        name = "canary"
        units = ["rsu-1"]
        [[wave]]
        name = "north"
        units = ["rsu-2", "rsu-3", "rsu-4"]
    "#;

    /// The outcomes when the named units end so, and all others well.
    fn outcomes(special: &[(&str, Outcome)]) -> Vec<(String, Outcome)> {
        let results = Fleet::parse(FLEET).unwrap().update(|unit| {
            let found = special.iter().find(|(name, _)| *name == unit);
            found.map_or_else(updated, |(_, outcome)| outcome.clone())
        });
        results
            .into_iter()
            .map(|result| (result.unit, result.outcome))
            .collect()
    }

    fn updated() -> Outcome {
        Outcome::Updated {
            from: "0.1.0".into(),
        }
    }

    fn fell_back() -> Outcome {
        Outcome::FellBack {
            version: "0.1.0".into(),
        }
    }

    #[test]
    fn all_waves_are_updated_in_their_order() {
        let units: Vec<_> = outcomes(&[])
            .into_iter()
            .map(|(unit, outcome)| {
                assert_eq!(outcome, updated());
                unit
            })
            .collect();
        assert_eq!(units, ["rsu-1", "rsu-2", "rsu-3", "rsu-4"]);
    }

    #[test]
    fn a_canary_that_falls_back_spares_all_others() {
        let outcomes = outcomes(&[("rsu-1", fell_back())]);
        assert_eq!(outcomes.first(), Some(&("rsu-1".into(), fell_back())));
        assert!(
            outcomes
                .iter()
                .skip(1)
                .all(|(_, outcome)| *outcome == Outcome::NotTried)
        );
    }

    #[test]
    fn a_later_unit_that_falls_back_spares_those_behind_it() {
        let outcomes = outcomes(&[("rsu-2", fell_back()), ("rsu-3", fell_back())]);
        assert_eq!(
            outcomes.first().map(|(_, outcome)| outcome.clone()),
            Some(updated())
        );
        assert_eq!(outcomes.last(), Some(&("rsu-4".into(), Outcome::NotTried)));
    }

    #[test]
    fn a_unit_that_cannot_be_reached_says_nothing_about_the_bundle() {
        let unreachable = Outcome::Unreachable {
            reason: "no route".into(),
        };
        let outcomes = outcomes(&[("rsu-1", unreachable)]);
        assert!(
            outcomes
                .iter()
                .skip(1)
                .all(|(_, outcome)| *outcome == updated())
        );
    }

    #[test]
    fn a_fleet_file_that_would_flash_a_unit_twice_is_refused() {
        let told = Fleet::parse(&FLEET.replace("rsu-4", "rsu-1")).unwrap_err();
        assert_eq!(told, "rsu-1 is named twice");
        assert_eq!(Fleet::parse("wave = []").unwrap_err(), "names no unit");
        assert!(
            Fleet::parse("[[wave]]\nname = \"a\"\nunit = [\"b\"]")
                .unwrap_err()
                .contains("unit")
        );
    }
}
