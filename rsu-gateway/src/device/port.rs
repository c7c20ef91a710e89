//! A serial line: raw, at a given speed, never waiting.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};

use super::part::about;

/// The line.
#[derive(Debug)]
pub(super) struct Port(File);

impl Port {
    /// Opens `path`. What is no terminal, such as `/dev/gnss0`, is taken as it is.
    pub(super) fn open(path: &Path, baud: u32) -> io::Result<Self> {
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits());
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.map_err(io::Error::other)?)
            .open(path);
        let file = about(path, file)?;
        if isatty(&file) {
            let mut termios = about(path, tcgetattr(&file))?;
            termios.make_raw();
            about(path, termios.set_speed(baud))?;
            about(path, tcsetattr(&file, OptionalActions::Now, &termios))?;
        }
        Ok(Self(file))
    }

    /// Reads what has come; 0 if that is nothing.
    ///
    /// # Errors
    /// That of the line; [`ErrorKind::UnexpectedEof`] when it has gone away.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) => Err(io::Error::new(ErrorKind::UnexpectedEof, "it has gone away")),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Write;

    /// The receiver's end of a line, and the path of the other.
    pub(in crate::device) fn line() -> (File, String) {
        let receiver = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&receiver).unwrap();
        unlockpt(&receiver).unwrap();
        let path = ptsname(&receiver, Vec::new()).unwrap();
        (receiver.into(), path.into_string().unwrap())
    }

    #[test]
    fn a_terminal_is_read_raw_and_without_waiting() {
        let (mut receiver, path) = line();
        let mut port = Port::open(path.as_ref(), 9_600).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(port.read(&mut buffer).unwrap(), 0);
        receiver.write_all(b"$GP\x03\r\n").unwrap();
        let read = loop {
            match port.read(&mut buffer).unwrap() {
                0 => std::thread::yield_now(),
                read => break read,
            }
        };
        assert_eq!(&buffer[..read], b"$GP\x03\r\n", "as it came");
    }

    #[test]
    fn a_line_that_goes_away_is_an_error() {
        let (receiver, path) = line();
        let mut port = Port::open(path.as_ref(), 9_600).unwrap();
        drop(receiver);
        port.read(&mut [0; 64]).unwrap_err();
        let missing = Port::open("/nowhere/ttyS0".as_ref(), 9_600).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/ttyS0"), "{missing}");
    }
}
