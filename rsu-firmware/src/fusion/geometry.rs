//! Plane geometry around a junction: metres east and north of its reference position.

use super::input::Position;

/// Semi-major axis of the WGS 84 ellipsoid in m.
const SEMI_MAJOR_AXIS_M: f64 = 6_378_137.0;
/// First eccentricity of the WGS 84 ellipsoid, squared.
const ECCENTRICITY_SQUARED: f64 = 0.006_694_379_990_14;
/// Turns 1e-7 degrees into radians.
const RADIANS_PER_UNIT: f64 = core::f64::consts::PI / 180.0 * 1e-7;
const UNITS_PER_TURN: i64 = 3_600_000_000;

/// A point in m east (x) and north (y) of a junction's reference position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl Point {
    pub(super) fn distance_m(self, other: Self) -> f32 {
        libm::hypotf(self.x - other.x, self.y - other.y)
    }
}

/// A tangent plane of the ellipsoid.
///
/// Straight lines on it are off by less than a centimetre within a kilometre of the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LocalFrame {
    reference: Position,
    east_m_per_unit: f64,
    north_m_per_unit: f64,
}

impl LocalFrame {
    pub(super) fn new(reference: Position) -> Self {
        let latitude = f64::from(reference.latitude_e7()) * RADIANS_PER_UNIT;
        let sine = libm::sin(latitude);
        let w = 1.0 - ECCENTRICITY_SQUARED * sine * sine;
        let prime_vertical_m = SEMI_MAJOR_AXIS_M / libm::sqrt(w);
        let meridian_m = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / (w * libm::sqrt(w));
        Self {
            reference,
            east_m_per_unit: prime_vertical_m * libm::cos(latitude) * RADIANS_PER_UNIT,
            north_m_per_unit: meridian_m * RADIANS_PER_UNIT,
        }
    }

    pub(super) fn point(&self, position: Position) -> Point {
        let north = i64::from(position.latitude_e7()) - i64::from(self.reference.latitude_e7());
        let east = i64::from(position.longitude_e7()) - i64::from(self.reference.longitude_e7());
        // The shorter way around, so that a junction may lie on the date line.
        let half = UNITS_PER_TURN / 2;
        let east = (east + half).rem_euclid(UNITS_PER_TURN) - half;
        Point {
            x: (east as f64 * self.east_m_per_unit) as f32,
            y: (north as f64 * self.north_m_per_unit) as f32,
        }
    }
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    min: Point,
    max: Point,
}

impl Bounds {
    pub(super) const EMPTY: Self = Self {
        min: Point {
            x: f32::INFINITY,
            y: f32::INFINITY,
        },
        max: Point {
            x: f32::NEG_INFINITY,
            y: f32::NEG_INFINITY,
        },
    };

    /// Grows to hold a point and what is within `around_m` of it.
    pub(super) fn include(&mut self, point: Point, around_m: f32) {
        self.min.x = self.min.x.min(point.x - around_m);
        self.min.y = self.min.y.min(point.y - around_m);
        self.max.x = self.max.x.max(point.x + around_m);
        self.max.y = self.max.y.max(point.y + around_m);
    }

    /// Grows to hold another.
    pub(super) fn join(&mut self, other: &Self) {
        self.include(other.min, 0.0);
        self.include(other.max, 0.0);
    }

    pub(super) fn contains(&self, point: Point, margin_m: f32) -> bool {
        point.x >= self.min.x - margin_m
            && point.x <= self.max.x + margin_m
            && point.y >= self.min.y - margin_m
            && point.y <= self.max.y + margin_m
    }
}

/// One point of a lane's centre line and how far it is to the line's end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LinePoint {
    pub(super) point: Point,
    /// Along the line to its last point, in m.
    pub(super) to_end_m: f32,
}

/// Where a point lies relative to a line that is driven towards its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Projection {
    /// Along the line to its end in m; negative beyond the end.
    pub(super) to_end_m: f32,
    /// Across the line in m, right positive.
    pub(super) offset_m: f32,
    /// Direction of the line there, as a unit vector (east, north).
    pub(super) direction: Point,
}

/// Fills in the distances to the end of a line.
pub(super) fn measure(line: &mut [LinePoint]) {
    let mut after: Option<LinePoint> = None;
    for place in line.iter_mut().rev() {
        place.to_end_m = after.map_or(0.0, |after| {
            after.to_end_m + place.point.distance_m(after.point)
        });
        after = Some(*place);
    }
}

