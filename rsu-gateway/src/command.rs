//! The command line: what the program can be asked to do.

mod answers;
#[cfg(feature = "demo")]
mod demo;
mod encode;
#[cfg(feature = "fleet")]
mod fleet;
mod hex;
mod inspect;
mod logging;
mod output;
mod replay;
mod run;
mod self_check;
mod stop;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rsu_firmware::uper::Profile;

/// C-V2X roadside unit: decodes SPAT, MAP, BSM, RSI and RSM from the PC5 radio, fuses traffic
/// lights and vehicles, and forwards them over MQTT to the cloud control platform.
///
/// Without a command it runs the demo, where that is built in: a broker of its own, a recorded
/// junction in a loop, and a live view of it in the terminal.
#[derive(Debug, Parser)]
#[command(name = "rsu", version, max_term_width = 100)]
pub struct Arguments {
    #[cfg(feature = "demo")]
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(not(feature = "demo"))]
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    logging: logging::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    Run(run::Options),
    SelfCheck(self_check::Options),
    Replay(replay::Options),
    #[cfg(feature = "fleet")]
    Fleet(fleet::Options),
    Inspect(inspect::Options),
    Encode(encode::Options),
}

#[cfg(feature = "demo")]
impl Default for Command {
    fn default() -> Self {
        Self::Demo(demo::Options::default())
    }
}

impl Arguments {
    /// Does what was asked for. Results go to stdout, everything else to stderr.
    ///
    /// The exit code is 0 on success, 1 when the work failed, 2 for a wrong command line.
    pub fn run(self) -> ExitCode {
        let logging = &self.logging;
        #[cfg(feature = "demo")]
        let command = &self.command.unwrap_or_default();
        #[cfg(not(feature = "demo"))]
        let command = &self.command;
        let done = match command {
            #[cfg(feature = "demo")]
            Command::Demo(options) => demo::run(options, logging),
            Command::Run(options) => run::run(options, logging),
            Command::SelfCheck(options) => self_check::run(options, logging),
            Command::Replay(options) => replay::run(options, logging),
            #[cfg(feature = "fleet")]
            Command::Fleet(options) => fleet::run(options, logging),
            Command::Inspect(options) => inspect::run(options, logging),
            Command::Encode(options) => encode::run(options, logging),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if output::reader_is_gone(&*error) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("rsu: {}", output::chain(&*error));
                ExitCode::FAILURE
            }
        }
    }
}

/// What went wrong, for people.
type Failure = Box<dyn std::error::Error>;

/// Which edition of the message set the messages follow.
#[derive(Clone, Copy, Debug, Args)]
struct ProfileOption {
    /// The edition of the message set on the wire; a message does not tell.
    #[arg(
        long,
        value_enum,
        default_value = "ydt3709-2020",
        value_name = "PROFILE"
    )]
    profile: ProfileName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileName {
    /// YD/T 3709-2020.
    #[value(name = Profile::Ydt3709_2020.name())]
    Ydt3709_2020,
    /// T/CSAE 53 as released on 2019-07-24.
    #[value(name = Profile::Tcsae53_2019.name())]
    Tcsae53_2019,
}

impl ProfileOption {
    fn profile(self) -> Profile {
        match self.profile {
            ProfileName::Ydt3709_2020 => Profile::Ydt3709_2020,
            ProfileName::Tcsae53_2019 => Profile::Tcsae53_2019,
        }
    }
}
