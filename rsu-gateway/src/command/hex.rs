//! Bytes as people write them.

/// Not hex.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(super) struct NoHex {
    /// The bits that were read before.
    pub(super) bit: usize,
    what: String,
}

/// Reads hex digits; white space, colons, commas and `0x` between bytes do not count.
///
/// # Errors
/// The position (in characters, from 1) and what is wrong there.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, NoHex> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((at, character)) = characters.next() {
        let follows_x = matches!(characters.peek(), Some((_, 'x' | 'X')));
        match (character, high) {
            ('0', None) if follows_x => {
                characters.next();
            }
            (' ' | '\t' | '\r' | '\n' | ':' | ',', None) => {}
            _ => {
                let digit = character.to_digit(16).ok_or_else(|| NoHex {
                    bit: bytes.len() * 8 + if high.is_some() { 4 } else { 0 },
                    what: format!("character {}: '{character}' is no hex digit", at + 1),
                })?;
                high = match high {
                    None => Some(digit),
                    Some(high) => {
                        bytes.push((high << 4 | digit) as u8);
                        None
                    }
                };
            }
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(NoHex {
            bit: bytes.len() * 8 + 4,
            what: "an odd number of hex digits".into(),
        }),
    }
}

/// Upper-case hex.
pub(super) fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_bytes_in_many_ways() {
        for text in ["04006f", "04:00:6F", "0x04 0x00, 0x6f", " 0400 6F\n"] {
            assert_eq!(decode(text), Ok(vec![0x04, 0x00, 0x6F]), "{text}");
        }
    }

    #[test]
    fn errors_name_the_character_and_the_bit() {
        for (text, bit, what) in [
            ("04g0", 8, "character 3: 'g' is no hex digit"),
            ("0 4", 4, "character 2: ' ' is no hex digit"),
            ("040", 12, "an odd number of hex digits"),
        ] {
            let what = what.into();
            assert_eq!(decode(text), Err(NoHex { bit, what }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = decode(&text);
        }
    }
}
