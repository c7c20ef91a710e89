#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use proptest::prelude::*;
use rsu_firmware::driver::{Fix, FixQuality};
use rsu_firmware::time::Span;

use super::*;
use crate::clock::{ClockJump, ClockQuality, Synchronization};
use crate::device::{DeviceFacts, GnssFacts};
use crate::health::previous_run::PreviousRun;
use crate::spool::fs::{Fs, Memory};

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn at(seconds: u64) -> Moment {
    Moment {
        time: START + Span::from_millis(1_000 * i64::try_from(seconds).unwrap()),
        since_boot: Duration::from_secs(100 + seconds),
    }
}

fn well() -> Observations<'static> {
    Observations::default()
}

/// The only change, as kind, state and severity.
fn only(changes: &[AlarmChange]) -> (AlarmKind, AlarmState, Severity) {
    let [change] = changes else {
        panic!("one change is expected: {changes:?}");
    };
    (change.kind, change.state, change.severity)
}

/// What a unit that was well at first says to `facts`.
fn alarm_by(facts: &Observations<'_>) -> (AlarmKind, Severity) {
    let mut alarms = Alarms::default();
    assert_eq!(alarms.update(at(0), &well()), []);
    let (kind, state, severity) = only(&alarms.update(at(1), facts));
    assert_eq!(state, AlarmState::Set);
    (kind, severity)
}

#[test]
fn each_index_is_that_of_its_kind() {
    for (index, kind) in AlarmKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, index);
    }
}

#[test]
fn a_unit_that_is_well_has_no_alarm() {
    let mut alarms = Alarms::default();
    for second in 0..10_000 {
        assert_eq!(alarms.update(at(second), &well()), []);
    }
}

#[test]
fn every_cause_sets_its_alarm() {
    let failing = [SpoolFacts {
        name: "durable",
        state: StorageState::Failing,
        ..SpoolFacts::default()
    }];
    let facts = Observations {
        spools: &failing,
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::StorageIntegrity, Severity::Critical)
    );

    let unreadable = ["map-1.json: damaged".to_owned()];
    let facts = Observations {
        unreadable_files: &unreadable,
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::MessageFileIntegrity, Severity::Major)
    );

    let facts = Observations {
        login_refused: Some("bad user name or password"),
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::Authorization, Severity::Critical)
    );

    let facts = Observations {
        foreign_commands: 1,
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::Authorization, Severity::Minor)
    );

    let refused = ["rsu/R1/map/down".to_owned()];
    let facts = Observations {
        refused_filters: &refused,
        ..well()
    };
    assert_eq!(alarm_by(&facts), (AlarmKind::AccessList, Severity::Major));

    let facts = Observations {
        frames_shed: 1_001,
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::DenialOfService, Severity::Major)
    );

    let facts = Observations {
        commands_shed: 11,
        ..well()
    };
    assert_eq!(
        alarm_by(&facts),
        (AlarmKind::DenialOfService, Severity::Major)
    );
}

/// What is observed where the board's own parts say so.
fn with(device: DeviceFacts) -> Observations<'static> {
    Observations { device, ..well() }
}

/// A receiver that says this.
fn with_receiver(gnss: GnssFacts) -> Observations<'static> {
    with(DeviceFacts {
        gnss: Some(gnss),
        ..DeviceFacts::default()
    })
}

const FIX: Fix = Fix {
    received: Timestamp::from_millis(0),
    quality: FixQuality::Measured,
    position: None,
    satellites: Some(9),
    hdop: Some(0.9),
};

#[test]
fn a_receiver_that_is_well_is_no_alarm() {
    let gnss = GnssFacts {
        fix: Some(FIX),
        silent_s: 10,
        damaged: 10,
        deviation_m: None,
    };
    assert_eq!(Alarms::default().update(at(0), &with_receiver(gnss)), []);
}

