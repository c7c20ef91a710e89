//! The whole disk of a unit: partition table, boot environment, boot script, two slots, data.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::board::Board;
use crate::error::{Doing, Error};
use crate::ext4::{FileSystem, uuid};
use crate::place;
use crate::process::{output, output_of, program};
use crate::root::filled;

/// The first MiB belong to the table and, on many boards, to the boot loader.
const FIRST_MIB: u64 = 8;
/// A partition of one sector cannot be aligned.
const ENVIRONMENT_MIB: u64 = 1;
/// Behind the last partition, for the second copy of the table.
const LAST_MIB: u64 = 1;
/// The environment is one sector, which is written whole or not at all.
const ENVIRONMENT_BYTES: usize = 512;
/// The granularity of what is written to the disk and what is left out.
const BLOCK_BYTES: usize = 4096;

/// What GPT takes at each end of the disk, in whole blocks.
const TABLE_BYTES: u16 = 5 * 4096;

/// Linux file system, in the words of GPT.
const PARTITION_TYPE: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

/// What a disk is put together from.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The file system of each slot.
    pub root: &'a Path,
    /// What survives updates.
    pub data: &'a Path,
    /// Seconds since 1970: when everything was made.
    pub time_s: u64,
}

struct Partition {
    name: &'static str,
    start_mib: u64,
    size_mib: u64,
}

/// The partitions of a board's disk, in their order.
fn partitions(board: &Board) -> Vec<Partition> {
    let slots = &board.slots;
    let mut start_mib = FIRST_MIB;
    [
        ("env", ENVIRONMENT_MIB),
        ("boot", slots.boot_mib),
        ("root-A", slots.root_mib),
        ("root-B", slots.root_mib),
        ("data", slots.data_mib),
    ]
    .map(|(name, size_mib)| {
        let partition = Partition {
            name,
            start_mib,
            size_mib,
        };
        start_mib += size_mib;
        partition
    })
    .into()
}

/// Writes the disk's image to `file`. Blocks of zeros become holes.
///
/// # Errors
///
/// A part does not fit, a tool is missing, or the host's disk is full.
pub fn write(board: &Board, parts: &Parts<'_>, file: &Path) -> Result<(), Error> {
    let folder = tempfile::tempdir().doing("make a folder in", &std::env::temp_dir())?;
    let boot = folder.path().join("boot.ext4");
    boot_partition(board, parts.time_s, folder.path(), &boot)?;
    let environment = folder.path().join("env");
    fs::write(&environment, initial_environment()).doing("write", &environment)?;

    let partitions = partitions(board);
    let end_mib = partitions
        .last()
        .map_or(0, |last| last.start_mib + last.size_mib);
    let mut image = create(file)?;
    image
        .set_len((end_mib + LAST_MIB) << 20)
        .doing("write", file)?;
    table(board, &partitions, file)?;
    for partition in &partitions {
        let content = match partition.name {
            "env" => &environment,
            "boot" => &boot,
            "data" => parts.data,
            _ => parts.root,
        };
        place_content(partition, content, &mut image, file)?;
    }
    write_out_tables(&mut image, file)
}

/// Copies an image, but with another data partition.
///
/// # Errors
///
/// The data do not fit, or a file cannot be read or written.
pub fn with_data(board: &Board, image: &Path, data: &Path, to: &Path) -> Result<(), Error> {
    let mut from = fs::File::open(image).doing("read", image)?;
    let length = from.metadata().doing("read", image)?.len();
    let mut file = create(to)?;
    file.set_len(length).doing("write", to)?;
    let mut position = 0;
    for partition in partitions(board)
        .iter()
        .filter(|partition| partition.name == "data")
    {
        let start = partition.start_mib << 20;
        copy_blocks((&mut from).take(start), image, 0, &mut file, to)?;
        place_content(partition, data, &mut file, to)?;
        position = start + (partition.size_mib << 20);
    }
    from.seek(SeekFrom::Start(position)).doing("read", image)?;
    copy_blocks(from, image, position, &mut file, to)?;
    write_out_tables(&mut file, to)
}

/// Writes the map of what must be written to a disk: all but holes, with checksums.
///
/// # Errors
///
/// bmaptool is missing or fails.
pub fn map(image: &Path, map: &Path) -> Result<(), Error> {
    let mut bmaptool = program("bmaptool", ["--quiet", "create", "--output"]);
    output(bmaptool.arg(map).arg(image)).map(drop)
}

