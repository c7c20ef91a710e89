//! A unit at a recorded junction, and beside it one that nothing bad ever reaches.

use std::collections::BTreeMap;

use rsu_firmware::fusion::VehicleView;
use rsu_firmware::fusion::input::NodeId;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, Adaptation, Aid, DSM_LENGTH_MAX, HEADER_LENGTH_MAX};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::{self, Dropped};
use rsu_firmware::stats::{DropReason, FrameKind};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use rsu_gateway::platform::{self, RsuId, Unit};
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{Pace, Trace};
use rsu_gateway::station::{Reporting, Station};
use serde::Deserialize;
use serde_json::{Value, json};
use tests::{broker, truth};

const TRACE: &str = "arterial";
/// Of the trace, before anything bad comes.
const FRAMES_BEFORE: usize = 3_000;
/// Of the trace, for a unit that was disturbed to find its way again.
const FRAMES_TO_SETTLE: usize = 1_000;
/// Of the trace, in which it must then see the same as the one that was not.
const FRAMES_AFTER: usize = 2_000;

pub(crate) struct Site {
    station: Station,
    undisturbed: Station,
    frames: std::vec::IntoIter<(Timestamp, Vec<u8>)>,
    /// When the next frame of a test's own is received.
    pub(crate) now: Timestamp,
}

/// Where a vehicle is: upstream node and lane.
type Place = (Option<NodeId>, Option<u8>);

/// What became of a frame.
pub(crate) type Fate = Result<Option<Place>, DropReason>;

/// Counters that were raised, and by how much.
pub(crate) type Raised = BTreeMap<&'static str, u64>;

impl Site {
    /// The junction as it is known after some seconds of the trace.
    pub(crate) fn new() -> Self {
        Self::with_station(Station::new(rsu::Settings::default(), None))
    }

    /// As [`Site::new`], with reports to a platform that is never reached.
    pub(crate) fn reporting() -> Self {
        let id: RsuId = "R1".parse().unwrap();
        let uplink = broker::settings(([127, 0, 0, 1], 1).into(), "rsu-R1");
        let platform = platform::Settings::new(Unit::named(id));
        let (reporting, _) = Reporting::in_memory(platform, uplink).unwrap();
        Self::with_station(Station::new(rsu::Settings::default(), Some(reporting)))
    }

    fn with_station(station: Station) -> Self {
        let mut frames = frames(TRACE);
        frames.truncate(FRAMES_BEFORE + FRAMES_TO_SETTLE + FRAMES_AFTER);
        let mut site = Self {
            station,
            undisturbed: Station::new(rsu::Settings::default(), None),
            frames: frames.into_iter(),
            now: Timestamp::default(),
        };
        site.play(FRAMES_BEFORE);
        site
    }

    /// Receives a frame at [`Site::now`].
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Fate {
        receive(&mut self.station, self.now, frame)
    }

    /// Receives a message in the frame that befits it.
    pub(crate) fn receive_message(&mut self, jer: &Value) -> Fate {
        self.receive(&frame_of(jer, Profile::default()))
    }

    /// The counters that `act` raises. Every frame is either delivered or dropped, once.
    pub(crate) fn raised(&mut self, act: impl FnOnce(&mut Self)) -> Raised {
        let before = self.counters();
        act(self);
        let raised = self
            .counters()
            .into_iter()
            .map(|(name, count)| (name, count - before[name]));
        raised.filter(|(_, count)| *count > 0).collect()
    }

    /// Every counter of the station.
    pub(crate) fn counters(&self) -> Raised {
        self.station.drops().into_iter().collect()
    }

    pub(crate) fn station(&mut self) -> &mut Station {
        &mut self.station
    }

    /// The last message of that kind that the trace has brought, such as `mapFrame`.
    pub(crate) fn last(&self, kind: FrameKind) -> Value {
        let seen = frames(TRACE).into_iter().take(FRAMES_BEFORE).rev();
        let messages = seen.map(|(_, frame)| jer_of(&frame));
        let mut fitting = messages.filter(|jer| jer.get(format!("{}Frame", kind.name())).is_some());
        fitting.next().unwrap()
    }

