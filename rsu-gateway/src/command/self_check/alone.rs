//! The checks where no unit runs: radio, clock, broker and disk are tried from here.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Failure;
use crate::config::Config;
use crate::health::self_check::{self, Check, Need, RadioFacts};
use crate::mqtt::Uplink;
use crate::radio::Radio;
use crate::radio::udp::Udp;
use crate::spool::fs::{self, Fs, Os};

/// So long is listened for a frame.
const LISTEN_TIME: Duration = Duration::from_secs(3);

/// How often is looked whether the broker has accepted.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A file that says whether a file can be written.
const PROBE_NAME: &str = "self-check.probe";

pub(super) async fn checks(config: &Config) -> Result<Vec<Check>, Failure> {
    let (radio, uplink) = tokio::join!(radio(config), uplink(config));
    Ok(vec![
        radio,
        self_check::time(config.clock().quality()),
        uplink?,
        spool(config),
    ])
}

async fn radio(config: &Config) -> Check {
    let address = config.listen();
    let mut radio = match Udp::bind(address) {
        Ok(radio) => radio,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let advice = "another program listens there: the unit itself, if it runs without \
                          health.listen; set that to ask it";
            return Check::bad(Need::Radio, format!("{address} is taken"), advice);
        }
        Err(error) => {
            let advice = "set radio.listen to an address of this machine";
            return Check::bad(Need::Radio, format!("{address}: {error}"), advice);
        }
    };
    let heard = timeout(LISTEN_TIME, radio.receive()).await;
    let has_heard = matches!(heard, Ok(Ok(Some(_))));
    let errors = radio.dropped().receive_errors;
    self_check::radio(RadioFacts {
        frames: u64::from(has_heard),
        silent_for: has_heard.then_some(Duration::ZERO),
        is_failing: errors > 0,
    })
}

/// Connects as the unit would, under a name of its own: a unit that runs keeps its connection.
async fn uplink(config: &Config) -> Result<Check, Failure> {
    let mut settings = config.mqtt()?;
    settings.client_id.push_str("-self-check");
    settings.clean_session = true;
    let patience = settings.connect_timeout * u32::try_from(settings.brokers.len())?;
    let uplink = Uplink::new(settings, Vec::new())?;
    let observer = uplink.observer();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(uplink.run(async { drop(stopped.await) }));
    let connected = async {
        while !observer.is_connected() {
            sleep(LOOK_INTERVAL).await;
        }
    };
    let is_connected = timeout(patience, connected).await.is_ok();
    let stats = observer.snapshot();
    drop(stop);
    running.await?;
    Ok(self_check::uplink(
        is_connected,
        stats.broker.as_deref(),
        stats.last_error.as_deref(),
    ))
}

fn spool(config: &Config) -> Check {
    let folder = config.data_folder();
    let free_min = config.free_bytes_min();
    let advice = "let storage.folder be a folder that this user can write, with more than \
                  storage.free_bytes_min free";
    match probe(&Os, folder) {
        Err(error) => Check::bad(
            Need::Spool,
            format!("{}: {error}", folder.display()),
            advice,
        ),
        Ok(free) if free < free_min => {
            let seen = format!("{} bytes free, {free_min} are needed", free);
            Check::bad(Need::Spool, seen, advice)
        }
        Ok(free) => Check::good(Need::Spool, format!("writable, {} MiB free", free >> 20)),
    }
}

/// Writes and removes a file; tells the free bytes.
fn probe(disk: &dyn Fs, folder: &Path) -> io::Result<u64> {
    disk.create_folder(folder)?;
    let path = folder.join(PROBE_NAME);
    fs::replace(disk, &path, b"written and removed by rsu self-check\n")?;
    disk.remove(&path)?;
    disk.free_bytes(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spool::fs::Memory;

    #[test]
    fn the_probe_leaves_nothing_behind() {
        let disk = Memory::new();
        probe(&disk, Path::new("/data")).unwrap();
        assert_eq!(disk.list(Path::new("/data")).unwrap(), Vec::<String>::new());
        assert!(probe(&Os, Path::new("/proc/self")).is_err());
    }
}