#[test]
fn a_fix_that_is_none_is_an_anomaly_unless_the_receiver_still_searches() {
    let is_anomaly = |fix: Fix| {
        let mut alarms = Alarms::default();
        let facts = with_receiver(GnssFacts {
            fix: Some(fix),
            ..GnssFacts::default()
        });
        assert_eq!(alarms.update(at(0), &facts), []);
        assert_eq!(alarms.update(at(179), &facts), []);
        let changes = alarms.update(at(180), &facts);
        let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
        kinds == [AlarmKind::GnssAnomaly]
    };
    assert!(!is_anomaly(FIX));
    for quality in [FixQuality::None, FixQuality::Estimated] {
        assert!(is_anomaly(Fix { quality, ..FIX }));
    }
    assert!(is_anomaly(Fix {
        hdop: Some(20.0),
        ..FIX
    }));
}

#[test]
fn a_receiver_that_is_elsewhere_silent_or_damaged_is_an_alarm() {
    let moved = GnssFacts {
        fix: Some(FIX),
        deviation_m: Some(120.0),
        ..GnssFacts::default()
    };
    let silent = GnssFacts {
        silent_s: 11,
        ..moved
    };
    let damaged = GnssFacts {
        damaged: 11,
        ..GnssFacts::default()
    };
    for (gnss, alarm) in [
        (moved, (AlarmKind::GnssDeviation, Severity::Major)),
        (silent, (AlarmKind::Nmea, Severity::Major)),
        (damaged, (AlarmKind::Nmea, Severity::Minor)),
    ] {
        assert_eq!(alarm_by(&with_receiver(gnss)), alarm);
    }
}

#[test]
fn a_clock_beside_the_pulse_is_a_mismatch() {
    let ahead = |millis| {
        with(DeviceFacts {
            pulse_ahead: Some(Span::from_millis(millis)),
            ..DeviceFacts::default()
        })
    };
    for millis in [-51, 51] {
        let mismatch = (AlarmKind::TimeSourceMismatch, Severity::Major);
        assert_eq!(alarm_by(&ahead(millis)), mismatch);
    }
    assert_eq!(Alarms::default().update(at(0), &ahead(50)), []);
}

#[test]
fn an_enclosure_that_is_open_or_too_warm_is_an_alarm() {
    let told = |is_open, celsius, is_too_warm| {
        let facts = with(DeviceFacts {
            is_open,
            celsius,
            is_too_warm,
            ..DeviceFacts::default()
        });
        let changes = Alarms::default().update(at(0), &facts);
        let text = |change: &AlarmChange| (change.kind, change.text.clone());
        changes.first().map(text)
    };
    let alarm = |text: &str| Some((AlarmKind::Enclosure, text.to_owned()));
    assert_eq!(told(Some(false), Some(84.0), false), None);
    assert_eq!(
        told(Some(true), Some(84.0), false),
        alarm("the enclosure is open")
    );
    assert_eq!(
        told(None, Some(86.5), true),
        alarm("it is 86.5 degrees Celsius inside")
    );
    assert_eq!(
        told(Some(true), Some(86.5), true),
        alarm("the enclosure is open, and it is 86.5 degrees Celsius inside")
    );
}

#[test]
fn a_clock_that_is_set_or_disagrees_is_a_mismatch() {
    for by_ms in [-315_360_000_000, 60_000] {
        let facts = Observations {
            clock_jump: Some(ClockJump {
                by: Span::from_millis(by_ms),
            }),
            ..well()
        };
        assert_eq!(
            alarm_by(&facts),
            (AlarmKind::TimeSourceMismatch, Severity::Major)
        );
        let facts = Observations {
            senders_ahead: Some(Span::from_millis(by_ms)),
            ..well()
        };
        assert_eq!(
            alarm_by(&facts),
            (AlarmKind::TimeSourceMismatch, Severity::Major)
        );
    }
    let facts = Observations {
        senders_ahead: Some(Span::from_millis(-2_000)),
        ..well()
    };
    assert_eq!(Alarms::default().update(at(0), &facts), []);
}

