//! How big everything has become.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::image::Image;

/// A line for each file of an image: what, bytes, bytes on disk; those that are not built yet are
/// told as such.
///
/// # Errors
///
/// A file cannot be read.
pub fn table(image: &Image<'_>) -> Result<String, Error> {
    let mut text = format!("{:<8} {:>13} {:>13}\n", "", "bytes", "without holes");
    let files = [
        ("program", image.program()),
        ("root", image.root()),
        ("image", image.disk()),
        ("bundle", image.bundle()),
    ];
    for (name, file) in files {
        text.push_str(&match sizes(&file)? {
            Some((bytes, on_disk)) => format!("{name:<8} {bytes:>13} {on_disk:>13}\n"),
            None => format!("{name:<8} {:>13}\n", "not built"),
        });
    }
    Ok(text)
}

fn sizes(file: &Path) -> Result<Option<(u64, u64)>, Error> {
    match file.metadata() {
        Ok(about) => Ok(Some((about.len(), about.blocks() * 512))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("read", file),
    }
}
