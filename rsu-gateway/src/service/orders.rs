//! Carrying out what follows from the platform's commands.

use std::fmt::Display;
use std::process::Command;

use rsu_firmware::time::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{Duration, sleep};
use tracing::{info, warn};

use crate::downlink::{Effect, LogLevel, Order, Refusal};
use crate::logging::{Filter, LogControl};
use crate::mqtt::{BrokerAddress, Controls, Settings};
use crate::station::Reporting;

/// What orders work on beside the platform part.
pub(super) struct Orders {
    log: LogControl,
    /// The brokers of the configuration.
    brokers: Vec<BrokerAddress>,
    /// The program that starts the machine anew, and its arguments.
    reboot: Vec<String>,
}

/// How long a reboot waits for the answer before it to leave.
const FAREWELL: Duration = Duration::from_secs(2);

impl Orders {
    pub(super) fn new(log: LogControl, brokers: Vec<BrokerAddress>, reboot: &[String]) -> Self {
        let reboot = reboot.to_vec();
        Self {
            log,
            brokers,
            reboot,
        }
    }

    /// Carries an order out, and says so once what it led to is on disk.
    pub(super) fn carry_out(&self, now: Timestamp, order: Order, reporting: &mut Reporting) {
        let done = match &order.effect {
            Effect::LogLevel(level) => {
                self.set_log_level(*level);
                Ok(())
            }
            Effect::Broker(url) => self.turn_to(url, reporting.controls()),
            Effect::Replay(query) => {
                let replayed = reporting.replay(query.class, query.from..=query.to);
                replayed.map_err(|error| Refusal::local_error(error.to_string()))
            }
            Effect::Reboot => return self.reboot(order),
            effect => {
                let number = reporting.handle_effect(now, effect);
                return settle(order, number, reporting);
            }
        };
        if let Err(refusal) = &done {
            warn!(effect = ?order.effect, %refusal, "a command was not carried out");
        }
        order.finish(done);
    }

    pub(super) fn set_log_level(&self, level: LogLevel) {
        let filter = match level {
            LogLevel::Debug => "info,rsu_gateway=debug,rsu_firmware=debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
            LogLevel::Off => "off",
        };
        let filter = filter.parse::<Filter>().unwrap_or_default();
        if let Err(error) = self.log.set_filter(&filter) {
            warn!(%error, "the log level stays");
        }
    }

    /// Puts a broker before those of the configuration.
    fn turn_to(&self, url: &str, controls: &Controls) -> Result<(), Refusal> {
        fn refused(error: impl Display) -> Refusal {
            Refusal::bad_parameter(format!("cssUrl: {error}"))
        }
        let mut first: BrokerAddress = url.parse().map_err(refused)?;
        // The platform moves; who we are there does not change.
        let login = self.brokers.first().and_then(|broker| broker.login.clone());
        first.login = first.login.or(login);
        let is_other = |broker: &&BrokerAddress| broker.to_string() != first.to_string();
        let others = self.brokers.iter().filter(is_other).cloned();
        let brokers = [first.clone()].into_iter().chain(others);
        let brokers = brokers.take(Settings::BROKERS_MAX).collect();
        controls.set_brokers(brokers).map_err(refused)
    }

    fn reboot(&self, order: Order) {
        let [program, arguments @ ..] = &self.reboot[..] else {
            return order.finish(Err(Refusal::local_error("no command reboots this unit")));
        };
        let program = program.clone();
        let mut command = Command::new(&program);
        command.args(arguments);
        tokio::spawn(async move {
            sleep(FAREWELL).await;
            info!(program, "rebooting");
            let asked = spawn_blocking(move || command.status()).await;
            let failed = |why: String| Refusal::local_error(format!("{program}: {why}"));
            order.finish(match asked {
                Ok(Ok(status)) if status.success() => Ok(()),
                Ok(Ok(status)) => Err(failed(status.to_string())),
                Ok(Err(error)) => Err(failed(error.to_string())),
                Err(error) => Err(failed(error.to_string())),
            });
        });
    }
}

/// An order is done when the record that it led to is on disk.
fn settle(order: Order, number: Option<u64>, reporting: &Reporting) {
    let Some(number) = number else {
        return order.finish(Ok(()));
    };
    let spool = reporting.durable().clone();
    tokio::spawn(async move {
        let durable = spool.committed(number).await;
        order.finish(durable.map_err(|error| Refusal::local_error(error.to_string())));
    });
}
