//! Units over ssh: commands, and files through them, since units have neither scp nor sftp.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Doing, Error};
use crate::process::{output, program};

/// Bytes that are written to ssh between two reports of progress.
const CHUNK_BYTES: usize = 64 << 10;

/// A unit in the field.
#[derive(Clone, Debug)]
pub struct Host {
    /// Name or address.
    pub address: String,
    /// TCP port of sshd.
    pub port: u16,
    /// Private key; without, ssh looks for one itself.
    pub key: Option<PathBuf>,
}

impl Host {
    /// From `HOST` or `HOST:PORT`.
    ///
    /// # Errors
    ///
    /// The port is no number.
    pub fn parse(text: &str, key: Option<&Path>) -> Result<Self, Error> {
        // An IPv6 address has many colons, and a port only behind brackets.
        let (address, port) = match text.rsplit_once(':') {
            Some((address, port)) if !address.contains(':') || address.ends_with(']') => {
                let wrong = || Error::Refused(format!("{text:?}: {port:?} is no port"));
                (address, port.parse().map_err(|_| wrong())?)
            }
            _ => (text, 22),
        };
        let address = address.trim_start_matches('[').trim_end_matches(']');
        if address.is_empty() || address.starts_with('-') {
            return Err(Error::Refused(format!("{text:?} names no host")));
        }
        Ok(Self {
            address: address.to_owned(),
            port,
            key: key.map(Path::to_owned),
        })
    }

    /// Runs a command line on the unit; gives what it wrote to stdout.
    ///
    /// # Errors
    ///
    /// The unit does not answer, or the command fails.
    pub fn run(&self, line: &str) -> Result<String, Error> {
        output(&mut self.ssh(line))
    }

    /// Sends a file, going on where an earlier attempt ended. `progress` gets the bytes that are
    /// there.
    ///
    /// # Errors
    ///
    /// The unit goes away, or its disk is full.
    pub fn send(&self, file: &Path, to: &str, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let mut content = File::open(file).doing("read", file)?;
        let length = content.metadata().doing("read", file)?.len();
        let there = self.run(&format!("stat -c %s {to} 2> /dev/null || echo 0"))?;
        let there = there.trim().parse().unwrap_or(0_u64);
        let from = if there <= length { there } else { 0 };
        let redirect = if from == 0 { ">" } else { ">>" };
        content.seek(SeekFrom::Start(from)).doing("read", file)?;

        let mut ssh = self.ssh(&format!("cat {redirect} {to}"));
        let mut child = ssh
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Error::Refused(format!("cannot run ssh: {error}")))?;
        let mut sent = from;
        progress(sent);
        if let Some(mut stdin) = child.stdin.take() {
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let read = content.read(&mut chunk).doing("read", file)?;
                let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
                    break;
                };
                // A connection that breaks is told by ssh's own end.
                if stdin.write_all(bytes).is_err() {
                    break;
                }
                sent += read as u64;
                progress(sent);
            }
        }
        let ended = child.wait_with_output().doing("send", file)?;
        match ended.status.success() && sent == length {
            true => Ok(()),
            false => Err(Error::Failed {
                command: format!("ssh {} 'cat {redirect} {to}'", self.address),
                status: ended.status,
                output: String::from_utf8_lossy(&ended.stderr).into_owned(),
            }),
        }
    }

    fn ssh(&self, line: &str) -> Command {
        let mut ssh = program(
            "ssh",
            [
                "-o",
                "BatchMode=yes",
                "-o",
                "ConnectTimeout=10",
                // A unit that is restarted does not close its connections.
                "-o",
                "ServerAliveInterval=5",
                "-o",
                "ServerAliveCountMax=3",
                "-o",
                "LogLevel=ERROR",
            ],
        );
        if self.address == "127.0.0.1" {
            // Emulated units come and go behind the same address, each with a key of its own.
            ssh.args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ]);
        }
        if let Some(key) = &self.key {
            ssh.arg("-i").arg(key).args(["-o", "IdentitiesOnly=yes"]);
        }
        ssh.args([
            "-p",
            &self.port.to_string(),
            "-l",
            "root",
            "--",
            &self.address,
            line,
        ]);
        ssh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16) {
        let host = Host::parse(text, None).unwrap();
        (host.address, host.port)
    }

    #[test]
    fn a_port_stands_behind_a_colon() {
        assert_eq!(parsed("rsu-17.example"), ("rsu-17.example".into(), 22));
        assert_eq!(parsed("10.0.0.7:2222"), ("10.0.0.7".into(), 2222));
        assert_eq!(parsed("fd00::7"), ("fd00::7".into(), 22));
        assert_eq!(parsed("[fd00::7]:2222"), ("fd00::7".into(), 2222));
    }

    #[test]
    fn what_ssh_would_take_for_an_option_is_no_host() {
        assert!(Host::parse("-oProxyCommand=true", None).is_err());
        assert!(Host::parse("rsu:ssh", None).is_err());
    }
}
