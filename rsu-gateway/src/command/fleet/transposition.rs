//! One recorded junction as many others: the same messages elsewhere, by others, and now.
//!
//! Positions move, nodes and senders get identifiers of their own, and every time in a message
//! keeps its distance to the time at which the message is received. All else stays as recorded.

use rsu_firmware::message::{
    BasicSafetyMessage, Connection, DSecond, IntersectionState, Lane, Latitude, Link, Longitude,
    MapData, MessageFrame, MinuteOfTheYear, Movement, Node, NodeReferenceId, ParticipantData,
    Phase, PhaseState, PointList, Position3D, PositionOffsetLl, PositionOffsetLlv, ReferencePath,
    RoadRegulatorId, RoadSideInformation, RoadsideSafetyMessage, RsiTimeDetails, Spat, TemporaryId,
    TimeChangeDetails, TimeMark, UtcTiming,
};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::{Element, FixedOctetString, SequenceOf};

/// Where and who a virtual unit is, in difference to the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transposition {
    number: u16,
    /// In 1e-7 degrees.
    north: i64,
    east: i64,
}

/// Between neighbours in the square grid of units: 0.01 degrees, about 1 km.
const SPACING: i64 = 100_000;

impl Transposition {
    /// That of unit `number`, from 0, of `units`. Number 0 stands where the recording was made.
    pub(super) fn new(number: u16, units: u16) -> Self {
        let side = i64::from(units).max(1).isqrt();
        let side = if side * side < units.into() {
            side + 1
        } else {
            side
        };
        Self {
            number,
            north: i64::from(number) / side * SPACING,
            east: i64::from(number) % side * SPACING,
        }
    }

    /// Makes `message`, recorded at `recorded`, one that is received at `now`.
    pub(super) fn transpose(
        &self,
        message: &mut MessageFrame<'_>,
        recorded: Timestamp,
        now: Timestamp,
    ) {
        let transposing = Transposing {
            by: *self,
            recorded,
            later: now - recorded,
        };
        match message {
            MessageFrame::Bsm(bsm) => transposing.bsm(bsm),
            MessageFrame::Map(map) => transposing.map(map),
            MessageFrame::Spat(spat) => transposing.spat(spat),
            MessageFrame::Rsi(rsi) => transposing.rsi(rsi),
            MessageFrame::Rsm(rsm) => transposing.rsm(rsm),
            MessageFrame::Unknown(..) => {}
        }
    }

    /// A position that is not known stays so.
    pub(super) fn position(&self, position: &mut Position3D) {
        self.point(&mut position.lat, &mut position.long);
    }

    fn point(&self, lat: &mut Latitude, long: &mut Longitude) {
        if lat.value() != Latitude::MAX && long.value() != Longitude::MAX {
            // Short of the codes for "unknown".
            let last = |max: i32| i64::from(max) - 1;
            let north = i64::from(lat.value()) + self.north;
            let east = i64::from(long.value()) + self.east;
            *lat = Latitude::saturating(north.min(last(Latitude::MAX)));
            *long = Longitude::saturating(east.min(last(Longitude::MAX)));
        }
    }

    fn node(&self, node: &mut NodeReferenceId) {
        let region = node.region.map_or(0, RoadRegulatorId::value);
        node.region = RoadRegulatorId::new(region.wrapping_add(self.number));
    }

    fn sender(&self, id: &mut TemporaryId) {
        let FixedOctetString([first, second, ..]) = id;
        let [high, low] = self.number.to_be_bytes();
        *first ^= high;
        *second ^= low;
    }
}

/// At work on one message.
struct Transposing {
    by: Transposition,
    recorded: Timestamp,
    later: Span,
}

impl Transposing {
    fn bsm(&self, bsm: &mut BasicSafetyMessage<'_>) {
        self.by.sender(&mut bsm.id);
        self.second(&mut bsm.sec_mark);
        self.by.position(&mut bsm.pos);
        let history = bsm
            .safety_ext
            .as_mut()
            .and_then(|ext| ext.path_history.as_mut());
        if let Some(history) = history {
            if let Some(initial) = &mut history.initial_position {
                self.by.position(&mut initial.pos);
                // It repeats what the rest of the message says.
                initial.utc_time = None;
            }
            each(&mut history.crumb_data, |point| {
                self.offset(&mut point.llv_offset)
            });
        }
    }

