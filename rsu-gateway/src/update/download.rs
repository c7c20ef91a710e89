//! Fetches a bundle over HTTP: goes on where it was after any break, no faster than allowed.
//!
//! What counts as received is what was synced to disk and noted in the journal; the rest of the
//! file is cut off and fetched again. A server that has another file by now (`If-Range`), or does
//! not know ranges, begins at the beginning.

mod answer;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use super::journal::Position;
use crate::downlink::Upgrade;
use crate::http;
use crate::spool::fs::{self, File, Fs, Open};
use answer::{Answer, Refused};

/// So many bytes may have to be fetched again after a power cut.
const SYNC_BYTES: u64 = 1 << 20;

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 << 10;

/// Longest time until the server is reached, and until it says something more.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Longest wait between two attempts.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(120);

/// How often is looked whether to stop while waiting.
const STOP_PAUSE: Duration = Duration::from_millis(100);

/// Redirections that are followed; the password does not go with them.
const REDIRECTS_MAX: u32 = 3;

/// Fetches bundles.
#[derive(Clone, Debug)]
pub struct Downloader {
    /// Whom to trust when a server proves who it is: certificates in PEM.
    pub roots_file: PathBuf,
    /// Whether servers without TLS will do.
    pub allow_http: bool,
    /// Most bytes a second; `None` for no limit.
    pub bytes_per_second_max: Option<u64>,
    /// Largest bundle.
    pub bytes_max: u64,
    /// Free bytes of the file system that stay free.
    pub free_bytes_min: u64,
    /// First wait after a break; it doubles with each that brought nothing.
    pub retry_delay_min: Duration,
    /// A download is given up when the waits since the last byte that came sum up to this.
    pub patience: Duration,
}

/// Why a download ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The program stops; it goes on at the next start.
    Stopped,
    /// It is given up.
    Failed(String),
}

/// Why an attempt ended.
#[derive(Debug)]
enum Broken {
    /// Trying again may help.
    Again(String),
    End(End),
}

impl From<Refused> for Broken {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Again(why) => Self::Again(why),
            Refused::ForGood(why) => failed(why),
        }
    }
}

fn failed(why: impl Into<String>) -> Broken {
    Broken::End(End::Failed(why.into()))
}

/// Who is told how far a download has come, and says when to stop.
pub(super) trait Watch {
    /// So much is on disk.
    fn saved(&mut self, position: &Position) -> io::Result<()>;

    fn is_stopped(&self) -> bool;
}

impl Downloader {
    /// Fetches the bundle of `order` into the file `path`, from `position` on. Blocks.
    pub(super) fn download(
        &self,
        disk: &dyn Fs,
        path: &Path,
        order: &Upgrade,
        position: Position,
        watch: &mut dyn Watch,
    ) -> Result<(), End> {
        let agent = self.agent().map_err(End::Failed)?;
        let mut download = Download {
            settings: self,
            agent,
            disk,
            path,
            order,
            position,
            watch,
        };
        let mut delay = self.retry_delay_min;
        let mut waited = Duration::ZERO;
        loop {
            let before = download.position.received;
            let why = match download.attempt() {
                Ok(()) => return Ok(()),
                Err(Broken::End(end)) => return Err(end),
                Err(Broken::Again(why)) => why,
            };
            if download.position.received > before {
                (delay, waited) = (self.retry_delay_min, Duration::ZERO);
            }
            if waited >= self.patience {
                return Err(End::Failed(why));
            }
            tracing::info!(%why, ?delay, "the download is interrupted");
            sleep(delay, &*download.watch)?;
            waited += delay;
            delay = delay.saturating_mul(2).min(RETRY_DELAY_MAX);
        }
    }

    fn agent(&self) -> Result<Agent, String> {
        let tls = http::tls(&self.roots_file)
            .map_err(|error| format!("{}: {error}", self.roots_file.display()))?;
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .timeout_per_read(Some(SILENCE_MAX))
            .timeout_per_write(Some(SILENCE_MAX))
            .max_redirects(REDIRECTS_MAX)
            .https_only(!self.allow_http)
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .build();
        Ok(config.into())
    }
}

/// A download at work.
struct Download<'a> {
    settings: &'a Downloader,
    agent: Agent,
    disk: &'a dyn Fs,
    path: &'a Path,
    order: &'a Upgrade,
    position: Position,
    watch: &'a mut dyn Watch,
}

