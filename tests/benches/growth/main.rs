//! Cost as work grows: vehicles and lanes, through the core and the report of the fused junction.
//!
//! ```text
//! cargo bench -p tests --bench growth              medians, and pictures in benches/figures
//! cargo bench -p tests --bench growth -- --smoke   a few repetitions, and no pictures
//! ```
//!
//! The slope of a curve is the exponent with which the cost grows: 0 for a constant, 1 for linear.
//! One that is steeper than [`SLOPE_MAX`] is a failure.

#![expect(clippy::print_stdout, reason = "the tables are the result")]

mod roads;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use rsu_firmware::network::Adaptation;
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::{Rsu, Settings};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use rsu_gateway::clock::ClockQuality;
use rsu_gateway::platform::junction::JunctionSnapshot;
use tests::figure::{Curve, Figure};
use tests::traffic::Traffic;

use roads::Roads;

/// Linear, and some for caches that do not hold everything any more.
const SLOPE_MAX: f64 = 1.35;

const VEHICLES: [usize; 8] = [10, 20, 50, 100, 200, 500, 1_000, 2_000];
const VEHICLES_MAX: usize = 2_048;
const LANES: [usize; 6] = [4, 8, 16, 32, 64, 128];
/// Vehicles while the lanes grow.
const VEHICLES_ON_LANES: usize = 200;

