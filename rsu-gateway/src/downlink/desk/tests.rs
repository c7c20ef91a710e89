#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use super::disk::{Disk, Unsynced};
use super::*;
use crate::downlink::answer::Unreadable;
use crate::downlink::{Command, RSI_BROADCASTS_MAX};
use crate::platform::{Dialect, Tits0180, Unit};

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
    assert_eq!(
        (code, text.as_str()),
        (2, "upgrades are not available in this version")
    );
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
    assert_eq!(bench.desk.counters().malformed, 8);
    assert_eq!(bench.desk.counters().impossible, 1);
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
fn operations_take_effect_and_a_reboot_waits_for_its_answer() {
    let mut bench = Bench::new();
    let more = json!({"HBRate": "30", "runningInfoRate": 0, "logLevel": "NOLog", "reboot": 1});
    let arrival = bench.arrival("om-config/down", operations(1, more).to_string().as_bytes());
    let ordered = bench.desk.handle(bench.now, vec![arrival]);
    let effects: Vec<_> = ordered.into_iter().map(|(effect, _)| effect).collect();
    let wanted = [
        Effect::HeartbeatInterval(Span::from_millis(30_000)),
        Effect::RunningInformationInterval(Span::default()),
        Effect::LogLevel(crate::downlink::LogLevel::Off),
    ];
    assert_eq!(effects, wanted);
    let first = bench.desk.poll_tasks();
    let [(Effect::Answer(_), Some(_))] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert_eq!(bench.desk.poll_tasks(), [], "the answer is not durable yet");
    bench.carry_out(first);
    let then = bench.desk.poll_tasks();
    assert!(matches!(then.as_slice(), [(Effect::Reboot, Some(_))]));
    // The program ends before the machine does: it is ordered again, ...
    let mut bench = bench.restarted();
    bench.settle();
    assert_eq!(bench.effects, [Effect::Reboot]);
    let disk = bench.disk;
    // ... but never on a machine that has been started anew.
    let mut bench = Bench::on(disk, "boot 2");
    let again = operations(
        1,
        json!({"HBRate": "30", "runningInfoRate": 0, "logLevel": "NOLog", "reboot": 1}),
    );
    bench.send("om-config/down", &again);
    assert_eq!(bench.told(), [ok("1")]);
    assert_eq!(bench.effects, []);
}

#[test]
fn the_broker_changes_when_it_is_time_and_is_known_after_a_restart() {
    let mut bench = Bench::new();
    let url = "mqtt://b.example:1884";
    let when = at(5_000).as_millis();
    let change = json!({"addressChg": {"cssUrl": url, "time": when}});
    bench.send("om-config/down", &operations(1, change));
    let due = |bench: &mut Bench, now| bench.desk.handle_timeout(now);
    assert_eq!(
        due(
            &mut bench,
            Now {
                time: at(4_999),
                is_trusted: true
            }
        ),
        []
    );
    assert_eq!(
        due(
            &mut bench,
            Now {
                time: at(5_000),
                is_trusted: false
            }
        ),
        []
    );
    let now = Now {
        time: at(5_000),
        is_trusted: true,
    };
    assert_eq!(due(&mut bench, now), [(Effect::Broker(url.into()), None)]);
    assert_eq!(due(&mut bench, now), []);
    let bench = bench.restarted();
    assert_eq!(bench.desk.in_force().address.as_ref().unwrap().url, url);
}

#[test]
fn questions_are_answered_as_often_as_they_are_asked() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.send("versions/query", &json!({"seqNum": "5"}));
        bench.deliver(vec![bench.arrival("run-status/query", b"")]);
        bench.send("info/query", &json!({"seqNum": "5", "InfoId": 1}));
    }
    assert_eq!(bench.effects.len(), 6);
    assert!(matches!(&bench.effects[0], Effect::Versions(Some(number)) if number.as_ref() == "5"));
    assert_eq!(bench.effects[1], Effect::RunStatus);
    assert!(matches!(bench.effects[2], Effect::Information(..)));
}

