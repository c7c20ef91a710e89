//! The `rsu` program: C-V2X roadside unit and its tools.

use std::process::ExitCode;

use clap::Parser;
use rsu_gateway::command::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
