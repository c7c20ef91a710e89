use std::cell::{Cell, RefCell};

use super::super::test_bench::{Behaviour, Server, downloader, upgrade};
use super::*;
use crate::spool::fs::Memory;

const BUNDLE: &str = "/data/bundle";

/// A unit that fetches from `server`, and may be stopped or lose its power.
struct Unit {
    disk: Memory,
    settings: Downloader,
    /// As the journal has it.
    saved: RefCell<Vec<Position>>,
    stops_at: Cell<u64>,
}

impl Unit {
    fn new() -> Self {
        let disk = Memory::new();
        disk.create_folder("/data".as_ref()).unwrap();
        Self {
            disk,
            settings: downloader(),
            saved: RefCell::default(),
            stops_at: Cell::new(u64::MAX),
        }
    }

    fn download(&self, order: &Upgrade) -> Result<(), End> {
        self.download_to(&self.disk, order)
    }

    fn download_to(&self, disk: &dyn Fs, order: &Upgrade) -> Result<(), End> {
        let position = self.saved.borrow().last().cloned().unwrap_or_default();
        let mut watch = self;
        let path = Path::new(BUNDLE);
        self.settings
            .download(disk, path, order, position, &mut watch)
    }

    fn file(&self) -> Vec<u8> {
        fs::read(&self.disk, BUNDLE.as_ref(), 1 << 30).unwrap()
    }
}

impl Watch for &Unit {
    fn saved(&mut self, position: &Position) -> io::Result<()> {
        self.saved.borrow_mut().push(position.clone());
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        let saved = self.saved.borrow();
        let received = saved.last().map_or(0, |position| position.received);
        received >= self.stops_at.get()
    }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|place| (place * 31 / 8) as u8).collect()
}

