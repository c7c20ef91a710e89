//! The first flash, into files that stand for cards: what is on them afterwards.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rsu_image::board::Board;
use rsu_image::flash;
use rsu_image::image::Image;
use rsu_image::keys::Keys;
use rsu_image::provision::Unit;
use rustix::fs::{SeekFrom, seek};
use tempfile::TempDir;

/// Longer than a block, with a block of zeros in it.
const PROGRAM: [&[u8]; 3] = [&[1; 5000], &[0; 9000], &[2; 300]];

#[test]
fn a_unit_gets_its_identity_on_the_data_partition() {
    let bench = Bench::new();
    let card = bench.flashed("R328328", "card");
    let data = bench.partition(&card, "data");
    let read = |path: &str| String::from_utf8(debugfs(&data, &format!("cat {path}"))).unwrap();

    let configuration: toml::Table = read("/rsu/rsu.toml").parse().unwrap();
    assert_eq!(configuration["unit"]["id"].as_str(), Some("R328328"));
    assert_eq!(
        configuration["unit"]["esn"].as_str(),
        Some("ESN of R328328")
    );
    let broker = "mqtts://broker.example:8883";
    assert_eq!(configuration["mqtt"]["brokers"][0].as_str(), Some(broker));
    let tls = configuration["mqtt"]["tls"].as_table().unwrap();
    for (member, content) in [
        ("ca_file", "the authority"),
        ("cert_file", "the certificate"),
        ("key_file", "the key of R328328"),
    ] {
        let path = tls[member].as_str().unwrap();
        assert_eq!(read(path.strip_prefix("/data").unwrap()), content);
    }
    assert_eq!(read("/ssh/authorized_keys"), "the operator's key");
    let about = debugfs(&data, "stat /rsu/unit.key");
    let about = String::from_utf8_lossy(&about).into_owned();
    assert!(about.contains("Mode:  0600"), "{about}");
}

#[test]
fn the_image_knows_no_unit() {
    let bench = Bench::new();
    let before = fs::read(bench.image().disk()).unwrap();
    let one = fs::read(bench.flashed("R1", "one")).unwrap();
    let other = fs::read(bench.flashed("R2", "other")).unwrap();
    assert!(fs::read(bench.image().disk()).unwrap() == before);
    let says = |disk: &[u8], what: &[u8]| disk.windows(what.len()).any(|part| part == what);
    for (unit, disk, other) in [("R1", &one, &other), ("R2", &other, &one)] {
        let key = format!("the key of {unit}");
        assert!(says(disk, key.as_bytes()));
        assert!(!says(other, key.as_bytes()));
        assert!(!says(&before, key.as_bytes()));
    }
    // Nothing with the key in it is left beside the image.
    let names = fs::read_dir(&bench.image().folder).unwrap();
    assert_eq!(names.count(), 3, "root, disk and map");
}

#[test]
fn what_was_on_the_card_before_does_no_harm() {
    let bench = Bench::new();
    let card = bench.flashed("R1", "used");
    // bmaptool empties a file first. On a card, what it leaves out stays as it was.
    let content = fs::read(&card).unwrap();
    let left_out = fill_holes(&card, 0xa5);
    assert!(left_out > content.len() / 2);
    for name in ["boot", "root-A", "root-B", "data"] {
        let partition = bench.partition(&card, name);
        let mut check = Command::new("e2fsck");
        let checked = check.arg("-fn").arg(&partition).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(checked.status.success(), "{name}: {said}");
        if name.starts_with("root") {
            let program = debugfs(&partition, "cat /program");
            assert!(program == PROGRAM.concat(), "{name}");
        }
    }
}

#[test]
fn a_slip_of_the_pen_destroys_nothing() {
    let bench = Bench::new();
    let unit = bench.unit("R1");
    let refused = |to: &str| {
        let refusal = flash::first(&bench.image(), &unit, Path::new(to)).unwrap_err();
        refusal.to_string()
    };
    for (to, reason) in [
        ("/dev/sd-of-another-host", "there is no such device"),
        ("/dev/null", "is neither a disk nor a file"),
        ("/proc", "is neither a disk nor a file"),
    ] {
        let said = refused(to);
        assert!(said.starts_with(to) && said.contains(reason), "{said}");
    }
    assert!(!Path::new("/dev/sd-of-another-host").exists());
}

