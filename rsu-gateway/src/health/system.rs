//! How the machine is doing: `runningInfo` of T/ITS 0117, from `/proc`, `/sys` and `statvfs`, and
//! what the draft does not ask for: temperatures, and this program's own use.
//!
//! Rates are means since the sample before; the first sample has none. What cannot be read is
//! left out, never guessed.

mod counters;
mod process;
mod temperature;

use std::fs;
use std::path::PathBuf;

use rsu_firmware::time::Timestamp;
use serde::{Serialize, Serializer};

use counters::{CpuTicks, DiskCounters, NetCounters, rate};

pub use process::Process;

/// The machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SystemSample {
    /// Processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<Memory>,
    /// The file system of the program's data, and all block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// All network interfaces but the loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Network>,
    /// Temperatures in degrees Celsius, by sensor (ours).
    #[serde(
        rename = "temperaturesC",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "by_name"
    )]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, f64>"))]
    pub temperatures_c: Vec<(String, f64)>,
    /// Seconds since the boot (ours).
    #[serde(rename = "uptimeS", skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u64>,
    /// This program (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// Processors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cpu {
    /// Load average over one minute.
    pub load: f64,
    /// Share of time not idle, in percent; a string in the draft, such as `12.5`.
    #[serde(
        rename = "uti",
        skip_serializing_if = "Option::is_none",
        serialize_with = "percent"
    )]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub utilization_percent: Option<f64>,
}

/// Memory in MB (2^20 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Memory {
    /// All.
    pub total: u64,
    /// What programs cannot have.
    pub used: u64,
    /// What programs can have.
    pub free: u64,
}

/// Storage in MB (2^20 bytes), the unit that the draft gives for memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Disk {
    /// All of the file system.
    pub total: u64,
    /// What is taken.
    pub used: u64,
    /// What the program can have.
    pub free: u64,
    /// Transfers per second, all block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tps: Option<f64>,
    /// kB/s (2^10 bytes) written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<f64>,
    /// kB/s (2^10 bytes) read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<f64>,
}

/// Traffic per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Packets received.
    pub rx: f64,
    /// Packets transmitted.
    pub tx: f64,
    /// Bytes received.
    pub rx_byte: f64,
    /// Bytes transmitted.
    pub tx_byte: f64,
}

/// Takes samples, and remembers the counters of the last one.
#[derive(Debug)]
pub struct SystemSampler {
    proc: PathBuf,
    sys: PathBuf,
    data: PathBuf,
    before: Option<(Timestamp, Counters)>,
}

/// Counters of the kernel since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counters {
    cpu: Option<CpuTicks>,
    disk: Option<DiskCounters>,
    net: Option<NetCounters>,
}

/// Bytes of a sector in `/proc/diskstats`, whatever the device's are.
const SECTOR_BYTES: f64 = 512.0;

impl SystemSampler {
    /// Samples this machine, and the file system that holds the folder `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            sys: PathBuf::from("/sys"),
            data: data.into(),
            before: None,
        }
    }

    /// The machine at `now`.
    pub fn sample(&mut self, now: Timestamp) -> SystemSample {
        let read = |name: &str| fs::read_to_string(self.proc.join(name)).ok();
        let counters = Counters {
            cpu: read("stat").as_deref().and_then(CpuTicks::parse),
            disk: read("diskstats").as_deref().map(DiskCounters::parse),
            net: read("net/dev").as_deref().map(NetCounters::parse),
        };
        let load = read("loadavg").as_deref().and_then(parse_load);
        let mem = read("meminfo").as_deref().and_then(Memory::parse);
        let before = self.before.replace((now, counters));
        let since = before.and_then(|(then, before)| {
            let seconds = (now - then).as_secs_f64();
            (seconds > 0.0).then_some((seconds, before))
        });
        SystemSample {
            cpu: load.map(|load| Cpu {
                load,
                utilization_percent: since
                    .and_then(|(_, before)| counters.cpu?.busy_percent_since(before.cpu?)),
            }),
            mem,
            disk: self.disk(counters.disk, since),
            net: since.and_then(|(seconds, before)| {
                Some(counters.net?.rates_since(before.net?, seconds))
            }),
            temperatures_c: temperature::read(&self.sys),
            uptime_s: read("uptime").as_deref().and_then(parse_uptime),
            process: Process::read(&self.proc.join("self")),
        }
    }

    fn disk(&self, counters: Option<DiskCounters>, since: Option<(f64, Counters)>) -> Option<Disk> {
        let space = rustix::fs::statvfs(&self.data).ok()?;
        let megabytes = |blocks: u64| blocks.saturating_mul(space.f_frsize) >> 20;
        let rate = |value: fn(&DiskCounters) -> u64, unit: f64| {
            let (seconds, before) = since?;
            let (now, before) = (value(&counters?), value(&before.disk?));
            Some(rate(now, before, seconds, unit))
        };
        Some(Disk {
            total: megabytes(space.f_blocks),
            used: megabytes(space.f_blocks.saturating_sub(space.f_bfree)),
            free: megabytes(space.f_bavail),
            tps: rate(|disk| disk.transfers, 1.0),
            write: rate(|disk| disk.sectors_written, SECTOR_BYTES / 1024.0),
            read: rate(|disk| disk.sectors_read, SECTOR_BYTES / 1024.0),
        })
    }
}

