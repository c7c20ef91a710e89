//! The guard of the hot paths fails when one of them grows.

#[path = "../benchmarks/codec/benches/instructions/verdict.rs"]
mod verdict;

use verdict::{Figures, GROWTH_MAX_PERCENT, judge};

const CHECKED_IN: &str = include_str!("../benchmarks/codec/instructions.json");

fn figures() -> Figures {
    serde_json::from_str(CHECKED_IN).expect("figures")
}

fn grown(figures: &Figures, per_cent: u64) -> Figures {
    let grown = |(path, count): (&String, &u64)| (path.clone(), count + count * per_cent / 100);
    figures.iter().map(grown).collect()
}

#[test]
fn what_was_checked_in_passes_and_so_does_what_is_faster() {
    let figures = figures();
    assert!(figures.len() >= 17, "{figures:?}");
    assert!(judge(&figures, &figures).is_empty());
    let halved = figures
        .iter()
        .map(|(path, count)| (path.clone(), count / 2));
    assert!(judge(&figures, &halved.collect()).is_empty());
    assert!(judge(&figures, &grown(&figures, GROWTH_MAX_PERCENT)).is_empty());
}

#[test]
fn every_path_that_has_grown_is_named() {
    let figures = figures();
    // Two per cent more than allowed: the smallest figures are rounded down.
    let faults = judge(&figures, &grown(&figures, GROWTH_MAX_PERCENT + 2));
    assert_eq!(faults.len(), figures.len(), "{faults:?}");
    for (path, fault) in figures.keys().zip(&faults) {
        assert!(fault.starts_with(path.as_str()), "{fault}");
    }
}

#[test]
fn a_path_without_a_figure_and_a_figure_without_a_path_are_faults() {
    let mut fewer = figures();
    let (path, _) = fewer.pop_first().expect("a figure");
    for faults in [judge(&fewer, &figures()), judge(&figures(), &fewer)] {
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with(&path), "{faults:?}");
    }
}
