//! RSI: traffic events and signs.

use super::{
    Confidence, MinuteOfTheYear, MsgCount, NodeReferenceId, Position3D, PositionOffsetLlv, Radius,
    TemporaryId, TimeConfidence,
};
use crate::uper::{
    FixedOctetString, Ia5String, OctetString, SequenceOf, Size, SizeByProfile, bit_string, choice,
    enumerated, integer, sequence,
};

sequence! {
    /// Road side information (MSG_RSI).
    pub struct RoadSideInformation<'a>: extensible {
        /// Counts the messages of this sender.
        "msgCnt" msg_cnt: MsgCount,
        /// The minute in which the message was made.
        "moy" moy: Option<MinuteOfTheYear>,
        /// The road side unit.
        "id" id: TemporaryId,
        /// What the positions are relative to.
        "refPos" ref_pos: Position3D,
        /// Events.
        "rtes" rtes: Option<RteList<'a>>,
        /// Signs.
        "rtss" rtss: Option<RtsList<'a>>,
    }

    /// A traffic event (DF_RTEData).
    pub struct RteData<'a>: extensible => rte {
        /// Its number.
        "rteId" rte_id: RteId,
        /// Its kind, by GB/T 29100.
        "eventType" event_type: EventType,
        /// Who reported it.
        "eventSource" event_source: EventSource,
        /// Where it is.
        "eventPos" event_pos: Option<PositionOffsetLlv>,
        /// How far it reaches.
        "eventRadius" event_radius: Option<Radius>,
        /// More in words.
        "description" description: Option<Description<'a>>,
        /// From when to when.
        "timeDetails" time_details: Option<RsiTimeDetails>,
        /// How urgent it is.
        "priority" priority: Option<RsiPriority>,
        /// The roads concerned, as lines.
        "referencePaths" reference_paths: Option<ReferencePathList<'a>>,
        /// The roads concerned, as links of the MAP.
        "referenceLinks" reference_links: Option<ReferenceLinkList<'a>>,
        /// How sure it is.
        "eventConfidence" event_confidence: Option<Confidence>,
    }

    /// A traffic sign (DF_RTSData).
    pub struct RtsData<'a>: extensible => rts {
        /// Its number.
        "rtsId" rts_id: RtsId,
        /// Its kind, by GB 5768.
        "signType" sign_type: SignType,
        /// Where it stands.
        "signPos" sign_pos: Option<PositionOffsetLlv>,
        /// More in words.
        "description" description: Option<Description<'a>>,
        /// From when to when.
        "timeDetails" time_details: Option<RsiTimeDetails>,
        /// How urgent it is.
        "priority" priority: Option<RsiPriority>,
        /// The roads concerned, as lines.
        "referencePaths" reference_paths: Option<ReferencePathList<'a>>,
        /// The roads concerned, as links of the MAP.
        "referenceLinks" reference_links: Option<ReferenceLinkList<'a>>,
    }

    /// From when to when (DF_RSITimeDetails).
    pub struct RsiTimeDetails {
        /// From when.
        "startTime" start_time: Option<MinuteOfTheYear>,
        /// Until when.
        "endTime" end_time: Option<MinuteOfTheYear>,
        /// How sure the end is.
        "endTimeConfidence" end_time_confidence: Option<TimeConfidence>,
    }

    /// A road as a line with a width (DF_ReferencePath).
    pub struct ReferencePath<'a> => reference_path {
        /// The line, in the direction of travel.
        "activePath" active_path: PathPointList<'a>,
        /// How far from the line.
        "pathRadius" path_radius: Radius,
    }

    /// A link of the MAP, and which of its lanes (DF_ReferenceLink).
    pub struct ReferenceLink => reference_link {
        /// Where it begins.
        "upstreamNodeId" upstream_node_id: NodeReferenceId,
        /// Where it ends.
        "downstreamNodeId" downstream_node_id: NodeReferenceId,
        /// The lanes; all where absent.
        "referenceLanes" reference_lanes: Option<ReferenceLanes>,
    }
}

/// Traffic events.
pub type RteList<'a> = SequenceOf<'a, RteData<'a>, Size<1, 8>>;
/// Traffic signs.
pub type RtsList<'a> = SequenceOf<'a, RtsData<'a>, Size<1, 16>>;
/// Roads as lines.
pub type ReferencePathList<'a> = SequenceOf<'a, ReferencePath<'a>, Size<1, 8>>;
/// Roads as links.
pub type ReferenceLinkList<'a> = SequenceOf<'a, ReferenceLink, Size<1, 16>>;
/// A line; one point was enough in the 2019 edition.
pub type PathPointList<'a> = SequenceOf<'a, PositionOffsetLlv, SizeByProfile<2, 32, 1, 32>>;
/// The upper three bits are the priority, 7 the most urgent (DE_RSIPriority).
pub type RsiPriority = FixedOctetString<1>;

choice! {
    /// A text (DF_Description).
    pub enum Description<'a> {
        /// In ASCII.
        TextString(Ia5String<'a, 1, 512>) = 0 "textString",
        /// In GB 2312.
        TextGb2312(OctetString<'a, 2, 512>) = 1 "textGB2312",
    }
}

integer! {
    /// The number of an event.
    pub struct RteId(u8) in 0..=255;
    /// The number of a sign.
    pub struct RtsId(u8) in 0..=255;
    /// The kind of an event, by GB/T 29100 (DE_EventType).
    pub struct EventType(u16) in 0..=65535;
    /// The kind of a sign, by GB 5768 (DE_SignType).
    pub struct SignType(u16) in 0..=65535;
}

enumerated! {
    /// Who reported an event (DE_EventSource).
    pub enum EventSource: extensible {
        /// Not known.
        Unspecified = 0 "unknown",
        /// The police.
        Police = 1 "police",
        /// The government.
        Government = 2 "government",
        /// The weather service.
        Meteorological = 3 "meteorological",
        /// An internet service.
        Internet = 4 "internet",
        /// A detector.
        Detection = 5 "detection",
    }
}

bit_string! {
    /// Lanes by number (DE_ReferenceLanes).
    pub struct ReferenceLanes(u16; 16) {
        /// Reserved; lane n is bit n.
        RESERVED = 0 "reserved",
    }
}
