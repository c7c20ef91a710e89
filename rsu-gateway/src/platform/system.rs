//! How the machine is doing: `runningInfo` of T/ITS 0117, from `/proc` and `statvfs`.
//!
//! Rates are means since the sample before; the first sample has none. What cannot be read is
//! left out, never guessed.

use std::fs;
use std::path::PathBuf;

use rsu_firmware::time::Timestamp;
use serde::Serialize;

/// The machine at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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
}

/// Processors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cpu {
    /// Load average over one minute.
    pub load: f64,
    /// Share of time not idle, in percent; a string in the draft, such as `12.5`.
    #[serde(
        rename = "uti",
        skip_serializing_if = "Option::is_none",
        serialize_with = "percent"
    )]
    pub utilization_percent: Option<f64>,
}

/// Memory in MB (2^20 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CpuTicks {
    all: u64,
    idle: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct DiskCounters {
    transfers: u64,
    sectors_read: u64,
    sectors_written: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct NetCounters {
    packets_received: u64,
    packets_transmitted: u64,
    bytes_received: u64,
    bytes_transmitted: u64,
}

/// Bytes of a sector in `/proc/diskstats`, whatever the device's are.
const SECTOR_BYTES: f64 = 512.0;

impl SystemSampler {
    /// Samples this machine, and the file system that holds the folder `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            proc: PathBuf::from("/proc"),
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

/// Per second, to two decimals; zero when a counter went back, as when a device goes.
fn rate(now: u64, before: u64, seconds: f64, unit: f64) -> f64 {
    let per_second = now.saturating_sub(before) as f64 * unit / seconds;
    (per_second * 100.0).round() / 100.0
}

fn percent<S: serde::Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(&format_args!("{value:.1}")),
        None => serializer.serialize_none(),
    }
}

fn parse_load(loadavg: &str) -> Option<f64> {
    loadavg.split_whitespace().next()?.parse().ok()
}

impl CpuTicks {
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user nice system idle iowait irq softirq steal; guest time is part of user time.
        let ticks = line
            .split_whitespace()
            .take(8)
            .map(|field| field.parse::<u64>().ok());
        let ticks = ticks.collect::<Option<Vec<_>>>()?;
        let at = |place: usize| ticks.get(place).copied().unwrap_or(0);
        Some(Self {
            all: ticks
                .iter()
                .fold(0, |all, ticks| all.saturating_add(*ticks)),
            idle: at(3).saturating_add(at(4)),
        })
    }

    fn busy_percent_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let idle = self.idle.saturating_sub(before.idle).min(all);
        Some((all - idle) as f64 * 100.0 / all as f64)
    }
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

impl DiskCounters {
    /// Sums up whole devices; partitions, and devices made of others, would count twice.
    fn parse(diskstats: &str) -> Self {
        let mut sum = Self::default();
        for line in diskstats.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number = |place: usize| {
                let field = fields.get(place);
                field
                    .and_then(|field| field.parse::<u64>().ok())
                    .unwrap_or(0)
            };
            if fields.get(2).is_some_and(|name| is_whole_device(name)) {
                sum.transfers = sum
                    .transfers
                    .saturating_add(number(3))
                    .saturating_add(number(7));
                sum.sectors_read = sum.sectors_read.saturating_add(number(5));
                sum.sectors_written = sum.sectors_written.saturating_add(number(9));
            }
        }
        sum
    }
}

/// By the kernel's names: `sda`, `vda`, `mmcblk0`, `nvme0n1`, not `sda1`, `mmcblk0p1`, `loop0`,
/// `dm-0`.
fn is_whole_device(name: &str) -> bool {
    let ends_in_digit = name.ends_with(|c: char| c.is_ascii_digit());
    if name.starts_with("mmcblk") || name.starts_with("nvme") {
        return ends_in_digit && !name.contains('p') && !name.contains("boot");
    }
    let disks = ["sd", "vd", "hd", "xvd"];
    disks.iter().any(|prefix| name.starts_with(prefix)) && !ends_in_digit
}

