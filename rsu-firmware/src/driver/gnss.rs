//! A GNSS receiver that speaks NMEA 0183 over a serial line, and whether the unit stands where it
//! should.
//!
//! Every sentence with a right checksum is looked at; GGA tells position and quality, RMC the time.
//! Others are passed over.

mod drift;

use embedded_io::{Read, ReadReady};
use heapless::Vec;
use nmea::ParseResult;
use nmea::sentences::FixType;
use nmea::sentences::rmc::RmcStatusOfFix;

use crate::time::{Span, Timestamp};

pub use drift::{Drift, DriftSettings, POSITIONS_MIN};

/// Longest sentence that is looked at, in bytes; NMEA 0183 allows 82, receivers send a little more.
pub const SENTENCE_BYTES_MAX: usize = 102;

/// Bytes that are taken from a port at a time.
const READ_BYTES: usize = 64;

/// A place on earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees, north positive.
    pub latitude_deg: f64,
    /// Degrees, east positive.
    pub longitude_deg: f64,
}

/// How a position was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FixQuality {
    #[default]
    None,
    Gnss,
    Differential,
    RtkFloat,
    RtkFixed,
    /// Not measured: dead reckoning, typed in, or simulated.
    Estimated,
}

/// What the receiver says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fix {
    /// When it was received.
    pub received: Timestamp,
    /// How the position was found.
    pub quality: FixQuality,
    /// Where; `None` without a fix.
    pub position: Option<Position>,
    /// Satellites in use.
    pub satellites: Option<u32>,
    /// Horizontal dilution of precision.
    pub hdop: Option<f32>,
    /// What time it is, as of the latest RMC with a fix.
    pub utc: Option<Timestamp>,
}

/// What was received since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GnssCounters {
    /// Sentences that were understood.
    pub understood: u64,
    /// Sentences of other kinds.
    pub passed_over: u64,
    /// Sentences with a wrong checksum, or that make no sense.
    pub malformed: u64,
    /// Lines longer than [`SENTENCE_BYTES_MAX`].
    pub too_long: u64,
}

/// Reads sentences.
#[derive(Clone, Debug, Default)]
pub struct Gnss {
    line: Vec<u8, SENTENCE_BYTES_MAX>,
    /// What comes until the next line is of no use.
    is_lost: bool,
    fix: Option<Fix>,
    utc: Option<Timestamp>,
    heard: Option<Timestamp>,
    counters: GnssCounters,
}

impl Gnss {
    /// Nothing has been received.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what `port` holds, without waiting; whether it led to another fix.
    ///
    /// # Errors
    /// That of the port.
    pub fn receive<P: Read + ReadReady>(
        &mut self,
        now: Timestamp,
        port: &mut P,
    ) -> Result<bool, P::Error> {
        let mut is_new = false;
        let mut buffer = [0; READ_BYTES];
        while port.read_ready()? {
            let read = port.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            is_new |= self.handle_bytes(now, buffer.get(..read).unwrap_or_default());
        }
        Ok(is_new)
    }

    /// Takes in bytes of the line; whether they led to another fix.
    pub fn handle_bytes(&mut self, now: Timestamp, bytes: &[u8]) -> bool {
        let mut is_new = false;
        for &byte in bytes {
            match byte {
                b'\n' => is_new |= self.handle_line(now),
                b'\r' => {}
                // Wherever a sentence begins, what was before it has been cut.
                b'$' => {
                    self.line.clear();
                    self.is_lost = self.line.push(byte).is_err();
                }
                _ if self.is_lost => {}
                _ => self.is_lost = self.line.push(byte).is_err(),
            }
        }
        is_new
    }

    /// The latest fix.
    pub fn fix(&self) -> Option<&Fix> {
        self.fix.as_ref()
    }

    /// Time since the last sentence that was understood; `None` before the first.
    pub fn silent_for(&self, now: Timestamp) -> Option<Span> {
        self.heard.map(|heard| now - heard)
    }

    /// What was received.
    pub fn counters(&self) -> GnssCounters {
        self.counters
    }

    fn handle_line(&mut self, now: Timestamp) -> bool {
        let line = core::mem::take(&mut self.line);
        let counters = &mut self.counters;
        if core::mem::take(&mut self.is_lost) {
            counters.too_long = counters.too_long.saturating_add(1);
            return false;
        }
        if line.is_empty() {
            return false;
        }
        let (counter, is_new) = match nmea::parse_bytes(&line) {
            Ok(ParseResult::GGA(gga)) => {
                let position = gga.latitude.zip(gga.longitude);
                let quality = quality(gga.fix_type);
                self.fix = Some(Fix {
                    received: now,
                    quality,
                    position: position.filter(|_| quality != FixQuality::None).map(
                        |(latitude_deg, longitude_deg)| Position {
                            latitude_deg,
                            longitude_deg,
                        },
                    ),
                    satellites: gga.fix_satellites,
                    hdop: gga.hdop,
                    utc: self.utc,
                });
                (&mut counters.understood, true)
            }
            Ok(ParseResult::RMC(rmc)) => {
                let is_valid = rmc.status_of_fix != RmcStatusOfFix::Invalid;
                let time = rmc.fix_date.zip(rmc.fix_time).filter(|_| is_valid);
                self.utc = time.map(|(date, time)| {
                    Timestamp::from_micros(date.and_time(time).and_utc().timestamp_micros())
                });
                (&mut counters.understood, false)
            }
            Ok(_) | Err(nmea::Error::DisabledSentence | nmea::Error::Unsupported(_)) => {
                (&mut counters.passed_over, false)
            }
            Err(_) => {
                counters.malformed = counters.malformed.saturating_add(1);
                return false;
            }
        };
        *counter = counter.saturating_add(1);
        self.heard = Some(now);
        is_new
    }
}

