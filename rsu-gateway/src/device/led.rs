//! A light that the kernel drives (`/sys/class/leds`), as the pin that a driver takes.

use std::path::{Path, PathBuf};
use std::{fs, io};

use embedded_hal::digital::{Error, ErrorKind, ErrorType, OutputPin};

use super::part::about;

/// The light.
#[derive(Debug)]
pub(super) struct Led {
    brightness: PathBuf,
}

/// The kernel refuses.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct LedError(#[from] io::Error);

impl Error for LedError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl Led {
    /// Takes the light over from what the kernel lets it show.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let trigger = folder.join("trigger");
        about(&trigger, fs::write(&trigger, "none"))?;
        Ok(Self {
            brightness: folder.join("brightness"),
        })
    }

    /// One is as good as any: a light at a pin is on or off.
    fn write(&self, brightness: &str) -> Result<(), LedError> {
        Ok(about(
            &self.brightness,
            fs::write(&self.brightness, brightness),
        )?)
    }
}

impl ErrorType for Led {
    type Error = LedError;
}

impl OutputPin for Led {
    fn set_low(&mut self) -> Result<(), LedError> {
        self.write("0")
    }

    fn set_high(&mut self) -> Result<(), LedError> {
        self.write("1")
    }
}
