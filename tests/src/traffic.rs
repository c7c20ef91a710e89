//! Traffic for benchmarks: as many vehicles as wished, driving as those of the trace `arterial` do,
//! with its lights and its map, and the times of now.

use std::collections::BTreeMap;
use std::path::Path;

use rsu_firmware::message::{
    DSecond, IntersectionState, MessageFrame, MinuteOfTheYear, MsgCount, TemporaryId,
};
use rsu_firmware::network::{self, Adaptation, Aid, DSM_LENGTH_MAX, HEADER_LENGTH_MAX};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::{FixedOctetString, Profile};
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{Pace, Trace};

const PROFILE: Profile = Profile::Ydt3709_2020;

/// One frame in so many is a MAP or a SPAT, as in the trace.
const FRAMES_PER_MAP: u64 = 323;
const FRAMES_PER_SPAT: u64 = 32;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A vehicle.
    Bsm,
    /// The lights.
    Spat,
    /// The roads.
    Map,
}

/// Frames without end.
pub struct Traffic {
    /// What each vehicle of the trace has sent, one message after the other.
    drives: Vec<Vec<Vec<u8>>>,
    spats: Vec<Vec<u8>>,
    map: Vec<u8>,
    vehicles: u64,
    sent: u64,
    sent_by_vehicles: u64,
    message: Vec<u8>,
    frame: Vec<u8>,
}

impl Traffic {
    /// With so many vehicles, which send in turn.
    ///
    /// # Panics
    /// When the trace is not there or not as expected.
    pub fn new(vehicles: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(Self::read(vehicles))
    }

    async fn read(vehicles: usize) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/arterial.pcapng");
        let mut trace = Trace::open(&path, Pace::Max).expect("the trace");
        let mut drives: BTreeMap<[u8; 8], Vec<Vec<u8>>> = BTreeMap::new();
        let (mut spats, mut map) = (Vec::new(), Vec::new());
        while let Some(frame) = trace.receive().await.expect("a whole trace") {
            let dsm = network::parse(frame.received.bytes, Adaptation::Present, DSM_LENGTH_MAX);
            let message = dsm.expect("a frame").payload;
            match MessageFrame::decode(message, PROFILE).expect("a message") {
                MessageFrame::Bsm(bsm) => drives.entry(bsm.id.0).or_default().push(message.into()),
                MessageFrame::Spat(_) => spats.push(message.into()),
                MessageFrame::Map(_) => map = message.into(),
                _ => {}
            }
        }
        Self {
            drives: drives.into_values().collect(),
            spats,
            map,
            vehicles: vehicles as u64,
            sent: 0,
            sent_by_vehicles: 0,
            message: vec![0; DSM_LENGTH_MAX],
            frame: vec![0; HEADER_LENGTH_MAX + DSM_LENGTH_MAX],
        }
    }

    /// The frame of the map.
    pub fn map(&mut self) -> &[u8] {
        framed(Aid::MAP, &self.map, &mut self.frame)
    }

    /// The frame of the lights at `now`.
    pub fn spat(&mut self, now: Timestamp) -> &[u8] {
        let number = self.sent as usize % self.spats.len();
        let mut message = decoded(&self.spats[number]);
        if let MessageFrame::Spat(spat) = &mut message {
            let (minute, millis) = now.minute_of_year();
            let minute = MinuteOfTheYear::new(minute);
            let millis = DSecond::new(millis);
            spat.moy = spat.moy.and(minute);
            spat.time_stamp = spat.time_stamp.and(millis);
            let states = spat
                .intersections
                .iter()
                .map(|mut state: IntersectionState<'_>| {
                    state.moy = state.moy.and(minute);
                    state.time_stamp = state.time_stamp.and(millis);
                    state
                });
            spat.intersections = states.collect::<Vec<_>>().into();
        }
        let length = message
            .encode(&mut self.message, PROFILE)
            .expect("a message");
        framed(Aid::SPAT, &self.message[..length], &mut self.frame)
    }

    /// The frame of the vehicle whose turn it is, at `now`.
    pub fn bsm(&mut self, now: Timestamp) -> &[u8] {
        let vehicle = self.sent_by_vehicles % self.vehicles;
        let drive = &self.drives[vehicle as usize % self.drives.len()];
        // Vehicles that drive alike are at different places.
        let at = self.sent_by_vehicles / self.vehicles + 37 * (vehicle / self.drives.len() as u64);
        self.sent_by_vehicles += 1;
        let mut message = decoded(&drive[at as usize % drive.len()]);
        if let MessageFrame::Bsm(bsm) = &mut message {
            let drives_before = at / drive.len() as u64;
            bsm.id = vehicle_id(vehicle, drives_before);
            bsm.msg_cnt = MsgCount::saturating((at % 128) as i64);
            bsm.sec_mark = DSecond::saturating(now.minute_of_year().1.into());
        }
        let length = message
            .encode(&mut self.message, PROFILE)
            .expect("a message");
        framed(Aid::BSM_REGULAR, &self.message[..length], &mut self.frame)
    }

    /// The next frame of the mix, sent at `now`.
    pub fn next(&mut self, now: Timestamp) -> (Kind, &[u8]) {
        let number = self.sent;
        self.sent += 1;
        if number.is_multiple_of(FRAMES_PER_MAP) {
            (Kind::Map, self.map())
        } else if number.is_multiple_of(FRAMES_PER_SPAT) {
            (Kind::Spat, self.spat(now))
        } else {
            (Kind::Bsm, self.bsm(now))
        }
    }
}

/// Each drive is that of another vehicle.
fn vehicle_id(vehicle: u64, drives_before: u64) -> TemporaryId {
    FixedOctetString((vehicle << 32 | drives_before).to_be_bytes())
}

fn decoded(bytes: &[u8]) -> MessageFrame<'_> {
    MessageFrame::decode(bytes, PROFILE).expect("a message of the trace")
}

fn framed<'f>(aid: Aid, message: &[u8], frame: &'f mut [u8]) -> &'f [u8] {
    let built = network::build(aid, message, Adaptation::Present, DSM_LENGTH_MAX, frame);
    &frame[..built.expect("a frame of the trace")]
}
