//! SPAT: the state of the traffic lights, and when it will change.

use super::{
    Confidence, DSecond, DescriptiveName, MinuteOfTheYear, MsgCount, NodeReferenceId,
    TimeConfidence,
};
use crate::uper::{SequenceOf, Size, bit_string, choice, enumerated, integer, sequence};

sequence! {
    /// Signal phase and timing (MSG_SPAT).
    pub struct Spat<'a>: extensible {
        /// Counts the messages of this sender.
        "msgCnt" msg_cnt: MsgCount,
        /// The minute in which the message was made.
        "moy" moy: Option<MinuteOfTheYear>,
        /// The millisecond within that minute.
        "timeStamp" time_stamp: Option<DSecond>,
        /// A name for people.
        "name" name: Option<DescriptiveName<'a>>,
        /// The intersections whose lights are reported.
        "intersections" intersections: IntersectionStateList<'a>,
    }

    /// The lights of one intersection (DF_IntersectionState).
    pub struct IntersectionState<'a>: extensible => intersection_state {
        /// The node of the MAP.
        "intersectionId" intersection_id: NodeReferenceId,
        /// How the controller is working.
        "status" status: IntersectionStatusObject,
        /// The minute that the times below count from.
        "moy" moy: Option<MinuteOfTheYear>,
        /// The millisecond within that minute.
        "timeStamp" time_stamp: Option<DSecond>,
        /// How exact the time is.
        "timeConfidence" time_confidence: Option<TimeConfidence>,
        /// The phases, each with its light and the lights to come.
        "phases" phases: PhaseList<'a>,
    }

    /// One signal phase (DF_Phase).
    pub struct Phase<'a> => phase {
        /// The phase that lanes and connections of the MAP refer to.
        "id" id: PhaseId,
        /// The current state and those that follow.
        "phaseStates" phase_states: PhaseStateList<'a>,
    }

    /// One light of a phase, and when it begins and ends (DF_PhaseState).
    pub struct PhaseState<'a>: extensible => phase_state {
        /// The light.
        "light" light: LightState,
        /// When it begins and ends.
        "timing" timing: Option<TimeChangeDetails<'a>>,
    }

    /// Times counted from the time stamp of the message (DF_TimeCountingDown).
    pub struct TimeCountingDown {
        /// Until the light begins; zero when it is on.
        "startTime" start_time: TimeMark,
        /// Until its earliest end.
        "minEndTime" min_end_time: Option<TimeMark>,
        /// Until its latest end.
        "maxEndTime" max_end_time: Option<TimeMark>,
        /// Until its likely end.
        "likelyEndTime" likely_end_time: TimeMark,
        /// How sure the likely end is.
        "timeConfidence" time_confidence: Option<Confidence>,
        /// Until it begins the next time.
        "nextStartTime" next_start_time: Option<TimeMark>,
        /// How long it will last the next time.
        "nextDuration" next_duration: Option<TimeMark>,
    }

    /// Times within the current hour, UTC (DF_UTCTiming).
    pub struct UtcTiming {
        /// When the light begins or began.
        "startUTCTime" start_utc_time: TimeMark,
        /// Its earliest end.
        "minEndUTCTime" min_end_utc_time: Option<TimeMark>,
        /// Its latest end.
        "maxEndUTCTime" max_end_utc_time: Option<TimeMark>,
        /// Its likely end.
        "likelyEndUTCTime" likely_end_utc_time: TimeMark,
        /// How sure the likely end is.
        "timeConfidence" time_confidence: Option<Confidence>,
        /// When it begins the next time.
        "nextStartUTCTime" next_start_utc_time: Option<TimeMark>,
        /// When it ends the next time.
        "nextEndUTCTime" next_end_utc_time: Option<TimeMark>,
    }
}

/// The intersections of a SPAT.
pub type IntersectionStateList<'a> = SequenceOf<'a, IntersectionState<'a>, Size<1, 32>>;
/// The phases of an intersection.
pub type PhaseList<'a> = SequenceOf<'a, Phase<'a>, Size<1, 16>>;
/// The states of a phase.
pub type PhaseStateList<'a> = SequenceOf<'a, PhaseState<'a>, Size<1, 16>>;

choice! {
    /// When a light changes (DF_TimeChangeDetails).
    pub enum TimeChangeDetails<'a>: extensible {
        /// Counting down.
        Counting(TimeCountingDown) = 0 "counting",
        /// As points in time.
        UtcTiming(UtcTiming) = 1 "utcTiming",
    }
}

enumerated! {
    /// What a light shows (DE_LightState).
    pub enum LightState: extensible {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// Off.
        Dark = 1 "dark",
        /// Stop, then go on as at a stop sign.
        FlashingRed = 2 "flashing-red",
        /// Stop.
        Red = 3 "red",
        /// Green that is about to end.
        FlashingGreen = 4 "flashing-green",
        /// Go, giving way to conflicting traffic.
        PermissiveGreen = 5 "permissive-green",
        /// Go, no conflicting traffic.
        ProtectedGreen = 6 "protected-green",
        /// Clear the junction.
        Yellow = 7 "yellow",
        /// Go on with caution.
        FlashingYellow = 8 "flashing-yellow",
    }
}

integer! {
    /// Identifies a phase within its intersection; 0 means none (DE_PhaseID).
    pub struct PhaseId(u8) in 0..=255;

    /// 0.1 s; 36000: an hour and more, or the light does not change; 36001: unknown (DE_TimeMark).
    pub struct TimeMark(u16) in 0..=36001;
}

impl TimeMark {
    /// An hour and more, or for ever.
    pub const CONSTANT: Self = Self::saturating(36000);
    /// Not known.
    pub const UNKNOWN: Self = Self::saturating(36001);
}

bit_string! {
    /// How the signal controller is working (DE_IntersectionStatusObject).
    pub struct IntersectionStatusObject(u16; 16) {
        /// Switched by hand.
        MANUAL_CONTROL_IS_ENABLED = 0 "manualControlIsEnabled",
        /// The cycle is held.
        STOP_TIME_IS_ACTIVATED = 1 "stopTimeIsActivated",
        /// Flashing after a failure.
        FAILURE_FLASH = 2 "failureFlash",
        /// Preempted, by a train for example.
        PREEMPT_IS_ACTIVE = 3 "preemptIsActive",
        /// Priority is being given, to a bus for example.
        SIGNAL_PRIORITY_IS_ACTIVE = 4 "signalPriorityIsActive",
        /// A fixed plan.
        FIXED_TIME_OPERATION = 5 "fixedTimeOperation",
        /// Following the traffic.
        TRAFFIC_DEPENDENT_OPERATION = 6 "trafficDependentOperation",
        /// Standing by.
        STANDBY_OPERATION = 7 "standbyOperation",
        /// Out of order.
        FAILURE_MODE = 8 "failureMode",
        /// Switched off.
        OFF = 9 "off",
        /// The MAP has changed.
        RECENT_MAP_MESSAGE_UPDATE = 10 "recentMAPmessageUpdate",
        /// The lane numbers of the MAP have changed.
        RECENT_CHANGE_IN_MAP_ASSIGNED_LANES_IDS_USED = 11 "recentChangeInMAPassignedLanesIDsUsed",
        /// There is no valid MAP now.
        NO_VALID_MAP_IS_AVAILABLE_AT_THIS_TIME = 12 "noValidMAPisAvailableAtThisTime",
        /// There are no valid lights now.
        NO_VALID_SPAT_IS_AVAILABLE_AT_THIS_TIME = 13 "noValidSPATisAvailableAtThisTime",
    }
}