    /// Goes on with the trace: its vehicles must be where the unit that was not disturbed sees
    /// them.
    pub(crate) fn assert_goes_on(mut self) {
        self.play(FRAMES_TO_SETTLE);
        let places = self.play(FRAMES_AFTER);
        let in_lane = places
            .iter()
            .filter(|(_, (_, lane))| lane.is_some())
            .count();
        assert!(in_lane * 2 > places.len(), "{in_lane} of {}", places.len());
        let same = places.iter().filter(|(seen, truly)| seen == truly).count();
        assert!(
            same * 1_000 >= places.len() * 995,
            "{same} of {}",
            places.len()
        );
    }

    /// Plays so many frames of the trace to both units, and tells where both see the vehicles.
    fn play(&mut self, frames: usize) -> Vec<(Place, Place)> {
        let mut places = Vec::new();
        for (time, frame) in self.frames.by_ref().take(frames) {
            let seen = receive(&mut self.station, time, &frame).unwrap();
            let truly = receive(&mut self.undisturbed, time, &frame).unwrap();
            places.extend(seen.zip(truly));
            self.now = time + Span::from_millis(1);
        }
        places
    }
}

fn receive(station: &mut Station, time: Timestamp, frame: &[u8]) -> Fate {
    let frames = station.rsu().stats().frames();
    let received = Received {
        time,
        rssi_dbm: None,
        bytes: frame,
    };
    let place = |vehicle: VehicleView<'_>| (vehicle.link(), vehicle.lane());
    let heard = station.handle_frame(&received);
    let fate = heard
        .map(|heard| heard.vehicle.map(place))
        .map_err(|dropped: Dropped| dropped.reason());
    assert_eq!(
        station.rsu().stats().frames(),
        frames + 1,
        "delivered or dropped, once"
    );
    fate
}

/// The frames of a trace with their times.
pub(crate) fn frames(trace: &str) -> Vec<(Timestamp, Vec<u8>)> {
    let mut trace = Trace::open(&truth::capture(trace), Pace::Max).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut frames = Vec::new();
    runtime.block_on(async {
        while let Some(frame) = trace.receive().await.unwrap() {
            frames.push((frame.received.time, frame.received.bytes.to_vec()));
        }
    });
    frames
}

/// What the message of a frame says.
pub(crate) fn jer_of(frame: &[u8]) -> Value {
    let dsm = network::parse(frame, Adaptation::Present, DSM_LENGTH_MAX).unwrap();
    let message = MessageFrame::decode(dsm.payload, Profile::default()).unwrap();
    serde_json::to_value(message).unwrap()
}

/// The frame that carries a message.
pub(crate) fn frame_of(jer: &Value, profile: Profile) -> Vec<u8> {
    let message = MessageFrame::deserialize(jer).unwrap_or_else(|error| panic!("{error}: {jer}"));
    let mut payload = [0; DSM_LENGTH_MAX];
    let length = message.encode(&mut payload, profile).unwrap();
    let aid = match message {
        MessageFrame::Bsm(_) => Aid::BSM_REGULAR,
        MessageFrame::Map(_) => Aid::MAP,
        MessageFrame::Spat(_) => Aid::SPAT,
        MessageFrame::Rsi(_) => Aid::RSI_DYNAMIC,
        _ => Aid::RSM,
    };
    framed(aid, &payload[..length])
}

/// The frame that carries these bytes to that application.
pub(crate) fn framed(aid: Aid, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEADER_LENGTH_MAX + payload.len()];
    let limit = usize::from(u16::MAX);
    let length = network::build(aid, payload, Adaptation::Present, limit, &mut frame).unwrap();
    frame.truncate(length);
    frame
}

/// Puts the vehicle of a BSM on the way from one point to another, of which `share` lies behind it.
/// Points are latitude and longitude in 1e-7 degrees. Gives the length of the way in m.
pub(crate) fn drive(bsm: &mut Value, from: [i64; 2], to: [i64; 2], share: f64) -> f64 {
    const M_PER_UNIT: f64 = 0.011_1;
    let between = |axis: usize| from[axis] + ((to[axis] - from[axis]) as f64 * share) as i64;
    let latitude = (from[0] as f64 * 1e-7).to_radians();
    let north_m = (to[0] - from[0]) as f64 * M_PER_UNIT;
    let east_m = (to[1] - from[1]) as f64 * M_PER_UNIT * latitude.cos();
    let heading_deg = east_m.atan2(north_m).to_degrees().rem_euclid(360.0);
    let content = &mut bsm["bsmFrame"];
    content["pos"] = json!({"lat": between(0), "long": between(1)});
    content["heading"] = json!((heading_deg / 0.0125) as i64);
    content["speed"] = json!(500);
    north_m.hypot(east_m)
}
