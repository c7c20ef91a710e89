//! What the fusion takes in: neutral types that any message set can be turned into.

use crate::time::{Span, Timestamp};

/// Identifier of a junction (node) of the road network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Region of the road regulator, where the sender tells it.
    pub region: Option<u16>,
    /// Number within the region.
    pub id: u16,
}

impl core::fmt::Display for NodeId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(region) = self.region {
            write!(f, "{region}:")?;
        }
        write!(f, "{}", self.id)
    }
}

/// Identifier of a vehicle as its messages carry it; shorter ones are padded with zeros on the left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VehicleId(pub [u8; 8]);

/// A position on WGS 84 in 1e-7 degrees, always on the globe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    latitude_e7: i32,
    longitude_e7: i32,
}

impl Position {
    /// A position; `None` outside of ±90° and ±180°, as senders say "unavailable" (900000001,
    /// 1800000001).
    pub const fn new(latitude_e7: i32, longitude_e7: i32) -> Option<Self> {
        if latitude_e7.unsigned_abs() > 900_000_000 || longitude_e7.unsigned_abs() > 1_800_000_000 {
            return None;
        }
        Some(Self {
            latitude_e7,
            longitude_e7,
        })
    }

    /// A position relative to this one, in 1e-7 degrees; `None` beyond a pole.
    pub fn offset(self, north_e7: i32, east_e7: i32) -> Option<Self> {
        const HALF_TURN: i64 = 1_800_000_000;
        let longitude = i64::from(self.longitude_e7) + i64::from(east_e7);
        let longitude = (longitude + HALF_TURN).rem_euclid(2 * HALF_TURN) - HALF_TURN;
        Self::new(
            self.latitude_e7.checked_add(north_e7)?,
            i32::try_from(longitude).ok()?,
        )
    }

    /// Latitude in 1e-7 degrees, north positive.
    pub const fn latitude_e7(self) -> i32 {
        self.latitude_e7
    }

    /// Longitude in 1e-7 degrees, east positive.
    pub const fn longitude_e7(self) -> i32 {
        self.longitude_e7
    }
}

/// What a signal phase shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Light {
    /// Not known.
    #[default]
    Unavailable,
    /// Out of order or switched off.
    Dark,
    /// Stop, then go with care.
    FlashingRed,
    /// Stop.
    Red,
    /// Green that is about to end.
    FlashingGreen,
    /// Go, giving way to conflicting traffic.
    PermissiveGreen,
    /// Go; no conflicting traffic has a green light.
    ProtectedGreen,
    /// Stop if that is safe.
    Yellow,
    /// Go with care.
    FlashingYellow,
}

impl Light {
    /// Whether this light lets traffic go.
    pub const fn is_green(self) -> bool {
        matches!(
            self,
            Self::FlashingGreen | Self::PermissiveGreen | Self::ProtectedGreen
        )
    }
}

/// When something announced happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// Not told.
    #[default]
    Unknown,
    /// At this time.
    At(Timestamp),
    /// More than an hour away, or never: the light is constant.
    Beyond,
}

/// A TimeMark that says "more than an hour from now, or constant".
const TIME_MARK_BEYOND: u16 = 36_000;
const TIME_MARK_UNIT: Span = Span::from_millis(100);
const HOUR: Span = Span::from_millis(3_600_000);

/// How far in the past an announced end may lie and still be read as past, not as an hour ahead:
/// a message in flight may announce what has just happened.
const END_PAST_MAX: Span = Span::from_millis(60_000);

impl Moment {
    /// Reads a mark of 0.1 s that counts from `generated`; 36000 is beyond, more is unknown.
    pub fn counting_down(mark: u16, generated: Timestamp) -> Self {
        match mark {
            ..TIME_MARK_BEYOND => Self::At(generated + TIME_MARK_UNIT * i64::from(mark)),
            TIME_MARK_BEYOND => Self::Beyond,
            _ => Self::Unknown,
        }
    }

    /// Reads a mark of 0.1 s within the UTC hour as the first such time after `earliest`;
    /// 36000 is beyond, more is unknown.
    pub fn within_hour(mark: u16, earliest: Timestamp) -> Self {
        let micros = match mark {
            ..TIME_MARK_BEYOND => (TIME_MARK_UNIT * i64::from(mark)).as_micros(),
            TIME_MARK_BEYOND => return Self::Beyond,
            _ => return Self::Unknown,
        };
        let into_hour = earliest.as_micros().rem_euclid(HOUR.as_micros());
        let ahead = (micros - into_hour).rem_euclid(HOUR.as_micros());
        Self::At(earliest + Span::from_micros(ahead))
    }
}

