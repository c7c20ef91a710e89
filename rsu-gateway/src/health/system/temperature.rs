//! Temperatures of the machine: thermal zones, and hardware monitors where they say more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Sensors that are read at most.
const SENSORS_MAX: usize = 32;
/// Longer names are cut.
const NAME_CHARS_MAX: usize = 32;

/// What is outside cannot be true of a machine that runs, in degrees Celsius.
const PLAUSIBLE_C: std::ops::RangeInclusive<f64> = -60.0..=200.0;

/// Degrees Celsius by the sensors' names, in their order; a name that comes again gets a number.
pub(super) fn read(sys: &Path) -> Vec<(String, f64)> {
    let mut temperatures = BTreeMap::new();
    let mut take = |name: String, file: PathBuf| {
        if temperatures.len() < SENSORS_MAX
            && let Some(celsius) = celsius(&file)
        {
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            let free = names.find(|name| !temperatures.contains_key(name));
            temperatures.extend(free.map(|name| (name, celsius)));
        }
    };
    for zone in folders(&sys.join("class/thermal"), "thermal_zone") {
        if let Some(name) = line(&zone.join("type")) {
            take(name, zone.join("temp"));
        }
    }
    for monitor in folders(&sys.join("class/hwmon"), "hwmon") {
        // A monitor that only repeats a thermal zone links to it.
        if monitor.join("device/type").exists() {
            continue;
        }
        let Some(chip) = line(&monitor.join("name")) else {
            continue;
        };
        for number in 1..=8 {
            let label = line(&monitor.join(format!("temp{number}_label")));
            let name = label.map_or_else(|| chip.clone(), |label| format!("{chip} {label}"));
            take(name, monitor.join(format!("temp{number}_input")));
        }
    }
    temperatures.into_iter().collect()
}

/// What is in `folder` with a name that begins so, in order.
fn folders(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .take(SENSORS_MAX)
        .collect();
    found.sort();
    found
}

fn line(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let name: String = text.trim().chars().take(NAME_CHARS_MAX).collect();
    (!name.is_empty()).then_some(name)
}

/// The kernel writes thousandths.
fn celsius(file: &Path) -> Option<f64> {
    let milli: i32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let celsius = f64::from(milli) / 1_000.0;
    PLAUSIBLE_C.contains(&celsius).then_some(celsius)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A `/sys` of these files.
    fn sys(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("rsu-sys-{name}-{}", std::process::id()));
        for (file, content) in files {
            let path = root.join("class").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn named(temperatures: &[(&str, f64)]) -> Vec<(String, f64)> {
        let owned = |(name, celsius): &(&str, f64)| ((*name).to_owned(), *celsius);
        temperatures.iter().map(owned).collect()
    }

    #[test]
    fn zones_and_monitors_are_read_once_each() {
        let root = sys(
            "both",
            &[
                ("thermal/thermal_zone0/type", "cpu-thermal\n"),
                ("thermal/thermal_zone0/temp", "48500\n"),
                ("thermal/thermal_zone1/type", "cpu-thermal\n"),
                ("thermal/thermal_zone1/temp", "-5250\n"),
                ("thermal/cooling_device0/type", "fan\n"),
                ("hwmon/hwmon0/name", "cpu_thermal\n"),
                ("hwmon/hwmon0/temp1_input", "48500\n"),
                ("hwmon/hwmon0/device/type", "cpu-thermal\n"),
                ("hwmon/hwmon1/name", "nvme\n"),
                ("hwmon/hwmon1/temp1_input", "40850\n"),
                ("hwmon/hwmon1/temp1_label", "Composite\n"),
            ],
        );
        let expected = named(&[
            ("cpu-thermal", 48.5),
            ("cpu-thermal-2", -5.25),
            ("nvme Composite", 40.85),
        ]);
        assert_eq!(read(&root), expected);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_cannot_be_true_is_left_out() {
        let root = sys(
            "wrong",
            &[
                ("thermal/thermal_zone0/type", "broken"),
                ("thermal/thermal_zone0/temp", "-274000"),
                ("thermal/thermal_zone1/type", "silent"),
                ("thermal/thermal_zone2/type", "garbage"),
                ("thermal/thermal_zone2/temp", "warm"),
                ("thermal/thermal_zone3/temp", "20000"),
            ],
        );
        assert_eq!(read(&root), []);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(read(&root), []);
    }
}