impl NetCounters {
    fn parse(dev: &str) -> Self {
        let mut sum = Self::default();
        for line in dev.lines() {
            let Some((name, counters)) = line.split_once(':') else {
                continue;
            };
            if name.trim() == "lo" {
                continue;
            }
            let fields: Vec<u64> = counters
                .split_whitespace()
                .map(|field| field.parse().unwrap_or(0))
                .collect();
            let at = |place: usize| fields.get(place).copied().unwrap_or(0);
            sum.bytes_received = sum.bytes_received.saturating_add(at(0));
            sum.packets_received = sum.packets_received.saturating_add(at(1));
            sum.bytes_transmitted = sum.bytes_transmitted.saturating_add(at(8));
            sum.packets_transmitted = sum.packets_transmitted.saturating_add(at(9));
        }
        sum
    }

    fn rates_since(self, before: Self, seconds: f64) -> Network {
        let rate = |now, before| rate(now, before, seconds, 1.0);
        Network {
            rx: rate(self.packets_received, before.packets_received),
            tx: rate(self.packets_transmitted, before.packets_transmitted),
            rx_byte: rate(self.bytes_received, before.bytes_received),
            tx_byte: rate(self.bytes_transmitted, before.bytes_transmitted),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn processor_time_not_idle_counts_as_busy() {
        let ticks = |text| CpuTicks::parse(text).unwrap();
        let before = ticks("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1");
        let now = ticks("cpu  150 0 100 850 100 0 0 0 50 0\n");
        assert_eq!(now.busy_percent_since(before), Some(25.0));
        assert_eq!(before.busy_percent_since(before), None);
        assert_eq!(before.busy_percent_since(now), None);
    }

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
    fn partitions_and_loop_devices_are_not_counted_twice() {
        let diskstats = "\
            7 0 loop0 9 9 9 9 9 9 9 9 9 9 9\n\
            8 0 sda 10 0 200 0 30 0 400 0 0 0 0\n\
            8 1 sda1 10 0 200 0 30 0 400 0 0 0 0\n\
            179 0 mmcblk0 1 0 2 0 3 0 4 0 0 0 0\n\
            179 1 mmcblk0p1 1 0 2 0 3 0 4 0 0 0 0\n";
        let sum = DiskCounters {
            transfers: 44,
            sectors_read: 202,
            sectors_written: 404,
        };
        assert_eq!(DiskCounters::parse(diskstats), sum);
    }

    #[test]
    fn the_loopback_is_not_the_network() {
        let dev = "\
            Inter-|   Receive    |  Transmit\n face |bytes packets|bytes packets\n\
            lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0\n\
            eth0:1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n";
        let now = NetCounters::parse(dev);
        let rates = now.rates_since(NetCounters::default(), 4.0);
        assert_eq!(
            rates,
            Network {
                rx: 2.5,
                tx: 5.0,
                rx_byte: 250.0,
                tx_byte: 500.0
            }
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
        let second = sampler.sample(Timestamp::from_millis(1_000));
        assert!(second.net.is_some() && second.disk.unwrap().tps.is_some());
    }

    #[test]
    fn without_proc_there_is_nothing_to_say() {
        let mut sampler = SystemSampler::new("/no/such/folder");
        sampler.proc = PathBuf::from("/no/such/folder");
        assert_eq!(
            sampler.sample(Timestamp::from_millis(0)),
            SystemSample::default()
        );
    }

    proptest! {
        #[test]
        fn whatever_proc_says_is_read_without_a_panic(text in "[a-z0-9: \\n.|-]{0,200}") {
            parse_load(&text);
            CpuTicks::parse(&text);
            Memory::parse(&text);
            DiskCounters::parse(&text);
            NetCounters::parse(&text);
        }
    }
}
