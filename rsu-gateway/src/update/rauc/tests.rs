//! RAUC itself where it is installed, and its stand-in that the other tests use.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::update::test_bench::Folder;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-in/rauc.sh");

impl Folder {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn stand_in(&self) -> Rauc {
        let folder = self.path().to_str().unwrap();
        Rauc::new(&["sh", STAND_IN, folder].map(str::to_owned))
    }

    /// Runs a command here, which must succeed.
    fn run(&self, program: &str, arguments: &[&str]) {
        let ended = Command::new(program)
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{program} {arguments:?}: {told}");
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, InstallerError>) -> String {
    result.unwrap_err().0
}

#[test]
fn the_slots_are_read_as_rauc_1_8_writes_them() {
    let status = r#"{"compatible":"rsu-qemu","variant":"","booted":"A","boot_primary":"rootfs.1","slots":[{"rootfs.1":{"class":"rootfs","device":"/dev/b","type":"raw","bootname":"B","state":"inactive","parent":null,"mountpoint":null,"boot_status":"bad","slot_status":{"bundle":{"compatible":"rsu-qemu","version":"0.2.0"},"checksum":{"sha256":"0f6a","size":65536},"installed":{"timestamp":"2026-11-22T17:50:29Z","count":1},"activated":{"timestamp":"2026-11-22T17:50:29Z","count":1},"status":"ok"}}},{"rootfs.0":{"class":"rootfs","device":"/dev/a","type":"raw","bootname":"A","state":"booted","parent":null,"mountpoint":null,"boot_status":"good","slot_status":{"bundle":{"compatible":null}}}}]}"#;
    let slots: Slots = parse::<Status>("", status).unwrap().try_into().unwrap();
    assert_eq!(slots.compatible, "rsu-qemu");
    let booted = Slot {
        name: "A".into(),
        is_good: true,
        installation: None,
    };
    assert_eq!(slots.booted, booted);
    let installation = Installation {
        slot: "B".into(),
        time: "2026-11-22T17:50:29Z".into(),
        count: 1,
    };
    let other = Slot {
        name: "B".into(),
        is_good: false,
        installation: Some(installation),
    };
    assert_eq!(slots.other, Some(other));
    let none = status.replace("\"booted\",\"parent\"", "\"active\",\"parent\"");
    let unknown: Result<Slots, _> = parse::<Status>("", &none).unwrap().try_into();
    assert!(unknown.is_err());
}

#[test]
fn progress_is_read_from_the_lines_of_an_installation() {
    assert_eq!(percent(" 40% Verifying signature done."), Some(40));
    assert_eq!(percent("100% Installing done."), Some(100));
    for other in ["installing", "idle", "101% x", "% x", "LastError: 5% left"] {
        assert_eq!(percent(other), None, "{other}");
    }
}

#[test]
fn why_an_installation_failed_is_told_in_clear_words() {
    let of = |error: &str, refusal: Option<&str>| {
        explained(InstallerError(error.into()), refusal.map(str::to_owned)).0
    };
    assert_eq!(of("no space", None), "no space");
    let refusal = "refused: version 0.4.0 is older than 0.5.0, which runs";
    let handler = "Pre-install handler error: Child process exited with code 1";
    assert_eq!(of(handler, Some(&format!("{refusal}\n"))), refusal);
    let read = "Failed splicing data: Error reading from file: Input/output error";
    assert!(of(read, None).starts_with("the bundle's bytes are not those that were signed"));
}

#[test]
fn the_stand_in_installs_marks_and_tells() {
    let folder = Folder::new("stand-in");
    let rauc = folder.stand_in();
    let text = "compatible=rsu-test\nversion=0.2.0\nsigner=operator\n";
    let bundle = folder.write("bundle", text);
    let unsigned = reason(rauc.inspect(&bundle));
    assert!(
        unsigned.starts_with("signature verification failed"),
        "{unsigned}"
    );
    let script = "printf 'sum=%s\\n' \"$(cksum < bundle)\" >> bundle";
    folder.run("sh", &["-c", script]);
    let manifest = rauc.inspect(&bundle).unwrap();
    assert_eq!(manifest.version, Version::new(0, 2, 0));
    let mut told = Vec::new();
    rauc.install(&bundle, &mut |percent| told.push(percent))
        .unwrap();
    assert_eq!(told, [0, 20, 20, 60, 80, 99, 100]);
    let slots = rauc.slots().unwrap();
    let other = slots.other.unwrap();
    assert!(other.is_good && other.installation.unwrap().count == 1);
    rauc.mark(Mark::Bad).unwrap();
    assert!(!rauc.slots().unwrap().booted.is_good);
    folder.write(
        "break",
        "Failed updating slot rootfs.1: Input/output error\n",
    );
    let broken = reason(rauc.install(&bundle, &mut |_| {}));
    assert_eq!(broken, "Failed updating slot rootfs.1: Input/output error");
    folder.write("compatible", "rsu-other\n");
    let wrong = reason(rauc.install(&bundle, &mut |_| {}));
    assert!(wrong.contains("Compatible mismatch"), "{wrong}");
}

/// Bundles of the real RAUC, signed by an operator and by somebody else.
#[test]
fn real_bundles_are_verified_by_their_signature() {
    for program in ["rauc", "mksquashfs", "openssl"] {
        ::tests::programs::require(program);
    }
    let folder = Folder::new("real");
    let openssl = |name: &str| {
        let (key, cert) = (format!("{name}.key"), format!("{name}.crt"));
        let subject = format!("/O=Test/CN={name}");
        let new = [
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ];
        let files = ["-keyout", &key, "-out", &cert, "-subj", &subject];
        folder.run("openssl", &[&new[..], &files].concat());
    };
    openssl("operator");
    openssl("stranger");
    fs::create_dir(folder.path().join("content")).unwrap();
    let image: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.path().join("content/rootfs.ext4"), image).unwrap();
    let bundle = |name: &str, signer: &str, version: &str| {
        let manifest = format!(
            "[update]\ncompatible=rsu-test\nversion={version}\n[bundle]\nformat=verity\n\
             [image.rootfs]\nfilename=rootfs.ext4\n"
        );
        folder.write("content/manifest.raucm", &manifest);
        let signed = [
            "--cert",
            &format!("{signer}.crt"),
            "--key",
            &format!("{signer}.key"),
        ];
        folder.run(
            "rauc",
            &[&["bundle"], &signed[..], &["content", name]].concat(),
        );
        folder.path().join(name)
    };
    let keyring = folder.path().join("operator.crt");
    let rauc = Rauc::new(&["rauc", "--keyring", keyring.to_str().unwrap()].map(str::to_owned));

    let manifest = rauc
        .inspect(&bundle("good.raucb", "operator", "0.2.0"))
        .unwrap();
    let expected = Manifest {
        compatible: "rsu-test".into(),
        version: Version::new(0, 2, 0),
    };
    assert_eq!(manifest, expected);
    let wrong = reason(rauc.inspect(&bundle("stranger.raucb", "stranger", "0.2.0")));
    assert!(
        wrong.starts_with("signature verification failed"),
        "{wrong}"
    );
    let numberless = reason(rauc.inspect(&bundle("numberless.raucb", "operator", "latest")));
    assert!(numberless.contains("\"latest\""), "{numberless}");

    let mut bytes = fs::read(folder.path().join("good.raucb")).unwrap();
    let place = bytes.len() - 700;
    bytes[place] ^= 1;
    let flipped = folder.path().join("flipped.raucb");
    fs::write(&flipped, &bytes).unwrap();
    assert!(rauc.inspect(&flipped).is_err(), "a bit of its signature");
    fs::write(&flipped, &bytes[..bytes.len() / 2]).unwrap();
    let cut = reason(rauc.inspect(&flipped));
    assert!(cut.starts_with("Invalid bundle format"), "{cut}");
}
