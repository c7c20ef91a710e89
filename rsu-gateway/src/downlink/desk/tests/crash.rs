//! The program ends, or the power goes, after every single operation: of the disk, of the broker,
//! of the spool.

use super::*;

/// The world outside, which survives.
#[derive(Clone, Default)]
struct World {
    /// What the broker has not seen acknowledged.
    queue: Vec<(&'static str, Value)>,
    /// The numbers of the answers in the spool.
    answered: Vec<(String, u8)>,
    reboots: usize,
    uploads: usize,
}

fn commands() -> Vec<(&'static str, Value)> {
    vec![
        ("config/down", config(1, 5)),
        ("map/down", map(2)),
        ("rsi/down", event(3, "A")),
        (
            "log/down",
            json!({"seqNum": "4", "uploadUrl": "http://x/y", "ack": true}),
        ),
        (
            "om-config/down",
            operations(5, json!({"reboot": 1, "HBRate": 9})),
        ),
        (
            "config/down",
            json!({"bsmConfig": {"sampleRate": -1}, "seqNum": "6"}),
        ),
    ]
}

/// Works off the queue until nothing is left to do, or the end comes: `Err`.
fn run(disk: &Disk, world: &mut World, boot: &mut usize, batch: usize) -> io::Result<()> {
    let now = Now {
        time: at(0),
        is_trusted: true,
    };
    let dialect = Tits0180::new(&unit());
    'boots: loop {
        let mut desk = desk(disk, &format!("boot {boot}"))?;
        loop {
            let taken: Vec<_> = world.queue.iter().take(batch).cloned().collect();
            let arrivals = taken.iter().map(|(topic, payload)| {
                let payload = payload.to_string();
                Arrival {
                    read: dialect.read(&format!("rsu/R1/{topic}"), payload.as_bytes()),
                    digest: Digest::of(payload.as_bytes()),
                    is_retained: false,
                }
            });
            let mut ordered = desk.handle(now, arrivals.collect());
            alive(disk)?;
            for _ in &taken {
                disk.step()?;
                world.queue.remove(0);
            }
            ordered.extend(desk.poll_tasks());
            alive(disk)?;
            if taken.is_empty() && ordered.is_empty() {
                return Ok(());
            }
            for (effect, task) in ordered {
                disk.step()?;
                match effect {
                    Effect::Answer(answer) => {
                        let number = answer.seq_num.clone().map(String::from);
                        let told = (number.unwrap_or_default(), answer.error_code());
                        world.answered.push(told);
                    }
                    Effect::Reboot => {
                        world.reboots += 1;
                        *boot += 1;
                        continue 'boots;
                    }
                    Effect::LogUpload(_) => world.uploads += 1,
                    _ => {}
                }
                disk.step()?;
                let refusal = None;
                desk.finish(
                    task.map(|task| Finished { task, refusal })
                        .into_iter()
                        .collect(),
                );
                alive(disk)?;
            }
        }
    }
}

/// A disk without power means a machine without power: the program does not live to see it.
fn alive(disk: &Disk) -> io::Result<()> {
    match disk.is_cut() {
        true => Err(io::Error::other("no power")),
        false => Ok(()),
    }
}

fn check(disk: &Disk, world: &World, boot: usize, what: &str) {
    let desk = desk(disk, &format!("boot {boot}")).unwrap();
    let in_force = desk.in_force();
    assert_eq!(
        in_force.sampling.bsm_rate.unwrap().per_second(),
        5,
        "{what}"
    );
    assert_eq!(
        in_force.heartbeat_interval(),
        Some(Span::from_millis(9_000)),
        "{what}"
    );
    let transmit = desk.transmit.lock().unwrap();
    assert_eq!(transmit.held(CommandKind::Map).count(), 1, "{what}");
    assert_eq!(transmit.held(CommandKind::Rsi).count(), 1, "{what}");
    for number in 1..=6 {
        let of_number = |(told, _): &&(String, u8)| *told == number.to_string();
        let answers: Vec<_> = world.answered.iter().filter(of_number).collect();
        assert!(!answers.is_empty(), "{what}: {number} was not answered");
        let code = u8::from(number == 6);
        assert!(
            answers.iter().all(|(_, told)| *told == code),
            "{what}: {answers:?}"
        );
        assert!(answers.len() <= 3, "{what}: {answers:?}");
    }
    assert!(
        (1..=2).contains(&world.uploads),
        "{what}: {} uploads",
        world.uploads
    );
    assert_eq!(desk.state.pending.len(), 0, "{what}");
}

fn crash_everywhere(batch: usize, unsynced: Unsynced, is_power_cut: bool) -> usize {
    let mut points = 0;
    loop {
        let what = format!("batch {batch}, {unsynced:?}, after {points} operations");
        let disk = Disk::default();
        let mut world = World {
            queue: commands(),
            ..World::default()
        };
        let mut boot = 0;
        disk.cut_after(points);
        let is_complete = run(&disk, &mut world, &mut boot, batch).is_ok();
        let disk = disk.after_the_cut(unsynced);
        let reboots_before = world.reboots;
        boot += usize::from(is_power_cut);
        run(&disk, &mut world, &mut boot, batch).unwrap_or_else(|error| panic!("{what}: {error}"));
        check(&disk, &world, boot, &what);
        // A power cut is a reboot as well; the end of the program is none.
        assert!(world.reboots <= 1, "{what}: {} reboots", world.reboots);
        if !is_power_cut || (is_complete && reboots_before == 0) {
            assert_eq!(world.reboots, 1, "{what}");
        }
        if is_complete {
            return points;
        }
        points += 1;
    }
}

#[test]
fn nothing_is_lost_nor_done_twice_nor_left_unanswered_when_the_power_goes() {
    for batch in [1, 2, 6] {
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn] {
            let points = crash_everywhere(batch, unsynced, true);
            assert!(points > 50, "{points}");
        }
    }
}

#[test]
fn nothing_is_lost_nor_done_twice_nor_left_unanswered_when_the_program_ends() {
    for batch in [1, 2, 6] {
        assert!(crash_everywhere(batch, Unsynced::Kept, false) > 50);
    }
}