#[test]
fn an_upload_is_answered_when_it_is_done() {
    let mut bench = Bench::new();
    let payload = json!({"seqNum": 1, "uploadUrl": "https://x/y", "ack": true});
    let arrival = bench.arrival("log/down", payload.to_string().as_bytes());
    assert_eq!(bench.desk.handle(bench.now, vec![arrival]), []);
    let ordered = bench.desk.poll_tasks();
    let [(Effect::LogUpload(_), Some(task))] = ordered.as_slice() else {
        panic!("{ordered:?}");
    };
    bench.send("log/down", &payload);
    assert_eq!(bench.told(), [], "it is underway");
    let refusal = Some(Refusal::local_error("403"));
    bench.desk.finish(vec![Finished {
        task: *task,
        refusal,
    }]);
    bench.settle();
    assert_eq!(bench.told(), [("1".into(), 2, "403".into())]);
    bench.send("log/down", &payload);
    assert_eq!(bench.told(), [("1".into(), 2, "403".into())]);
}

#[test]
fn broadcasts_survive_are_replaced_and_end() {
    let mut bench = Bench::new();
    bench.send("map/down", &map(1));
    bench.send("rsi/down", &event(2, "A"));
    bench.send("rsi/down", &event(3, "B"));
    assert_eq!(bench.told(), [ok("1"), ok("2"), ok("3")]);
    let mut bench = bench.restarted();
    assert_eq!(bench.transmitted(CommandKind::Map), 1);
    assert_eq!(bench.transmitted(CommandKind::Rsi), 2);
    let mut end = event(4, "A");
    end["rsi"]["eventStatus"] = false.into();
    bench.send("rsi/down", &end);
    assert_eq!(bench.transmitted(CommandKind::Rsi), 1);
    // The other one ends by its time.
    bench.now.time = at(60_000);
    let ended = bench.desk.handle_timeout(bench.now);
    assert!(!ended.is_empty());
    let bench = bench.restarted();
    assert_eq!(bench.transmitted(CommandKind::Rsi), 0);
    assert_eq!(bench.transmitted(CommandKind::Map), 1);
}

#[test]
fn more_events_than_can_be_held_are_refused() {
    let mut bench = Bench::new();
    for number in 0..=RSI_BROADCASTS_MAX as u64 {
        bench.send("rsi/down", &event(number, &number.to_string()));
    }
    let (_, code, text) = bench.told().pop().unwrap();
    assert_eq!(
        (code, text.as_str()),
        (2, "64 broadcasts of kind rsi are held already")
    );
    let transmit = bench.desk.transmit.lock().unwrap();
    let numbers = transmit.held(CommandKind::Rsi);
    let mut numbers: Vec<_> = numbers
        .map(|(broadcast, _)| super::super::compose::number_of(broadcast).unwrap())
        .collect();
    numbers.dedup();
    assert_eq!(
        numbers.len(),
        RSI_BROADCASTS_MAX,
        "each has a number of its own"
    );
}

