use proptest::collection::vec;
use proptest::prelude::*;
use rsu_firmware::uper::FixedOctetString;
use serde_json::{from_value, json, to_value};

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

fn rate(per_second: u16) -> Rate {
    Rate::new(per_second).expect("within range")
}

fn id(number: usize) -> TemporaryId {
    FixedOctetString((number as u64).to_be_bytes())
}

fn sampler(mode: SampleMode, sample: u16, limit: u16) -> BsmSampler {
    BsmSampler::new(&BsmSampling {
        mode,
        rate: rate(sample),
        up_limit: rate(limit),
        up_filters: UpFilters::default(),
    })
}

/// The most of `times` that lie within any second, wherever it begins.
fn most_in_a_second(times: &[i64]) -> usize {
    let within = |start: &i64| {
        times
            .iter()
            .filter(|t| (*start..start + 1_000).contains(t))
            .count()
    };
    times.iter().map(within).max().unwrap_or(0)
}

/// Moments in order, from the gaps between them in ms.
fn moments(gaps: &[i64]) -> Vec<i64> {
    gaps.iter()
        .scan(0, |time, gap| {
            *time += gap;
            Some(*time)
        })
        .collect()
}

/// How many BSMs of each of `vehicles` are taken in `seconds`, each sending ten a second at a
/// moment of its own, with jitter.
fn taken_by_vehicle(sampler: &mut BsmSampler, vehicles: usize, seconds: i64) -> Vec<usize> {
    let mut taken = vec![0; vehicles];
    let mut times = Vec::new();
    for tick in 0..seconds * 10 {
        let mut order: Vec<(i64, usize)> = (0..vehicles)
            .map(|v| {
                let phase = v as i64 * 37 % 90;
                let jitter = (v as i64 * 7 + tick * 13) % 10;
                (tick * 100 + phase + jitter, v)
            })
            .collect();
        order.sort_unstable();
        for (time, vehicle) in order {
            if sampler.handle(at(time), id(vehicle)) == Verdict::Taken {
                taken[vehicle] += 1;
                times.push(time);
            }
        }
    }
    let limit = usize::from(sampler.up_limit.per_second());
    assert!(most_in_a_second(&times) <= limit);
    taken
}

proptest! {
    #[test]
    fn no_second_has_more_than_the_limit(
        limit in 1_u16..50,
        gaps in vec(0_i64..150, 1..400),
    ) {
        let mut limiter = Limiter::new(Limit::PerSecond(rate(limit)));
        let mut passed = moments(&gaps);
        passed.retain(|time| limiter.admit(at(*time)));
        prop_assert!(most_in_a_second(&passed) <= usize::from(limit));
        prop_assert!(!passed.is_empty());
    }

    #[test]
    fn no_second_of_bsms_has_more_than_the_limit(
        by_id in any::<bool>(),
        sample in 1_u16..20,
        limit in 1_u16..50,
        heard in vec((0_i64..50, 0_usize..30), 1..400),
    ) {
        let mode = if by_id { SampleMode::ByID } else { SampleMode::ByAll };
        let mut sampler = sampler(mode, sample, limit);
        let times = moments(&heard.iter().map(|(gap, _)| *gap).collect::<Vec<_>>());
        let mut taken = Vec::new();
        for (time, (_, vehicle)) in times.into_iter().zip(&heard) {
            if sampler.handle(at(time), id(*vehicle)) == Verdict::Taken {
                taken.push(time);
            }
        }
        prop_assert!(most_in_a_second(&taken) <= usize::from(limit));
        if !by_id {
            prop_assert!(most_in_a_second(&taken) <= usize::from(sample));
        }
    }

    #[test]
    fn time_that_jumps_about_neither_panics_nor_silences(
        times in vec(any::<i64>(), 0..100),
        by_id in any::<bool>(),
    ) {
        let mode = if by_id { SampleMode::ByID } else { SampleMode::ByAll };
        let mut sampler = sampler(mode, 10, 10);
        for micros in times {
            sampler.handle(Timestamp::from_micros(micros), id(1));
        }
        let taken = (0..100).filter(|n| {
            sampler.handle(at(n * 100), id(1)) == Verdict::Taken
        });
        prop_assert!(taken.count() >= 70);
    }

    #[test]
    fn every_vehicle_gets_its_even_share(vehicles in 1_usize..80, limit in 5_u16..200) {
        const SECONDS: i64 = 60;
        let mut sampler = sampler(SampleMode::ByID, 5, limit);
        let taken = taken_by_vehicle(&mut sampler, vehicles, SECONDS);
        let (least, most) = (taken.iter().min().unwrap_or(&0), taken.iter().max().unwrap_or(&0));
        let share = (SECONDS as f64 * f64::from(limit) / vehicles as f64).min(5.0 * SECONDS as f64);
        prop_assert!(most - least <= 2 + share as usize / 10, "{least}..{most} of {share}");
        prop_assert!(*least as f64 >= share * 0.75 - 2.0, "{least} of {share}");
    }
}

