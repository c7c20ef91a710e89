//! A snapshot as OpenMetrics text, which Prometheus reads.

mod page;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::{Registry, Unit};

use super::alarm::AlarmKind;
use super::figures::SpoolFigures;
use super::latency::Stage;
use super::pulse::PulseState;
use super::snapshot::Snapshot;
use crate::clock::Synchronization;
use page::Page;

/// The media type of [`metrics`].
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the unit, named `rsu_*`.
///
/// # Errors
/// None that is known: writing to memory does not fail.
pub(super) fn metrics(snapshot: Snapshot, pulses: Vec<PulseState>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("rsu");
    registry.register_collector(Box::new(Source { snapshot, pulses }));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Source {
    snapshot: Snapshot,
    pulses: Vec<PulseState>,
}

impl Collector for Source {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        self.program(&mut page)?;
        self.stages(&mut page)?;
        self.spools(&mut page)?;
        self.uplink(&mut page)?;
        self.clock(&mut page)?;
        self.alarms(&mut page)?;
        self.machine(&mut page)
    }
}

impl Source {
    fn program(&self, page: &mut Page<'_>) -> fmt::Result {
        let version = self.snapshot.software_version.as_str();
        page.gauges(
            "build_info",
            "Version of the program",
            None,
            "version",
            [(version, 1.0)],
        )?;
        let process = self.snapshot.system.process;
        let of = |value: fn(super::system::Process) -> u64| process.map(|p| value(p) as f64);
        page.gauge(
            "process_resident",
            "Memory that the program occupies",
            Some(Unit::Bytes),
            of(|process| process.resident_bytes),
        )?;
        page.gauge(
            "process_open_files",
            "File descriptors that the program holds",
            None,
            of(|process| process.open_files),
        )?;
        page.gauge(
            "process_threads",
            "Threads of the program",
            None,
            of(|process| process.threads),
        )?;
        let silent = self
            .pulses
            .iter()
            .map(|pulse| (pulse.name, pulse.silent_for.as_secs_f64()));
        page.gauges(
            "task_silent",
            "Time since a task's last sign of life",
            Some(Unit::Seconds),
            "task",
            silent,
        )?;
        let stalled = self
            .pulses
            .iter()
            .map(|pulse| (pulse.name, flag(pulse.is_stalled())));
        page.gauges(
            "task_stalled",
            "Whether a task makes no progress",
            None,
            "task",
            stalled,
        )
    }

    fn stages(&self, page: &mut Page<'_>) -> fmt::Result {
        let snapshot = &self.snapshot;
        page.counters(
            "handled",
            "What each stage has handled",
            "stage",
            snapshot.stages.iter().copied(),
        )?;
        page.counters(
            "dropped",
            "What was dropped, by reason",
            "reason",
            snapshot.drops.iter().copied(),
        )?;
        let latency = Stage::ALL.into_iter().map(Stage::name);
        page.histograms(
            "latency",
            "How long each stage takes",
            Unit::Seconds,
            "stage",
            latency.zip(&snapshot.latency),
        )
    }

    fn spools(&self, page: &mut Page<'_>) -> fmt::Result {
        let spools = &self.snapshot.spools;
        let millis = |value: Option<u64>| value.map(|millis| millis as f64 / 1_000.0);
        let known = |value: fn(&SpoolFigures) -> Option<u64>| {
            let known = move |spool: &SpoolFigures| Some((spool.name, millis(value(spool))?));
            spools.iter().filter_map(known).collect::<Vec<_>>()
        };
        page.gauges(
            "spool_records",
            "Records that wait for their acknowledgement",
            None,
            "spool",
            spools
                .iter()
                .map(|spool| (spool.name, spool.records as f64)),
        )?;
        page.gauges(
            "spool_waiting",
            "Bytes of the records that wait",
            Some(Unit::Bytes),
            "spool",
            spools.iter().map(|spool| (spool.name, spool.bytes as f64)),
        )?;
        page.gauges(
            "spool_oldest_age",
            "Age of the oldest record that waits",
            Some(Unit::Seconds),
            "spool",
            known(|spool| spool.oldest_age_ms),
        )?;
        page.gauges(
            "spool_drain",
            "Estimated time until no record waits, while they get less",
            Some(Unit::Seconds),
            "spool",
            known(|spool| spool.drain_ms),
        )?;
        page.counters(
            "spool_dropped",
            "Records dropped since installation",
            "spool",
            spools.iter().map(|spool| (spool.name, spool.dropped)),
        )?;
        page.counters(
            "spool_damaged",
            "Records found damaged",
            "spool",
            spools.iter().map(|spool| (spool.name, spool.damaged)),
        )
    }

