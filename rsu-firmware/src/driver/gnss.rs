//! A GNSS receiver that speaks NMEA 0183, and whether the unit stands where it should.
//!
//! Of all sentences GGA is looked at: it tells position and quality.

mod drift;

use heapless::Vec;
use nmea::ParseResult;
use nmea::sentences::{FixType, GgaData};

use crate::time::Timestamp;

pub use drift::{Drift, DriftSettings, POSITIONS_MIN};

/// Longest sentence that is looked at, in bytes; NMEA 0183 allows 82, receivers send a little more.
pub const SENTENCE_BYTES_MAX: usize = 102;

/// A place on earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees, -90 to 90, north positive.
    pub latitude_deg: f64,
    /// Degrees, -180 to 180, east positive.
    pub longitude_deg: f64,
}

/// How a position was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FixQuality {
    /// It was not.
    #[default]
    None,
    /// By satellites.
    Measured,
    /// Otherwise: dead reckoning, typed in, or simulated.
    Estimated,
}

/// What the receiver says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fix {
    /// When it was received.
    pub received: Timestamp,
    /// How the position was found.
    pub quality: FixQuality,
    /// Where, if that was measured.
    pub position: Option<Position>,
    /// Satellites in use.
    pub satellites: Option<u32>,
    /// Horizontal dilution of precision.
    pub hdop: Option<f32>,
}

/// What was received since the start and is no fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GnssCounters {
    /// Sentences of other kinds.
    pub passed_over: u64,
    /// GGA sentences with a wrong checksum, or that make no sense.
    pub damaged: u64,
    /// Lines longer than [`SENTENCE_BYTES_MAX`].
    pub too_long: u64,
}

/// Reads sentences.
#[derive(Clone, Debug, Default)]
pub struct Gnss {
    line: Vec<u8, SENTENCE_BYTES_MAX>,
    is_too_long: bool,
    fix: Option<Fix>,
    counters: GnssCounters,
}

impl Gnss {
    /// Nothing has been received.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in bytes as they come; whether they led to another fix.
    pub fn handle_bytes(&mut self, now: Timestamp, bytes: &[u8]) -> bool {
        let mut is_new = false;
        for &byte in bytes {
            match byte {
                b'\n' => is_new |= self.handle_line(now),
                b'\r' => {}
                // What was before it has been cut.
                b'$' => {
                    is_new |= self.handle_line(now);
                    self.push(byte);
                }
                _ => self.push(byte),
            }
        }
        is_new
    }

    /// The latest fix.
    pub fn fix(&self) -> Option<&Fix> {
        self.fix.as_ref()
    }

    /// What was received and is no fix.
    pub fn counters(&self) -> GnssCounters {
        self.counters
    }

    fn push(&mut self, byte: u8) {
        self.is_too_long |= self.line.push(byte).is_err();
    }

    fn handle_line(&mut self, now: Timestamp) -> bool {
        let line = core::mem::take(&mut self.line);
        if line.is_empty() {
            return false;
        }
        let counter = if core::mem::take(&mut self.is_too_long) {
            &mut self.counters.too_long
        } else if !is_gga(&line) {
            &mut self.counters.passed_over
        } else if let Some(fix) = fix(now, &line) {
            self.fix = Some(fix);
            return true;
        } else {
            &mut self.counters.damaged
        };
        *counter = counter.saturating_add(1);
        false
    }
}

/// `$`, two letters for the system (GP, BD, GN), the kind.
fn is_gga(line: &[u8]) -> bool {
    line.first() == Some(&b'$') && line.get(3..7) == Some(b"GGA,")
}

fn fix(now: Timestamp, line: &[u8]) -> Option<Fix> {
    let Ok(ParseResult::GGA(gga)) = nmea::parse_bytes(line) else {
        return None;
    };
    let quality = quality(gga.fix_type);
    let position = match quality {
        FixQuality::Measured => Some(position(&gga)?),
        FixQuality::None | FixQuality::Estimated => None,
    };
    Some(Fix {
        received: now,
        quality,
        position,
        satellites: gga.fix_satellites,
        hdop: gga.hdop,
    })
}

fn position(gga: &GgaData) -> Option<Position> {
    let latitude_deg = gga.latitude?;
    let longitude_deg = gga.longitude?;
    let is_on_earth =
        (-90.0..=90.0).contains(&latitude_deg) && (-180.0..=180.0).contains(&longitude_deg);
    is_on_earth.then_some(Position {
        latitude_deg,
        longitude_deg,
    })
}

