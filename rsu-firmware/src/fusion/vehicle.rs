//! The vehicles heard of, by id, in fixed memory: the one heard of longest ago makes way.

use super::input::{VehicleId, VehicleReport};
use super::track::Track;
use crate::time::{Span, Timestamp};

/// A vehicle not heard of for so long is gone: twenty broadcasts missed.
pub const VEHICLE_AGE_MAX: Span = Span::from_millis(2_000);

/// What is known about one vehicle.
pub(super) struct Vehicle {
    pub(super) report: VehicleReport,
    pub(super) received: Timestamp,
    pub(super) track: Track,
}

/// Index of a vehicle in its table; as good as the table, so at most one less than its size.
pub(super) type Slot = u16;

const NONE: Slot = Slot::MAX;

/// Room for one vehicle.
pub(super) struct Entry {
    pub(super) vehicle: Option<Vehicle>,
    /// The next vehicle whose id hashes to the same bucket.
    chained: Slot,
    /// Neighbours in the order of reception.
    newer: Slot,
    older: Slot,
}

/// `N` vehicles; entries are found through `N` hash buckets with chains, and linked in the order
/// of reception, so that every operation but iteration takes constant time, and, should a sender
/// choose ids that collide, at most `N` steps.
pub(super) struct Vehicles<const N: usize> {
    entries: [Entry; N],
    buckets: [Slot; N],
    /// Entries in use; they are given out in order and then reused, never given back.
    used: usize,
    newest: Slot,
    oldest: Slot,
}

impl<const N: usize> Vehicles<N> {
    const FREE: Entry = Entry {
        vehicle: None,
        chained: NONE,
        newer: NONE,
        older: NONE,
    };