/// The marks of one announced light as messages carry them, in 0.1 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeMarks {
    /// When the light begins.
    pub start: u16,
    /// When it ends at the earliest.
    pub min_end: Option<u16>,
    /// When it ends at the latest.
    pub max_end: Option<u16>,
    /// When it most likely ends.
    pub likely_end: u16,
    /// When it begins the next time.
    pub next_start: Option<u16>,
    /// Counting down: how long it then lasts. UTC: when it then ends.
    pub next_end: Option<u16>,
}

/// One light that a phase shows or will show, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The light.
    pub light: Light,
    /// When it begins.
    pub start: Moment,
    /// When it ends at the earliest.
    pub min_end: Moment,
    /// When it most likely ends.
    pub likely_end: Moment,
    /// When it ends at the latest.
    pub max_end: Moment,
    /// When it begins the next time.
    pub next_start: Moment,
    /// When it then ends.
    pub next_end: Moment,
}

impl Announcement {
    /// A light without any timing.
    pub fn untimed(light: Light) -> Self {
        Self {
            light,
            ..Self::default()
        }
    }

    /// A light whose marks count from `generated`, the time stamp of the message.
    pub fn counting_down(light: Light, marks: &TimeMarks, generated: Timestamp) -> Self {
        let mark = |mark| Moment::counting_down(mark, generated);
        let optional = |value: Option<u16>| value.map_or(Moment::Unknown, mark);
        let next_start = optional(marks.next_start);
        let next_end = match (next_start, marks.next_end) {
            (Moment::At(start), Some(duration)) => Moment::counting_down(duration, start),
            _ => Moment::Unknown,
        };
        Self {
            light,
            start: mark(marks.start),
            min_end: optional(marks.min_end),
            likely_end: mark(marks.likely_end),
            max_end: optional(marks.max_end),
            next_start,
            next_end,
        }
    }

    /// A light whose marks are times within the UTC hour, in a message stamped `generated`.
    ///
    /// An end is taken to lie ahead (or at most a minute back), a start before its end.
    pub fn within_hour(light: Light, marks: &TimeMarks, generated: Timestamp) -> Self {
        let earliest = generated - END_PAST_MAX;
        let end = |mark| Moment::within_hour(mark, earliest);
        let optional = |value: Option<u16>| value.map_or(Moment::Unknown, end);
        let likely_end = end(marks.likely_end);
        let start_earliest = match likely_end {
            Moment::At(end) => end - HOUR + TIME_MARK_UNIT,
            Moment::Unknown | Moment::Beyond => generated - HOUR + TIME_MARK_UNIT,
        };
        let next_start = optional(marks.next_start);
        let next_end = match (next_start, marks.next_end) {
            (Moment::At(start), Some(mark)) => Moment::within_hour(mark, start),
            _ => Moment::Unknown,
        };
        Self {
            light,
            start: Moment::within_hour(marks.start, start_earliest),
            min_end: optional(marks.min_end),
            likely_end,
            max_end: optional(marks.max_end),
            next_start,
            next_end,
        }
    }
}

/// The state of one vehicle as it broadcasts it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleReport {
    /// Who it is.
    pub id: VehicleId,
    /// When the state was measured.
    pub generated: Timestamp,
    /// Centre of the vehicle; `None` where the sender has no position.
    pub position: Option<Position>,
    /// One standard deviation of the position in m, along each axis, where the sender tells it.
    pub position_sigma_m: Option<f32>,
    /// Speed in m/s, `None` when invalid.
    pub speed_mps: Option<f32>,
    /// Heading in degrees clockwise from north, `None` when invalid.
    pub heading_deg: Option<f32>,
    /// Length in m, `None` or zero when not told.
    pub length_m: Option<f32>,
    /// Width in m, `None` or zero when not told.
    pub width_m: Option<f32>,
}

/// What traffic on a lane may do, as far as the fusion passes it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Maneuvers {
    /// Go straight on.
    pub straight: bool,
    /// Turn left.
    pub left: bool,
    /// Turn right.
    pub right: bool,
    /// Turn back.
    pub u_turn: bool,
}

/// Where an approach begins and what holds for all its lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApproachInput {
    /// The node that its traffic comes from.
    pub upstream: NodeId,
    /// Highest speed in m/s, where told.
    pub speed_limit_mps: Option<f32>,
    /// Width of all lanes together in m, where told.
    pub width_m: Option<f32>,
}

/// One lane of an approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneInput {
    /// Its number.
    pub id: u8,
    /// Its width in m, where told.
    pub width_m: Option<f32>,
    /// Highest speed in m/s, where it differs from the approach's.
    pub speed_limit_mps: Option<f32>,
    /// What its traffic may do.
    pub maneuvers: Maneuvers,
}

/// A way from one lane, or from a whole approach, across the junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The node that it leads to.
    pub remote: NodeId,
    /// The lane it leads to, where told.
    pub lane: Option<u8>,
    /// The turns it stands for, where told.
    pub maneuvers: Maneuvers,
    /// The signal phase that governs it; `None` where there is no signal.
    pub phase: Option<u8>,
}
