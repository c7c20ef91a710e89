//! Bundles that a unit must not take.

use std::fs;
use std::path::Path;

use rsu_image::flash::{Outcome, update};
use rsu_image::keys::Keys;

use crate::fixture::{FIRST, NEXT, OLDER, fixture};
use crate::unit::Emulated;

#[test]
#[ignore = "minutes of emulation"]
fn wrong_signer_wrong_board_flipped_bytes_and_older_versions_are_refused() {
    let unit = Emulated::at_work();
    let fixture = fixture();
    let root = fixture.image(NEXT).root();
    let compatible = fixture.board.compatible();

    let strangers = Keys::new(Some(&fixture.path("strangers")));
    strangers.make().unwrap();
    let foreign = fixture.bundle_of(&root, &compatible, NEXT, &strangers);
    refused(&unit, &foreign, "signature verification failed");

    let other_board = fixture.bundle_of(&root, "rsu-toaster", NEXT, &fixture.keys);
    refused(&unit, &other_board, "Compatible mismatch");

    let older = fixture.bundle_of(&root, &compatible, OLDER, &fixture.keys);
    refused(
        &unit,
        &older,
        &format!("version {OLDER} is older than {FIRST}, which runs"),
    );

    let flipped = fixture.bundle_of(&root, &compatible, NEXT, &fixture.keys);
    let mut bytes = fs::read(&flipped).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4]
        .iter_mut()
        .for_each(|byte| *byte ^= 0xFF);
    fs::write(&flipped, bytes).unwrap();
    refused(&unit, &flipped, "bytes are not those that were signed");

    // After all that the unit is what it was.
    unit.run("reboot > /dev/null 2>&1 &");
    let before = unit.reports("info/up").len();
    unit.wait_for("start", crate::unit::START_TIME_MAX, |unit| {
        (unit.reports("info/up").len() > before).then_some(())
    });
    assert_eq!(unit.slot_and_version(), ("A".into(), FIRST.into()));
}

/// The unit says why, and nothing is started anew.
fn refused(unit: &Emulated, bundle: &Path, why: &str) {
    let outcome = update(&unit.host(), bundle, NEXT, &mut |_| {});
    let Outcome::Refused { reason } = outcome else {
        panic!("{outcome:?}\n{}", unit.story());
    };
    assert!(reason.contains(why), "{reason}\n{}", unit.story());
}
