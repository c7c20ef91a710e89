//! Seeing every element of every list of a message.

use std::fmt::Debug;

use rsu_firmware::message::{
    Connection, IntersectionState, Lane, Link, MessageFrame, Movement, Node, ParticipantData,
    PathHistoryPoint, Phase, PhaseState, PositionOffsetLlv, ReferenceLink, ReferencePath,
    RegulatorySpeedLimit, RoadPoint, RteData, RtsData, Visitor,
};

/// A visitor that does the same with every element.
pub struct Each<F>(pub F);

macro_rules! each {
    ($($method:ident: $element:ty,)+) => {
        impl<'a, F: FnMut(&dyn Debug)> Visitor<'a> for Each<F> {
            $(fn $method(&mut self, element: &$element) {
                self.0(element);
            })+
        }
    };
}

each! {
    path_history_point: PathHistoryPoint,
    intersection_state: IntersectionState<'a>,
    phase: Phase<'a>,
    phase_state: PhaseState<'a>,
    node: Node<'a>,
    link: Link<'a>,
    lane: Lane<'a>,
    movement: Movement,
    connection: Connection,
    speed_limit: RegulatorySpeedLimit,
    road_point: RoadPoint,
    rte: RteData<'a>,
    rts: RtsData<'a>,
    reference_path: ReferencePath<'a>,
    reference_link: ReferenceLink,
    path_point: PositionOffsetLlv,
    participant: ParticipantData,
}

/// Walks the views of a message and shows the elements to `visitor` in the order in which the
/// decoder would.
pub fn walk<'a>(message: &MessageFrame<'a>, visitor: &mut impl Visitor<'a>) {
    match message {
        MessageFrame::Bsm(bsm) => {
            let safety_ext = bsm.safety_ext.as_ref();
            let history = safety_ext.and_then(|ext| ext.path_history.as_ref());
            for point in history.iter().flat_map(|history| &history.crumb_data) {
                visitor.path_history_point(&point);
            }
        }
        MessageFrame::Map(map) => {
            for node in &map.nodes {
                for link in node.in_links.iter().flatten() {
                    walk_link(&link, visitor);
                }
                visitor.node(&node);
            }
        }
        MessageFrame::Rsm(rsm) => {
            for participant in &rsm.participants {
                visitor.participant(&participant);
            }
        }
        MessageFrame::Spat(spat) => {
            for intersection in &spat.intersections {
                for phase in &intersection.phases {
                    for state in &phase.phase_states {
                        visitor.phase_state(&state);
                    }
                    visitor.phase(&phase);
                }
                visitor.intersection_state(&intersection);
            }
        }
        MessageFrame::Rsi(rsi) => {
            for rte in rsi.rtes.iter().flatten() {
                for path in rte.reference_paths.iter().flatten() {
                    walk_path(&path, visitor);
                }
                for link in rte.reference_links.iter().flatten() {
                    visitor.reference_link(&link);
                }
                visitor.rte(&rte);
            }
            for rts in rsi.rtss.iter().flatten() {
                for path in rts.reference_paths.iter().flatten() {
                    walk_path(&path, visitor);
                }
                for link in rts.reference_links.iter().flatten() {
                    visitor.reference_link(&link);
                }
                visitor.rts(&rts);
            }
        }
        MessageFrame::Unknown(..) => {}
    }
}

fn walk_link<'a>(link: &Link<'a>, visitor: &mut impl Visitor<'a>) {
    for limit in link.speed_limits.iter().flatten() {
        visitor.speed_limit(&limit);
    }
    for point in link.points.iter().flatten() {
        visitor.road_point(&point);
    }
    for movement in link.movements.iter().flatten() {
        visitor.movement(&movement);
    }
    for lane in &link.lanes {
        for connection in lane.connects_to.iter().flatten() {
            visitor.connection(&connection);
        }
        for limit in lane.speed_limits.iter().flatten() {
            visitor.speed_limit(&limit);
        }
        for point in lane.points.iter().flatten() {
            visitor.road_point(&point);
        }
        visitor.lane(&lane);
    }
    visitor.link(link);
}

fn walk_path<'a>(path: &ReferencePath<'a>, visitor: &mut impl Visitor<'a>) {
    for point in &path.active_path {
        visitor.path_point(&point);
    }
    visitor.reference_path(path);
}