    fn uplink(&self, page: &mut Page<'_>) -> fmt::Result {
        let uplink = &self.snapshot.uplink;
        page.gauge(
            "uplink_connected",
            "Whether the broker is connected",
            None,
            Some(flag(uplink.is_connected)),
        )?;
        page.counter(
            "uplink_connections",
            "Connections to the broker",
            uplink.connections,
        )?;
        page.counter(
            "uplink_published",
            "Publishes written to the broker",
            uplink.published,
        )?;
        page.counter(
            "uplink_acknowledged",
            "Publishes that the broker acknowledged",
            uplink.acknowledged,
        )
    }

    fn clock(&self, page: &mut Page<'_>) -> fmt::Result {
        let clock = self.snapshot.clock;
        let synchronized = match clock.synchronization {
            Synchronization::Synchronized => Some(1.0),
            Synchronization::Unsynchronized => Some(0.0),
            Synchronization::Unknown => None,
        };
        page.gauge(
            "clock_synchronized",
            "Whether the clock follows a reference",
            None,
            synchronized,
        )?;
        page.gauge(
            "clock_error",
            "Error of the synchronised clock",
            Some(Unit::Seconds),
            clock.error_ms.map(|millis| f64::from(millis) / 1_000.0),
        )?;
        let kernel = self.snapshot.kernel_clock;
        page.gauge(
            "clock_error_bound",
            "Bound of the clock's error, as the kernel keeps it",
            Some(Unit::Seconds),
            kernel.map(|kernel| kernel.max_error.as_secs_f64()),
        )?;
        page.gauge(
            "snapshot_time",
            "Time of these figures, since 1970",
            Some(Unit::Seconds),
            Some(self.snapshot.time.as_secs_f64()),
        )
    }

    fn alarms(&self, page: &mut Page<'_>) -> fmt::Result {
        let is_set = |kind| self.snapshot.alarms.iter().any(|alarm| alarm.kind == kind);
        page.gauges(
            "alarm_active",
            "Whether an alarm is set",
            None,
            "kind",
            AlarmKind::ALL.map(|kind| (kind.name(), flag(is_set(kind)))),
        )?;
        let counts = AlarmKind::ALL.into_iter().zip(self.snapshot.alarm_counts);
        page.counters(
            "alarms",
            "How often an alarm has begun since installation",
            "kind",
            counts.map(|(kind, count)| (kind.name(), count)),
        )
    }

    fn machine(&self, page: &mut Page<'_>) -> fmt::Result {
        let system = &self.snapshot.system;
        let used = system.cpu.and_then(|cpu| cpu.utilization_percent);
        page.gauge(
            "cpu_used",
            "Share of the processors' time that is not idle",
            Some(Unit::Other("ratio".into())),
            used.map(|percent| percent / 100.0),
        )?;
        let megabytes = |megabytes: u64| (megabytes << 20) as f64;
        page.gauge(
            "memory_available",
            "Memory that programs can have",
            Some(Unit::Bytes),
            system.mem.map(|memory| megabytes(memory.free)),
        )?;
        page.gauge(
            "disk_available",
            "Space on the file system of the data",
            Some(Unit::Bytes),
            system.disk.map(|disk| megabytes(disk.free)),
        )?;
        page.gauge(
            "uptime",
            "Time since the boot",
            Some(Unit::Seconds),
            system.uptime_s.map(|seconds| seconds as f64),
        )?;
        let temperatures = system.temperatures_c.iter();
        page.gauges(
            "temperature",
            "Temperature by sensor",
            Some(Unit::Celsius),
            "sensor",
            temperatures.map(|(sensor, celsius)| (sensor.as_str(), *celsius)),
        )
    }
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[cfg(test)]
mod tests;