/// Vehicles send ten times a second.
const ROUND: Span = Span::from_millis(100);
const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn main() -> ExitCode {
    let is_smoke = env::args().any(|argument| argument == "--smoke");
    match measure(is_smoke) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(is_smoke: bool) -> Result<(), Box<dyn Error>> {
    let rounds = if is_smoke { 3 } else { 60 };
    for (name, figure) in [
        ("vehicles", with_vehicles(rounds)?),
        ("lanes", with_lanes(rounds)?),
    ] {
        print_table(&figure);
        if is_smoke {
            continue;
        }
        let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures");
        fs::create_dir_all(&figures)?;
        fs::write(figures.join(name).with_extension("svg"), figure.svg())?;
        if let Some(curve) = figure.curves.iter().find(|curve| curve.slope() > SLOPE_MAX) {
            let (title, slope) = (&figure.title, curve.slope());
            return Err(format!("{title}: {} grows with {slope:.2}", curve.name).into());
        }
    }
    Ok(())
}

/// What was measured at one size, in medians.
struct Costs {
    bsm: Duration,
    map: Duration,
    snapshot: Duration,
}

fn with_vehicles(rounds: usize) -> Result<Figure, Box<dyn Error>> {
    let mut costs = Vec::new();
    for vehicles in VEHICLES {
        let mut traffic = Traffic::new(vehicles);
        let map = traffic.map().to_vec();
        let measured =
            Unit::new().measure(rounds, vehicles, &map, |now| traffic.bsm(now).to_vec())?;
        costs.push((vehicles, measured));
    }
    Ok(Figure {
        title: "Cost as vehicles grow".into(),
        x_label: "vehicles".into(),
        y_label: "µs".into(),
        curves: vec![
            curve("one BSM", &costs, |costs| costs.bsm),
            curve("the fused junction in JSON", &costs, |costs| costs.snapshot),
        ],
    })
}

fn with_lanes(rounds: usize) -> Result<Figure, Box<dyn Error>> {
    let mut costs = Vec::new();
    for lanes in LANES {
        let mut roads = Roads::new(lanes);
        let map = roads.map();
        let measured = Unit::new().measure(rounds, VEHICLES_ON_LANES, &map, |now| {
            roads.bsm(now, VEHICLES_ON_LANES)
        })?;
        costs.push((lanes, measured));
    }
    Ok(Figure {
        title: format!("Cost as lanes grow, {VEHICLES_ON_LANES} vehicles"),
        x_label: "lanes".into(),
        y_label: "µs".into(),
        curves: vec![
            curve("one BSM", &costs, |costs| costs.bsm),
            curve("one MAP", &costs, |costs| costs.map),
            curve("the fused junction in JSON", &costs, |costs| costs.snapshot),
        ],
    })
}

fn curve(name: &str, costs: &[(usize, Costs)], cost: fn(&Costs) -> Duration) -> Curve {
    let point = |(size, costs): &(usize, Costs)| (*size as f64, cost(costs).as_secs_f64() * 1e6);
    Curve {
        name: name.to_owned(),
        points: costs.iter().map(point).collect(),
    }
}

struct Unit(Box<Rsu<VEHICLES_MAX>>);

impl Unit {
    fn new() -> Self {
        Self(Box::new(Rsu::new(Settings {
            profile: Profile::Ydt3709_2020,
            adaptation: Adaptation::Present,
            payload_length_max: usize::from(u16::MAX),
        })))
    }

    /// Rounds in which every vehicle sends once and the junction is reported once.
    fn measure(
        &mut self,
        rounds: usize,
        vehicles: usize,
        map: &[u8],
        mut bsm: impl FnMut(Timestamp) -> Vec<u8>,
    ) -> Result<Costs, Box<dyn Error>> {
        let (mut bsms, mut maps, mut snapshots) = (Vec::new(), Vec::new(), Vec::new());
        let mut json = Vec::new();
        let mut now = BEGIN;
        for _ in 0..rounds {
            now = now + ROUND;
            maps.push(self.handle(now, std::iter::once(map))?);
            let frames: Vec<_> = (0..vehicles).map(|_| bsm(now)).collect();
            let all = self.handle(now, frames.iter().map(Vec::as_slice))?;
            bsms.push(all / u32::try_from(vehicles)?);

            let begin = Instant::now();
            let picture = self.0.fusion_mut().snapshot(now);
            for junction in picture.junctions() {
                json.clear();
                let report =
                    JunctionSnapshot::new("R1", 1, ClockQuality::default(), &picture, &junction);
                serde_json::to_writer(&mut json, &report)?;
                black_box(&json);
            }
            snapshots.push(begin.elapsed());
            let seen = picture.vehicles().count();
            if seen < vehicles {
                return Err(format!("{seen} of {vehicles} vehicles are seen").into());
            }
        }
        Ok(Costs {
            bsm: median(bsms),
            map: median(maps),
            snapshot: median(snapshots),
        })
    }

    fn handle<'f>(
        &mut self,
        now: Timestamp,
        frames: impl Iterator<Item = &'f [u8]>,
    ) -> Result<Duration, Box<dyn Error>> {
        let begin = Instant::now();
        for bytes in frames {
            let received = Received {
                time: now,
                rssi_dbm: None,
                bytes,
            };
            let heard = self.0.handle_frame(&received);
            let heard = heard.map_err(|dropped| format!("{dropped:?}"))?;
            if let Some((node, error)) = heard.refused_node {
                return Err(format!("MAP of node {node}: {error}").into());
            }
        }
        Ok(begin.elapsed())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn print_table(figure: &Figure) {
    println!("\n{}\n", figure.title);
    let names: Vec<_> = figure
        .curves
        .iter()
        .map(|curve| curve.name.as_str())
        .collect();
    println!("| {} | {} |", figure.x_label, names.join(" | "));
    println!("|---:|{}", "---:|".repeat(names.len()));
    let sizes = figure
        .curves
        .iter()
        .flat_map(|curve| curve.points.iter().take(usize::MAX));
    let rows = sizes.count() / figure.curves.len().max(1);
    for row in 0..rows {
        let at = figure
            .curves
            .first()
            .and_then(|curve| curve.points.get(row));
        let costs = figure
            .curves
            .iter()
            .filter_map(|curve| curve.points.get(row));
        let costs: Vec<_> = costs.map(|(_, cost)| format!("{cost:.2} µs")).collect();
        println!(
            "| {} | {} |",
            at.map_or(0.0, |(size, _)| *size),
            costs.join(" | ")
        );
    }
    let slopes: Vec<_> = figure
        .curves
        .iter()
        .map(|curve| format!("{:.2}", curve.slope()))
        .collect();
    println!("| slope | {} |", slopes.join(" | "));
}