/// Projects a point onto a measured line, whose first and last segments go on without end.
///
/// `None` when the line has no segment of any length.
pub(super) fn project(line: &[LinePoint], point: Point) -> Option<Projection> {
    let last_segment = line.len().checked_sub(2)?;
    let mut nearest: Option<(f32, Projection)> = None;
    for (segment, ends) in line.windows(2).enumerate() {
        let [from, to] = ends else { continue };
        let (dx, dy) = (to.point.x - from.point.x, to.point.y - from.point.y);
        let length_m = from.to_end_m - to.to_end_m;
        if length_m <= 0.0 {
            continue;
        }
        let direction = Point {
            x: dx / length_m,
            y: dy / length_m,
        };
        let (px, py) = (point.x - from.point.x, point.y - from.point.y);
        let mut along_m = px * direction.x + py * direction.y;
        if segment != 0 {
            along_m = along_m.max(0.0);
        }
        if segment != last_segment {
            along_m = along_m.min(length_m);
        }
        let (rx, ry) = (px - along_m * direction.x, py - along_m * direction.y);
        let squared = rx * rx + ry * ry;
        if nearest.is_none_or(|(best, _)| squared < best) {
            let side = px * direction.y - py * direction.x;
            let offset_m = libm::copysignf(libm::sqrtf(squared), side);
            let to_end_m = from.to_end_m - along_m;
            nearest = Some((
                squared,
                Projection {
                    to_end_m,
                    offset_m,
                    direction,
                },
            ));
        }
    }
    nearest.map(|(_, projection)| projection)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn position(latitude: f64, longitude: f64) -> Position {
        Position::new((latitude * 1e7) as i32, (longitude * 1e7) as i32).unwrap()
    }

    fn line(points: &[(f32, f32)]) -> [LinePoint; 4] {
        let mut line = [LinePoint::default(); 4];
        for (place, &(x, y)) in line.iter_mut().zip(points) {
            place.point = Point { x, y };
        }
        measure(&mut line[..points.len()]);
        line
    }

    /// Earth-centred coordinates, turned into the horizon system of the reference: another way
    /// to the same metres.
    fn by_earth_centred_coordinates(reference: Position, position: Position) -> (f64, f64) {
        let cartesian = |p: Position| {
            let (lat, lon) = (
                f64::from(p.latitude_e7()) * RADIANS_PER_UNIT,
                f64::from(p.longitude_e7()) * RADIANS_PER_UNIT,
            );
            let n =
                SEMI_MAJOR_AXIS_M / libm::sqrt(1.0 - ECCENTRICITY_SQUARED * libm::sin(lat).powi(2));
            (
                n * libm::cos(lat) * libm::cos(lon),
                n * libm::cos(lat) * libm::sin(lon),
                n * (1.0 - ECCENTRICITY_SQUARED) * libm::sin(lat),
                lat,
                lon,
            )
        };
        let (x0, y0, z0, lat, lon) = cartesian(reference);
        let (x, y, z, ..) = cartesian(position);
        let (dx, dy, dz) = (x - x0, y - y0, z - z0);
        let east = -libm::sin(lon) * dx + libm::cos(lon) * dy;
        let north = -libm::sin(lat) * libm::cos(lon) * dx - libm::sin(lat) * libm::sin(lon) * dy
            + libm::cos(lat) * dz;
        (east, north)
    }

    #[test]
    fn metres_agree_with_earth_centred_coordinates() {
        for (latitude, longitude) in [(29.72, 106.56), (0.0, 0.0), (-45.0, -70.0), (60.0, 25.0)] {
            let reference = position(latitude, longitude);
            for (dlat, dlon) in [(0.003, 0.004), (-0.004, 0.001), (0.0, -0.005)] {
                let place = position(latitude + dlat, longitude + dlon);
                let got = LocalFrame::new(reference).point(place);
                let (east, north) = by_earth_centred_coordinates(reference, place);
                assert!((f64::from(got.x) - east).abs() < 0.06, "{got:?} {east}");
                assert!((f64::from(got.y) - north).abs() < 0.06, "{got:?} {north}");
            }
        }
    }

    #[test]
    fn a_junction_may_lie_on_the_date_line() {
        let frame = LocalFrame::new(position(10.0, 179.9999));
        let point = frame.point(position(10.0, -179.9999));
        assert!((point.x - 21.9).abs() < 0.1, "{point:?}");
    }

    #[test]
    fn projection_tells_distance_side_and_direction() {
        let line = line(&[(0.0, 0.0), (0.0, 100.0)]);
        let place = project(&line[..2], Point { x: 2.0, y: 30.0 }).unwrap();
        assert_eq!(place.to_end_m, 70.0);
        assert_eq!(place.offset_m, 2.0);
        assert_eq!(place.direction, Point { x: 0.0, y: 1.0 });
        let left = project(&line[..2], Point { x: -3.0, y: 30.0 }).unwrap();
        assert_eq!(left.offset_m, -3.0);
    }

    #[test]
    fn lines_go_on_beyond_their_ends() {
        let line = line(&[(0.0, 0.0), (0.0, 50.0), (0.0, 100.0)]);
        let beyond = project(&line[..3], Point { x: 1.0, y: 104.0 }).unwrap();
        assert_eq!((beyond.to_end_m, beyond.offset_m), (-4.0, 1.0));
        let before = project(&line[..3], Point { x: 1.0, y: -6.0 }).unwrap();
        assert_eq!((before.to_end_m, before.offset_m), (106.0, 1.0));
    }

    #[test]
    fn a_bend_is_measured_along_the_line() {
        let line = line(&[(0.0, 0.0), (0.0, 30.0), (40.0, 30.0)]);
        let place = project(&line[..3], Point { x: -1.0, y: 10.0 }).unwrap();
        assert_eq!((place.to_end_m, place.offset_m), (60.0, -1.0));
        let outside_of_bend = project(&line[..3], Point { x: -3.0, y: 34.0 }).unwrap();
        assert_eq!(
            (outside_of_bend.to_end_m, outside_of_bend.offset_m),
            (40.0, -5.0)
        );
    }

    #[test]
    fn lines_without_length_have_no_projection() {
        let line = line(&[(1.0, 1.0), (1.0, 1.0)]);
        assert_eq!(project(&line[..2], Point::default()), None);
        assert_eq!(project(&line[..1], Point::default()), None);
    }
}
