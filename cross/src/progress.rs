//! A line in the terminal for each unit that is updated.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rsu_image::flash::report::told;
use rsu_image::flash::{Outcome, Step};
use std::time::Duration;

/// The lines of all units.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    bundle_bytes: u64,
}

/// The line of one unit.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bars {
    pub(crate) fn new(bundle_bytes: u64) -> Self {
        Self {
            all: MultiProgress::new(),
            bundle_bytes,
        }
    }

    pub(crate) fn unit(&self, name: &str) -> Bar {
        let bar = self.all.add(ProgressBar::new(self.bundle_bytes));
        let template = "{prefix:20} {bar:24} {bytes:>10} of {total_bytes} {elapsed:>4}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        // The time goes on while the unit is silent.
        bar.enable_steady_tick(Duration::from_secs(1));
        Bar(bar)
    }
}

impl Bar {
    pub(crate) fn show(&self, step: Step) {
        match step {
            Step::Sending(bytes) => {
                self.0.set_message("sending");
                self.0.set_position(bytes);
            }
            Step::Installing => self.0.set_message("checking and writing"),
            Step::OnTrial => self.0.set_message("restarted, on trial"),
        }
    }

    pub(crate) fn end(&self, outcome: &Outcome) {
        self.0.abandon_with_message(told(outcome));
    }
}
