//! What is to go on the air.

use super::*;

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
        .map(|(broadcast, _)| crate::downlink::compose::number_of(broadcast).unwrap())
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