fn failure(result: Result<(), End>) -> String {
    match result {
        Err(End::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bundle_arrives_whole() {
    let file = bytes(3_000_000);
    let server = Server::start(&file);
    let unit = Unit::new();
    unit.download(&upgrade("0.2.0", server.url())).unwrap();
    assert!(unit.file() == file);
    assert_eq!(server.ranges(), [None]);
    let saved = unit.saved.borrow();
    let steps = saved
        .windows(2)
        .map(|two| two[1].received - two[0].received);
    assert!(steps.max().unwrap() <= SYNC_BYTES + READ_BYTES as u64);
}

#[test]
fn a_broken_connection_goes_on_where_it_was() {
    let file = bytes(1_000_000);
    let server = Server::start(&file);
    let cuts = [300_000, 0, 1, 400_000].map(Behaviour::CutAfter);
    server.script(&cuts);
    server.script(&[Behaviour::Drop, Behaviour::Status(503)]);
    let unit = Unit::new();
    unit.download(&upgrade("0.2.0", server.url())).unwrap();
    assert!(unit.file() == file);
    let ranges = server.ranges();
    let ranges: Vec<_> = ranges.iter().map(Option::as_deref).collect();
    let (first, second, last) = ("bytes=300000-", "bytes=300001-", "bytes=700001-");
    let expected = [
        None,
        Some(first),
        Some(first),
        Some(second),
        Some(last),
        Some(last),
    ];
    assert_eq!(ranges[..6], expected);
}

#[test]
fn a_restart_goes_on_with_what_was_synced() {
    let file = bytes(4_000_000);
    let server = Server::start(&file);
    let unit = Unit::new();
    unit.stops_at.set(2_000_000);
    let order = upgrade("0.2.0", server.url());
    assert_eq!(unit.download(&order), Err(End::Stopped));
    unit.stops_at.set(u64::MAX);
    // A power cut: what was written behind the last sync is rubbish, or gone.
    let synced = unit.saved.borrow().last().unwrap().clone();
    let mut part = unit.file();
    part.truncate(synced.received as usize);
    part.extend_from_slice(&[0; 5_000]);
    fs::replace(&unit.disk, BUNDLE.as_ref(), &part).unwrap();
    unit.download(&order).unwrap();
    assert!(unit.file() == file);
    let expected = format!("bytes={}-", synced.received);
    assert_eq!(server.ranges()[1].as_deref(), Some(expected.as_str()));
    unit.download(&order).unwrap();
    assert_eq!(server.ranges().len(), 2, "what is whole is not asked for");
}

#[test]
fn a_file_that_is_shorter_than_was_noted_is_fetched_anew() {
    let file = bytes(100_000);
    let server = Server::start(&file);
    let unit = Unit::new();
    unit.saved.borrow_mut().push(Position {
        received: 50_000,
        total: Some(100_000),
        validator: Some("\"1\"".into()),
    });
    unit.download(&upgrade("0.2.0", server.url())).unwrap();
    assert!(unit.file() == file);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn another_file_on_the_server_is_fetched_from_its_beginning() {
    let server = Server::start(&bytes(500_000));
    server.script(&[Behaviour::CutAfter(200_000), Behaviour::CutAfter(0)]);
    let unit = Unit::new();
    unit.stops_at.set(200_000);
    let order = upgrade("0.2.0", server.url());
    let _ = unit.download(&order);
    unit.stops_at.set(u64::MAX);
    let other: Vec<u8> = bytes(600_000).into_iter().rev().collect();
    server.replace(&other, "\"2\"");
    unit.download(&order).unwrap();
    assert!(unit.file() == other);
}

#[test]
fn a_server_that_ignores_ranges_sends_everything_again() {
    let file = bytes(500_000);
    let server = Server::start(&file);
    server.script(&[Behaviour::CutAfter(200_000), Behaviour::IgnoreRange]);
    let unit = Unit::new();
    unit.download(&upgrade("0.2.0", server.url())).unwrap();
    assert!(unit.file() == file);
    assert_eq!(server.ranges().len(), 2);
}

#[test]
fn what_will_not_get_better_ends_at_once_and_what_may_after_a_while() {
    for status in [404, 403, 410] {
        let server = Server::start(&[]);
        server.always(Behaviour::Status(status));
        let why = failure(Unit::new().download(&upgrade("0.2.0", server.url())));
        assert!(why.contains(&status.to_string()), "{why}");
        assert_eq!(server.ranges().len(), 1);
    }
    let server = Server::start(&[]);
    server.always(Behaviour::Status(500));
    let why = failure(Unit::new().download(&upgrade("0.2.0", server.url())));
    assert!(why.contains("500"), "{why}");
    // 1 + 2 + 4 + 8 + 16 ms are the first to sum up to its patience of 20 ms.
    assert_eq!(server.ranges().len(), 6);
}

#[test]
fn what_is_too_long_is_not_fetched() {
    let server = Server::start(&bytes(100_000));
    let mut unit = Unit::new();
    let mut order = upgrade("0.2.0", server.url());
    order.bytes = Some(99_999);
    let why = failure(unit.download(&order));
    assert_eq!(why, "downloadSize: the server has 100000 bytes, not 99999");
    order.bytes = None;
    unit.settings.bytes_max = 99_999;
    let why = failure(unit.download(&order));
    assert!(why.contains("bundle_bytes_max"), "{why}");
}

/// A disk that says how much is free, and may take less.
#[derive(Debug)]
struct Tight {
    disk: Memory,
    free: u64,
    room: u64,
}

#[derive(Debug)]
struct TightFile(Box<dyn File>, u64);

impl Fs for Tight {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.create_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.disk.open(path, how)?;
        Ok(Box::new(TightFile(file, self.room)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free)
    }
}

impl File for TightFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match offset + bytes.len() as u64 > self.1 {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.0.write_at(bytes, offset),
        }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_disk_without_room_is_told_before_or_when_it_shows() {
    let server = Server::start(&bytes(100_000));
    let mut unit = Unit::new();
    unit.settings.free_bytes_min = 5_000;
    let disk = |free, room| Tight {
        disk: unit.disk.clone(),
        free,
        room,
    };
    let order = upgrade("0.2.0", server.url());
    let why = failure(unit.download_to(&disk(104_999, 1 << 30), &order));
    assert!(why.starts_with("no room: 105000 bytes are needed"), "{why}");
    let why = failure(unit.download_to(&disk(1 << 30, 50_000), &order));
    assert_eq!(why, "no room: the disk is full");
    unit.download_to(&disk(105_000, 1 << 30), &order).unwrap();
}

#[test]
fn a_login_is_sent_and_tls_is_demanded() {
    let server = Server::start(b"bundle");
    let mut unit = Unit::new();
    let mut order = upgrade("0.2.0", server.url());
    order.login = Some(("ota".into(), "secret".into()));
    unit.download(&order).unwrap();
    let request = server.requests().remove(0).to_lowercase();
    assert!(
        request.contains("authorization: basic b3rhonnly3jlda=="),
        "{request}"
    );
    unit.saved.borrow_mut().clear();
    unit.settings.allow_http = false;
    let why = failure(unit.download(&order));
    assert!(why.contains("update.allow_http"), "{why}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_pace_is_kept_by_waiting() {
    let mut pace = Pace::new(Some(1_000));
    let second = Duration::from_secs(1);
    assert_eq!(pace.wait(Duration::ZERO, 500), second / 2);
    assert_eq!(pace.wait(second / 2, 500), second / 2);
    assert_eq!(pace.wait(second * 2, 500), Duration::ZERO);
    let mut free = Pace::new(None);
    assert_eq!(free.wait(Duration::ZERO, usize::MAX), Duration::ZERO);
}
