//! Whether a hot path has grown.

use std::collections::BTreeMap;

/// Instructions a message, by hot path.
pub(crate) type Figures = BTreeMap<String, u64>;

/// A path may take so many per cent more instructions than its figure says.
pub(crate) const GROWTH_MAX_PERCENT: u64 = 5;

/// What is wrong: paths that have grown, and those that are only on one side.
pub(crate) fn judge(figures: &Figures, counted: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, count) in counted {
        match figures.get(path) {
            None => faults.push(format!("{path}: there is no figure for it")),
            Some(figure) if *count * 100 > figure * (100 + GROWTH_MAX_PERCENT) => {
                faults.push(format!(
                    "{path}: {count} instructions a message, not {figure}"
                ));
            }
            Some(_) => {}
        }
    }
    let uncounted = figures.keys().filter(|path| !counted.contains_key(*path));
    faults.extend(uncounted.map(|path| format!("{path}: it was not counted")));
    faults
}
