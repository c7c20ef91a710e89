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
        let position = self.saved.borrow().last().cloned().unwrap_or_default();
        let mut watch = self;
        let path = Path::new(BUNDLE);
        self.settings
            .download(&self.disk, path, order, position, &mut watch)
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
    (0..count).map(|place| (place * 31 >> 3) as u8).collect()
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
    unit.settings.bytes_max = 1 << 30;
    unit.settings.free_bytes_min = u64::MAX;
    let why = failure(unit.download(&order));
    assert!(why.starts_with("no room: "), "{why}");
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
