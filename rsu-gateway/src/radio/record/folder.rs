//! The files of a recording: named, rotated, and the oldest deleted.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rsu_firmware::time::Timestamp;
use time::OffsetDateTime;

use super::{Limits, pcapng};

/// A folder that holds recordings, at most as many as its limits say.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    limits: Limits,
    /// The recordings in the folder, the oldest first.
    files: VecDeque<PathBuf>,
    next_number: u64,
    current: Option<Current>,
}

/// The file that is being written.
#[derive(Debug)]
struct Current {
    file: File,
    /// Its length in whole packets.
    length: u64,
}

impl Folder {
    /// Opens a folder, making it if need be, and finds the recordings of earlier runs.
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            if let Some(number) = name.to_str().and_then(number) {
                files.push((number, path.join(name)));
            }
        }
        files.sort();
        Ok(Self {
            path: path.to_owned(),
            limits,
            next_number: files
                .last()
                .map_or(0, |(number, _)| number.saturating_add(1)),
            files: files.into_iter().map(|(_, path)| path).collect(),
            current: None,
        })
    }

    /// Writes whole packets, the first of them received at `begin`, which together fit into a file.
    /// After an error none of them is in the file, and writing can be tried again.
    pub(super) fn append(&mut self, packets: &[u8], begin: Timestamp) -> io::Result<()> {
        let length = packets.len() as u64;
        let mut current = match self.current.take() {
            Some(current) if current.length + length <= self.limits.file_bytes_max => current,
            _ => self.create(begin)?,
        };
        match current.file.write_all(packets) {
            Ok(()) => {
                current.length += length;
                self.current = Some(current);
                Ok(())
            }
            Err(error) => {
                // Half a packet would spoil those after it. If it cannot be taken back, they go
                // into another file.
                if current.file.set_len(current.length).is_ok() {
                    self.current = Some(current);
                }
                Err(error)
            }
        }
    }

    fn create(&mut self, begin: Timestamp) -> io::Result<Current> {
        // Room is made first: on a full disk, it is what the new file will take.
        while self.files.len() >= self.limits.files_max
            && let Some(oldest) = self.files.front()
        {
            match fs::remove_file(oldest) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.files.pop_front(),
            };
        }

        let path = self.path.join(name(begin, self.next_number));
        self.next_number = self.next_number.saturating_add(1);
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create_new(true).open(&path)?;
        if let Err(error) = file.write_all(&pcapng::HEADER) {
            fs::remove_file(&path)?;
            return Err(error);
        }
        self.files.push_back(path);
        Ok(Current {
            file,
            length: pcapng::HEADER.len() as u64,
        })
    }
}

const PREFIX: &str = "pc5-";
const SUFFIX: &str = ".pcapng";

/// `pc5-20240229T235959Z-000042.pcapng`: the time of the first packet in UTC, and a number that
/// orders the files even when the clock was set back between them.
fn name(begin: Timestamp, number: u64) -> String {
    let begin = OffsetDateTime::from_unix_timestamp(begin.as_micros().div_euclid(1_000_000))
        .ok()
        .filter(|begin| begin.year() >= 0)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = begin.to_calendar_date();
    let (hour, minute, second) = begin.to_hms();
    let month = u8::from(month);
    format!(
        "{PREFIX}{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{number:06}{SUFFIX}"
    )
}

/// The number in a recording's name; `None` for other files, which are left alone.
fn number(name: &str) -> Option<u64> {
    let name = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (time, number) = name.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (date, time) = time.strip_suffix('Z')?.split_once('T')?;
    (digits(date) && digits(time) && digits(number)).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_time_in_utc_and_the_number() {
        let leap_day = Timestamp::from_millis(1_709_251_199_999);
        let name = name(leap_day, 42);
        assert_eq!(name, "pc5-20240229T235959Z-000042.pcapng");
        assert_eq!(number(&name), Some(42));
    }

    #[test]
    fn any_time_has_a_name_that_is_recognised() {
        for micros in [i64::MIN, -100_000_000_000_000_000, 0, i64::MAX] {
            let name = name(Timestamp::from_micros(micros), u64::MAX);
            assert_eq!(number(&name), Some(u64::MAX), "{name}");
        }
    }

    #[test]
    fn other_files_are_no_recordings() {
        let others = [
            "notes.txt",
            "pc5-20240229T235959Z-.pcapng",
            "pc5-20240229T235959Z-000042.pcapng.gz",
            "pc5-holiday-1.pcapng",
            "pc5-20240229T235959Z-99999999999999999999.pcapng",
        ];
        for name in others {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
