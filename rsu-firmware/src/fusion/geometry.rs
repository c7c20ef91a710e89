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

    /// The cosine of the angle between, if both are unit vectors.
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
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
        let east = if east < -UNITS_PER_TURN / 2 {
            east + UNITS_PER_TURN
        } else if east >= UNITS_PER_TURN / 2 {
            east - UNITS_PER_TURN
        } else {
            east
        };
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

impl LinePoint {
    /// A point whose line is not measured yet.
    pub(super) fn new(point: Point) -> Self {
        Self {
            point,
            to_end_m: 0.0,
        }
    }

    /// The way to the next point of a measured line: its direction, a unit vector, and its length
    /// in m; `None` where they are one.
    fn way_to(&self, next: &Self) -> Option<(Point, f32)> {
        let length_m = self.to_end_m - next.to_end_m;
        let inverse = 1.0 / length_m;
        let direction = Point {
            x: (next.point.x - self.point.x) * inverse,
            y: (next.point.y - self.point.y) * inverse,
        };
        (length_m > 0.0).then_some((direction, length_m))
    }
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

/// The directions of a measured line, segment by segment.
fn directions(line: &[LinePoint]) -> impl Iterator<Item = Point> + Clone {
    line.windows(2).filter_map(|ends| {
        let [from, to] = ends else { return None };
        from.way_to(to).map(|(direction, _)| direction)
    })
}

/// A fan that holds the directions of some lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Directions {
    mean: Point,
    /// Cosine of the angle between the mean and the direction furthest from it.
    cosine: f32,
}

impl Directions {
    /// All of them.
    pub(super) const ALL: Self = Self {
        mean: Point { x: 0.0, y: 1.0 },
        cosine: -1.0,
    };

    /// Those of measured lines.
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a [LinePoint]> + Clone) -> Self {
        let directions = lines.flat_map(directions);
        let sum = directions.clone().fold(Point::default(), |sum, d| Point {
            x: sum.x + d.x,
            y: sum.y + d.y,
        });
        let length = sum.distance_m(Point::default());
        if length < f32::EPSILON {
            return Self::ALL;
        }
        let mean = Point {
            x: sum.x / length,
            y: sum.y / length,
        };
        let cosines = directions.map(|direction| mean.dot(direction));
        Self {
            mean,
            cosine: cosines.fold(1.0, f32::min).max(-1.0),
        }
    }

    /// False where none of them is within an angle of `heading`, a unit vector; the angle is told
    /// by its cosine, which is positive.
    pub(super) fn may_be_near(&self, heading: Point, cosine_min: f32) -> bool {
        const ROUNDING: f32 = 1e-3;
        if self.cosine <= -cosine_min {
            return true;
        }
        let sine_squares = (1.0 - self.cosine * self.cosine) * (1.0 - cosine_min * cosine_min);
        let furthest = self.cosine * cosine_min - libm::sqrtf(sine_squares);
        self.mean.dot(heading) >= furthest - ROUNDING
    }
}

/// Projects a point onto a measured line, whose first and last segments go on without end.
///
/// `None` when the line has no segment of any length.
pub(super) fn project(line: &[LinePoint], point: Point) -> Option<Projection> {
    let last_segment = line.len().checked_sub(2)?;
    // The square of the distance, and how far along which segment.
    let mut nearest: Option<(f32, f32, &LinePoint, Point)> = None;
    for (segment, ends) in line.windows(2).enumerate() {
        let [from, to] = ends else { continue };
        let Some((direction, length_m)) = from.way_to(to) else {
            continue;
        };
        let (px, py) = (point.x - from.point.x, point.y - from.point.y);
        let mut along_m = px * direction.x + py * direction.y;
        if along_m < 0.0 && segment != 0 {
            along_m = 0.0;
        }
        if along_m > length_m && segment != last_segment {
            along_m = length_m;
        }
        let (rx, ry) = (px - along_m * direction.x, py - along_m * direction.y);
        let squared = rx * rx + ry * ry;
        if nearest.is_none_or(|(best, ..)| squared < best) {
            nearest = Some((squared, along_m, from, direction));
        }
    }
    let (squared, along_m, from, direction) = nearest?;
    let side = (point.x - from.point.x) * direction.y - (point.y - from.point.y) * direction.x;
    Some(Projection {
        to_end_m: from.to_end_m - along_m,
        offset_m: libm::copysignf(libm::sqrtf(squared), side),
        direction,
    })
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
            *place = LinePoint::new(Point { x, y });
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

    #[test]
    fn directions_are_near_a_heading_where_one_of_them_is() {
        let unit = |degrees: f32| {
            let (x, y) = libm::sincosf(degrees.to_radians());
            Point { x, y }
        };
        // From north by way of 40 degrees to 80.
        let bend = line(&[(0.0, 0.0), (0.0, 10.0), (6.43, 17.66), (16.28, 19.4)]);
        let directions = Directions::of([&bend[..]].into_iter());
        for degrees in -180..180 {
            let heading = unit(degrees as f32);
            let is_near = super::directions(&bend).any(|of| heading.dot(of) >= 0.5);
            let may_be = directions.may_be_near(heading, 0.5);
            assert!(may_be || !is_near, "{degrees}");
            assert!(!may_be || (-62..=142).contains(&degrees), "{degrees}");
        }
        let there_and_back = line(&[(0.0, 0.0), (0.0, 10.0), (0.0, 0.0)]);
        let directions = Directions::of([&there_and_back[..3]].into_iter());
        assert!((-180..180).all(|degrees| directions.may_be_near(unit(degrees as f32), 0.5)));
    }
}
