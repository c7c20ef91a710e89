//! Updates that the unit takes: it keeps the good ones, and leaves the bad ones by itself.

use std::time::{Duration, Instant};

use rsu_image::flash::{Outcome, update};

use crate::fixture::{BROKEN, FIRST, NEXT, fixture};
use crate::unit::Emulated;

#[test]
#[ignore = "minutes of emulation"]
fn a_good_update_is_confirmed_and_a_broken_one_falls_back() {
    let unit = Emulated::at_work();
    let outcome = update(&unit.host(), &fixture().bundle(NEXT), NEXT, &mut |_| {});
    assert_eq!(
        outcome,
        Outcome::Updated { from: FIRST.into() },
        "{}",
        unit.story()
    );
    assert_eq!(unit.slot_and_version(), ("B".into(), NEXT.into()));
    let before = unit.reports("junction/up").len();
    unit.wait_for(
        "snapshots from the new slot",
        Duration::from_secs(30),
        |unit| (unit.reports("junction/up").len() > before + 10).then_some(()),
    );

    let mut restarted = None;
    let outcome = update(
        &unit.host(),
        &fixture().bundle(BROKEN),
        BROKEN,
        &mut |step| {
            if step == rsu_image::flash::Step::OnTrial {
                restarted = Some(Instant::now());
            }
        },
    );
    assert_eq!(
        outcome,
        Outcome::FellBack {
            version: NEXT.into()
        },
        "{}",
        unit.story()
    );
    let took = restarted.unwrap().elapsed();
    assert!(took < Duration::from_secs(120), "fell back after {took:?}");
    assert_eq!(unit.slot_and_version(), ("B".into(), NEXT.into()));
}
