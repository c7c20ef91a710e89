//! The fusion against what really happened: whole traces through network layer and codec.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rsu_firmware::fusion::input::Light;
use rsu_firmware::fusion::{Counters, Fusion, VehicleView};
use rsu_firmware::message::{
    BasicSafetyMessage, Latitude, Longitude, MessageFrame, PositionalAccuracy,
    SemiMajorAxisAccuracy, observe,
};
use rsu_firmware::network::{self, Adaptation, DSM_LENGTH_MAX};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{Pace, Trace};
use tests::truth::{self, Place, Truth};

#[test]
fn arterial_is_seen_as_it_was() {
    let evaluation = evaluate("arterial", Profile::Ydt3709_2020);
    assert!(evaluation.on_approach > 20_000);
    evaluation.assert_exact_positions();
    evaluation.assert_lights();
}

#[test]
fn arterial_in_the_2019_profile_is_seen_as_it_was() {
    let evaluation = evaluate("arterial-2019", Profile::Tcsae53_2019);
    assert!(evaluation.on_approach > 1_500);
    evaluation.assert_exact_positions();
    evaluation.assert_lights();
}

#[test]
fn noisy_positions_find_their_lane() {
    let evaluation = evaluate("arterial-noisy", Profile::Ydt3709_2020);
    assert!(evaluation.on_approach > 10_000);
    assert!(evaluation.link_share() >= 0.985, "{evaluation:?}");
    assert!(evaluation.lane_share() >= 0.94, "{evaluation:?}");
    evaluation.assert_lights();
    // One trace holds some forty vehicles whose errors wander slowly, so that the few hundred
    // reports of a bin come from a handful of vehicles: too few to judge bins one by one. All
    // together they must be right as often as they say.
    assert!(evaluation.calibration.error() < 0.02, "{evaluation:?}");
}

/// The same traffic with many draws of the position error: enough to judge every bin.
#[test]
fn lane_confidence_is_honest() {
    const DRAWS: u64 = 24;
    let recording = Recording::read("arterial", Profile::Ydt3709_2020);
    let mut together = Evaluation::default();
    for draw in 0..DRAWS {
        let mut errors = PositionErrors::new(draw);
        evaluate_recording(&recording, &mut together, |bsm, now| errors.add(bsm, now));
    }
    together.print("arterial with 1.2 m of error, 24 draws");
    assert!(together.lane_share() >= 0.94);
    for bin in together.calibration.bins() {
        assert!(
            bin.reports < 5_000 || (bin.confidence() - bin.right_share()).abs() <= 0.05,
            "{bin:?}"
        );
    }
    let judged = together.calibration.bins().iter();
    assert!(judged.filter(|bin| bin.reports >= 5_000).count() >= 5);
}

fn evaluate(trace: &str, profile: Profile) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let recording = Recording::read(trace, profile);
    let counters = evaluate_recording(&recording, &mut evaluation, |_, _| {});
    evaluation.print(trace);
    // The first SPAT comes before the first MAP; nothing else is amiss.
    assert_eq!(
        counters,
        Counters {
            signals_unknown_junction: 1,
            ..Counters::default()
        }
    );
    evaluation
}

struct Recording {
    profile: Profile,
    packets: Vec<(u64, Timestamp, Vec<u8>)>,
    truth: BTreeMap<u64, Truth>,
}

impl Recording {
    fn read(trace: &str, profile: Profile) -> Self {
        let mut radio = Trace::open(&truth::capture(trace), Pace::Max).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut packets = Vec::new();
        runtime.block_on(async {
            while let Some(frame) = radio.receive().await.unwrap() {
                let bytes = frame.received.bytes;
                let dsm = network::parse(bytes, Adaptation::Present, DSM_LENGTH_MAX).unwrap();
                packets.push((frame.packet, frame.received.time, dsm.payload.to_vec()));
            }
        });
        Self {
            profile,
            packets,
            truth: truth::read(trace),
        }
    }
}

