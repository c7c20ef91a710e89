//! A program under measurement, as a process of its own: this benchmark's executable once more, in
//! another role, so that all are built alike.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::process::{TemporaryFolder, free_addresses};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `rsu run` with the limits of the contract as high as it allows, so that everything goes up,
    /// and each BSM at once, in a list of one.
    OursAtOnce,
    /// `rsu run` as it comes: it fuses everything, and what goes up is limited.
    OursByDefault,
    /// The comparison.
    Straightforward,
}

impl Program {
    pub(crate) const ALL: [Self; 3] =
        [Self::OursAtOnce, Self::OursByDefault, Self::Straightforward];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OursAtOnce => "ours, everything at once",
            Self::OursByDefault => "ours, by default",
            Self::Straightforward => "asn1-codecs + serde_json + rumqttc",
        }
    }
}

/// The running program. It is killed when this is dropped.
pub(crate) struct Subject {
    child: Child,
    program: Program,
    pub(crate) started: Instant,
    pub(crate) listen: SocketAddr,
    metrics: SocketAddr,
    _folder: TemporaryFolder,
}

impl Subject {
    /// Starts `program`, which publishes to `broker`.
    pub(crate) fn start(program: Program, broker: SocketAddr) -> io::Result<Self> {
        let folder = TemporaryFolder::new("path")?;
        let [listen, metrics] = free_addresses();
        let mut command = Command::new(std::env::current_exe()?);
        match program {
            Program::Straightforward => {
                command.args(["straightforward", &listen.to_string(), &broker.to_string()]);
            }
            Program::OursAtOnce | Program::OursByDefault => {
                let config = folder.path().join("rsu.toml");
                let text = configuration(program, listen, metrics, broker, folder.path());
                fs::write(&config, text)?;
                command.args(["rsu", "run", "--log-level", "error", "--config"]);
                command.arg(config);
            }
        }
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Self {
            child,
            program,
            started,
            listen,
            metrics,
            _folder: folder,
        })
    }

    /// Time on processors so far.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let stat = self.proc("stat")?;
        // The name of the program, in brackets, may hold spaces.
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
    }

    /// Memory that it occupies, in bytes.
    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kilobytes.unwrap_or(0) * 1_024)
    }

    /// What it says it has dropped so far, by reason; the comparison says nothing.
    pub(crate) fn dropped(&self) -> io::Result<BTreeMap<String, u64>> {
        if self.program == Program::Straightforward {
            return Ok(BTreeMap::new());
        }
        let mut connection = TcpStream::connect(self.metrics)?;
        let host = self.metrics;
        write!(
            connection,
            "GET /metrics HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )?;
        let mut page = String::new();
        connection.read_to_string(&mut page)?;
        if !page.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(page));
        }
        let reason = |line: &str| {
            let (name, count) = line.rsplit_once(' ')?;
            let reason = name.strip_prefix("rsu_dropped_total{reason=\"")?;
            Some((reason.strip_suffix("\"}")?.to_owned(), count.parse().ok()?))
        };
        Ok(page.lines().filter_map(reason).collect())
    }

    /// Datagrams that the kernel has dropped so far because the program did not fetch them.
    pub(crate) fn overflowed(&self) -> io::Result<u64> {
        let port = format!(":{:04X}", self.listen.port());
        let sockets = self.proc("net/udp")?;
        let of_port = |line: &&str| {
            let address = line.split_whitespace().nth(1);
            address.is_some_and(|address| address.ends_with(&port))
        };
        let drops = sockets.lines().find(of_port);
        let drops = drops.and_then(|line| line.split_whitespace().last()?.parse().ok());
        Ok(drops.unwrap_or(0))
    }

    fn proc(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))
    }
}

/// `USER_HZ` of Linux, the same on all its architectures that are of interest here.
const TICKS_PER_SECOND: u64 = 100;

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended by itself, which shows as a loss of everything.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn configuration(
    program: Program,
    listen: SocketAddr,
    metrics: SocketAddr,
    broker: SocketAddr,
    folder: &Path,
) -> String {
    let at_once = match program {
        Program::OursAtOnce => AT_ONCE,
        _ => "",
    };
    let folder = folder.display();
    format!(
        "[unit]\nid = \"R1\"\nesn = \"E1\"\n\
         [radio]\nlisten = \"{listen}\"\n\
         [mqtt]\nbrokers = [\"mqtt://{broker}\"]\n\
         {at_once}\
         [storage]\nfolder = \"{folder}\"\nfree_bytes_min = 0\n\
         [health]\nlisten = \"{metrics}\"\n"
    )
}

const AT_ONCE: &str = "[reports]\nbsm_batch_messages_max = 1\n\
    [sampling]\nbsm_rate = 10000\nbsm_up_limit = 10000\nmap_up_limit = -1\nspat_up_limit = -1\n";
