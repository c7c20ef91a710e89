#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rsu_firmware::time::Timestamp;

use super::*;
use crate::clock::{ClockQuality, KernelClock};
use crate::health::alarm::{ActiveAlarm, Severity};
use crate::health::latency::Latencies;
use crate::health::snapshot::UplinkFigures;
use crate::health::system::{Process, SystemSample};

/// A page that was read by the grammar of OpenMetrics 1.0.
#[derive(Debug, Default)]
struct Read {
    /// Type by name of the family.
    families: BTreeMap<String, String>,
    /// Values by sample, as name and labels.
    samples: BTreeMap<String, f64>,
}

/// Reads a page, and panics at what is wrong.
fn read(page: &str) -> Read {
    let mut read = Read::default();
    let mut help = BTreeSet::new();
    let body = page.strip_suffix("# EOF\n").expect("the page ends in EOF");
    for line in body.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let mut words = meta.splitn(3, ' ');
            let (what, family, text) = (words.next(), words.next(), words.next());
            let (family, text) = (family.unwrap().to_owned(), text.unwrap());
            assert!(is_name(&family), "{line}");
            match what {
                Some("HELP") => assert!(help.insert(family) && !text.is_empty(), "{line}"),
                Some("TYPE") => {
                    let is_known = ["counter", "gauge", "histogram"].contains(&text);
                    assert!(is_known && help.contains(&family), "{line}");
                    assert_eq!(read.families.insert(family, text.into()), None, "{line}");
                }
                Some("UNIT") => assert!(family.ends_with(&format!("_{text}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect(line);
        let name = sample.split('{').next().unwrap();
        assert!(is_name(name), "{line}");
        let family = read.families.iter().next_back();
        let (family, kind) = read
            .families
            .iter()
            .find(|(family, _)| {
                name.starts_with(family.as_str()) && suffix_fits(name, family, &read.families)
            })
            .or(family)
            .expect(line);
        let suffix = name.strip_prefix(family.as_str()).expect(line);
        let suffixes: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.contains(&suffix), "{line}: {family} is a {kind}");
        check_labels(sample.strip_prefix(name).unwrap());
        let value: f64 = value.parse().expect(line);
        assert_eq!(read.samples.insert(sample.into(), value), None, "{line}");
    }
    read
}

fn suffix_fits(name: &str, family: &str, families: &BTreeMap<String, String>) -> bool {
    let suffix = &name[family.len()..];
    match families[family].as_str() {
        "counter" => suffix == "_total",
        "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
        _ => suffix.is_empty(),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with("rsu_")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `{name="value",...}` or nothing.
fn check_labels(labels: &str) {
    if labels.is_empty() {
        return;
    }
    let mut rest = labels
        .strip_prefix('{')
        .and_then(|labels| labels.strip_suffix('}'))
        .expect(labels);
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect(labels);
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{labels}");
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = &after[end.expect(labels) + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn full() -> Snapshot {
    let latencies = Latencies::default();
    latencies.record(Stage::Frame, Duration::from_micros(90));
    latencies.record(Stage::Frame, Duration::from_millis(4));
    latencies.record(Stage::Frame, Duration::from_secs(7_200));
    Snapshot {
        time: Timestamp::from_millis(1_767_225_600_000),
        software_version: "0.1.0".into(),
        clock: ClockQuality {
            synchronization: Synchronization::Synchronized,
            error_ms: Some(1.5),
        },
        kernel_clock: Some(KernelClock {
            estimated_error: Duration::from_micros(1_500),
            max_error: Duration::from_millis(40),
        }),
        system: SystemSample {
            temperatures_c: vec![("a \"hot\" \\ sensor\n".into(), 48.5)],
            uptime_s: Some(3_600),
            process: Some(Process {
                resident_bytes: 9_000_000,
                open_files: 12,
                threads: 4,
            }),
            ..SystemSample::default()
        },
        checks: Vec::new(),
        drops: vec![("unknown_aid", 3), ("spat_over_limit", 0)],
        stages: vec![("frames_received", 9)],
        spools: vec![SpoolFigures {
            name: "durable",
            records: 5,
            bytes: 1_000,
            oldest_age_ms: Some(2_500),
            drain_ms: None,
            dropped: 7,
            damaged: 0,
        }],
        uplink: UplinkFigures {
            is_connected: true,
            connections: 2,
            published: 10,
            acknowledged: 8,
        },
        latency: latencies.distributions(),
        alarms: vec![ActiveAlarm {
            kind: AlarmKind::Authorization,
            severity: Severity::Critical,
            since_ms: 0,
            text: "refused".into(),
        }],
        alarm_counts: [1; AlarmKind::ALL.len()],
    }
}

#[test]
fn the_page_follows_the_grammar_and_says_what_the_snapshot_says() {
    let pulses = vec![PulseState {
        name: "radio",
        silent_for: Duration::from_secs(11),
        limit: Duration::from_secs(10),
    }];
    let page = metrics(full(), pulses).unwrap();
    let read = read(&page);
    let value = |sample: &str| {
        *read
            .samples
            .get(sample)
            .unwrap_or_else(|| panic!("{sample} in\n{page}"))
    };
    assert_eq!(value("rsu_dropped_total{reason=\"unknown_aid\"}"), 3.0);
    assert_eq!(value("rsu_handled_total{stage=\"frames_received\"}"), 9.0);
    assert_eq!(
        value("rsu_spool_oldest_age_seconds{spool=\"durable\"}"),
        2.5
    );
    assert_eq!(value("rsu_task_stalled{task=\"radio\"}"), 1.0);
    assert_eq!(value("rsu_alarm_active{kind=\"authorization\"}"), 1.0);
    assert_eq!(value("rsu_alarm_active{kind=\"enclosure\"}"), 0.0);
    assert_eq!(value("rsu_clock_error_seconds"), 0.0015);
    assert_eq!(value("rsu_build_info{version=\"0.1.0\"}"), 1.0);
    assert_eq!(value("rsu_uplink_connections_total"), 2.0);
    assert!(!page.contains("rsu_spool_drain_seconds"), "it is not known");
}

#[test]
fn buckets_add_up_and_end_in_infinity() {
    let page = metrics(full(), Vec::new()).unwrap();
    let read = read(&page);
    let bucket = |bound: &str| {
        let sample = format!("rsu_latency_seconds_bucket{{le=\"{bound}\",stage=\"frame\"}}");
        let swapped = format!("rsu_latency_seconds_bucket{{stage=\"frame\",le=\"{bound}\"}}");
        *read
            .samples
            .get(&sample)
            .or(read.samples.get(&swapped))
            .unwrap_or_else(|| panic!("{bound} in\n{page}"))
    };
    assert_eq!(bucket("0.0001"), 1.0);
    assert_eq!(bucket("0.005"), 2.0);
    assert_eq!(bucket("3600.0"), 2.0);
    assert_eq!(bucket("+Inf"), 3.0);
    assert_eq!(
        read.samples["rsu_latency_seconds_count{stage=\"frame\"}"],
        3.0
    );
}

#[test]
fn a_unit_that_knows_nothing_yet_has_a_valid_page() {
    let read = read(&metrics(Snapshot::default(), Vec::new()).unwrap());
    assert!(read.samples.len() > AlarmKind::ALL.len());
}