    // Inlined, as `Fusion::new` is.
    #[inline(always)]
    pub(super) const fn new() -> Self {
        assert!(N > 0 && N < NONE as usize, "capacity must be 1..=65534");
        Self {
            entries: [Self::FREE; N],
            buckets: [NONE; N],
            used: 0,
            newest: NONE,
            oldest: NONE,
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries
            .iter_mut()
            .for_each(|entry| *entry = Self::FREE);
        self.buckets = [NONE; N];
        self.used = 0;
        (self.newest, self.oldest) = (NONE, NONE);
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, &Vehicle)> {
        let known = self.entries.iter().take(self.used);
        (0..NONE)
            .zip(known)
            .filter_map(|(slot, entry)| Some((slot, entry.vehicle.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Vehicle> {
        self.entries
            .iter_mut()
            .filter_map(|entry| entry.vehicle.as_mut())
    }

    pub(super) fn at(&self, slot: Slot) -> Option<&Vehicle> {
        self.entries.get(usize::from(slot))?.vehicle.as_ref()
    }

    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Vehicle> {
        self.entries.get_mut(usize::from(slot))?.vehicle.as_mut()
    }

    pub(super) fn find(&self, id: VehicleId) -> Option<Slot> {
        let mut slot = *self.buckets.get(bucket::<N>(id))?;
        // Chains are acyclic; the bound is there so that no defect can hang the program.
        for _ in 0..N {
            let entry = self.entries.get(usize::from(slot))?;
            if entry.vehicle.as_ref()?.report.id == id {
                return Some(slot);
            }
            slot = entry.chained;
        }
        None
    }

    /// Makes a vehicle the one last heard of.
    pub(super) fn touch(&mut self, slot: Slot) {
        self.unlink(slot);
        self.link_newest(slot);
    }

    /// Adds a vehicle whose id is not there yet. When the table is full, the one heard of longest
    /// ago makes way and is returned.
    pub(super) fn insert(&mut self, vehicle: Vehicle) -> (Slot, Option<Vehicle>) {
        let (slot, evicted) = if self.used < N {
            let slot = Slot::try_from(self.used).unwrap_or(NONE);
            self.used += 1;
            (slot, None)
        } else {
            let slot = self.oldest;
            (slot, self.take(slot))
        };
        let bucket = bucket::<N>(vehicle.report.id);
        if let (Some(entry), Some(head)) = (
            self.entries.get_mut(usize::from(slot)),
            self.buckets.get_mut(bucket),
        ) {
            entry.chained = core::mem::replace(head, slot);
            entry.vehicle = Some(vehicle);
        }
        self.link_newest(slot);
        (slot, evicted)
    }

    fn take(&mut self, slot: Slot) -> Option<Vehicle> {
        self.unlink(slot);
        let entry = self.entries.get_mut(usize::from(slot))?;
        let vehicle = entry.vehicle.take()?;
        let after = core::mem::replace(&mut entry.chained, NONE);
        let head = self.buckets.get_mut(bucket::<N>(vehicle.report.id))?;
        if *head == slot {
            *head = after;
            return Some(vehicle);
        }
        let mut before = *head;
        for _ in 0..N {
            let Some(entry) = self.entries.get_mut(usize::from(before)) else {
                break;
            };
            if entry.chained == slot {
                entry.chained = after;
                break;
            }
            before = entry.chained;
        }
        Some(vehicle)
    }

    fn unlink(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(usize::from(slot)) else {
            return;
        };
        let newer = core::mem::replace(&mut entry.newer, NONE);
        let older = core::mem::replace(&mut entry.older, NONE);
        match self.entries.get_mut(usize::from(newer)) {
            Some(entry) => entry.older = older,
            None if self.newest == slot => self.newest = older,
            None => {}
        }
        match self.entries.get_mut(usize::from(older)) {
            Some(entry) => entry.newer = newer,
            None if self.oldest == slot => self.oldest = newer,
            None => {}
        }
    }

    fn link_newest(&mut self, slot: Slot) {
        let before = core::mem::replace(&mut self.newest, slot);
        if let Some(entry) = self.entries.get_mut(usize::from(slot)) {
            entry.older = before;
            entry.newer = NONE;
        }
        match self.entries.get_mut(usize::from(before)) {
            Some(entry) => entry.newer = slot,
            None => self.oldest = slot,
        }
    }
}

/// Fibonacci hashing: ids may be counters or random, either spreads.
fn bucket<const N: usize>(id: VehicleId) -> usize {
    let hash = u64::from_be_bytes(id.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The upper half is below 2^32, so that the product's upper half is below N.
    (((hash >> 32) * N as u64) >> 32) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    fn id(number: u64) -> VehicleId {
        VehicleId(number.to_be_bytes())
    }

    fn vehicle(number: u64) -> Vehicle {
        Vehicle {
            report: VehicleReport {
                id: id(number),
                generated: Timestamp::default(),
                position: None,
                position_sigma_m: None,
                speed_mps: None,
                heading_deg: None,
                length_m: None,
                width_m: None,
            },
            received: Timestamp::default(),
            track: Track::EMPTY,
        }
    }

    #[test]
    fn the_vehicle_heard_of_longest_ago_makes_way() {
        let mut vehicles = Vehicles::<3>::new();
        for number in 1..=3 {
            assert!(vehicles.insert(vehicle(number)).1.is_none());
        }
        let first = vehicles.find(id(1)).unwrap();
        vehicles.touch(first);
        let (_, evicted) = vehicles.insert(vehicle(4));
        assert_eq!(evicted.unwrap().report.id, id(2));
        assert!(vehicles.find(id(2)).is_none());
        for number in [1, 3, 4] {
            assert!(vehicles.find(id(number)).is_some(), "{number}");
        }
    }

    /// A plain model: ids from the one heard of longest ago to the newest.
    #[test]
    fn the_table_does_what_a_plain_list_does() {
        const CAPACITY: usize = 7;
        let mut vehicles = Vehicles::<CAPACITY>::new();
        let mut model: VecDeque<u64> = VecDeque::new();
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let number = (random >> 33) % 20;
            match vehicles.find(id(number)) {
                Some(slot) => {
                    let place = model.iter().position(|known| *known == number).unwrap();
                    model.remove(place);
                    model.push_back(number);
                    vehicles.touch(slot);
                }
                None => {
                    assert!(!model.contains(&number));
                    let expected = (model.len() == CAPACITY).then(|| model.pop_front().unwrap());
                    model.push_back(number);
                    let (_, evicted) = vehicles.insert(vehicle(number));
                    assert_eq!(evicted.map(|v| v.report.id), expected.map(id));
                }
            }
            assert_eq!(vehicles.slots().count(), model.len());
        }
        let mut ids: Vec<_> = vehicles.slots().map(|(_, v)| v.report.id).collect();
        let mut expected: Vec<_> = model.into_iter().map(id).collect();
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected);
    }
}
