//! The updater, joined to the rest: what it learns of the unit, and how its statuses leave.

use std::io;
use std::sync::Arc;

use rsu_firmware::time::Timestamp;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::spawn_blocking;
use tokio::time::{Duration, sleep};
use tracing::warn;

use crate::clock;
use crate::config::Config;
use crate::downlink::{Effect, Order, Refusal};
use crate::health::self_check::with_pulses;
use crate::health::{Board, Pulses};
use crate::spool::fs::Os;
use crate::station::Reporting;
use crate::update::{Host, Outside, Untold, Updater};

/// Updates of the software, where the unit can be updated.
pub(super) struct Updates {
    updater: Option<Updater>,
    statuses: UnboundedReceiver<Untold>,
}

/// How long to wait before telling a status again that the spool did not take.
const TELL_PAUSE: Duration = Duration::from_secs(10);

impl Updates {
    /// Starts the updater, where the configuration has one. The second value says what could not
    /// be read.
    pub(super) fn start(
        config: &Config,
        board: Board,
        pulses: Pulses,
    ) -> io::Result<(Self, Option<String>)> {
        let (tell, statuses) = mpsc::unbounded_channel();
        let Some((settings, rauc)) = config.update() else {
            let updater = None;
            return Ok((Self { updater, statuses }, None));
        };
        if let Err(error) = &settings.at_work {
            warn!(%error, "the version at work is not known: updates will be refused");
        }
        let outside = Outside {
            installer: Box::new(rauc),
            machine: Box::new(Host {
                clock: config.clock(),
                reboot_command: config.reboot_command().to_vec(),
            }),
            checks: Box::new(move || with_pulses(board.latest().checks, &pulses.states())),
            tell: Box::new(move |untold| {
                // Nobody listens any more when the program ends; it is told at the next start.
                let _ = tell.send(untold);
            }),
        };
        let (updater, unreadable) = Updater::start(Arc::new(Os), settings, outside)?;
        let updater = Some(updater);
        Ok((Self { updater, statuses }, unreadable))
    }

    /// The updater, where there is one.
    pub(super) fn updater(&self) -> Option<&Updater> {
        self.updater.as_ref()
    }

    /// Hands an order to the updater, and says how it went once that is on disk.
    pub(super) fn take(&self, now: Timestamp, order: Order) {
        let Some(updater) = self.updater.clone() else {
            let text = "this unit is not set up for updates: its configuration has no [update]";
            return order.finish(Err(Refusal::local_error(text)));
        };
        tokio::spawn(async move {
            let Effect::Upgrade(upgrade, seq_num) = order.effect.clone() else {
                return order.finish(Err(Refusal::local_error("no update")));
            };
            let now_ms = now.as_millis();
            let taken = spawn_blocking(move || updater.take(&upgrade, &seq_num, now_ms)).await;
            order.finish(taken.unwrap_or_else(|error| {
                Err(Refusal::local_error(format!("the updater failed: {error}")))
            }));
        });
    }

    /// The next status that is to be told.
    pub(super) async fn status(&mut self) -> Untold {
        match self.statuses.recv().await {
            Some(untold) => untold,
            // Without an updater there never is one.
            None => std::future::pending().await,
        }
    }

    /// Tells the platform, and the updater when that is on disk.
    pub(super) fn tell(&self, untold: Untold, reporting: &mut Reporting) {
        let Some(updater) = self.updater.clone() else {
            return;
        };
        let number = reporting.update_status(clock::now(), &untold.status);
        let spool = reporting.durable().clone();
        tokio::spawn(async move {
            let durable = match number {
                Some(number) => spool.committed(number).await,
                // It is not kept, as configured, or the contract has no place for it.
                None => Ok(()),
            };
            match durable {
                Ok(()) => drop(spawn_blocking(move || updater.told(&untold)).await),
                Err(error) => {
                    warn!(%error, "the status of an update is not on disk yet");
                    sleep(TELL_PAUSE).await;
                    updater.tell_again(untold);
                }
            }
        });
    }

    /// Ends the updater, wherever it is.
    pub(super) fn stop(&self) {
        if let Some(updater) = &self.updater {
            updater.stop();
        }
    }
}