impl Download<'_> {
    fn attempt(&mut self) -> Result<(), Broken> {
        let mut file = self.open()?;
        if self.position.total == Some(self.position.received) && self.position.received > 0 {
            return Ok(());
        }
        let response = self.request()?;
        let answer = Answer::read(&response, &mut self.position)?;
        self.check_size()?;
        if answer == Answer::Complete {
            return Ok(());
        }
        let from = self.position.received;
        file.set_len(from).map_err(unwritable)?;
        self.saved()?;
        let mut body = response.into_body().into_reader();
        let received = self.receive(&mut body, &mut *file);
        // What has come before a break is worth keeping.
        let kept = match file.sync() {
            Ok(()) => self.saved(),
            Err(error) => Err(unwritable(error)),
        };
        received.and(kept)
    }

    fn open(&mut self) -> Result<Box<dyn File>, Broken> {
        let file = match self.disk.open(self.path, Open::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.position = Position::default();
                self.disk.open(self.path, Open::Create)
            }
            opened => opened,
        };
        let file = file.map_err(unwritable)?;
        if file.len().map_err(unwritable)? < self.position.received {
            self.position = Position::default();
        }
        Ok(file)
    }

    fn request(&mut self) -> Result<ureq::http::Response<ureq::Body>, Broken> {
        let mut request = self.agent.get(&self.order.url);
        request = request.header("Accept-Encoding", "identity");
        if let Some((user, password)) = &self.order.login {
            request = request.header("Authorization", http::basic_authorization(user, password));
        }
        match &self.position.validator {
            Some(validator) if self.position.received > 0 => {
                let range = format!("bytes={}-", self.position.received);
                request = request.header("Range", range).header("If-Range", validator);
            }
            _ => self.position = Position::default(),
        }
        request.call().map_err(|error| match error {
            ureq::Error::RequireHttpsOnly(_) => failed("a server without TLS: update.allow_http"),
            ureq::Error::TooManyRedirects => failed("too many redirections"),
            error => Broken::Again(error.to_string()),
        })
    }

    /// Whether what is to come is what was ordered, and has room.
    fn check_size(&self) -> Result<(), Broken> {
        let Some(total) = self.position.total else {
            return Ok(());
        };
        if let Some(bytes) = self.order.bytes.filter(|bytes| *bytes != total) {
            let text = format!("downloadSize: the server has {total} bytes, not {bytes}");
            return Err(failed(text));
        }
        self.check_limit(total)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let free = self.disk.free_bytes(folder).map_err(unwritable)?;
        let missing = total.saturating_sub(self.position.received);
        let needed = missing.saturating_add(self.settings.free_bytes_min);
        match free >= needed {
            true => Ok(()),
            false => Err(failed(format!(
                "no room: {needed} bytes are needed, {} of them to stay free, {free} are there",
                self.settings.free_bytes_min
            ))),
        }
    }

    fn check_limit(&self, bytes: u64) -> Result<(), Broken> {
        let max = self.settings.bytes_max;
        match bytes <= max {
            true => Ok(()),
            false => Err(failed(format!(
                "the bundle is longer than update.bundle_bytes_max, {max} bytes"
            ))),
        }
    }

    fn receive(&mut self, body: &mut dyn Read, file: &mut dyn File) -> Result<(), Broken> {
        let mut buffer = vec![0; READ_BYTES];
        let mut pace = Pace::new(self.settings.bytes_per_second_max);
        let begin = Instant::now();
        let mut unsynced = 0;
        loop {
            if self.watch.is_stopped() {
                return Err(Broken::End(End::Stopped));
            }
            let read = match body.read(&mut buffer) {
                Ok(read) => read,
                Err(error) => return Err(Broken::Again(error.to_string())),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let grown = self.position.received + bytes.len() as u64;
            if self.position.total.is_some_and(|total| grown > total) {
                return Err(failed("the server sends more than it said"));
            }
            self.check_limit(grown)?;
            fs::write_all_at(file, bytes, self.position.received).map_err(unwritable)?;
            self.position.received = grown;
            unsynced += bytes.len() as u64;
            if unsynced >= SYNC_BYTES {
                unsynced = 0;
                file.sync().map_err(unwritable)?;
                self.saved()?;
            }
            let wait = pace.wait(begin.elapsed(), bytes.len());
            sleep(wait, &*self.watch).map_err(Broken::End)?;
        }
        let received = self.position.received;
        match *self.position.total.get_or_insert(received) {
            total if received < total => Err(Broken::Again(format!(
                "the connection ended after {received} of {total} bytes"
            ))),
            _ => Ok(()),
        }
    }

    fn saved(&mut self) -> Result<(), Broken> {
        self.watch.saved(&self.position).map_err(unwritable)
    }
}

fn unwritable(error: io::Error) -> Broken {
    failed(match error.kind() {
        io::ErrorKind::StorageFull => "no room: the disk is full".to_owned(),
        _ => format!("the bundle cannot be written: {error}"),
    })
}

fn sleep(mut long: Duration, watch: &dyn Watch) -> Result<(), End> {
    while !long.is_zero() {
        if watch.is_stopped() {
            return Err(End::Stopped);
        }
        let some = long.min(STOP_PAUSE);
        thread::sleep(some);
        long -= some;
    }
    Ok(())
}

/// Keeps a rate, by waiting.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    bytes_per_second_max: Option<u64>,
    bytes: u64,
}

impl Pace {
    /// A pace of so many bytes a second; `None`: as fast as it goes.
    pub fn new(bytes_per_second_max: Option<u64>) -> Self {
        Self {
            bytes_per_second_max,
            bytes: 0,
        }
    }

    /// How long to wait after `count` more bytes, so long after the first.
    pub fn wait(&mut self, elapsed: Duration, count: usize) -> Duration {
        self.bytes = self.bytes.saturating_add(count as u64);
        let Some(rate) = self.bytes_per_second_max.filter(|rate| *rate > 0) else {
            return Duration::ZERO;
        };
        let millis = self.bytes.saturating_mul(1_000) / rate;
        Duration::from_millis(millis).saturating_sub(elapsed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
