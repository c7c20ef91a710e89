//! Which maps the platform has: a MAP is broadcast every second, and news only when its geometry
//! changes.

use rsu_firmware::message::{MapData, MsgCount, Node};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;

/// How many maps are told apart; the one heard of longest ago makes way. A unit sends one, and
/// hears its neighbours.
pub const MAPS_MAX: usize = 16;

/// Room for one MAP: ten times what a DSM carries.
const MAP_BYTES_MAX: usize = 16 * 1024;

/// The maps heard of.
#[derive(Debug)]
pub(super) struct Maps {
    held: Vec<Held>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Held {
    /// Which nodes the map describes: a hash of their identifiers.
    nodes: u64,
    etag: String,
    heard: Timestamp,
}

/// What is known of a map that was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard<'a> {
    /// Changes when the geometry does.
    pub(super) etag: &'a str,
    /// The platform does not know it yet.
    pub(super) is_new: bool,
}

impl Default for Maps {
    fn default() -> Self {
        Self {
            held: Vec::with_capacity(MAPS_MAX),
            buffer: vec![0; MAP_BYTES_MAX],
        }
    }
}

impl Maps {
    /// Takes down a map; `None` when it cannot be hashed (longer than any frame).
    pub(super) fn handle(
        &mut self,
        now: Timestamp,
        map: &MapData<'_>,
        profile: Profile,
    ) -> Option<Heard<'_>> {
        let geometry = self.hash_of_geometry(map, profile)?;
        let etag = format!("{geometry:016x}");
        let nodes = hash_of_nodes(map);
        let known = self.held.iter().position(|held| held.nodes == nodes);
        let is_new = known
            .and_then(|place| self.held.get(place))
            .is_none_or(|held| held.etag != etag);
        let held = Held {
            nodes,
            etag,
            heard: now,
        };
        let place = known.unwrap_or_else(|| self.room());
        match self.held.get_mut(place) {
            Some(room) => *room = held,
            None => self.held.push(held),
        }
        let held = self.held.get(place)?;
        Some(Heard {
            etag: &held.etag,
            is_new,
        })
    }

    /// The tag of the map heard last; empty when none was.
    pub(super) fn latest_etag(&self) -> &str {
        let latest = self.held.iter().max_by_key(|held| held.heard);
        latest.map_or("", |held| &held.etag)
    }

    fn room(&self) -> usize {
        if self.held.len() < MAPS_MAX {
            return self.held.len();
        }
        let oldest = self
            .held
            .iter()
            .enumerate()
            .min_by_key(|(_, held)| held.heard);
        oldest.map_or(0, |(place, _)| place)
    }

    /// Of the UPER bytes, but for what changes from message to message: count and time.
    fn hash_of_geometry(&mut self, map: &MapData<'_>, profile: Profile) -> Option<u64> {
        use rsu_firmware::message::MessageFrame;
        let geometry = MessageFrame::Map(MapData {
            msg_cnt: MsgCount::saturating(0),
            time_stamp: None,
            nodes: map.nodes.clone(),
        });
        let length = geometry.encode(&mut self.buffer, profile).ok()?;
        Some(fnv1a(self.buffer.iter().take(length).copied()))
    }
}

fn hash_of_nodes(map: &MapData<'_>) -> u64 {
    let bytes = |node: Node<'_>| {
        let [high, low] = node.id.id.value().to_be_bytes();
        let region = node.id.region.map_or(0, |region| region.value());
        let [region_high, region_low] = region.to_be_bytes();
        let known = u8::from(node.id.region.is_some());
        [known, region_high, region_low, high, low]
    };
    fnv1a(map.nodes.iter().flat_map(bytes))
}

/// FNV-1a, 64 bits: the same on every machine and in every version, as a tag must be.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(count: u8, node: u16, latitude: i32) -> MapData<'static> {
        serde_json::from_value(json!({
            "msgCnt": count, "timeStamp": count,
            "nodes": [{"id": {"region": 1, "id": node}, "refPos": {"lat": latitude, "long": 0}}],
        }))
        .unwrap()
    }

    fn hear(maps: &mut Maps, seconds: i64, map: &MapData<'_>) -> (String, bool) {
        let now = Timestamp::from_millis(seconds * 1_000);
        let heard = maps.handle(now, map, Profile::default()).unwrap();
        (heard.etag.to_owned(), heard.is_new)
    }

    #[test]
    fn a_map_is_new_when_its_geometry_is_not_when_its_count_is() {
        let mut maps = Maps::default();
        assert_eq!(maps.latest_etag(), "");
        let (first, is_new) = hear(&mut maps, 0, &map(1, 7, 10));
        assert!(is_new);
        assert_eq!(hear(&mut maps, 1, &map(2, 7, 10)), (first.clone(), false));
        let (second, is_new) = hear(&mut maps, 2, &map(3, 7, 11));
        assert!(is_new && second != first);
        assert_eq!(maps.latest_etag(), second);
    }

    #[test]
    fn neighbours_are_told_apart_and_do_not_grow_without_limit() {
        let mut maps = Maps::default();
        for node in 0..40 {
            assert!(hear(&mut maps, i64::from(node), &map(0, node, 10)).1);
        }
        assert_eq!(maps.held.len(), MAPS_MAX);
        assert!(!hear(&mut maps, 50, &map(1, 39, 10)).1);
        assert!(hear(&mut maps, 51, &map(1, 0, 10)).1);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
    }
}
