//! Lines of a GPIO chip (gpiocdev), as the pins that drivers take.

use std::fmt;
use std::io;
use std::path::PathBuf;

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::{Offset, Value};

/// Which line it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Such as `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The number of the line in the chip.
    pub line: Offset,
    /// Whether a low level is the active one.
    pub active_low: bool,
}

impl fmt::Display for LineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {}", self.line, self.chip.display())
    }
}

/// A line that was requested from the kernel; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Line {
    request: Request,
    offset: Offset,
}

/// The kernel refuses.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct LineError(#[from] gpiocdev::Error);

impl Error for LineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl Line {
    pub(super) fn input(settings: &LineSettings) -> io::Result<Self> {
        Self::request(settings, None)
    }

    /// A line that is inactive at first.
    pub(super) fn output(settings: &LineSettings) -> io::Result<Self> {
        Self::request(settings, Some(Value::Inactive))
    }

    fn request(settings: &LineSettings, output: Option<Value>) -> io::Result<Self> {
        let mut request = Request::builder();
        request
            .on_chip(&settings.chip)
            .with_consumer("rsu")
            .with_line(settings.line);
        if settings.active_low {
            request.as_active_low();
        }
        match output {
            Some(value) => request.as_output(value),
            None => request.as_input(),
        };
        Ok(Self {
            request: request
                .request()
                .map_err(|error| io::Error::other(format!("{settings}: {error}")))?,
            offset: settings.line,
        })
    }
}

impl ErrorType for Line {
    type Error = LineError;
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), LineError> {
        Ok(self.request.set_value(self.offset, Value::Inactive)?)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        Ok(self.request.set_value(self.offset, Value::Active)?)
    }
}

impl InputPin for Line {
    fn is_high(&mut self) -> Result<bool, LineError> {
        Ok(self.request.value(self.offset)? == Value::Active)
    }

    fn is_low(&mut self) -> Result<bool, LineError> {
        self.is_high().map(|is_high| !is_high)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it left out"
)]
pub(super) mod simulated;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
