//! asn1c, as a program of its own that does what it is told.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Work;
use crate::drive::{Pass, write_messages};
use crate::messages::Message;

/// How people call it.
pub const NAME: &str = "asn1c";

/// The program, or why there is none.
pub const DRIVER: Result<&str, &str> =
    match (option_env!("ASN1C_DRIVER"), option_env!("ASN1C_MISSING")) {
        (Some(driver), _) => Ok(driver),
        (None, Some(missing)) => Err(missing),
        (None, None) => Err("the build script says nothing of asn1c"),
    };

/// The program at work on its messages.
#[derive(Debug)]
pub struct Asn1c {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Asn1c {
    /// Starts the program and gives it the messages.
    ///
    /// # Errors
    /// Why it does not run.
    pub fn start(driver: &str, messages: &[Message]) -> io::Result<Self> {
        let mut child = Command::new(driver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(mut orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        write_messages(messages, &mut orders)?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
        })
    }

    /// Lets it do the work with every message once.
    ///
    /// # Errors
    /// Why it did not.
    pub fn pass(&mut self, work: Work) -> io::Result<Pass> {
        self.orders.write_all(&[work.order()])?;
        self.orders.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.parse()
    }
}

impl Drop for Asn1c {
    /// It ends by itself if it still runs; it is only waited for.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
