//! Seeing all of a message while it is validated.

use super::{
    Connection, IntersectionState, Lane, Link, MessageFrame, Movement, Node, ParticipantData,
    PathHistoryPoint, Phase, PhaseState, PositionOffsetLlv, ReferenceLink, ReferencePath,
    RegulatorySpeedLimit, RoadPoint, RteData, RtsData,
};
use crate::uper::{Element, Observer};

macro_rules! visitor {
    ($($method:ident: $element:ty,)+) => {
        /// Sees every element of every list of a message in the order of the wire, and then the
        /// message; the elements of a list come before what holds the list.
        pub trait Visitor<'a> {
            /// The message, which is valid.
            #[inline(always)]
            fn message(&mut self, _message: &MessageFrame<'a>) {}

            $(
                #[doc = concat!("An element of a list of [`", stringify!($element), "`].")]
                #[inline(always)]
                fn $method(&mut self, _element: &$element) {}
            )+
        }
    };
}

visitor! {
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

impl Visitor<'_> for () {}

/// Lets a visitor watch a reader.
pub(super) struct Visiting<'v, V>(pub(super) &'v mut V);

impl<'a, V: Visitor<'a>> Observer<'a> for Visiting<'_, V> {
    #[inline(always)]
    fn element<T: Element<'a>>(&mut self, element: &T) {
        element.accept(self.0);
    }
}
