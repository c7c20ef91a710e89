//! Counting the instructions of a driver's passes: as many as a run with further passes takes more.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use codec_benchmark::Work;
use codec_benchmark::drive::write_messages;
use codec_benchmark::messages::Message;

/// How often all messages are worked on before counting begins.
const WARM_UP_PASSES: usize = 2;
/// How often while it is counted.
const COUNTED_PASSES: usize = 2;

/// A driver under something that counts its instructions.
pub(crate) struct Counter {
    command: Vec<String>,
    tool: Tool,
}

enum Tool {
    /// Tells the count at its end.
    Valgrind,
    /// Writes a line for each instruction.
    Qemu,
}

impl Counter {
    /// A driver for this machine.
    pub(crate) fn valgrind(driver: &[&str]) -> Self {
        let valgrind = [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
        ];
        Self::new(&valgrind, driver, Tool::Valgrind)
    }

    /// A driver for 64-bit ARM Linux.
    pub(crate) fn qemu_aarch64(driver: &[&str]) -> Self {
        let qemu = [
            "qemu-aarch64",
            "-L",
            "/usr/aarch64-linux-gnu",
            "-singlestep",
            "-d",
            "exec,nochain",
        ];
        Self::new(&qemu, driver, Tool::Qemu)
    }

    fn new(tool: &[&str], driver: &[&str], kind: Tool) -> Self {
        let command = tool.iter().chain(driver);
        Self {
            command: command.map(|word| (*word).to_owned()).collect(),
            tool: kind,
        }
    }

    /// How many instructions the work takes for one message.
    pub(crate) fn count(&self, work: Work, messages: &[Message]) -> io::Result<u64> {
        let few = self.run(work, messages, WARM_UP_PASSES)?;
        let many = self.run(work, messages, WARM_UP_PASSES + COUNTED_PASSES)?;
        Ok((many - few) / (COUNTED_PASSES * messages.len()) as u64)
    }

    fn run(&self, work: Work, messages: &[Message], passes: usize) -> io::Result<u64> {
        let failed = |what: &str| io::Error::other(format!("{}: {what}", self.command.join(" ")));
        let (program, arguments) = self.command.split_first().ok_or_else(|| failed("empty"))?;
        let mut child = Command::new(program)
            .args(arguments)
            // The C library picks its memcpy by the processor; here it shall be the same everywhere.
            .env(
                "GLIBC_TUNABLES",
                "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-ERMS,-FSRM",
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let (Some(mut input), Some(errors)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(failed("no pipes"));
        };
        let input = {
            let mut orders = Vec::new();
            write_messages(messages, &mut orders)?;
            orders.extend(vec![work.order(); passes]);
            thread::spawn(move || input.write_all(&orders))
        };
        let count = match self.tool {
            Tool::Valgrind => collected(errors)?,
            Tool::Qemu => lines(errors)?,
        };
        let written = input.join().map_err(|_| failed("no input"))?;
        let answers = child.wait_with_output()?;
        let answered = answers.stdout.iter().filter(|byte| **byte == b'\n').count();
        if !answers.status.success() || answered != passes {
            return Err(failed(&format!(
                "{} after {answered} passes",
                answers.status
            )));
        }
        written?;
        count.ok_or_else(|| failed("no count"))
    }
}

/// What callgrind says it has collected.
fn collected(mut output: impl Read) -> io::Result<Option<u64>> {
    let mut text = String::new();
    output.read_to_string(&mut text)?;
    let line = text.lines().find_map(|line| line.split_once("Collected :"));
    Ok(line.and_then(|(_, count)| count.trim().parse().ok()))
}

fn lines(mut output: impl Read) -> io::Result<Option<u64>> {
    let mut buffer = vec![0; 1 << 16];
    let mut count = 0;
    loop {
        let length = output.read(&mut buffer)?;
        if length == 0 {
            return Ok(Some(count));
        }
        let read = buffer.get(..length).unwrap_or_default();
        count += read.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

/// Where the driver of asn1c lies that was built along with `drive`, or why there is none.
pub(crate) fn asn1c_driver(drive: &str) -> io::Result<Result<String, String>> {
    let output = Command::new("qemu-aarch64")
        .args(["-L", "/usr/aarch64-linux-gnu", drive, "--asn1c"])
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    })
}