fn quality(fix_type: Option<FixType>) -> FixQuality {
    match fix_type {
        None | Some(FixType::Invalid) => FixQuality::None,
        Some(FixType::Gps | FixType::Pps) => FixQuality::Gnss,
        Some(FixType::DGps) => FixQuality::Differential,
        Some(FixType::FloatRtk) => FixQuality::RtkFloat,
        Some(FixType::Rtk) => FixQuality::RtkFixed,
        Some(FixType::Estimated | FixType::Manual | FixType::Simulation) => FixQuality::Estimated,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use embedded_io::ErrorType;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A sentence with its checksum.
    fn sentence(content: &str) -> String {
        let sum = content.bytes().fold(0, |sum, byte| sum ^ byte);
        format!("${content}*{sum:02X}\r\n")
    }

    fn gga(latitude: &str, quality: u8) -> String {
        let rest = "E,1,08,0.9,545.4,M,46.9,M,,";
        let rest = rest.replacen('1', &format!("{quality}"), 1);
        sentence(&format!("GPGGA,123519,{latitude},N,10633.742,{rest}"))
    }

    const RMC: &str = "GPRMC,225446.33,A,2943.30,N,10633.74,E,000.5,054.7,191124,020.3,E";

    #[test]
    fn a_position_is_read_with_its_quality_and_time() {
        let mut gnss = Gnss::new();
        assert!(!gnss.handle_bytes(NOW, sentence(RMC).as_bytes()));
        assert!(gnss.handle_bytes(NOW, gga("2943.300", 4).as_bytes()));
        let fix = gnss.fix().unwrap();
        let position = fix.position.unwrap();
        assert!(
            (position.latitude_deg - 29.721_666).abs() < 1e-5,
            "{position:?}"
        );
        assert!(
            (position.longitude_deg - 106.562_366).abs() < 1e-5,
            "{position:?}"
        );
        assert_eq!(
            (fix.quality, fix.satellites),
            (FixQuality::RtkFixed, Some(8))
        );
        // 2024-11-19T22:54:46.33Z
        let utc = Timestamp::from_millis(1_732_056_886_330);
        let off = (fix.utc.unwrap() - utc).as_micros().abs();
        assert!(off < 1_000, "{:?}", fix.utc);
        assert_eq!(gnss.counters().understood, 2);
    }

    #[test]
    fn without_a_fix_there_is_no_position() {
        let mut gnss = Gnss::new();
        let sentence = sentence("GPGGA,123519,,,,,0,00,,,M,,M,,");
        assert!(gnss.handle_bytes(NOW, sentence.as_bytes()));
        let fix = gnss.fix().unwrap();
        assert_eq!((fix.quality, fix.position), (FixQuality::None, None));
    }

    #[test]
    fn what_is_damaged_is_counted_and_the_next_one_read() {
        let mut gnss = Gnss::new();
        let good = gga("2943.300", 1);
        let damaged = good.replace("2943", "2944");
        let noise = "x".repeat(300);
        let bytes = format!("{noise}\n{damaged}{}{good}", sentence("GPGSV,1,1,00"));
        assert!(gnss.handle_bytes(NOW, bytes.as_bytes()));
        let expected = GnssCounters {
            understood: 1,
            passed_over: 1,
            malformed: 1,
            too_long: 1,
        };
        assert_eq!(gnss.counters(), expected);
        assert_eq!(
            gnss.silent_for(NOW + Span::from_millis(5)),
            Some(Span::from_millis(5))
        );
    }

    /// A port that hands over what came, piece by piece; nothing more is ready after each.
    struct Port(VecDeque<Option<Vec<u8>>>);

    impl ErrorType for Port {
        type Error = Infallible;
    }

    impl ReadReady for Port {
        fn read_ready(&mut self) -> Result<bool, Infallible> {
            let is_ready = matches!(self.0.front(), Some(Some(_)));
            if !is_ready {
                self.0.pop_front();
            }
            Ok(is_ready)
        }
    }

    impl Read for Port {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
            let piece = self.0.pop_front().flatten().unwrap();
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn it_comes_over_a_port_in_any_pieces() {
        let text = gga("2943.300", 1);
        let (first, second) = text.as_bytes().split_at(20);
        let pieces = [Some(first.to_vec()), None, Some(second.to_vec()), None];
        let mut port = Port(pieces.into());
        let mut gnss = Gnss::new();
        assert_eq!(gnss.receive(NOW, &mut port), Ok(false));
        assert_eq!(gnss.receive(NOW, &mut port), Ok(true));
    }

    proptest! {
        #[test]
        fn no_bytes_do_any_harm(
            noise in proptest::collection::vec(any::<u8>(), 0..400),
            content in "G[PNLA](GGA|RMC|GSA|TXT),[ -~]{0,90}",
        ) {
            let mut gnss = Gnss::new();
            gnss.handle_bytes(NOW, &noise);
            gnss.handle_bytes(NOW, sentence(&content).as_bytes());
            gnss.handle_bytes(NOW, b"\n");
            prop_assert!(gnss.handle_bytes(NOW, gga("2943.300", 1).as_bytes()));
        }
    }
}
