//! A disk that refuses, and one that forgets.

use super::*;

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
    assert_eq!(bench.bsm_rate(), 1);
    assert_eq!(bench.desk.counters().not_stored, 1);
    assert_eq!(bench.desk.counters().not_audited, 1);
    bench.disk.cut_after(usize::MAX);
    bench.send("config/down", &config(3, 3));
    assert_eq!(bench.told(), [ok("3")]);
    let bench = bench.restarted();
    assert_eq!(bench.bsm_rate(), 3);
}

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
