//! What the benchmark is asked to do.

use std::env;

/// The command line.
pub(crate) struct Arguments {
    /// How many turns each codec has at each kind of work.
    pub(crate) rounds: usize,
    /// Whether the README and the file of figures are to be written.
    pub(crate) write: bool,
}

impl Arguments {
    /// Reads the command line.
    pub(crate) fn parse() -> Result<Self, String> {
        let mut parsed = Self {
            rounds: 31,
            write: false,
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--write" => parsed.write = true,
                "--rounds" => {
                    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                    let rounds = rounds.filter(|rounds| *rounds > 0);
                    parsed.rounds = rounds.ok_or("--rounds wants a number from 1 on")?;
                }
                other => {
                    return Err(format!(
                        "{other} is no option; there are --rounds N, --write"
                    ));
                }
            }
        }
        Ok(parsed)
    }
}
