#![allow(clippy::unwrap_used)]

use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use super::disk::{Disk, Unsynced};
use super::*;
use crate::downlink::answer::Unreadable;
use crate::downlink::{Command, RSI_BROADCASTS_MAX};
use crate::platform::{Dialect, Tits0180, Unit};

mod arbitrary;
mod broadcasts;
mod crash;
mod damage;
mod operations;

const MINUTE: Span = Span::from_millis(60_000);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

/// A desk and what surrounds it: a broker that delivers again, a spool that keeps answers, a
/// machine that can be started anew.
struct Bench {
    disk: Disk,
    desk: Desk,
    dialect: Tits0180,
    now: Now,
    answers: Vec<Answer>,
    effects: Vec<Effect>,
}

fn unit() -> Unit {
    Unit::named("R1".parse().unwrap())
}

fn settings(boot_id: &str) -> Settings {
    Settings {
        unit: unit(),
        profile: Profile::default(),
        age_max: Some(MINUTE),
        boot_id: boot_id.into(),
    }
}

fn desk(disk: &Disk, boot_id: &str) -> io::Result<Desk> {
    Desk::open(
        Arc::new(disk.clone()),
        Path::new("/data"),
        settings(boot_id),
    )
}

impl Bench {
    fn new() -> Self {
        Self::on(Disk::default(), "boot 1")
    }

