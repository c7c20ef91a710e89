//! Looks at every field of a message.

use rsu_firmware::message::*;
use rsu_firmware::uper::FlexibleBitString;

/// Adds up all values, so that none of them can be optimised away.
#[derive(Default)]
pub(super) struct Sum(u64);

macro_rules! values {
    ($sum:ident += $($value:expr),+ $(,)?) => {{ $($sum.add($value.value() as u64);)+ }};
}

macro_rules! optional_values {
    ($sum:ident += $($value:expr),+ $(,)?) => {
        $($sum.add($value.as_ref().map_or(0, |value| value.value() as u64));)+
    };
}

macro_rules! optional_indices {
    ($sum:ident += $($value:expr),+ $(,)?) => {
        $($sum.add($value.as_ref().map_or(0, |value| value.index()));)+
    };
}

macro_rules! bits {
    ($sum:ident += $($value:expr),+ $(,)?) => {{ $($sum.add(u64::from($value.bits()));)+ }};
}

impl Sum {
    /// The total.
    pub(super) fn total(&self) -> u64 {
        self.0
    }

    fn add(&mut self, value: u64) {
        self.0 = self.0.wrapping_add(value);
    }

    fn bsm(&mut self, bsm: &BasicSafetyMessage<'_>) {
        values!(self += bsm.msg_cnt, bsm.sec_mark, bsm.speed, bsm.heading);
        self.add(u64::from_be_bytes(bsm.id.0));
        optional_indices!(self += bsm.time_confidence);
        self.position(&bsm.pos);
        if let Some(accuracy) = &bsm.pos_accuracy {
            values!(
                self += accuracy.semi_major,
                accuracy.semi_minor,
                accuracy.orientation
            );
        }
        self.confidence(bsm.pos_confidence.as_ref());
        self.add(bsm.transmission.index());
        optional_values!(self += bsm.angle);
        self.motion(bsm.motion_cfd.as_ref());
        self.acceleration(&bsm.accel_set);
        let brakes = &bsm.brakes;
        optional_indices!(
            self += brakes.brake_padel,
            brakes.traction,
            brakes.abs,
            brakes.scs
        );
        optional_indices!(self += brakes.brake_boost, brakes.aux_brakes);
        if let Some(wheels) = &brakes.wheel_brakes {
            bits!(self += wheels);
        }
        self.size(&bsm.size);
        self.class(&bsm.vehicle_class);
        if let Some(safety) = &bsm.safety_ext {
            self.safety(safety);
        }
        if let Some(emergency) = &bsm.emergency_ext {
            optional_indices!(self += emergency.response_type, emergency.siren_use);
            optional_indices!(self += emergency.lights_use);
        }
    }

    fn safety(&mut self, safety: &VehicleSafetyExtensions<'_>) {
        self.flexible(safety.events.as_deref());
        self.flexible(safety.lights.as_deref());
        if let Some(prediction) = &safety.path_prediction {
            values!(self += prediction.radius_of_curve, prediction.confidence);
        }
        let Some(history) = &safety.path_history else {
            return;
        };
        if let Some(status) = &history.curr_gnss_status {
            bits!(self += status);
        }
        let Some(initial) = &history.initial_position else {
            return;
        };
        if let Some(time) = &initial.utc_time {
            optional_values!(self += time.year, time.month, time.day, time.hour);
            optional_values!(self += time.minute, time.second, time.offset);
        }
        self.position(&initial.pos);
        optional_values!(self += initial.heading, initial.speed);
        optional_indices!(self += initial.transmission, initial.time_confidence);
        match &initial.pos_accuracy {
            Some(PosAccuracy::Confidence(confidence)) => self.confidence(Some(confidence)),
            Some(PosAccuracy::Ellipse(ellipse)) => {
                values!(
                    self += ellipse.semi_major,
                    ellipse.semi_minor,
                    ellipse.orientation
                );
            }
            None => {}
        }
        self.confidence(initial.pos_conficence.as_ref());
        self.motion(initial.motion_cfd.as_ref());
    }

    fn position(&mut self, position: &Position3D) {
        values!(self += position.lat, position.long);
        optional_values!(self += position.elevation);
    }

    fn confidence(&mut self, confidence: Option<&PositionConfidenceSet>) {
        if let Some(confidence) = confidence {
            self.add(confidence.pos.index());
            optional_indices!(self += confidence.elevation);
        }
    }

    fn motion(&mut self, motion: Option<&MotionConfidenceSet>) {
        if let Some(motion) = motion {
            optional_indices!(
                self += motion.speed_cfd,
                motion.heading_cfd,
                motion.steer_cfd
            );
        }
    }

    fn acceleration(&mut self, set: &AccelerationSet4Way) {
        values!(self += set.long, set.lat, set.vert, set.yaw);
    }

    fn size(&mut self, size: &VehicleSize) {
        values!(self += size.width, size.length);
        optional_values!(self += size.height);
    }

    fn class(&mut self, class: &VehicleClassification) {
        values!(self += class.classification);
        optional_values!(self += class.fuel_type);
    }