/// Runs a recording through the fusion; `disturb` may change each BSM before.
fn evaluate_recording(
    recording: &Recording,
    evaluation: &mut Evaluation,
    mut disturb: impl FnMut(&mut BasicSafetyMessage<'_>, Timestamp),
) -> Counters {
    let mut fusion: Box<Fusion> = Box::default();
    for (packet, now, payload) in &recording.packets {
        match MessageFrame::decode(payload, recording.profile).unwrap() {
            MessageFrame::Map(map) => observe::map(&mut fusion, *now, &map, |node, error| {
                panic!("node {node}: {error}")
            }),
            MessageFrame::Spat(spat) => observe::spat(&mut fusion, *now, &spat),
            MessageFrame::Bsm(mut bsm) => {
                disturb(&mut bsm, *now);
                let vehicle = observe::bsm(&mut fusion, *now, &bsm);
                evaluation.take(&vehicle, recording.truth[packet].place.as_ref());
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    *fusion.counters()
}

/// How often the fusion was right.
#[derive(Debug, Default)]
struct Evaluation {
    on_approach: usize,
    link_right: usize,
    lane_right: usize,
    off_approach: usize,
    off_approach_right: usize,
    distance_errors_m: Vec<f64>,
    lights: usize,
    lights_right: usize,
    changes: usize,
    changes_right: usize,
    calibration: Calibration,
}

impl Evaluation {
    fn take(&mut self, vehicle: &VehicleView<'_>, truth: Option<&Place>) {
        let Some(truth) = truth else {
            self.off_approach += 1;
            self.off_approach_right += usize::from(vehicle.link().is_none());
            return;
        };
        self.on_approach += 1;
        if vehicle.link().map(|link| link.id) != Some(truth.link) {
            return;
        }
        self.link_right += 1;
        let distance_m = f64::from(vehicle.distance_to_stop_m().unwrap());
        self.distance_errors_m
            .push((distance_m - truth.distance_m).abs());
        let right = vehicle.lane() == Some(truth.lane);
        let confidence = f64::from(vehicle.lane_confidence().unwrap());
        self.calibration.take(confidence, right);
        if right {
            self.lane_right += 1;
            self.take_lights(vehicle, truth);
        }
    }

    fn take_lights(&mut self, vehicle: &VehicleView<'_>, truth: &Place) {
        let signal = vehicle.signals().find(|signal| signal.id == truth.phase);
        self.lights += 1;
        let Some(signal) = signal.filter(|signal| name(signal.state.light) == truth.light) else {
            return;
        };
        self.lights_right += 1;
        self.changes += 1;
        let likely_s = signal.state.change.likely.map(|span| span.as_secs_f64());
        let right = likely_s.is_some_and(|likely_s| (likely_s - truth.change_s).abs() <= 0.2);
        self.changes_right += usize::from(right);
    }

    fn assert_exact_positions(&self) {
        assert!(self.link_share() >= 0.995, "{self:?}");
        assert!(self.lane_share() >= 0.99, "{self:?}");
        assert!(self.distance_error_m(0.5) < 0.4, "{self:?}");
        assert!(share(self.off_approach_right, self.off_approach) >= 0.995);
        assert!(self.calibration.error() < 0.01, "{self:?}");
    }

    fn assert_lights(&self) {
        assert!(share(self.lights_right, self.lights) >= 0.999, "{self:?}");
        assert!(share(self.changes_right, self.changes) >= 0.999, "{self:?}");
    }

    fn link_share(&self) -> f64 {
        share(self.link_right, self.on_approach)
    }

    fn lane_share(&self) -> f64 {
        share(self.lane_right, self.on_approach)
    }

    fn distance_error_m(&self, quantile: f64) -> f64 {
        let mut errors = self.distance_errors_m.clone();
        errors.sort_by(f64::total_cmp);
        errors[(quantile * (errors.len() - 1) as f64) as usize]
    }

    fn print(&self, name: &str) {
        eprintln!(
            "{name}: {} BSMs on an approach: link {:.4}, lane {:.4}, distance to stop line off by \
             {:.2} m (median) and {:.2} m (95 %), light {:.5}, time to change {:.5}; {} on none: \
             {:.4}; calibration error {:.4}",
            self.on_approach,
            self.link_share(),
            self.lane_share(),
            self.distance_error_m(0.5),
            self.distance_error_m(0.95),
            share(self.lights_right, self.lights),
            share(self.changes_right, self.changes),
            self.off_approach,
            share(self.off_approach_right, self.off_approach),
            self.calibration.error(),
        );
        for bin in self.calibration.bins().iter().filter(|bin| bin.reports > 0) {
            eprintln!(
                "    confidence {:.3}: right {:.3} of {}",
                bin.confidence(),
                bin.right_share(),
                bin.reports
            );
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn name(light: Light) -> &'static str {
    match light {
        Light::Unavailable => "unavailable",
        Light::Dark => "dark",
        Light::FlashingRed => "flashing-red",
        Light::Red => "red",
        Light::FlashingGreen => "flashing-green",
        Light::PermissiveGreen => "permissive-green",
        Light::ProtectedGreen => "protected-green",
        Light::Yellow => "yellow",
        Light::FlashingYellow => "flashing-yellow",
    }
}

/// Reports by confidence, in steps of a tenth.
#[derive(Debug, Default)]
struct Calibration([Bin; 10]);

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    reports: usize,
    right: usize,
    confidence_sum: f64,
}

impl Calibration {
    fn take(&mut self, confidence: f64, right: bool) {
        let bin = &mut self.0[((confidence * 10.0) as usize).min(9)];
        bin.reports += 1;
        bin.right += usize::from(right);
        bin.confidence_sum += confidence;
    }

    fn bins(&self) -> &[Bin] {
        &self.0
    }

    /// By how much confidence and share of right ones differ, on the average over all reports.
    fn error(&self) -> f64 {
        let reports: usize = self.0.iter().map(|bin| bin.reports).sum();
        let off: f64 = self
            .0
            .iter()
            .map(|bin| (bin.confidence_sum - bin.right as f64).abs())
            .sum();
        off / reports.max(1) as f64
    }
}

impl Bin {
    fn confidence(&self) -> f64 {
        self.confidence_sum / self.reports as f64
    }

    fn right_share(&self) -> f64 {
        share(self.right, self.reports)
    }
}

/// More position error for a recording that has 0.4 m of it, so that it has 1.2 m in all: one
/// Gauss-Markov process for each axis of each vehicle.
struct PositionErrors {
    random: fastrand::Rng,
    vehicles: BTreeMap<[u8; 8], (Timestamp, [f64; 2])>,
}

impl PositionErrors {
    const SIGMA_M: f64 = 1.131_371;
    const MEMORY_S: f64 = 14.0;
    const M_PER_UNIT: f64 = 0.011_132;

    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            vehicles: BTreeMap::new(),
        }
    }

    fn add(&mut self, bsm: &mut BasicSafetyMessage<'_>, now: Timestamp) {
        let known = self.vehicles.get(&bsm.id.0).copied();
        let errors_m = match known {
            None => [self.normal(), self.normal()].map(|normal| normal * Self::SIGMA_M),
            Some((before, errors_m)) => {
                let keep = (-(now - before).as_secs_f64() / Self::MEMORY_S).exp();
                let renew_m = Self::SIGMA_M * (1.0 - keep * keep).sqrt();
                errors_m.map(|error_m| error_m * keep + renew_m * self.normal())
            }
        };
        self.vehicles.insert(bsm.id.0, (now, errors_m));

        let latitude = f64::from(bsm.pos.lat.value());
        let east_m_per_unit = Self::M_PER_UNIT * (latitude * 1e-7).to_radians().cos();
        let north = (errors_m[0] / Self::M_PER_UNIT).round() as i64;
        let east = (errors_m[1] / east_m_per_unit).round() as i64;
        bsm.pos.lat = Latitude::saturating(i64::from(bsm.pos.lat.value()) + north);
        bsm.pos.long = Longitude::saturating(i64::from(bsm.pos.long.value()) + east);
        let accuracy: Option<&mut PositionalAccuracy> = bsm.pos_accuracy.as_mut();
        // 24 times 0.05 m.
        accuracy.unwrap().semi_major = SemiMajorAxisAccuracy::saturating(24);
    }

    /// A draw from the standard normal distribution (Box-Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random.f64()).ln()).sqrt();
        radius * (core::f64::consts::TAU * self.random.f64()).cos()
    }
}
