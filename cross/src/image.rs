//! What a build leaves behind: program, root, disk image with its map, bundle.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::board::Board;
use crate::bundle::Bundle;
use crate::cross;
use crate::disk::{self, Parts};
use crate::error::{Doing, Error};
use crate::ext4::FileSystem;
use crate::keys::Keys;
use crate::place;
use crate::process::{output, program, shown};
use crate::root::{self, Contents};

/// An image of a board, in one version.
#[derive(Debug)]
pub struct Image<'a> {
    /// The kind of unit.
    pub board: &'a Board,
    /// Semantic version.
    pub version: String,
    /// Who signs, and whom units trust.
    pub keys: Keys,
    /// The folder with all its files.
    pub folder: PathBuf,
}

impl<'a> Image<'a> {
    /// An image whose files lie in the target folder. Without a version it has the workspace's.
    pub fn new(board: &'a Board, version: Option<&str>, keys: Keys) -> Self {
        Self {
            folder: target_folder().join("rsu-image").join(&board.name),
            version: version.unwrap_or(env!("CARGO_PKG_VERSION")).to_owned(),
            board,
            keys,
        }
    }

    /// The stripped program.
    pub fn program(&self) -> PathBuf {
        target_folder()
            .join(&self.board.target)
            .join(PROFILE)
            .join("rsu")
    }

    /// The file system of a slot.
    pub fn root(&self) -> PathBuf {
        self.file("root.ext4")
    }

    /// The disk, with nothing in its data partition.
    pub fn disk(&self) -> PathBuf {
        self.file("img")
    }

    /// What must be written of the disk.
    pub fn map(&self) -> PathBuf {
        self.file("img.bmap")
    }

    /// The signed update.
    pub fn bundle(&self) -> PathBuf {
        self.file("raucb")
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!(
            "rsu-{}-{}.{extension}",
            self.board.name, self.version
        ))
    }

    /// Builds the program for the board.
    ///
    /// # Errors
    ///
    /// The build fails.
    pub fn build_program(&self) -> Result<(), Error> {
        let features = self.board.features.join(",");
        let linking = format!("target.{}.rustflags=[{LINKING:?}]", self.board.target);
        let arguments = [
            "build",
            "--locked",
            "--package",
            "rsu-gateway",
            "--profile",
            PROFILE,
            "--no-default-features",
            "--features",
            &features,
            "--target",
            &self.board.target,
            "--config",
            &linking,
        ];
        let mut build = cross::locked(&arguments.map(Into::into))?;
        build.current_dir(place::workspace());
        shown(&mut build)
    }

    /// Makes root and disk around the program.
    ///
    /// # Errors
    ///
    /// Something is missing, or does not fit.
    pub fn build(&self) -> Result<(), Error> {
        self.build_with(&self.program())
    }

    /// As [`Image::build`], with another program.
    ///
    /// # Errors
    ///
    /// As [`Image::build`].
    pub fn build_with(&self, program: &Path) -> Result<(), Error> {
        place::folder(&self.folder)?;
        let folder = tempfile::tempdir_in(&self.folder).doing("make a folder in", &self.folder)?;
        let tree = folder.path().join("root");
        place::folder(&tree)?;
        let authority = self.keys.authority();
        if !authority.is_file() {
            self.keys.check()?;
        }
        let contents = Contents {
            board: self.board,
            version: &self.version,
            program,
            keyring: &authority,
        };
        root::lay_out(&contents, &tree)?;
        self.build_from(&tree)
    }

    /// As [`Image::build`], from the content of a slot.
    ///
    /// # Errors
    ///
    /// As [`Image::build`].
    pub fn build_from(&self, tree: &Path) -> Result<(), Error> {
        place::folder(&self.folder)?;
        let time_s = commit_time_s()?;
        let folder = tempfile::tempdir_in(&self.folder).doing("make a folder in", &self.folder)?;
        let root = FileSystem {
            label: "root",
            size_mib: self.board.slots.root_mib,
            read_only: true,
            time_s,
        };
        root.make(tree, &self.root())?;

        let empty = folder.path().join("empty");
        place::folder(&empty)?;
        let data = folder.path().join("data.ext4");
        data_partition(self.board, &empty, &data)?;
        let parts = Parts {
            root: &self.root(),
            data: &data,
            time_s,
        };
        disk::write(self.board, &parts, &self.disk())?;
        disk::map(&self.disk(), &self.map())
    }

    /// Signs an update with the root that was built.
    ///
    /// # Errors
    ///
    /// The root or a key is missing.
    pub fn bundle_up(&self) -> Result<(), Error> {
        let root = self.root();
        self.built(&root)?;
        let bundle = Bundle {
            root: &root,
            compatible: &self.board.compatible(),
            version: &self.version,
            keys: &self.keys,
        };
        bundle.write(&self.bundle())
    }

    /// The size of the disk that the image takes.
    ///
    /// # Errors
    ///
    /// The image is not built yet.
    pub fn disk_bytes(&self) -> Result<u64, Error> {
        Ok(self.built(&self.disk())?.len())
    }

    /// What the operating system knows about a file of this image.
    fn built(&self, file: &Path) -> Result<Metadata, Error> {
        file.metadata().map_err(|error| {
            let command = format!(
                "`cross/rsu-image build --board {} --image-version {}`",
                self.board.name, self.version
            );
            Error::content(file, format!("is not built yet ({error}): {command}"))
        })
    }
}

/// The cargo profile of what runs on units.
const PROFILE: &str = "unit";

/// How it is linked: small. Functions of the same instructions become one, and what is moved to
/// where the program is loaded is told in bits (`DT_RELR`, which glibc knows since 2.36).
const LINKING: &str = "-Clink-args=-fuse-ld=lld \
    -Wl,--icf=all,-z,pack-relative-relocs,-T,cross/no-unwinding.ld,--no-eh-frame-hdr";

/// Makes a data partition with the content of `folder`.
///
/// # Errors
///
/// The content does not fit.
pub fn data_partition(board: &Board, folder: &Path, file: &Path) -> Result<(), Error> {
    let data = FileSystem {
        label: "data",
        size_mib: board.slots.data_mib,
        read_only: false,
        time_s: commit_time_s()?,
    };
    data.make(folder, file)
}

/// When what is built was committed, seconds since 1970; `$SOURCE_DATE_EPOCH` goes before.
///
/// # Errors
///
/// The workspace is neither a git repository nor is the variable set.
pub fn commit_time_s() -> Result<u64, Error> {
    let told = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(told) => told,
        Err(_) => {
            let mut git = program("git", ["log", "-1", "--format=%ct"]);
            output(git.current_dir(place::workspace())).map_err(|error| {
                Error::Refused(format!("{error}\nOutside of git, set SOURCE_DATE_EPOCH"))
            })?
        }
    };
    let told = told.trim();
    let wrong = || {
        Error::Refused(format!(
            "SOURCE_DATE_EPOCH={told:?} is no number of seconds"
        ))
    };
    told.parse().map_err(|_| wrong())
}

fn target_folder() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    folder.map_or_else(|| place::workspace().join("target"), PathBuf::from)
}