fn quality(fix_type: Option<FixType>) -> FixQuality {
    match fix_type {
        None | Some(FixType::Invalid) => FixQuality::None,
        Some(fix_type) if fix_type.is_valid() => FixQuality::Measured,
        Some(_) => FixQuality::Estimated,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::string::String;

    const NOW: Timestamp = Timestamp::from_millis(60_000);

    /// A sentence with its checksum.
    fn sentence(content: &str) -> String {
        let sum = content.bytes().fold(0, |sum, byte| sum ^ byte);
        format!("${content}*{sum:02X}\r\n")
    }

    fn gga(latitude: &str, quality: u8) -> String {
        sentence(&format!(
            "GNGGA,123519,{latitude},N,10633.742,E,{quality},08,0.9,245.4,M,46.9,M,,"
        ))
    }

    #[test]
    fn a_position_is_read_with_its_quality() {
        let mut gnss = Gnss::new();
        assert!(gnss.handle_bytes(NOW, gga("2943.300", 4).as_bytes()));
        let fix = *gnss.fix().unwrap();
        let position = fix.position.unwrap();
        let off = (position.latitude_deg - 29.721_666).abs();
        assert!(off < 1e-5, "{position:?}");
        let off = (position.longitude_deg - 106.562_366).abs();
        assert!(off < 1e-5, "{position:?}");
        assert_eq!((fix.received, fix.quality), (NOW, FixQuality::Measured));
        assert_eq!((fix.satellites, fix.hdop), (Some(8), Some(0.9)));
        assert_eq!(gnss.counters(), GnssCounters::default());
    }

    #[test]
    fn what_was_not_measured_is_no_position() {
        let mut gnss = Gnss::new();
        let none = sentence("GPGGA,123519,,,,,0,00,,,M,,M,,");
        for (sentence, quality) in [
            (none, FixQuality::None),
            (gga("2943.300", 6), FixQuality::Estimated),
            (gga("2943.300", 8), FixQuality::Estimated),
        ] {
            assert!(gnss.handle_bytes(NOW, sentence.as_bytes()));
            let fix = gnss.fix().unwrap();
            assert_eq!((fix.quality, fix.position), (quality, None));
        }
    }

    #[test]
    fn a_measured_position_that_is_missing_or_not_on_earth_is_damage() {
        let mut gnss = Gnss::new();
        let missing = sentence("GPGGA,123519,,,,,1,08,0.9,545.4,M,46.9,M,,");
        for sentence in [missing, gga("9943.300", 1)] {
            assert!(!gnss.handle_bytes(NOW, sentence.as_bytes()));
        }
        assert_eq!(gnss.counters().damaged, 2);
        assert_eq!(gnss.fix(), None);
    }

    #[test]
    fn every_line_is_a_fix_or_raises_one_counter() {
        let mut gnss = Gnss::new();
        let good = gga("2943.300", 1);
        let damaged = good.replace("2943", "2944");
        let other = sentence("GNGSV,1,1,00");
        let proprietary = sentence("PUBX,00,whatever the maker likes");
        let noise = "x".repeat(300);
        let cut = good.get(..20).unwrap();
        let bytes = format!("{noise}\n{damaged}{other}{proprietary}{cut}{good}");
        assert!(gnss.handle_bytes(NOW, bytes.as_bytes()));
        let expected = GnssCounters {
            passed_over: 2,
            damaged: 2,
            too_long: 1,
        };
        assert_eq!(gnss.counters(), expected);
    }

    #[test]
    fn a_sentence_may_come_in_any_pieces() {
        let text = gga("2943.300", 1);
        for place in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(place);
            let mut gnss = Gnss::new();
            assert!(!gnss.handle_bytes(NOW, first));
            assert!(gnss.handle_bytes(NOW, second), "{place}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_any_harm(
            noise in proptest::collection::vec(any::<u8>(), 0..400),
            content in "G[PNL]GGA,[ -~]{0,90}",
        ) {
            let mut gnss = Gnss::new();
            gnss.handle_bytes(NOW, &noise);
            gnss.handle_bytes(NOW, sentence(&content).as_bytes());
            gnss.handle_bytes(NOW, b"\n");
            prop_assert!(gnss.handle_bytes(NOW, gga("2943.300", 1).as_bytes()));
        }

        #[test]
        fn a_position_is_always_on_earth(
            latitude in "(-?[0-9]{0,6}(\\.[0-9]{0,5})?|nan|inf|-inf)",
            longitude in "(-?[0-9]{0,7}(\\.[0-9]{0,5})?|nan|inf|1e999)",
        ) {
            let mut gnss = Gnss::new();
            let content =
                format!("GPGGA,123519,{latitude},N,{longitude},E,1,08,0.9,245.4,M,46.9,M,,");
            gnss.handle_bytes(NOW, sentence(&content).as_bytes());
            if let Some(position) = gnss.fix().and_then(|fix| fix.position) {
                prop_assert!(position.latitude_deg.abs() <= 90.0, "{position:?}");
                prop_assert!(position.longitude_deg.abs() <= 180.0, "{position:?}");
            }
        }
    }
}