#[test]
fn lights_go_on_the_air_without_touching_the_disk_unless_an_answer_is_asked_for() {
    let mut bench = Bench::new();
    let before = bench.disk.operations();
    for _ in 0..100 {
        bench.send("spat/down", &spat());
    }
    assert_eq!(bench.disk.operations(), before);
    assert_eq!(bench.transmitted(CommandKind::Spat), 1);
    assert_eq!(bench.desk.counters().relayed, 100);
    let mut asked = spat();
    asked["ack"] = true.into();
    asked["seqNum"] = 1.into();
    bench.send("spat/down", &asked);
    assert_eq!(bench.told(), [ok("1")]);
    // The same fault ten times a second is told once.
    for _ in 0..100 {
        bench.send("spat/down", &json!({"intersections": 5}));
    }
    assert_eq!(bench.told().len(), 1);
    assert_eq!(bench.desk.counters().refusal_repeated, 99);
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

#[test]
fn a_disk_that_refuses_is_an_answer_and_heals() {
    let mut bench = Bench::new();
    bench.send("config/down", &config(1, 1));
    bench.told();
    bench.disk.cut_after(bench.disk.operations());
    bench.send("config/down", &config(2, 2));
    let [(number, code, text)] = bench.told().try_into().unwrap();
    assert_eq!((number.as_str(), code), ("2", 2));
    assert_eq!(text, "it could not be stored: no power");
    assert_eq!(
        bench
            .desk
            .in_force()
            .sampling
            .bsm_rate
            .unwrap()
            .per_second(),
        1
    );
    assert_eq!(bench.desk.counters().not_stored, 1);
    assert_eq!(bench.desk.counters().not_audited, 1);
    bench.disk.cut_after(usize::MAX);
    bench.send("config/down", &config(3, 3));
    assert_eq!(bench.told(), [ok("3")]);
    let bench = bench.restarted();
    assert_eq!(
        bench
            .desk
            .in_force()
            .sampling
            .bsm_rate
            .unwrap()
            .per_second(),
        3
    );
}

mod crash;

#[test]
fn a_flipped_bit_costs_at_most_its_record() {
    let mut bench = Bench::new();
    bench.send("config/down", &config(1, 1));
    bench.send("map/down", &map(2));
    bench.send("rsi/down", &event(3, "A"));
    let path = Path::new("/data/commands.journal");
    let file = bench.disk.open(path, crate::spool::fs::Open::Read).unwrap();
    let bits = file.len().unwrap() as usize * 8;
    for bit in (0..bits).step_by(7) {
        let disk = bench.disk.after_the_cut(Unsynced::Kept);
        disk.flip(path, bit);
        let desk = desk(&disk, "boot 1").unwrap();
        assert!(desk.counters().journal_damaged_bytes > 0, "bit {bit}");
        let transmit = desk.transmit.lock().unwrap();
        let held = [CommandKind::Map, CommandKind::Rsi].map(|kind| transmit.held(kind).count());
        let configured = usize::from(desk.in_force().sampling.bsm_rate.is_some());
        let kept = held.iter().sum::<usize>() + configured;
        assert!(kept >= 2, "bit {bit}: {kept}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_on_any_topic_are_answered_or_counted(
        topic in prop_oneof![
            prop::sample::select(vec![
                "config/down", "map/down", "rsi/down", "rsm/down", "spat/down", "versions/query",
                "run-status/query", "info/query", "om-config/down", "log/down", "records/query",
                "upgrade/down", "info/up/ack", "map/up/ack", "rsi/up/ack",
            ]).prop_map(str::to_owned),
            ".{0,20}",
        ],
        payload in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            arbitrary_json().prop_map(|json| json.to_string().into_bytes()),
            mutated_command().prop_map(|json| json.to_string().into_bytes()),
        ],
        is_retained: bool,
        is_trusted: bool,
        time: i64,
    ) {
        let mut bench = Bench::new();
        bench.now = Now { time: Timestamp::from_micros(time), is_trusted };
        let arrival = Arrival { is_retained, ..bench.arrival(&topic, &payload) };
        let is_command = matches!(
            &arrival.read,
            Err(Unreadable::Command { .. })
        ) || arrival.read.as_ref().is_ok_and(|downlink| {
            !matches!(downlink.command, Command::Acknowledgement(_))
        });
        bench.deliver(vec![arrival]);
        let counters = bench.desk.counters();
        let counted: u64 = counters.entries().iter().map(|(_, count)| count).sum();
        prop_assert!(counted >= 1);
        let refused = counters.malformed + counters.retained + counters.foreign
            + counters.expired + counters.impossible;
        prop_assert_eq!(refused as usize, bench.answers.iter().filter(|a| a.refusal.is_some()).count());
        if is_command {
            prop_assert_eq!(refused + counters.accepted + counters.relayed, 1);
        }
        bench.desk.handle_timeout(bench.now);
        bench.restarted().settle();
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            ".{0,8}",
            prop::sample::select(vec![
                "seqNum",
                "ack",
                "rsi",
                "map",
                "rsms",
                "intersections",
                "bsmConfig",
                "upLimit",
                "reboot",
                "addressChg",
                "uploadUrl",
                "InfoId",
                "timestamp",
                "expires",
                "duration",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A good command with one value replaced by anything.
fn mutated_command() -> impl Strategy<Value = Value> {
    let commands = vec![
        config(1, 5),
        map(1),
        event(1, "A"),
        spat(),
        operations(1, json!({"HBRate": 5, "reboot": 1, "logLevel": "INFO"})),
    ];
    (
        prop::sample::select(commands),
        any::<prop::sample::Index>(),
        arbitrary_json(),
    )
        .prop_map(|(mut command, place, value)| {
            let mut pointers = Vec::new();
            collect_pointers(&command, String::new(), &mut pointers);
            let pointer = place.get(&pointers);
            *command.pointer_mut(pointer).unwrap() = value;
            command
        })
}

fn collect_pointers(value: &Value, here: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect_pointers(member, format!("{here}/{name}"), pointers);
            }
        }
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                collect_pointers(element, format!("{here}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(here);
}