    fn offset(&mut self, offset: &PositionOffsetLlv) {
        match &offset.offset_ll {
            PositionOffsetLl::Ll1(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::Ll2(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::Ll3(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::Ll4(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::Ll5(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::Ll6(ll) => values!(self += ll.lon, ll.lat),
            PositionOffsetLl::LatLon(ll) => values!(self += ll.lon, ll.lat),
        }
        match &offset.offset_v {
            None => {}
            Some(VerticalOffset::Offset1(height)) => values!(self += height),
            Some(VerticalOffset::Offset2(height)) => values!(self += height),
            Some(VerticalOffset::Offset3(height)) => values!(self += height),
            Some(VerticalOffset::Offset4(height)) => values!(self += height),
            Some(VerticalOffset::Offset5(height)) => values!(self += height),
            Some(VerticalOffset::Offset6(height)) => values!(self += height),
            Some(VerticalOffset::Elevation(height)) => values!(self += height),
        }
    }

    fn node_id(&mut self, id: &NodeReferenceId) {
        values!(self += id.id);
        optional_values!(self += id.region);
    }

    fn text(&mut self, text: Option<&DescriptiveName<'_>>) {
        let octets = text.into_iter().flat_map(|text| text.octets());
        self.add(octets.map(u64::from).sum());
    }

    fn flexible<const ROOT: u32>(&mut self, bits: Option<&FlexibleBitString<'_, ROOT>>) {
        self.add(bits.map_or(0, number));
    }

    fn description(&mut self, description: Option<&Description<'_>>) {
        self.add(match description {
            None => 0,
            Some(Description::TextString(text)) => text.octets().map(u64::from).sum(),
            Some(Description::TextGb2312(text)) => text.octets().map(u64::from).sum(),
        });
    }

    fn time_details(&mut self, details: Option<&RsiTimeDetails>) {
        if let Some(details) = details {
            optional_values!(self += details.start_time, details.end_time);
            optional_indices!(self += details.end_time_confidence);
        }
    }

    fn priority(&mut self, priority: Option<&RsiPriority>) {
        self.add(priority.map_or(0, |priority| u64::from(priority.0[0])));
    }
}

/// A bit string as a number.
fn number<const ROOT: u32>(bits: &FlexibleBitString<'_, ROOT>) -> u64 {
    let extended = || bits.iter().fold(0, |all, bit| all << 1 | u64::from(bit));
    bits.root().map_or_else(extended, u64::from)
}

/// The light of a state and the time of its likely end.
pub(super) fn change(state: &PhaseState<'_>) -> u64 {
    let likely_end = match &state.timing {
        Some(TimeChangeDetails::Counting(timing)) => timing.likely_end_time,
        Some(TimeChangeDetails::UtcTiming(timing)) => timing.likely_end_utc_time,
        Some(TimeChangeDetails::Unknown(..)) | None => return state.light.index(),
    };
    state.light.index() + u64::from(likely_end.value())
}

impl<'a> Visitor<'a> for Sum {
    #[inline(always)]
    fn message(&mut self, message: &MessageFrame<'a>) {
        match message {
            MessageFrame::Bsm(bsm) => self.bsm(bsm),
            MessageFrame::Map(map) => {
                values!(self += map.msg_cnt);
                optional_values!(self += map.time_stamp);
            }
            MessageFrame::Spat(spat) => {
                values!(self += spat.msg_cnt);
                optional_values!(self += spat.moy, spat.time_stamp);
                self.text(spat.name.as_ref());
            }
            MessageFrame::Rsi(rsi) => {
                values!(self += rsi.msg_cnt);
                optional_values!(self += rsi.moy);
                self.add(u64::from_be_bytes(rsi.id.0));
                self.position(&rsi.ref_pos);
            }
            MessageFrame::Rsm(rsm) => {
                values!(self += rsm.msg_cnt);
                self.add(u64::from_be_bytes(rsm.id.0));
                self.position(&rsm.ref_pos);
            }
            MessageFrame::Unknown(index, _) => self.add(u64::from(*index)),
        }
    }

    fn path_history_point(&mut self, point: &PathHistoryPoint) {
        self.offset(&point.llv_offset);
        values!(self += point.time_offset);
        optional_values!(self += point.speed, point.heading);
        self.confidence(point.pos_accuracy.as_ref());
    }

    fn intersection_state(&mut self, intersection: &IntersectionState<'a>) {
        self.node_id(&intersection.intersection_id);
        bits!(self += intersection.status);
        optional_values!(self += intersection.moy, intersection.time_stamp);
        optional_indices!(self += intersection.time_confidence);
    }

    fn phase(&mut self, phase: &Phase<'a>) {
        values!(self += phase.id);
    }

    fn phase_state(&mut self, state: &PhaseState<'a>) {
        self.add(state.light.index());
        match &state.timing {
            Some(TimeChangeDetails::Counting(timing)) => {
                values!(self += timing.start_time, timing.likely_end_time);
                optional_values!(self += timing.min_end_time, timing.max_end_time);
                optional_values!(self += timing.time_confidence, timing.next_start_time);
                optional_values!(self += timing.next_duration);
            }
            Some(TimeChangeDetails::UtcTiming(timing)) => {
                values!(self += timing.start_utc_time, timing.likely_end_utc_time);
                optional_values!(self += timing.min_end_utc_time, timing.max_end_utc_time);
                optional_values!(self += timing.time_confidence, timing.next_start_utc_time);
                optional_values!(self += timing.next_end_utc_time);
            }
            Some(TimeChangeDetails::Unknown(index, _)) => self.add(u64::from(*index)),
            None => {}
        }
    }

    fn node(&mut self, node: &Node<'a>) {
        self.text(node.name.as_ref());
        self.node_id(&node.id);
        self.position(&node.ref_pos);
    }

    fn link(&mut self, link: &Link<'a>) {
        self.text(link.name.as_ref());
        self.node_id(&link.upstream_node_id);
        optional_values!(self += link.link_width);
    }

    fn lane(&mut self, lane: &Lane<'a>) {
        values!(self += lane.lane_id);
        optional_values!(self += lane.lane_width);
        if let Some(maneuvers) = &lane.maneuvers {
            bits!(self += maneuvers);
        }
        let Some(attributes) = &lane.lane_attributes else {
            return;
        };
        if let Some(sharing) = &attributes.share_with {
            bits!(self += sharing);
        }
        match &attributes.lane_type {
            LaneTypeAttributes::Vehicle(kind) => self.flexible(Some(kind)),
            LaneTypeAttributes::Crosswalk(kind) => bits!(self += kind),
            LaneTypeAttributes::BikeLane(kind) => bits!(self += kind),
            LaneTypeAttributes::Sidewalk(kind) => bits!(self += kind),
            LaneTypeAttributes::Median(kind) => bits!(self += kind),
            LaneTypeAttributes::Striping(kind) => bits!(self += kind),
            LaneTypeAttributes::TrackedVehicle(kind) => bits!(self += kind),
            LaneTypeAttributes::Parking(kind) => bits!(self += kind),
            LaneTypeAttributes::Unknown(index, _) => self.add(u64::from(*index)),
        }
    }

    fn movement(&mut self, movement: &Movement) {
        self.node_id(&movement.remote_intersection);
        optional_values!(self += movement.phase_id);
    }

    fn connection(&mut self, connection: &Connection) {
        self.node_id(&connection.remote_intersection);
        optional_values!(self += connection.phase_id);
        if let Some(lane) = &connection.connecting_lane {
            values!(self += lane.lane);
            if let Some(maneuver) = &lane.maneuver {
                bits!(self += maneuver);
            }
        }
    }

    fn speed_limit(&mut self, limit: &RegulatorySpeedLimit) {
        self.add(limit.kind.index());
        values!(self += limit.speed);
    }

    fn road_point(&mut self, point: &RoadPoint) {
        self.offset(&point.pos_offset);
    }

    fn rte(&mut self, event: &RteData<'a>) {
        values!(self += event.rte_id, event.event_type);
        self.add(event.event_source.index());
        if let Some(position) = &event.event_pos {
            self.offset(position);
        }
        optional_values!(self += event.event_radius, event.event_confidence);
        self.description(event.description.as_ref());
        self.time_details(event.time_details.as_ref());
        self.priority(event.priority.as_ref());
    }

    fn rts(&mut self, sign: &RtsData<'a>) {
        values!(self += sign.rts_id, sign.sign_type);
        if let Some(position) = &sign.sign_pos {
            self.offset(position);
        }
        self.description(sign.description.as_ref());
        self.time_details(sign.time_details.as_ref());
        self.priority(sign.priority.as_ref());
    }

    fn reference_path(&mut self, path: &ReferencePath<'a>) {
        values!(self += path.path_radius);
    }

    fn reference_link(&mut self, link: &ReferenceLink) {
        self.node_id(&link.upstream_node_id);
        self.node_id(&link.downstream_node_id);
        if let Some(lanes) = &link.reference_lanes {
            bits!(self += lanes);
        }
    }

    fn path_point(&mut self, point: &PositionOffsetLlv) {
        self.offset(point);
    }

    fn participant(&mut self, participant: &ParticipantData) {
        self.add(participant.ptc_type.index() + participant.source.index());
        values!(
            self += participant.ptc_id,
            participant.sec_mark,
            participant.speed
        );
        values!(self += participant.heading);
        self.add(
            participant
                .id
                .as_ref()
                .map_or(0, |id| u64::from_be_bytes(id.0)),
        );
        self.offset(&participant.pos);
        self.confidence(Some(&participant.pos_confidence));
        optional_indices!(self += participant.transmission);
        optional_values!(self += participant.angle);
        self.motion(participant.motion_cfd.as_ref());
        if let Some(acceleration) = &participant.accel_set {
            self.acceleration(acceleration);
        }
        self.size(&participant.size);
        if let Some(class) = &participant.vehicle_class {
            self.class(class);
        }
    }
}