fn table(board: &Board, partitions: &[Partition], file: &Path) -> Result<(), Error> {
    const SECTORS_PER_MIB: u64 = 2048;
    let mut script = format!(
        "label: gpt\nlabel-id: {}\n",
        uuid(&format!("disk {}", board.name))
    );
    for partition in partitions {
        let start = partition.start_mib * SECTORS_PER_MIB;
        let size = partition.size_mib * SECTORS_PER_MIB;
        let name = partition.name;
        let uuid = uuid(&format!("partition {} {name}", board.name));
        // U-Boot looks for its script where the partition says it can boot.
        let attributes = if name == "boot" {
            ", attrs=LegacyBIOSBootable"
        } else {
            ""
        };
        let _ = writeln!(
            script,
            "start={start}, size={size}, type={PARTITION_TYPE}, uuid={uuid}, name={name}{attributes}"
        );
    }
    let mut sfdisk = program("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel"]);
    output_of(sfdisk.arg(file), &script).map(drop)
}

fn boot_partition(board: &Board, time_s: u64, folder: &Path, file: &Path) -> Result<(), Error> {
    let source = place::cross().join("image/boot/boot.cmd");
    let text = fs::read_to_string(&source).doing("read", &source)?;
    let (interface, number) = board.boot.disk.split_once(' ').unwrap_or_default();
    let device_tree = match board.kernel.device_tree {
        Some(_) => "${fdt_addr_r}",
        None => "${fdtcontroladdr}",
    };
    let load_device_tree = match board.kernel.device_tree {
        Some(_) => {
            format!(
                "load {}:${{partition}} ${{fdt_addr_r}} /boot/device-tree || reset",
                board.boot.disk
            )
        }
        None => "# The device tree is the boot loader's own.".to_owned(),
    };
    let text = filled(
        &source,
        &text,
        &[
            ("@DISK@", &board.boot.disk),
            ("@INTERFACE@", interface),
            ("@NUMBER@", number),
            ("@SCRATCH@", &board.boot.scratch_address),
            ("@CONSOLE@", &board.kernel.console),
            ("@BOOT@", board.processor()?.boot),
            ("@LOADTREE@", &load_device_tree),
            ("@TREE@", device_tree),
        ],
    )?;
    let content = folder.join("boot");
    place::folder(&content)?;
    let script = folder.join("boot.cmd");
    fs::write(&script, text).doing("write", &script)?;
    let mut mkimage = program(
        "mkimage",
        ["-T", "script", "-C", "none", "-n", "boot", "-d"],
    );
    mkimage.env("SOURCE_DATE_EPOCH", time_s.to_string());
    output(mkimage.arg(&script).arg(content.join("boot.scr")))?;
    let file_system = FileSystem {
        label: "boot",
        size_mib: board.slots.boot_mib,
        read_only: true,
        time_s,
    };
    file_system.make(&content, file)
}

/// The environment of a unit that has never started: a checksum, and strings that end with zeros.
fn initial_environment() -> Vec<u8> {
    let mut strings = b"BOOT_A_LEFT=3\0BOOT_B_LEFT=3\0BOOT_ORDER=A B\0\0".to_vec();
    strings.resize(ENVIRONMENT_BYTES - 4, 0);
    let mut crc = flate2::Crc::new();
    crc.update(&strings);
    let mut environment = crc.sum().to_le_bytes().to_vec();
    environment.extend(strings);
    environment
}

fn create(file: &Path) -> Result<fs::File, Error> {
    let mut options = fs::OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(true);
    options.open(file).doing("write", file)
}

/// Fills the holes of the partition tables with zeros. Checksums go over them, while what is left
/// out of the map stays on a card as it was.
fn write_out_tables(disk: &mut fs::File, path: &Path) -> Result<(), Error> {
    let mut table = [0; TABLE_BYTES as usize];
    for end in [SeekFrom::Start(0), SeekFrom::End(-i64::from(TABLE_BYTES))] {
        let start = disk.seek(end).doing("read", path)?;
        disk.read_exact(&mut table).doing("read", path)?;
        disk.seek(SeekFrom::Start(start)).doing("write", path)?;
        disk.write_all(&table).doing("write", path)?;
    }
    Ok(())
}

fn place_content(
    partition: &Partition,
    content: &Path,
    image: &mut fs::File,
    path: &Path,
) -> Result<(), Error> {
    let from = fs::File::open(content).doing("read", content)?;
    let length = from.metadata().doing("read", content)?.len();
    if length > partition.size_mib << 20 {
        let problem = format!(
            "does not fit into the {} MiB of {}",
            partition.size_mib, partition.name
        );
        return Err(Error::content(content, problem));
    }
    copy_blocks(from, content, partition.start_mib << 20, image, path)
}

/// Copies to a position, all but zeros.
fn copy_blocks(
    mut from: impl Read,
    from_path: &Path,
    mut position: u64,
    to: &mut fs::File,
    to_path: &Path,
) -> Result<(), Error> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = read_block(&mut from, &mut block).doing("read", from_path)?;
        let Some(read) = block.get(..read).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        if read.iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(position)).doing("write", to_path)?;
            to.write_all(read).doing("write", to_path)?;
        }
        position += read.len() as u64;
    }
}

fn read_block(from: &mut impl Read, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