    fn map(&self, map: &mut MapData<'_>) {
        self.minute(&mut map.time_stamp);
        each(&mut map.nodes, |node: &mut Node<'_>| {
            self.by.node(&mut node.id);
            self.by.position(&mut node.ref_pos);
            each_of(&mut node.in_links, |link| self.link(link));
        });
    }

    fn link(&self, link: &mut Link<'_>) {
        self.by.node(&mut link.upstream_node_id);
        self.points(&mut link.points);
        each_of(&mut link.movements, |movement: &mut Movement| {
            self.by.node(&mut movement.remote_intersection);
        });
        each(&mut link.lanes, |lane: &mut Lane<'_>| {
            self.points(&mut lane.points);
            each_of(&mut lane.connects_to, |connection: &mut Connection| {
                self.by.node(&mut connection.remote_intersection);
            });
        });
    }

    fn points(&self, points: &mut Option<PointList<'_>>) {
        each_of(points, |point| self.offset(&mut point.pos_offset));
    }

    fn spat(&self, spat: &mut Spat<'_>) {
        self.minute_and_second(&mut spat.moy, &mut spat.time_stamp);
        each(
            &mut spat.intersections,
            |state: &mut IntersectionState<'_>| {
                self.by.node(&mut state.intersection_id);
                self.minute_and_second(&mut state.moy, &mut state.time_stamp);
                each(&mut state.phases, |phase: &mut Phase<'_>| {
                    each(&mut phase.phase_states, |state: &mut PhaseState<'_>| {
                        if let Some(TimeChangeDetails::UtcTiming(timing)) = &mut state.timing {
                            self.timing(timing);
                        }
                    });
                });
            },
        );
    }

    fn timing(&self, timing: &mut UtcTiming) {
        let optional = [
            &mut timing.min_end_utc_time,
            &mut timing.max_end_utc_time,
            &mut timing.next_start_utc_time,
            &mut timing.next_end_utc_time,
        ];
        let marks = [&mut timing.start_utc_time, &mut timing.likely_end_utc_time];
        for mark in marks.into_iter().chain(optional.into_iter().flatten()) {
            self.mark(mark);
        }
    }

    fn rsi(&self, rsi: &mut RoadSideInformation<'_>) {
        self.by.sender(&mut rsi.id);
        self.by.position(&mut rsi.ref_pos);
        self.minute(&mut rsi.moy);
        each_of(&mut rsi.rtes, |rte| {
            rte.event_pos.iter_mut().for_each(|at| self.offset(at));
            rte.time_details.iter_mut().for_each(|of| self.validity(of));
            each_of(&mut rte.reference_paths, |path| self.path(path));
            each_of(&mut rte.reference_links, |link| {
                self.by.node(&mut link.upstream_node_id);
                self.by.node(&mut link.downstream_node_id);
            });
        });
        each_of(&mut rsi.rtss, |rts| {
            rts.sign_pos.iter_mut().for_each(|at| self.offset(at));
            rts.time_details.iter_mut().for_each(|of| self.validity(of));
            each_of(&mut rts.reference_paths, |path| self.path(path));
            each_of(&mut rts.reference_links, |link| {
                self.by.node(&mut link.upstream_node_id);
                self.by.node(&mut link.downstream_node_id);
            });
        });
    }

    fn validity(&self, times: &mut RsiTimeDetails) {
        self.minute(&mut times.start_time);
        self.minute(&mut times.end_time);
    }

    fn path(&self, path: &mut ReferencePath<'_>) {
        each(&mut path.active_path, |point| self.offset(point));
    }

    fn rsm(&self, rsm: &mut RoadsideSafetyMessage<'_>) {
        self.by.sender(&mut rsm.id);
        self.by.position(&mut rsm.ref_pos);
        each(
            &mut rsm.participants,
            |participant: &mut ParticipantData| {
                self.second(&mut participant.sec_mark);
                participant.id.iter_mut().for_each(|id| self.by.sender(id));
                self.offset(&mut participant.pos);
            },
        );
    }

    /// Only what is no offset has to move.
    fn offset(&self, offset: &mut PositionOffsetLlv) {
        if let PositionOffsetLl::LatLon(point) = &mut offset.offset_ll {
            self.by.point(&mut point.lat, &mut point.lon);
        }
    }

    fn second(&self, second: &mut DSecond) {
        if let Some(time) = Timestamp::from_millis_in_minute(second.value(), self.recorded) {
            let (_, millis) = (time + self.later).minute_of_year();
            *second = DSecond::saturating(millis.into());
        }
    }

    fn minute(&self, minute: &mut Option<MinuteOfTheYear>) {
        self.minute_and_second(minute, &mut None);
    }

    fn minute_and_second(
        &self,
        minute: &mut Option<MinuteOfTheYear>,
        second: &mut Option<DSecond>,
    ) {
        let Some(minute) = minute else {
            return second.iter_mut().for_each(|second| self.second(second));
        };
        let millis = second.map_or(0, DSecond::value);
        let time = Timestamp::from_minute_of_year(minute.value(), millis, self.recorded);
        if let Some(time) = time {
            let (of_year, millis) = (time + self.later).minute_of_year();
            *minute = MinuteOfTheYear::saturating(of_year.into());
            *second = second.map(|_| DSecond::saturating(millis.into()));
        }
    }

    /// A time within the hour.
    fn mark(&self, mark: &mut TimeMark) {
        if *mark < TimeMark::CONSTANT {
            let hour = i64::from(TimeMark::CONSTANT.value());
            let later = i64::from(mark.value()) + self.later.as_millis() / 100;
            *mark = TimeMark::saturating(later.rem_euclid(hour));
        }
    }
}

/// Changes each element of a list.
fn each<'a, T: Element<'a> + Clone, S>(
    list: &mut SequenceOf<'a, T, S>,
    mut change: impl FnMut(&mut T),
) {
    let changed = list.iter().map(|mut element| {
        change(&mut element);
        element
    });
    *list = changed.collect::<Vec<_>>().into();
}

/// Changes each element of a list that may be absent.
fn each_of<'a, T: Element<'a> + Clone, S>(
    list: &mut Option<SequenceOf<'a, T, S>>,
    change: impl FnMut(&mut T),
) {
    if let Some(list) = list {
        each(list, change);
    }
}

#[cfg(test)]
mod tests;
