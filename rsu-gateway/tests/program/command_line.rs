//! Help, wrong usage, and what every command has in common.

use crate::data;
use crate::process::{rsu, rsu_fed};

const COMMANDS: [&str; 7] = [
    "demo",
    "run",
    "self-check",
    "replay",
    "fleet",
    "inspect",
    "encode",
];

#[test]
fn help_goes_to_stdout_and_names_every_command() {
    let help = rsu(&["--help"]).succeeded();
    assert!(
        COMMANDS.iter().all(|command| help.stdout.contains(command)),
        "{}",
        help.stdout
    );
    assert_eq!(help.stderr, "");
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let help = rsu(&[command, "--help"]).succeeded();
        let usage = format!("Usage: rsu {command}");
        assert!(help.stdout.contains(&usage), "{}", help.stdout);
        assert!(help.stdout.contains("--log-level"), "{}", help.stdout);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = rsu(&["--version"]).succeeded().stdout;
    assert_eq!(version, concat!("rsu ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_is_told_from_work_that_failed() {
    for (arguments, told) in [
        (&["forward"][..], "forward"),
        (&["inspect", "--colour"], "--colour"),
        (&["inspect", "--profile", "j2735"], "ydt3709-2020"),
        (&["encode", "00"], "00"),
        (&["replay"], "<TRACE>"),
        (&["replay", "t.pcap", "--pace=-1"], "no pace"),
        (&["replay", "t.pcap", "--pace", "fast"], "no pace"),
        (&["replay", "t.pcap", "--mqtt", "localhost:1883"], "mqtt://"),
        (&["replay", "t.pcap", "--rsu-id", "R1"], "--mqtt"),
        (&["run"], "--config"),
        (
            &["fleet", "t.pcap", "--units", "0", "--mqtt", "mqtt://h"],
            "1..=5000",
        ),
        (
            &["fleet", "t.pcap", "--units", "5001", "--mqtt", "mqtt://h"],
            "1..=5000",
        ),
        (&["fleet", "t.pcap", "--units", "2"], "--mqtt"),
        (
            &["fleet", "t.pcap", "--units", "2", "--mqtt", "h"],
            "mqtt://",
        ),
        (&["fleet", "--units", "2", "--mqtt", "mqtt://h"], "<TRACE>"),
        (&["demo", "--duration", "0"], "--duration"),
        (&["encode", "--log-level", "loud"], "--log-level"),
        (&["encode", "--log-format", "xml"], "json"),
    ] {
        let explanation = rsu(arguments).misused();
        assert!(explanation.contains(told), "{arguments:?}: {explanation}");
        assert!(
            explanation.contains("--help"),
            "{arguments:?}: {explanation}"
        );
    }
}

/// The level is chosen so that even what is of no interest is logged.
#[test]
fn logs_never_mix_with_results() {
    let capture = data::trace("arterial-2019");
    let arguments = ["inspect", &capture, "--profile", data::TCSAE53_2019];
    let quiet = rsu(&arguments).succeeded();
    let loud = rsu(&[&arguments[..], &["--log-level", "trace"]].concat()).succeeded();
    assert_eq!(quiet.stdout, loud.stdout);
    loud.json_lines();
}

/// In the profile that is not the trace's there are drops to be logged.
#[test]
fn a_log_is_written_for_people_or_for_programs() {
    let trace = data::trace("arterial-2019");
    let logged = ["replay", &trace, "--log-level", "debug"];
    let text = rsu(&logged).succeeded().stderr;
    assert!(text.contains("DEBUG frame dropped"), "{text}");
    assert!(!text.contains('\x1b'), "colours are for terminals: {text}");

    let json = rsu(&[&logged[..], &["--log-format", "json"]].concat());
    let json = json.succeeded().stderr;
    let objects = json.lines().filter(|line| line.starts_with('{'));
    let levels = objects.map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["level"].clone()
    });
    assert!(
        levels.filter(|level| level == "DEBUG").count() > 10,
        "{json}"
    );
}

#[test]
fn no_input_is_no_failure_of_a_filter() {
    for arguments in [&["encode"][..], &["inspect", "--lines"]] {
        assert_eq!(rsu_fed(arguments, b"").succeeded().stdout, "");
    }
}
