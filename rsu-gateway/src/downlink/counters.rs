//! What became of what the platform sent down.

/// One counter for each thing that can become of it, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DownlinkCounters {
    /// Commands accepted, questions among them.
    pub accepted: u64,
    /// Commands that had been accepted before; not carried out again.
    pub repeated: u64,
    /// Commands with the number of another one: the platform has begun to count anew.
    pub number_used: u64,
    /// Commands refused since they are not as they should be.
    pub malformed: u64,
    /// Commands refused since the broker had kept them for whoever subscribes.
    pub retained: u64,
    /// Commands refused since they are for another unit.
    pub foreign: u64,
    /// Commands refused since their time is over.
    pub expired: u64,
    /// Commands refused since the unit cannot carry them out.
    pub impossible: u64,
    /// Refusals not told again, since the same was told a moment ago.
    pub refusal_repeated: u64,
    /// Lights and participants taken without an answer being asked for.
    pub relayed: u64,
    /// Publishes on topics that the contract does not have.
    pub unknown_topic: u64,
    /// Acknowledgements of the platform.
    pub acknowledged: u64,
    /// Acknowledgements that found fault with what was sent.
    pub faulted: u64,
    /// Acknowledgements that could not be read.
    pub acknowledgement_unreadable: u64,
    /// Commands refused since they could not be stored.
    pub not_stored: u64,
    /// Commands that are missing in the audit.
    pub not_audited: u64,
    /// Bytes of the journal that were found damaged at the start.
    pub journal_damaged_bytes: u64,
}

impl DownlinkCounters {
    /// The counters with their names.
    pub fn entries(&self) -> [(&'static str, u64); 17] {
        [
            ("command_accepted", self.accepted),
            ("command_repeated", self.repeated),
            ("command_number_used", self.number_used),
            ("command_malformed", self.malformed),
            ("command_retained", self.retained),
            ("command_foreign", self.foreign),
            ("command_expired", self.expired),
            ("command_impossible", self.impossible),
            ("command_refusal_repeated", self.refusal_repeated),
            ("command_relayed", self.relayed),
            ("command_unknown_topic", self.unknown_topic),
            ("acknowledgement_received", self.acknowledged),
            ("acknowledgement_faulted", self.faulted),
            (
                "acknowledgement_unreadable",
                self.acknowledgement_unreadable,
            ),
            ("command_not_stored", self.not_stored),
            ("command_not_audited", self.not_audited),
            ("command_journal_damaged_bytes", self.journal_damaged_bytes),
        ]
    }
}