fn percent<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(&format_args!("{value:.1}")),
        None => serializer.serialize_none(),
    }
}

fn by_name<S: Serializer>(values: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(name, value)| (name, value)))
}

fn parse_load(loadavg: &str) -> Option<f64> {
    loadavg.split_whitespace().next()?.parse().ok()
}

fn parse_uptime(uptime: &str) -> Option<u64> {
    uptime.split(['.', ' ']).next()?.parse().ok()
}

impl Memory {
    fn parse(meminfo: &str) -> Option<Self> {
        let kilobytes = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let total = kilobytes("MemTotal:")?;
        let available = kilobytes("MemAvailable:")?;
        Some(Self {
            total: total >> 10,
            used: total.saturating_sub(available) >> 10,
            free: available >> 10,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn memory_in_megabytes() {
        let meminfo = "MemTotal: 2048000 kB\nMemFree: 1 kB\nMemAvailable: 1024000 kB\n";
        let memory = Memory {
            total: 2000,
            used: 1000,
            free: 1000,
        };
        assert_eq!(Memory::parse(meminfo), Some(memory));
    }

    #[test]
    fn members_beyond_the_draft_have_names_of_their_own() {
        let sample = SystemSample {
            temperatures_c: vec![("cpu-thermal".into(), 48.5)],
            uptime_s: parse_uptime("350735.47 234388.90\n"),
            process: Some(Process {
                resident_bytes: 9_000_000,
                open_files: 12,
                threads: 4,
            }),
            ..SystemSample::default()
        };
        assert_eq!(
            serde_json::to_value(&sample).unwrap(),
            serde_json::json!({
                "temperaturesC": {"cpu-thermal": 48.5},
                "uptimeS": 350_735,
                "process": {"residentBytes": 9_000_000, "openFiles": 12, "threads": 4},
            })
        );
    }

    #[test]
    fn this_machine_has_memory_a_disk_and_from_the_second_sample_on_rates() {
        let mut sampler = SystemSampler::new("/");
        let first = sampler.sample(Timestamp::from_millis(0));
        assert!(first.mem.is_some_and(|memory| memory.total > 0));
        assert!(
            first
                .disk
                .is_some_and(|disk| disk.total > 0 && disk.tps.is_none())
        );
        assert_eq!(first.net, None);
        assert!(first.uptime_s.is_some_and(|uptime| uptime > 0));
        let second = sampler.sample(Timestamp::from_millis(1_000));
        assert!(second.net.is_some() && second.disk.unwrap().tps.is_some());
    }

    #[test]
    fn without_proc_and_sys_there_is_nothing_to_say() {
        let mut sampler = SystemSampler::new("/no/such/folder");
        sampler.proc = PathBuf::from("/no/such/folder");
        sampler.sys = PathBuf::from("/no/such/folder");
        assert_eq!(
            sampler.sample(Timestamp::from_millis(0)),
            SystemSample::default()
        );
    }

    proptest! {
        #[test]
        fn whatever_proc_says_is_read_without_a_panic(text in "[a-z0-9: \\n.|-]{0,200}") {
            parse_load(&text);
            parse_uptime(&text);
            Memory::parse(&text);
        }
    }
}
