//! Pulses as the kernel has caught them: `1700000000.000123456#42` in `/sys/class/pps/pps0/assert`.

use std::path::Path;
use std::{fs, io};

use rsu_firmware::time::Timestamp;

/// A pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    /// When it came, by the kernel's clock.
    pub(super) time: Timestamp,
    pub(super) number: u64,
}

/// The latest pulse; `None` before the first.
pub(super) fn read(path: &Path) -> io::Result<Option<Pulse>> {
    let text = fs::read_to_string(path)?;
    let text = text.trim();
    if text.is_empty() || text.starts_with("0.000000000#") {
        return Ok(None);
    }
    match parse(text) {
        Some(pulse) => Ok(Some(pulse)),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{text:?} is no pulse"),
        )),
    }
}

fn parse(text: &str) -> Option<Pulse> {
    let (time, number) = text.split_once('#')?;
    let (seconds, nanos) = time.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: u32 = nanos.parse().ok().filter(|_| nanos.len() == 9)?;
    let micros = seconds.checked_mul(1_000_000)?;
    let micros = micros.checked_add(i64::from(nanos / 1_000))?;
    Some(Pulse {
        time: Timestamp::from_micros(micros),
        number: number.parse().ok()?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_a_time_and_a_number() {
        let pulse = parse("1700000000.000123456#42").unwrap();
        assert_eq!(pulse.time, Timestamp::from_micros(1_700_000_000_000_123));
        assert_eq!(pulse.number, 42);
        for other in [
            "",
            "1",
            "1.5#2",
            "1.000000000",
            "x.000000000#1",
            "9223372036854775807.000000000#1",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn there_may_be_none_yet() {
        let path = std::env::temp_dir().join(format!("rsu-pps-{}", std::process::id()));
        for (text, is_none) in [("0.000000000#0\n", true), ("1.000000000#1\n", false)] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap().is_none(), is_none);
        }
        fs::write(&path, "noise").unwrap();
        assert!(read(&path).is_err());
        fs::remove_file(&path).unwrap();
    }
}
