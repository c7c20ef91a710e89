//! A command, run to its end, but not for ever; its words are bounded.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::InstallerError;

/// Most bytes of a line; a longer one is cut into several.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Most bytes that are kept of each stream; more than the longest line.
const OUTPUT_BYTES_MAX: usize = 256 << 10;

/// How often is looked whether a command has ended that has closed its output.
const END_PAUSE: Duration = Duration::from_millis(20);

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) is_success: bool,
    pub(super) stdout: String,
    stderr: String,
    status: String,
}

/// Runs `command` with `arguments`; `on_line` gets what it says on stdout at once.
pub(super) fn run(
    command: &[String],
    arguments: &[&OsStr],
    patience: Duration,
    on_line: &mut dyn FnMut(&str),
) -> Result<Ended, InstallerError> {
    let [program, first @ ..] = command else {
        return Err(InstallerError(
            "update.rauc_command names no program".into(),
        ));
    };
    let failed = |what: String| InstallerError(format!("{program}: {what}"));
    let until = Instant::now() + patience;
    let mut child = Command::new(program)
        .args(first)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let stdout = lines(child.stdout.take());
    let stderr = collected(child.stderr.take());
    let mut told = String::new();
    let heard = loop {
        match stdout.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                on_line(&line);
                keep(&mut told, &line);
            }
            Err(RecvTimeoutError::Disconnected) => break true,
            Err(RecvTimeoutError::Timeout) => break false,
        }
    };
    let status = match heard {
        true => wait(&mut child, until),
        false => None,
    };
    let Some(status) = status else {
        // Killed by itself meanwhile is as good.
        drop(child.kill());
        drop(child.wait());
        return Err(failed(format!("no end after {} s", patience.as_secs())));
    };
    // A process that it left behind may hold the pipe open.
    let complained = stderr.recv_timeout(until.saturating_duration_since(Instant::now()));
    let complained = complained.unwrap_or_default();
    Ok(Ended {
        is_success: status.success(),
        stdout: told,
        stderr: complained,
        status: format!("{program}: {status}"),
    })
}

impl Ended {
    /// Why it failed, in its own words where it had some.
    pub(super) fn reason(&self) -> String {
        let told = self.stdout.lines().rev();
        if let Some(reason) = told
            .into_iter()
            .find_map(|line| line.strip_prefix("LastError: "))
        {
            return reason.to_owned();
        }
        let mut complained = self.stderr.lines().rev().map(str::trim);
        let complained = complained.find(|line| !line.is_empty() && !is_message(line));
        complained.unwrap_or(&self.status).to_owned()
    }
}

/// `rauc-Message: ...` and `(rauc:1): rauc-WARNING **: ...` tell what it does.
fn is_message(line: &str) -> bool {
    line.starts_with("rauc-") || line.starts_with("(rauc:")
}

/// Adds a line. Where there is too much, the older half goes: the end tells why it failed.
fn keep(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
    if text.len() > OUTPUT_BYTES_MAX {
        let newer = text.bytes().skip(OUTPUT_BYTES_MAX / 2);
        let line_end = newer.take_while(|byte| *byte != b'\n').count();
        text.drain(..=OUTPUT_BYTES_MAX / 2 + line_end);
    }
}

fn wait(child: &mut Child, until: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(END_PAUSE),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// All that came out of a pipe, within limits, when it has ended. Nobody waits for a reader: a
/// command that says much there must not stand still.
fn collected(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut text = String::new();
        for line in lines(pipe) {
            keep(&mut text, &line);
        }
        // The command was given up meanwhile.
        let _ = sender.send(text);
    });
    receiver
}

/// What comes out of a pipe, line by line; the channel ends with it.
fn lines(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    /// Lines that may wait.
    const WAITING_MAX: usize = 64;
    let (sender, receiver) = mpsc::sync_channel(WAITING_MAX);
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                let read = pipe
                    .by_ref()
                    .take(LINE_BYTES_MAX)
                    .read_until(b'\n', &mut line);
                if !matches!(read, Ok(1..)) {
                    return;
                }
                let line = String::from_utf8_lossy(&line);
                if sender.send(line.trim_end_matches('\n').to_owned()).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Ended, InstallerError> {
        let command = ["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        run(&command, &[], patience, &mut |_| {})
    }

    #[test]
    fn what_it_says_is_kept_within_limits() {
        let patience = Duration::from_secs(60);
        let ended = shell("echo one; echo two >&2; exit 3", patience).unwrap();
        assert_eq!((ended.is_success, ended.stdout.as_str()), (false, "one\n"));
        assert_eq!(ended.reason(), "two");
        let ended = shell(
            "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2",
            patience,
        );
        assert!(ended.unwrap().stdout.len() <= OUTPUT_BYTES_MAX);
    }

    #[test]
    fn one_that_says_much_on_either_side_comes_to_its_end() {
        let script = "seq 100000 >&2; seq 100000; echo last >&2; exit 3";
        let ended = shell(script, Duration::from_secs(60)).unwrap();
        assert!(ended.stdout.ends_with("\n99999\n100000\n"));
        assert_eq!(ended.reason(), "last");
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let error = shell("exec sleep 1000", Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.0, "sh: no end after 0 s");
        let error = shell("exec >&- 2>&-; exec sleep 1000", Duration::from_millis(100));
        assert_eq!(error.unwrap_err().0, "sh: no end after 0 s");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let command = ["/nowhere/rauc".to_owned()];
        let error = run(&command, &[], Duration::from_secs(1), &mut |_| {}).unwrap_err();
        assert!(error.0.starts_with("/nowhere/rauc: "), "{error}");
    }
}
