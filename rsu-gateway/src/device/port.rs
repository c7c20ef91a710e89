//! A serial line: raw, at a given speed, never waiting.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use embedded_io::{ErrorType, Read, ReadReady};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};

/// The line.
#[derive(Debug)]
pub(super) struct Port(File);

impl Port {
    /// Opens `path`. What is no terminal, as a FIFO, is taken as it is.
    pub(super) fn open(path: &Path, baud: u32) -> io::Result<Self> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags).map_err(io::Error::other)?)
            .open(path)?;
        if isatty(&file) {
            let mut termios = tcgetattr(&file)?;
            termios.make_raw();
            termios.set_speed(baud)?;
            tcsetattr(&file, OptionalActions::Now, &termios)?;
        }
        Ok(Self(file))
    }
}

impl ErrorType for Port {
    type Error = io::Error;
}

impl ReadReady for Port {
    fn read_ready(&mut self) -> io::Result<bool> {
        let mut ports = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec::default();
        let count = poll(&mut ports, Some(&now))?;
        Ok(count > 0
            && ports
                .iter()
                .any(|port| port.revents().contains(PollFlags::IN)))
    }
}

impl Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Write;

    #[test]
    fn a_terminal_is_read_raw_and_without_waiting() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let mut port = Port::open(Path::new(name.to_str().unwrap()), 9_600).unwrap();
        assert!(!port.read_ready().unwrap());
        let mut master = File::from(master);
        master.write_all(b"$GP\x03\r\n").unwrap();
        while !port.read_ready().unwrap() {
            std::thread::yield_now();
        }
        let mut buffer = [0; 64];
        let read = port.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..read], b"$GP\x03\r\n", "as it came");
        assert_eq!(port.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_line_that_is_not_there_is_an_error() {
        assert!(Port::open(Path::new("/nowhere/ttyS0"), 9_600).is_err());
    }
}