#[test]
fn certificates_warn_before_they_expire_unless_nobody_knows_the_time() {
    let expiring = |days: i64| CertificateFacts {
        name: "client",
        expires: Some(START + Span::from_millis(days * 86_400_000)),
        fault: None,
    };
    let change = |now, certificate| {
        let certificates = [certificate];
        let facts = Observations {
            certificates: &certificates,
            ..well()
        };
        let changes = Alarms::default().update(now, &facts);
        changes.first().map(|change| (change.kind, change.severity))
    };
    let kind = AlarmKind::Certificate;
    assert_eq!(change(at(0), expiring(31)), None);
    assert_eq!(change(at(0), expiring(29)), Some((kind, Severity::Warning)));
    assert_eq!(
        change(at(0), expiring(-1)),
        Some((kind, Severity::Critical))
    );
    let never_set = Moment {
        time: Timestamp::from_millis(0),
        since_boot: Duration::from_secs(1),
    };
    assert_eq!(change(never_set, expiring(-1)), None);
    let faulty = CertificateFacts {
        name: "broker",
        fault: Some("signed by an unknown authority"),
        ..CertificateFacts::default()
    };
    assert_eq!(change(at(0), faulty), Some((kind, Severity::Critical)));
}

#[test]
fn a_lost_time_source_has_to_stay_lost_for_a_while() {
    let lost = Observations {
        clock: ClockQuality {
            synchronization: Synchronization::Unsynchronized,
            error_ms: None,
        },
        ..well()
    };
    let mut alarms = Alarms::default();
    assert_eq!(alarms.update(at(0), &lost), []);
    assert_eq!(alarms.update(at(200), &well()), []);
    assert_eq!(alarms.update(at(201), &lost), []);
    assert_eq!(alarms.update(at(500), &lost), []);
    let set = only(&alarms.update(at(501), &lost));
    assert_eq!(
        set,
        (AlarmKind::TimeSourceLost, AlarmState::Set, Severity::Major)
    );
    assert_eq!(alarms.update(at(502), &well()), []);
    let cleared = only(&alarms.update(at(562), &well()));
    assert_eq!(cleared.1, AlarmState::Cleared);
}

#[test]
fn an_alarm_is_told_once_until_it_gets_worse_and_cleared_when_its_cause_has_been_gone() {
    let spool = |state| SpoolFacts {
        name: "durable",
        state,
        error: Some("No space left on device"),
        ..SpoolFacts::default()
    };
    let full = [spool(StorageState::Full)];
    let failing = [spool(StorageState::Failing)];
    let facts = |spools| Observations { spools, ..well() };
    let mut alarms = Alarms::default();
    let changes = alarms.update(at(0), &facts(&full));
    assert_eq!(only(&changes).1, AlarmState::Set);
    assert_eq!(
        changes[0].text,
        "spool durable has no space left: No space left on device"
    );
    assert_eq!(alarms.update(at(1), &facts(&full)), []);
    let worse = alarms.update(at(2), &facts(&failing));
    assert_eq!(only(&worse).2, Severity::Critical);
    assert_eq!(worse[0].since_ms, changes[0].since_ms);
    assert_eq!(
        alarms.update(at(3), &facts(&full)),
        [],
        "better is not news"
    );
    assert_eq!(alarms.update(at(4), &well()), []);
    assert_eq!(alarms.update(at(500), &facts(&full)), [], "it flutters");
    assert_eq!(alarms.update(at(501), &well()), []);
    assert_eq!(alarms.update(at(1_100), &well()), []);
    let cleared = alarms.update(at(1_101), &well());
    assert_eq!(
        only(&cleared),
        (
            AlarmKind::StorageIntegrity,
            AlarmState::Cleared,
            Severity::Critical
        )
    );
    assert_eq!(cleared[0].since_ms, changes[0].since_ms);
    assert_eq!(alarms.active().count(), 0);
    assert_eq!(alarms.update(at(1_102), &facts(&full))[0].count, 2);
}

#[test]
fn losses_are_told_when_they_happen_and_not_for_ever() {
    let spools = [SpoolFacts {
        name: "durable",
        dropped: 7,
        ..SpoolFacts::default()
    }];
    let facts = Observations {
        spools: &spools,
        ..well()
    };
    let mut alarms = Alarms::default();
    assert_eq!(only(&alarms.update(at(0), &facts)).2, Severity::Critical);
    assert_eq!(alarms.update(at(1), &facts), []);
    assert_eq!(only(&alarms.update(at(601), &facts)).1, AlarmState::Cleared);
}

#[test]
fn a_trickle_is_no_flood() {
    let mut alarms = Alarms::default();
    for minute in 0..60 {
        let facts = Observations {
            frames_shed: minute * 500,
            commands_shed: minute * 5,
            ..well()
        };
        assert_eq!(alarms.update(at(minute * 60), &facts), []);
    }
}

