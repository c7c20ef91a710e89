//! The command line of `cross/rsu-image`.

mod progress;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, Parser, Subcommand};
use rsu_image::board::Board;
use rsu_image::emulate::Ports;
use rsu_image::error::{Doing, Error};
use rsu_image::flash::fleet::Fleet;
use rsu_image::flash::{Outcome, report};
use rsu_image::image::Image;
use rsu_image::keys::Keys;
use rsu_image::provision::Unit;
use rsu_image::ssh::Host;
use rsu_image::{cross, debian, emulate, flash, process, sizes, toolchain};

use progress::Bars;

/// Makes, flashes and tries the image of a roadside unit.
#[derive(Debug, Parser)]
#[command(name = "rsu-image", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds program, root, and the image of the disk with its map.
    Build {
        #[command(flatten)]
        which: Which,
        /// A program that is built already.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Signs an update with the root that was built.
    Bundle(Which),
    /// Puts an image onto a unit: the first one with --unit and --to, an update with --host or
    /// --fleet.
    Flash(FlashOptions),
    /// Tells how big program, root, image and bundle are.
    Sizes(Which),
    /// Runs the image in a virtual machine, in this terminal: Ctrl-A X ends it.
    Emulate {
        #[command(flatten)]
        which: Which,
        /// Who the unit is.
        #[arg(long, value_name = "FILE")]
        unit: PathBuf,
    },
    /// Makes keys for development, which sign bundles and which units trust.
    Keys {
        #[arg(long, value_name = "FOLDER")]
        keys: Option<PathBuf>,
    },
    /// Cargo for another processor: the command line of cross-rs.
    Cross {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<OsString>,
    },
    /// Fetches Debian's Rust ahead of time; tells the folder.
    Toolchain,
    /// Renews debian.lock with the newest versions.
    Lock,
}

/// Which image is meant.
#[derive(Debug, Args)]
struct Which {
    /// The kind of unit: a file of cross/boards.
    #[arg(long)]
    board: String,
    /// Semantic version of the image; by default that of the workspace.
    #[arg(long, value_name = "VERSION")]
    image_version: Option<String>,
    /// The folder with keys and certificates.
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true))]
struct FlashOptions {
    #[command(flatten)]
    which: Which,
    /// A card, an eMMC, or a file to write the first image to.
    #[arg(long, value_name = "DEVICE", group = "target", requires = "unit")]
    to: Option<PathBuf>,
    /// Who the unit is, for its first image.
    #[arg(long, value_name = "FILE", requires = "to")]
    unit: Option<PathBuf>,
    /// A unit in the field, HOST or HOST:PORT, to update over ssh.
    #[arg(long, group = "target")]
    host: Option<String>,
    /// Many units in the field.
    #[arg(long, value_name = "FILE", group = "target")]
    fleet: Option<PathBuf>,
    /// Private key for ssh.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    ssh_key: Option<PathBuf>,
    /// Where to write what has become of each unit: Markdown, or JSON for *.json.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    report: Option<PathBuf>,
}

impl Which {
    /// Does something with the image.
    fn image<T>(&self, what: impl FnOnce(&Image<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let board = Board::named(&self.board)?;
        let keys = Keys::new(self.keys.as_deref());
        what(&Image::new(&board, self.image_version.as_deref(), keys))
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rsu-image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Error> {
    match task {
        Task::Build { which, program } => which.image(|image| {
            match program {
                Some(program) => image.build_with(&program)?,
                None => {
                    image.build_program()?;
                    image.build()?;
                }
            }
            for file in [image.root(), image.disk(), image.map()] {
                tell(&file.display().to_string());
            }
            Ok(())
        })?,
        Task::Bundle(which) => which.image(|image| {
            image.bundle_up()?;
            tell(&image.bundle().display().to_string());
            Ok(())
        })?,
        Task::Flash(options) => options.which.image(|image| flash(image, &options))?,
        Task::Sizes(which) => which.image(|image| {
            tell(sizes::table(image)?.trim_end());
            Ok(())
        })?,
        Task::Emulate { which, unit } => which.image(|image| emulated(image, &unit))?,
        Task::Keys { keys } => Keys::new(keys.as_deref()).make()?,
        Task::Cross { arguments } => {
            let failure = cross::command(&arguments)?.exec();
            return Err(Error::Refused(format!("cannot start the build: {failure}")));
        }
        Task::Toolchain => tell(&toolchain::folder()?.display().to_string()),
        Task::Lock => debian::renew()?.iter().for_each(|change| tell(change)),
    }
    Ok(())
}

fn flash(image: &Image<'_>, options: &FlashOptions) -> Result<(), Error> {
    if let (Some(unit), Some(to)) = (&options.unit, &options.to) {
        return flash::first(image, &Unit::read(unit)?, to);
    }
    let bundle = image.bundle();
    let length = std::fs::metadata(&bundle).doing("read", &bundle)?.len();
    let mut fleet = match (&options.fleet, &options.host) {
        (Some(fleet), _) => Fleet::read(fleet)?,
        (None, host) => Fleet::single(host.as_deref().unwrap_or_default()),
    };
    fleet.key = options.ssh_key.clone().or(fleet.key);
    let bars = Bars::new(length);
    let results = fleet.update(|unit| {
        let bar = bars.unit(unit);
        let outcome = match Host::parse(unit, fleet.key.as_deref()) {
            Ok(host) => flash::update(&host, &bundle, &image.version, &mut |step| bar.show(step)),
            Err(error) => Outcome::Unreachable {
                reason: error.to_string(),
            },
        };
        bar.end(&outcome);
        outcome
    });
    let report = report::markdown(&image.version, &results);
    tell(report.trim_end());
    if let Some(file) = &options.report {
        report::write(file, &image.version, &results)?;
    }
    match results.iter().all(|result| result.outcome.is_good()) {
        true => Ok(()),
        false => Err(Error::Refused("not every unit runs the new version".into())),
    }
}

/// Gives the image an identity, and runs it until the user has seen enough.
fn emulated(image: &Image<'_>, unit: &Path) -> Result<(), Error> {
    // Without an image there is not even its folder.
    image.disk_bytes()?;
    let folder = tempfile::tempdir_in(&image.folder).doing("make a folder in", &image.folder)?;
    let disk = folder.path().join("disk.img");
    flash::provisioned_disk(image, &Unit::read(unit)?, &disk)?;
    let ports = Ports::free()?;
    eprintln!(
        "Frames: UDP 127.0.0.1:{}; ssh -p {} root@127.0.0.1",
        ports.radio, ports.ssh
    );
    process::shown(&mut emulate::command(image.board, &disk, ports)?)
}

/// A result, on stdout. Nothing more can be told to a reader that is gone.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
