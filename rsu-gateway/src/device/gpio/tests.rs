//! Lines of a simulated chip.

use super::simulated::Simulated;
use super::*;

#[test]
fn a_line_is_driven_and_read_with_its_polarity() {
    let Some(chip) = Simulated::new("lines") else {
        return;
    };
    let mut light = Line::output(&chip.line(1, false)).unwrap();
    assert_eq!(chip.level(1), "0");
    light.set_high().unwrap();
    assert_eq!(chip.level(1), "1");
    let mut inverted = Line::output(&chip.line(2, true)).unwrap();
    assert_eq!(chip.level(2), "1");
    inverted.set_high().unwrap();
    assert_eq!(chip.level(2), "0");
    let mut contact = Line::input(&chip.line(3, true)).unwrap();
    chip.pull(3, "pull-up");
    assert!(!contact.is_high().unwrap());
    chip.pull(3, "pull-down");
    assert!(contact.is_high().unwrap());
    let taken = Line::input(&chip.line(3, true)).unwrap_err();
    assert!(taken.to_string().contains("line 3 of"), "{taken}");
    let missing = Line::input(&chip.line(8, false)).unwrap_err();
    assert!(missing.to_string().contains("line 8 of"), "{missing}");
}

#[test]
fn a_chip_that_is_not_there_is_an_error() {
    let nowhere = LineSettings {
        chip: "/nowhere/gpiochip0".into(),
        line: 0,
        active_low: false,
    };
    let error = Line::input(&nowhere).unwrap_err().to_string();
    assert!(error.contains("line 0 of /nowhere/gpiochip0"), "{error}");
}