#[test]
fn an_image_that_is_not_built_is_asked_for() {
    let bench = Bench::new();
    let mut image = bench.image();
    image.version = "9.9.9".into();
    let card = bench.folder.path().join("card");
    let refusal = flash::first(&image, &bench.unit("R1"), &card).unwrap_err();
    let said = refusal.to_string();
    assert!(said.contains("cross/rsu-image build --board"), "{said}");
    assert!(!card.exists());
}

/// A small image, and units to flash.
struct Bench {
    folder: TempDir,
    board: Board,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut board = Board::named("qemu-arm64").unwrap();
        board.slots.root_mib = 4;
        board.slots.data_mib = 16;
        let bench = Self { folder, board };
        let tree = bench.folder.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("program"), PROGRAM.concat()).unwrap();
        bench.image().build_from(&tree).unwrap();
        bench
    }

    fn image(&self) -> Image<'_> {
        let keys = Keys::new(Some(self.folder.path()));
        let mut image = Image::new(&self.board, Some("1.2.3"), keys);
        image.folder = self.folder.path().join("images");
        image
    }

    /// A unit, as an operator describes it.
    fn unit(&self, id: &str) -> Unit {
        let folder = self.folder.path().join(id);
        fs::create_dir(&folder).unwrap();
        let description = format!(
            "id = \"{id}\"\n\
             serial = \"ESN of {id}\"\n\
             brokers = [\"mqtts://broker.example:8883\"]\n\
             ca_file = \"ca.pem\"\n\
             cert_file = \"certificate.pem\"\n\
             key_file = \"key.pem\"\n\
             authorized_keys = \"operators.pub\"\n"
        );
        for (name, content) in [
            ("unit.toml", description.as_str()),
            ("ca.pem", "the authority"),
            ("certificate.pem", "the certificate"),
            ("key.pem", &format!("the key of {id}")),
            ("operators.pub", "the operator's key"),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
        Unit::read(&folder.join("unit.toml")).unwrap()
    }

    fn flashed(&self, id: &str, card: &str) -> PathBuf {
        let card = self.folder.path().join(card);
        flash::first(&self.image(), &self.unit(id), &card).unwrap();
        card
    }

    /// A copy of a partition, found as the unit finds it: by its name in the table.
    fn partition(&self, card: &Path, name: &str) -> PathBuf {
        let listed = Command::new("sfdisk").arg("--json").arg(card).output();
        let table: serde_json::Value = serde_json::from_slice(&listed.unwrap().stdout).unwrap();
        let partitions = table["partitiontable"]["partitions"].as_array().unwrap();
        let partition = partitions
            .iter()
            .find(|partition| partition["name"] == name);
        let bytes = |member| partition.unwrap()[member].as_u64().unwrap() * 512;
        let mut content = vec![0; usize::try_from(bytes("size")).unwrap()];
        let card = fs::File::open(card).unwrap();
        card.read_exact_at(&mut content, bytes("start")).unwrap();
        let copy = self.folder.path().join(name);
        fs::write(&copy, content).unwrap();
        copy
    }
}

/// Fills what was never written, and tells how many bytes that were.
fn fill_holes(file: &Path, byte: u8) -> usize {
    let length = file.metadata().unwrap().len();
    let file = fs::File::options().write(true).open(file).unwrap();
    let mut filled = 0;
    let mut start = 0;
    while start < length {
        let hole = seek(&file, SeekFrom::Hole(start)).unwrap();
        let end = seek(&file, SeekFrom::Data(hole)).unwrap_or(length);
        let bytes = vec![byte; usize::try_from(end - hole).unwrap()];
        file.write_all_at(&bytes, hole).unwrap();
        filled += bytes.len();
        start = end;
    }
    filled
}

/// What debugfs writes for a request.
fn debugfs(file_system: &Path, request: &str) -> Vec<u8> {
    let mut debugfs = Command::new("debugfs");
    let done = debugfs.args(["-R", request]).arg(file_system).output();
    done.unwrap().stdout
}
