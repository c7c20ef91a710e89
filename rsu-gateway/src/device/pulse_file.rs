//! Pulses as the kernel has caught them: `1700000000.000123456#42` in `/sys/class/pps/pps0/assert`.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use rsu_firmware::time::Timestamp;

use super::part::about;

/// Longer text is no pulse.
const BYTES_MAX: u64 = 64;

/// The file.
#[derive(Debug)]
pub(super) struct PulseFile(File);

/// A pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    /// When it came, by the wall clock.
    pub(super) time: Timestamp,
    pub(super) number: u64,
}

impl PulseFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        about(path, File::open(path)).map(Self)
    }

    /// The latest pulse; `None` before the first.
    pub(super) fn read(&mut self) -> io::Result<Option<Pulse>> {
        self.0.rewind()?;
        let mut text = String::new();
        (&self.0).take(BYTES_MAX).read_to_string(&mut text)?;
        let text = text.trim();
        let pulse = parse(text).ok_or_else(|| io::Error::other(format!("{text:?} is no pulse")))?;
        Ok(Some(pulse).filter(|pulse| pulse.number > 0))
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
    fn there_may_be_none_yet_and_the_latest_is_read_again_and_again() {
        let path = std::env::temp_dir().join(format!("rsu-pps-{}", std::process::id()));
        std::fs::write(&path, "0.000000000#0\n").unwrap();
        let mut file = PulseFile::open(&path).unwrap();
        assert_eq!(file.read().unwrap(), None);
        for number in 1..=2 {
            std::fs::write(&path, format!("1.000000000#{number}\n")).unwrap();
            assert_eq!(file.read().unwrap().unwrap().number, number);
        }
        std::fs::write(&path, "noise").unwrap();
        file.read().unwrap_err();
        std::fs::remove_file(&path).unwrap();
    }
}
