//! Where publishes leave: live ones to the uplink's queues, kept ones to a spool.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rsu_firmware::time::Timestamp;
use tracing::{info, warn};

use crate::clock::ClockQuality;
use crate::mqtt::{self, Controls, Live, LiveLimits, Observer, Outbox, Publish, Uplink};
use crate::platform::{Class, Outgoing, Place, Record, Stream};
use crate::spool::fs::{Fs, Memory};
use crate::spool::{self, Gap, RecordId, Recovery, Spool, Stamp};

/// The spools: what must survive an outage.
pub struct Spools {
    durable: Kept,
    spilled: Option<Kept>,
}

/// A spool, and what it may take.
pub struct Kept {
    /// `durable` or `spilled`.
    pub name: &'static str,
    /// The spool.
    pub spool: Spool,
    /// Most bytes on disk.
    pub bytes_max: u64,
    /// The class of what it keeps.
    pub class: Class,
    /// Gaps that need not be told any more.
    told: HashSet<Gap>,
}

impl Kept {
    /// The gaps that nobody has been told of.
    pub(super) fn new_gaps(&mut self) -> Vec<Gap> {
        let gaps = self.spool.gaps();
        // The spool forgets old ones; so does this.
        self.told.retain(|gap| gaps.contains(gap));
        let told = &mut self.told;
        gaps.into_iter().filter(|gap| told.insert(*gap)).collect()
    }
}

impl Spools {
    /// Opens the spools in the folders `durable` and, where there are settings for it, `spilled`
    /// below `folder`.
    ///
    /// # Errors
    /// A folder can neither be made nor read; see [`Spool::open`].
    pub fn open(
        fs: &Arc<dyn Fs>,
        folder: &Path,
        durable: spool::Settings,
        spilled: Option<spool::Settings>,
    ) -> io::Result<Self> {
        let open = |name, class, settings: spool::Settings| {
            let (spool, recovery) = Spool::open(fs.clone(), &folder.join(name), settings)?;
            tell(name, &recovery);
            let known = spool.gaps();
            let settled = spool.stats().settled;
            let is_old = |gap: &Gap| gap.last <= settled && !recovery.gaps.contains(gap);
            Ok::<_, io::Error>(Kept {
                name,
                spool,
                bytes_max: settings.quota_bytes,
                class,
                told: known.into_iter().filter(is_old).collect(),
            })
        };
        Ok(Self {
            durable: open("durable", Class::Durable, durable)?,
            spilled: spilled
                .map(|settings| open("spilled", Class::Spilled, settings))
                .transpose()?,
        })
    }

    /// Spools that forget with the process.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn in_memory(packet_bytes_max: usize) -> io::Result<Self> {
        let fs: Arc<dyn Fs> = Arc::new(Memory::new());
        let settings = spool::Settings {
            quota_bytes: IN_MEMORY_BYTES_MAX,
            segment_bytes: (1 << 20).max(2 * packet_bytes_max as u64),
            free_bytes_min: 0,
            commit_interval: Duration::from_millis(1),
            packet_bytes_max,
            ..spool::Settings::default()
        };
        Self::open(&fs, Path::new("/spool"), settings, None)
    }

    /// What the uplink sends of them, in order of preference.
    pub(super) fn outboxes(&self) -> Vec<(&'static str, Arc<dyn Outbox>)> {
        let outbox = |kept: &Kept| {
            let outbox: Arc<dyn Outbox> = Arc::new(kept.spool.clone());
            (kept.name, outbox)
        };
        self.iter().map(outbox).collect()
    }

    /// Each spool.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        [&self.durable].into_iter().chain(&self.spilled)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        [&mut self.durable].into_iter().chain(&mut self.spilled)
    }

    fn of(&self, class: Class) -> Option<&Spool> {
        match class {
            Class::Live => None,
            Class::Spilled => self.spilled.as_ref().map(|kept| &kept.spool),
            Class::Durable => Some(&self.durable.spool),
        }
    }
}

/// More than a demonstration or a replay can have waiting.
const IN_MEMORY_BYTES_MAX: u64 = 64 << 20;