    fn on(disk: Disk, boot_id: &str) -> Self {
        Self {
            desk: desk(&disk, boot_id).unwrap(),
            disk,
            dialect: Tits0180::new(&unit()),
            now: Now {
                time: at(0),
                is_trusted: true,
            },
            answers: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn restarted(self) -> Self {
        Self::on(self.disk, "boot 1")
    }

    fn arrival(&self, topic: &str, payload: &[u8]) -> Arrival {
        Arrival {
            read: self.dialect.read(&format!("rsu/R1/{topic}"), payload),
            digest: Digest::of(payload),
            is_retained: false,
        }
    }

    /// Delivers a publish, and carries out what follows.
    fn send(&mut self, topic: &str, payload: &Value) {
        let arrival = self.arrival(topic, payload.to_string().as_bytes());
        self.deliver(vec![arrival]);
    }

    fn deliver(&mut self, arrivals: Vec<Arrival>) {
        let ordered = self.desk.handle(self.now, arrivals);
        self.carry_out(ordered);
        self.settle();
    }

    /// Carries out tasks until there are none.
    fn settle(&mut self) {
        loop {
            let ordered = self.desk.poll_tasks();
            if ordered.is_empty() {
                return;
            }
            self.carry_out(ordered);
        }
    }

    fn carry_out(&mut self, ordered: Vec<Ordered>) {
        let mut finished = Vec::new();
        for (effect, task) in ordered {
            match effect {
                Effect::Answer(answer) => self.answers.push(answer),
                other => self.effects.push(other),
            }
            finished.extend(task.map(|task| Finished {
                task,
                refusal: None,
            }));
        }
        self.desk.finish(finished);
    }

    /// What the platform was told since the last time: number, code, text.
    fn told(&mut self) -> Vec<(String, u8, String)> {
        let answers = std::mem::take(&mut self.answers);
        let told = answers.into_iter().map(|answer| {
            let code = answer.error_code();
            let text = answer.refusal.map(|refusal| refusal.text().to_owned());
            let number = answer.seq_num.map(String::from);
            (number.unwrap_or_default(), code, text.unwrap_or_default())
        });
        told.collect()
    }

    fn bsm_rate(&self) -> u16 {
        let sampling = &self.desk.in_force().sampling;
        sampling.bsm_rate.unwrap().per_second()
    }

    fn transmitted(&self, kind: CommandKind) -> usize {
        self.desk.transmit.lock().unwrap().held(kind).count()
    }
}

fn ok(number: &str) -> (String, u8, String) {
    (number.to_owned(), 0, String::new())
}

fn config(number: u64, rate: u64) -> Value {
    let bsm = json!({"sampleMode": "ByAll", "sampleRate": rate});
    json!({"bsmConfig": bsm, "mapconfig": {"upLimit": "3"}, "ack": true, "seqNum": number})
}

fn map(number: u64) -> Value {
    let node = json!({"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}});
    let map = json!({"msgCnt": 0, "nodes": [node]});
    json!({"mapSlice": "1", "map": map, "eTag": "t", "ack": true, "seqNum": number.to_string()})
}

fn event(number: u64, id: &str) -> Value {
    json!({"rsi": {
        "alertID": id, "duration": 60_000, "eventStatus": true,
        "timeStamp": "2026-01-01T00:00:00.000Z", "eventClass": "AbnormalTraffic",
        "eventType": 501, "eventSource": "police",
        "eventPosition": [{"lat": 295_000_002, "lon": 1_065_000_001}],
    }, "ack": true, "seqNum": number})
}

fn spat() -> Value {
    let phase = json!({"phaseId": 1, "phaseStates": [{"light": "red"}]});
    json!({"intersections": [{"intersectionId": {"id": 7}, "status": [], "phases": [phase]}]})
}

fn operations(number: u64, more: Value) -> Value {
    let mut operations = json!({"seqNum": number, "rsuId": "R1", "ack": true});
    let (Some(all), Value::Object(more)) = (operations.as_object_mut(), more) else {
        panic!("no object");
    };
    all.extend(more);
    operations
}

#[test]
fn a_configuration_is_applied_answered_and_survives() {
    let mut bench = Bench::new();
    bench.send("config/down", &config(7, 5));
    assert_eq!(bench.told(), [ok("7")]);
    let [Effect::Sampling(change)] = bench.effects.as_slice() else {
        panic!("{:?}", bench.effects);
    };
    assert_eq!(change.bsm_rate.unwrap().per_second(), 5);
    // Another one changes only what it names.
    bench.send("config/down", &json!({"rsmConfig": {"upLimit": -1}}));
    assert_eq!(bench.told(), [], "no answer was asked for");
    let in_force = bench.desk.in_force().clone();
    assert_eq!(in_force.sampling.bsm_rate.unwrap().per_second(), 5);
    assert!(in_force.sampling.map_up.is_some() && in_force.sampling.rsm_up.is_some());
    assert!(in_force.sampling.spat_up.is_none());
    let bench = bench.restarted();
    assert_eq!(*bench.desk.in_force(), in_force);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_changes_nothing() {
    let mut bench = Bench::new();
    let mut refused = |topic: &str, payload: Value| {
        bench.send(topic, &payload);
        let [(_, code, text)] = bench.told().try_into().unwrap();
        assert!(text.chars().count() <= 128, "{text}");
        (code, text)
    };
    let mut bad = config(1, 10_001);
    let (code, text) = refused("config/down", bad.clone());
    assert_eq!(code, 1);
    assert_eq!(
        text,
        "bsmConfig.sampleRate: 10001 is not within 0..=10000 messages per second"
    );
    bad["bsmConfig"] = json!({"upFilters": [{"id": "1"}]});
    let (code, text) = refused("config/down", bad);
    assert_eq!(
        (code, text.as_str()),
        (1, "bsmConfig.upFilters: filters are not supported")
    );
    let mut bad = map(2);
    bad["map"]["nodes"][0]["refPos"]["lat"] = "north".into();
    let (code, text) = refused("map/down", bad);
    assert_eq!(code, 1);
    assert!(text.starts_with("map.nodes[0].refPos.lat: "), "{text}");
    let (code, text) = refused("upgrade/down", json!({"seqNum": 3}));
    assert_eq!((code, text.as_str()), (1, "missing field `updateVersion`"));
    let (code, text) = refused("om-config/down", operations(4, json!({"logLevel": "LOUD"})));
    assert_eq!(code, 1);
    assert!(text.starts_with("logLevel: "), "{text}");
    let address = json!({"addressChg": {"cssUrl": "http://x", "time": 0}});
    let (_, text) = refused("om-config/down", operations(5, address));
    assert!(text.starts_with("addressChg.cssUrl: "), "{text}");
    let (_, text) = refused("om-config/down", json!({"reboot": 1}));
    assert_eq!(text, "seqNum: is missing");
    let (_, text) = refused("log/down", json!({"seqNum": 6, "uploadUrl": "ftp://x/y"}));
    assert!(text.starts_with("uploadUrl: transport ftp"), "{text}");
    let (_, text) = refused(
        "records/query",
        json!({"class": "live", "from": 1, "to": 2}),
    );
    assert_eq!(text, "class: live records are not kept");
    assert_eq!(bench.effects, []);
    assert_eq!(*bench.desk.in_force(), InForce::default());
    assert_eq!(bench.desk.counters().malformed, 9);
    assert_eq!(bench.desk.counters().impossible, 0);
}

#[test]
fn a_repeated_command_is_answered_again_and_not_carried_out_again() {
    let mut bench = Bench::new();
    bench.send("config/down", &config(7, 5));
    bench.send("config/down", &config(8, 6));
    bench.send("config/down", &config(7, 5));
    assert_eq!(bench.told(), [ok("7"), ok("8"), ok("7")]);
    let mut bench = bench.restarted();
    bench.send("config/down", &config(7, 5));
    assert_eq!(bench.told(), [ok("7")]);
    assert_eq!(bench.effects, []);
    let rate = bench.desk.in_force().sampling.bsm_rate.unwrap();
    assert_eq!(rate.per_second(), 6, "what came last is in force");
    assert_eq!(bench.desk.counters().repeated, 1);
}

#[test]
fn numbers_may_come_in_any_order_and_begin_anew() {
    let mut bench = Bench::new();
    for number in [9, 3, 5] {
        bench.send("config/down", &config(number, number));
    }
    assert_eq!(bench.told(), [ok("9"), ok("3"), ok("5")]);
    bench.send("config/down", &config(3, 77));
    assert_eq!(bench.told(), [ok("3")]);
    let rate = bench.desk.in_force().sampling.bsm_rate.unwrap();
    assert_eq!(rate.per_second(), 77);
    assert_eq!(bench.desk.counters().number_used, 1);
}

#[test]
fn commands_of_others_of_yesterday_and_kept_ones_are_refused() {
    let mut bench = Bench::new();
    let refused = |bench: &mut Bench, more: Value| {
        bench.send("om-config/down", &operations(1, more));
        let [(_, code, text)] = bench.told().try_into().unwrap();
        assert_eq!(code, 1);
        text
    };
    let text = refused(&mut bench, json!({"rsuEsn": "E2", "reboot": 1}));
    assert_eq!(text, "rsuEsn: \"E2\" is not this unit");
    let expires = json!({"expires": at(-1).as_millis(), "reboot": 1});
    assert_eq!(refused(&mut bench, expires), "expires: 1 ms ago");
    let old = json!({"timestamp": at(-60_001).as_millis(), "reboot": 1});
    let text = refused(&mut bench, old.clone());
    assert_eq!(text, "timestamp: 60001 ms ago, at most 60000 ms");
    let payload = operations(1, json!({"reboot": 1})).to_string();
    let kept = Arrival {
        is_retained: true,
        ..bench.arrival("om-config/down", payload.as_bytes())
    };
    bench.deliver(vec![kept]);
    assert!(
        bench.told()[0]
            .2
            .starts_with("a retained publish is no command")
    );
    let counters = bench.desk.counters();
    assert_eq!(
        (counters.foreign, counters.expired, counters.retained),
        (1, 2, 1)
    );
    assert_eq!(bench.effects, []);
    // A clock that may be wrong makes nothing expire.
    bench.now.is_trusted = false;
    bench.send("om-config/down", &operations(2, old));
    assert_eq!(bench.told(), [ok("2")]);
    assert_eq!(bench.effects, [Effect::Reboot]);
}

#[test]
fn what_belongs_to_nobody_is_counted_and_not_answered() {
    let mut bench = Bench::new();
    let unknown = bench.arrival("teapot/down", b"{}");
    assert_eq!(unknown.read, Err(Unreadable::UnknownTopic));
    let other_unit = Arrival {
        read: bench.dialect.read("rsu/R2/config/down", b"{}"),
        ..bench.arrival("", b"")
    };
    let bad_ack = bench.arrival("info/up/ack", b"\xFF");
    bench.deliver(vec![unknown, other_unit, bad_ack]);
    assert_eq!(bench.told(), []);
    let counters = bench.desk.counters();
    assert_eq!(counters.unknown_topic, 2);
    assert_eq!(counters.acknowledgement_unreadable, 1);
    bench.send("rsi/up/ack", &json!({"seqNum": "4", "errorCode": 2}));
    assert!(matches!(
        bench.effects.as_slice(),
        [Effect::Acknowledged(_)]
    ));
    assert_eq!(bench.desk.counters().faulted, 1);
}

#[test]
fn ten_thousand_commands_leave_nothing_behind_but_their_effect() {
    let mut bench = Bench::new();
    for batch in 0..200 {
        let numbers = batch * 50..(batch + 1) * 50;
        let arrivals = numbers.map(|number| {
            let payload = config(number, number % 100).to_string();
            bench.arrival("config/down", payload.as_bytes())
        });
        let arrivals = arrivals.collect();
        bench.deliver(arrivals);
    }
    assert_eq!(bench.told().len(), 10_000);
    assert_eq!(bench.desk.state.pending.len(), 0);
    let rate = bench.desk.in_force().sampling.bsm_rate.unwrap();
    assert_eq!(rate.per_second(), 99);
    let journal = bench.disk.open(
        Path::new("/data/commands.journal"),
        crate::spool::fs::Open::Read,
    );
    assert!(journal.unwrap().len().unwrap() < 400 << 10);
    for number in 0..crate::downlink::AUDIT_FILES_MAX + 1 {
        let name = match number {
            0 => "/data/audit.log".to_owned(),
            number => format!("/data/audit.log.{number}"),
        };
        let file = bench
            .disk
            .open(Path::new(&name), crate::spool::fs::Open::Read);
        assert_eq!(
            file.is_ok(),
            number < crate::downlink::AUDIT_FILES_MAX,
            "{name}"
        );
    }
}