#[test]
fn limits_have_two_special_values() {
    for (value, limit) in [
        (-1, Limit::Unlimited),
        (0, Limit::PerSecond(Rate::NONE)),
        (7, Limit::PerSecond(rate(7))),
    ] {
        assert_eq!(from_value::<Limit>(json!(value)).ok(), Some(limit));
        assert_eq!(to_value(limit).ok(), Some(json!(value)));
    }
    let error = from_value::<Limit>(json!(-2)).expect_err("no limit");
    assert_eq!(
        error.to_string(),
        "-2 is not within -1..=10000 messages per second"
    );
    assert!(from_value::<Rate>(json!(-1)).is_err());
    assert!(from_value::<Rate>(json!(10_001)).is_err());
}

#[test]
fn none_is_none_and_unlimited_is_all() {
    let mut none = Limiter::new(Limit::PerSecond(Rate::NONE));
    let mut all = Limiter::new(Limit::Unlimited);
    for _ in 0..10_000 {
        assert!(!none.admit(at(0)));
        assert!(all.admit(at(0)));
    }
    let mut sampler = sampler(SampleMode::ByID, 10, 0);
    assert_eq!(sampler.handle(at(0), id(1)), Verdict::NotSampled);
}

#[test]
fn what_comes_at_the_rate_of_the_limit_passes_but_for_jitter() {
    let mut limiter = Limiter::new(Limit::PerSecond(rate(10)));
    let passed = (0..1_000).filter(|n| limiter.admit(at(n * 100 + n * 7919 % 30)));
    assert!(passed.count() >= 900);
}

#[test]
fn a_burst_is_spread_over_the_second() {
    let mut limiter = Limiter::new(Limit::PerSecond(rate(20)));
    let mut passed: Vec<i64> = (0..1_000).collect();
    passed.retain(|time| limiter.admit(at(*time)));
    assert!((19..=20).contains(&passed.len()));
    assert!(passed.iter().filter(|time| **time < 500).count() <= 13);
}

#[test]
fn each_vehicle_is_heard_at_the_rate_asked_for() {
    let mut sampler = sampler(SampleMode::ByID, 2, 10_000);
    for taken in taken_by_vehicle(&mut sampler, 20, 30) {
        assert!((58..=62).contains(&taken), "{taken}");
    }
    assert_eq!(sampler.actual_rate(), rate(2));
}

#[test]
fn the_rate_is_lowered_when_the_limit_is_reached_and_told() {
    let mut sampler = sampler(SampleMode::ByID, 10, 100);
    assert_eq!(sampler.actual_rate(), rate(10));
    taken_by_vehicle(&mut sampler, 50, 3);
    assert_eq!(sampler.actual_rate(), rate(2));
    let mut sampler = self::sampler(SampleMode::ByAll, 200, 100);
    taken_by_vehicle(&mut sampler, 50, 3);
    assert_eq!(sampler.actual_rate(), rate(100));
}

#[test]
fn invented_ids_neither_grow_the_table_nor_silence_a_vehicle() {
    let mut sampler = sampler(SampleMode::ByID, 10, 10_000);
    let mut taken = 0;
    let mut invented = 1_000_000;
    for tick in 0..100 {
        for _ in 0..VEHICLES_MAX {
            invented += 1;
            sampler.handle(at(tick * 100), id(invented));
        }
        taken += usize::from(sampler.handle(at(tick * 100 + 50), id(1)) == Verdict::Taken);
        assert!(sampler.vehicles.heard() <= VEHICLES_MAX);
    }
    assert!(taken >= 50, "{taken}");
    assert!(sampler.vehicles_evicted() > 0);
}
