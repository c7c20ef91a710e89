//! The kernel's package: image, modules with what they depend on, device trees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error};
use crate::place;
use crate::process::{output, program};

use super::{copy, entries};

/// An unpacked kernel package.
#[derive(Debug)]
pub struct Kernel {
    package: PathBuf,
    /// Such as `6.1.0-56-cloud-arm64`.
    release: String,
    /// Paths of modules, by name (with `_` for `-`).
    modules: BTreeMap<String, PathBuf>,
    /// Modules that are part of the image.
    built_in: Vec<String>,
}

impl Kernel {
    /// Looks through an unpacked package.
    ///
    /// # Errors
    ///
    /// It is not a kernel's.
    pub fn new(package: PathBuf) -> Result<Self, Error> {
        let folder = package.join("lib/modules");
        let release = entries(&folder)?
            .pop()
            .and_then(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .ok_or_else(|| Error::content(&folder, "has no modules"))?;
        let tree = folder.join(&release);
        let mut modules = BTreeMap::new();
        collect(&tree, &mut modules)?;
        let list = tree.join("modules.builtin");
        let built_in = fs::read_to_string(&list).doing("read", &list)?;
        let built_in = built_in
            .lines()
            .map(|line| module_name(Path::new(line)))
            .collect();
        Ok(Self {
            package,
            release,
            modules,
            built_in,
        })
    }

    /// The bootable image.
    pub(super) fn image(&self) -> Result<PathBuf, Error> {
        let image = self
            .package
            .join("boot")
            .join(format!("vmlinuz-{}", self.release));
        match image.is_file() {
            true => Ok(image),
            false => Err(Error::content(&image, "is not in the kernel's package")),
        }
    }

    /// A device tree, such as `freescale/imx8mm-evk.dtb`.
    pub(super) fn device_tree(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self
            .package
            .join("usr/lib")
            .join(format!("linux-image-{}", self.release));
        let path = folder.join(name);
        match path.is_file() {
            true => Ok(path),
            false => Err(Error::content(&path, "is not in the kernel's package")),
        }
    }

    /// Copies modules with all that they depend on to `root/lib/modules`, and writes
    /// `root/etc/modules`: their files with options, in the order in which they load. Those of
    /// `loaded` are there already, with all that they depend on.
    pub(super) fn install_modules(
        &self,
        wanted: &[String],
        loaded: &[String],
        root: &Path,
    ) -> Result<(), Error> {
        let mut ordered = Vec::new();
        for name in loaded {
            self.order(name, "", &mut ordered)?;
        }
        let loaded = ordered.len();
        for line in wanted {
            let (name, options) = line.split_once(' ').unwrap_or((line, ""));
            self.order(name, options, &mut ordered)?;
        }
        let folder = root.join("lib/modules");
        place::folder(&folder)?;
        let mut list = String::new();
        for (path, options) in ordered.into_iter().skip(loaded) {
            let file = path.file_name().unwrap_or_default();
            copy(path, &folder.join(file))?;
            list.push_str(&format!("{} {options}", file.to_string_lossy()));
            list.truncate(list.trim_end().len());
            list.push('\n');
        }
        let path = root.join("etc/modules");
        fs::write(&path, list).doing("write", &path)
    }

    /// Appends a module behind those that it depends on, each once.
    fn order<'a>(
        &'a self,
        name: &str,
        options: &'a str,
        ordered: &mut Vec<(&'a Path, &'a str)>,
    ) -> Result<(), Error> {
        let name = name.replace('-', "_");
        if self.built_in.contains(&name) {
            return Ok(());
        }
        let path = self.modules.get(&name).ok_or_else(|| {
            Error::Refused(format!("the kernel {} has no module {name}", self.release))
        })?;
        if ordered.iter().any(|(known, _)| known == path) {
            return Ok(());
        }
        let dependencies = dependencies(path)?;
        for dependency in dependencies.split(',').filter(|name| !name.is_empty()) {
            self.order(dependency, "", ordered)?;
        }
        ordered.push((path, options));
        Ok(())
    }
}

/// What a module says it depends on.
fn dependencies(module: &Path) -> Result<String, Error> {
    let mut readelf = program("readelf", ["--string-dump=.modinfo", "--wide"]);
    let told = output(readelf.arg(module))?;
    let depends = told
        .lines()
        .find_map(|line| line.split_once("depends=").map(|(_, names)| names));
    Ok(depends.unwrap_or_default().trim().to_owned())
}

fn collect(folder: &Path, modules: &mut BTreeMap<String, PathBuf>) -> Result<(), Error> {
    for path in entries(folder)? {
        if path.is_dir() && !path.is_symlink() {
            collect(&path, modules)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            modules.insert(module_name(&path), path);
        }
    }
    Ok(())
}

fn module_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.replace('-', "_")
}
