//! Images and bundles, built once for all tests.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rsu_image::board::Board;
use rsu_image::bundle::Bundle;
use rsu_image::image::Image;
use rsu_image::keys::Keys;
use tempfile::TempDir;

/// What runs on a unit before any update.
pub(crate) const FIRST: &str = "0.5.0";
/// A good update.
pub(crate) const NEXT: &str = "0.6.0";
/// An update whose program dies.
pub(crate) const BROKEN: &str = "0.7.0";
/// One more good update.
pub(crate) const NEWEST: &str = "0.8.0";
/// An update that comes too late.
pub(crate) const OLDER: &str = "0.4.0";

pub(crate) struct Fixture {
    pub(crate) board: &'static Board,
    pub(crate) keys: Keys,
    folder: TempDir,
}

/// Builds everything at the first call.
pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let board = Box::leak(Box::new(Board::named("qemu-arm64").unwrap()));
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let keys = Keys::new(Some(&folder.path().join("keys")));
        keys.make().unwrap();
        let fixture = Fixture {
            board,
            keys,
            folder,
        };
        let first = fixture.image(FIRST);
        first.build_program().unwrap();
        first.build().unwrap();
        let program = first.program();
        let dying = fixture.dying_program();
        for (version, program) in [(NEXT, &program), (NEWEST, &program), (BROKEN, &dying)] {
            let image = fixture.image(version);
            image.build_with(program).unwrap();
            image.bundle_up().unwrap();
        }
        fixture
    })
}

impl Fixture {
    pub(crate) fn image(&self, version: &str) -> Image<'static> {
        let mut image = Image::new(self.board, Some(version), self.keys.clone());
        image.folder = self.target().join("rsu-image").join(&self.board.name);
        image
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the command line has to take for the target folder, to find the images.
    pub(crate) fn target(&self) -> PathBuf {
        self.path("target")
    }

    /// A bundle as the operator makes it.
    pub(crate) fn bundle(&self, version: &str) -> PathBuf {
        self.image(version).bundle()
    }

    /// A bundle for the attacks: any root, board, version and signer.
    pub(crate) fn bundle_of(
        &self,
        root: &Path,
        compatible: &str,
        version: &str,
        keys: &Keys,
    ) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let path = folder.join("bundle.raucb");
        let bundle = Bundle {
            root,
            compatible,
            version,
            keys,
        };
        bundle.write(&path).unwrap();
        path
    }

    fn dying_program(&self) -> PathBuf {
        let path = self.path("rsu-that-dies");
        std::fs::write(&path, "#!/bin/sh\nexit 3\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}
