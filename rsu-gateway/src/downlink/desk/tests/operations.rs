//! Operation and maintenance: reboot, change of address, questions, log upload.

use super::*;

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
