//! Counters that the kernel keeps since boot, and the rates between two looks at them.

use super::Network;

/// Time of all processors, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CpuTicks {
    all: u64,
    idle: u64,
}

/// Of all block devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskCounters {
    pub(super) transfers: u64,
    pub(super) sectors_read: u64,
    pub(super) sectors_written: u64,
}

/// Of all network interfaces but the loopback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NetCounters {
    packets_received: u64,
    packets_transmitted: u64,
    bytes_received: u64,
    bytes_transmitted: u64,
}

/// Per second, to two decimals; zero when a counter went back, as when a device goes.
pub(super) fn rate(now: u64, before: u64, seconds: f64, unit: f64) -> f64 {
    let per_second = now.saturating_sub(before) as f64 * unit / seconds;
    (per_second * 100.0).round() / 100.0
}

impl CpuTicks {
    pub(super) fn parse(stat: &str) -> Option<Self> {
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

    pub(super) fn busy_percent_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let idle = self.idle.saturating_sub(before.idle).min(all);
        Some((all - idle) as f64 * 100.0 / all as f64)
    }
}

impl DiskCounters {
    /// Sums up whole devices; partitions, and devices made of others, would count twice.
    pub(super) fn parse(diskstats: &str) -> Self {
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
    pub(super) fn parse(dev: &str) -> Self {
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

    pub(super) fn rates_since(self, before: Self, seconds: f64) -> Network {
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

    proptest! {
        #[test]
        fn whatever_proc_says_is_read_without_a_panic(text in "[a-z0-9: \\n.|-]{0,200}") {
            CpuTicks::parse(&text);
            DiskCounters::parse(&text);
            NetCounters::parse(&text);
        }
    }
}
