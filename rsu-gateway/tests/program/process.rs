//! Runs the program, and never waits for it for ever.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end.
pub(crate) fn rsu(arguments: &[&str]) -> Ended {
    rsu_fed(arguments, b"")
}

/// As [`rsu`], with `stdin`.
pub(crate) fn rsu_fed(arguments: &[&str], stdin: &[u8]) -> Ended {
    let mut running = Running::start(arguments);
    let mut pipe = running.stdin();
    let stdin = stdin.to_vec();
    // A program that does not want all of it closes the pipe, which is its right.
    thread::spawn(move || drop(pipe.write_all(&stdin)));
    running.end()
}

impl Ended {
    /// Nothing but the exit code 0 is success.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The work failed: exit code 1, and a last line on stderr that says why.
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        let reason = last.strip_prefix("rsu: ");
        reason
            .unwrap_or_else(|| panic!("{}", self.stderr))
            .to_owned()
    }

    /// The command line was wrong: exit code 2, and nothing but an explanation.
    pub(crate) fn misused(self) -> String {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }

    /// The lines of stdout as JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// The program at work. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Where it reads from; it meets the end when this is dropped.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// The next line of its stdout.
    pub(crate) fn stdout_line(&mut self) -> String {
        self.stdout.next().expect("one more line on stdout")
    }

    /// The first line of its stderr, from here on, that holds `text`.
    pub(crate) fn stderr_line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.stderr.next();
            let line =
                line.unwrap_or_else(|| panic!("no line with {text}: {:?}", self.stderr.heard));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end. What was read of its output before is part of what it left behind.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        Ended {
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
            code: wait(&mut self.child),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program, not started yet, with pipes all around.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rsu"));
    command
        .args(arguments)
        .env_remove("RSU_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for the end of `child` and tells its exit code.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(Instant::now() < until, "the program does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What comes out of a pipe, line by line.
struct Lines {
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (hear, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                hear.send(line.expect("UTF-8"))?;
            }
            Ok::<(), mpsc::SendError<String>>(())
        });
        Self {
            lines,
            heard: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.heard.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing more comes after {:?}", self.heard),
        }
    }

    fn all(&mut self) -> String {
        while self.next().is_some() {}
        self.heard.join("\n")
    }
}