#[test]
fn the_clock_does_not_move_the_holding_times() {
    let facts = Observations {
        login_refused: Some("not authorized"),
        ..well()
    };
    let mut alarms = Alarms::default();
    alarms.update(at(0), &facts);
    let jumped = Moment {
        time: Timestamp::from_millis(4_000_000_000_000),
        ..at(1)
    };
    assert_eq!(alarms.update(jumped, &well()), []);
    assert_eq!(alarms.update(at(600), &well()), []);
    assert_eq!(
        only(&alarms.update(at(601), &well())).1,
        AlarmState::Cleared
    );
}

#[test]
fn the_end_of_the_run_before_is_told_once_and_cleared_when_this_one_lasts() {
    let previous = PreviousRun::Stalled {
        task: "radio".into(),
        unclean_runs: 1,
    };
    let facts = Observations {
        previous_run: Some(&previous),
        ..well()
    };
    let mut alarms = Alarms::default();
    let set = alarms.update(at(0), &facts);
    assert_eq!(only(&set).0, AlarmKind::Watchdog);
    assert!(set[0].text.contains("radio"));
    assert_eq!(alarms.update(at(1), &facts), []);
    assert_eq!(only(&alarms.update(at(601), &facts)).1, AlarmState::Cleared);
}

#[test]
fn an_alarm_outlives_a_restart_and_is_cleared_after_it() {
    let memory = Memory::new();
    memory.create_folder("/data".as_ref()).unwrap();
    let file = AlarmFile::new(Arc::new(memory), "/data/alarms.json");
    let mut alarms = file.load(Settings::default()).unwrap();
    let facts = Observations {
        login_refused: Some("not authorized"),
        ..well()
    };
    let set = alarms.update(at(0), &facts);
    file.save(&alarms).unwrap();

    let mut alarms = file.load(Settings::default()).unwrap();
    assert_eq!(alarms.active().count(), 1);
    assert_eq!(alarms.update(at(10), &well()), []);
    let cleared = alarms.update(at(610), &well());
    assert_eq!(only(&cleared).1, AlarmState::Cleared);
    assert_eq!(cleared[0].since_ms, set[0].since_ms);
    assert_eq!(cleared[0].count, 1);
}

#[test]
fn a_text_is_cut_between_characters() {
    let reason = "拒绝".repeat(1_000);
    let facts = Observations {
        login_refused: Some(&reason),
        ..well()
    };
    let changes = Alarms::default().update(at(0), &facts);
    assert!((398..=400).contains(&changes[0].text.len()));
}

#[test]
fn a_change_in_json() {
    let facts = Observations {
        login_refused: Some("not authorized"),
        ..well()
    };
    let changes = Alarms::default().update(at(0), &facts);
    assert_eq!(
        serde_json::to_value(&changes[0]).unwrap(),
        serde_json::json!({
            "kind": "authorization",
            "state": "set",
            "severity": "critical",
            "sinceMs": 1_767_225_600_000_i64,
            "timeMs": 1_767_225_600_000_i64,
            "text": "the broker refuses the login: not authorized",
            "count": 1,
        })
    );
}

proptest! {
    #[test]
    fn whatever_the_file_holds_is_loaded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let memory = Memory::new();
        memory.create_folder("/data".as_ref()).unwrap();
        crate::spool::fs::replace(&memory, "/data/alarms.json".as_ref(), &bytes).unwrap();
        let _ = AlarmFile::new(Arc::new(memory), "/data/alarms.json").load(Settings::default());
    }

    #[test]
    fn sets_and_clears_take_turns(
        steps in proptest::collection::vec((any::<bool>(), 0_u64..400), 1..60)
    ) {
        let mut alarms = Alarms::default();
        let (mut seconds, mut is_set) = (0, false);
        for (refused, passed) in steps {
            seconds += passed;
            let facts = Observations {
                login_refused: refused.then_some("no"),
                ..well()
            };
            for change in alarms.update(at(seconds), &facts) {
                prop_assert_eq!(change.state == AlarmState::Set, !is_set);
                is_set = !is_set;
            }
            prop_assert_eq!(alarms.active().count() == 1, is_set);
            prop_assert!(is_set || !refused);
        }
    }
}
