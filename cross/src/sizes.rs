//! How big everything has become.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::image::Image;

/// A line for each file of an image: what, bytes, bytes on disk.
///
/// # Errors
///
/// A file is not built yet.
pub fn table(image: &Image<'_>) -> Result<String, Error> {
    let mut text = format!("{:<8} {:>13} {:>13}\n", "", "bytes", "without holes");
    let files = [
        ("program", image.program()),
        ("root", image.root()),
        ("image", image.disk()),
        ("bundle", image.bundle()),
    ];
    for (name, file) in files {
        let (bytes, on_disk) = sizes(&file)?;
        text.push_str(&format!("{name:<8} {bytes:>13} {on_disk:>13}\n"));
    }
    Ok(text)
}

fn sizes(file: &Path) -> Result<(u64, u64), Error> {
    let about = std::fs::metadata(file).doing("read", file)?;
    Ok((about.len(), about.blocks() * 512))
}