fn tell(name: &str, recovery: &Recovery) {
    let Recovery { id, records, .. } = recovery;
    info!(name, %id, records, "spool opened");
    for gap in &recovery.gaps {
        warn!(name, ?gap, "records are lost");
    }
    for file in &recovery.set_aside {
        warn!(name, file, "a file that is not of this spool was put aside");
    }
    if recovery.cursor_lost && !recovery.is_new {
        warn!(
            name,
            "the cursor is lost: records that have arrived may be sent again"
        );
    }
    if let Some(error) = &recovery.error {
        warn!(name, error, "the disk fails");
    }
}

/// Hands publishes over, each as its class asks for.
pub(super) struct Delivery {
    live: BTreeMap<&'static str, Live>,
    spools: Spools,
    observer: Observer,
    controls: Controls,
}

impl Delivery {
    /// To `uplink`, which must have been made with the outboxes of `spools`.
    pub(super) fn new(uplink: &mut Uplink, spools: Spools, limits: LiveLimits) -> Self {
        let live = Stream::ALL.map(|stream| (stream.name(), uplink.live(stream.name(), limits)));
        Self {
            live: live.into(),
            spools,
            observer: uplink.observer(),
            controls: uplink.controls(),
        }
    }

    /// Returns the number of a record that was kept.
    pub(super) fn hand_over(
        &self,
        outgoing: Outgoing<'_>,
        now: Timestamp,
        clock: ClockQuality,
    ) -> Option<u64> {
        let spool = match outgoing.class {
            Class::Spilled if self.is_connected() => None,
            class => self.spools.of(class),
        };
        let Some(spool) = spool else {
            let publish = sealed(outgoing, Class::Live, now, clock);
            if let Some(live) = self.live.get(outgoing.stream.name()) {
                live.publish(publish);
            }
            return None;
        };
        let stamp = Stamp { time: now, clock };
        let mut seal = |id: &RecordId, payload: &mut Vec<u8>| {
            let place = Place {
                spool: id.spool.0,
                seq: id.sequence,
            };
            let record = Record::new(outgoing.class, Some(place), now, clock);
            record.seal(outgoing.payload, outgoing.form, payload);
        };
        match spool.append(stamp, outgoing.topic, &mut seal) {
            Ok(number) => Some(number),
            Err(refusal) => {
                // The spool has counted it.
                warn!(
                    stream = outgoing.stream.name(),
                    "a report was refused: {refusal}"
                );
                None
            }
        }
    }

    /// The spool of durable records, to wait for the disk.
    pub(super) fn durable(&self) -> &Spool {
        &self.spools.durable.spool
    }

    /// Sends kept records again.
    pub(super) fn replay(
        &self,
        class: Class,
        numbers: RangeInclusive<u64>,
    ) -> Result<(), ReplayRefused> {
        let spool = self.spools.of(class).ok_or(ReplayRefused::NotKept(class))?;
        let replay = spool.replay(numbers)?;
        self.controls.send_also("replay", Arc::new(replay))?;
        Ok(())
    }

    pub(super) fn controls(&self) -> &Controls {
        &self.controls
    }

    pub(super) fn observer(&self) -> &Observer {
        &self.observer
    }

    pub(super) fn spools(&self) -> &Spools {
        &self.spools
    }

    pub(super) fn spools_mut(&mut self) -> &mut Spools {
        &mut self.spools
    }

    fn is_connected(&self) -> bool {
        self.observer.is_connected()
    }
}

/// Why records are not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefused {
    /// They are of a class that is not kept.
    #[error("{0:?} records are not kept here")]
    NotKept(Class),
    /// Too many ranges of the spool.
    #[error(transparent)]
    TooManyReplays(#[from] spool::TooManyReplays),
    /// Too many ranges for the uplink.
    #[error(transparent)]
    TooManyOutboxes(#[from] mqtt::TooManyOutboxes),
}

/// A publish that is not kept.
pub(super) fn sealed(
    outgoing: Outgoing<'_>,
    class: Class,
    now: Timestamp,
    clock: ClockQuality,
) -> Publish {
    let mut payload = Vec::with_capacity(outgoing.payload.len());
    let record = Record::new(class, None, now, clock);
    record.seal(outgoing.payload, outgoing.form, &mut payload);
    Publish {
        // Who subscribes later shall know at once whether the unit is there.
        retain: outgoing.stream == Stream::Presence,
        ..Publish::new(outgoing.topic, Bytes::from(payload))
    }
}
