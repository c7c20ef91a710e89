//! What a replay prints for programs: one JSON object a line.

use std::io::{self, Write};

use rsu_firmware::fusion::{PhaseView, VehicleView};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::rsu::{Dropped, Heard};
use rsu_firmware::time::{Span, Timestamp};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::command::output;
use crate::platform::junction::{Light, Node, VehicleId};

/// Writes the lines.
pub(super) struct Lines<W>(W);

/// A line. Times are UTC in seconds since 1970, `packet` counts the trace's packets from 0.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Line<'a> {
    #[serde(rename_all = "camelCase")]
    Vehicle {
        packet: u64,
        time: f64,
        id: VehicleId,
        /// The approach that the vehicle is on, by the node it comes from.
        link: Option<Node>,
        lane: Option<u8>,
        /// How sure the lane is, 0 to 1.
        lane_confidence: f32,
        /// From the front bumper along the lane, in m.
        distance_to_stop: Option<f32>,
        /// In m/s; null where the vehicle does not know.
        speed: Option<f32>,
        #[serde(serialize_with = "write_signals")]
        signals: VehicleView<'a>,
    },
    /// A message of another kind, as JER.
    Message {
        packet: u64,
        time: f64,
        aid: u32,
        message: &'a MessageFrame<'a>,
    },
    #[serde(rename_all = "camelCase")]
    RefusedMap {
        packet: u64,
        time: f64,
        node: Node,
        reason: String,
    },
    Dropped {
        packet: u64,
        time: f64,
        reason: &'static str,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        error: Option<serde_json::Value>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signal {
    phase_id: u8,
    light: Light,
    /// Most likely, in s.
    time_to_change: Option<f64>,
    /// At the earliest and at the latest, in s.
    time_to_change_min: Option<f64>,
    time_to_change_max: Option<f64>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(output: W) -> Self {
        Self(output)
    }

    pub(super) fn write(
        &mut self,
        packet: u64,
        time: Timestamp,
        heard: Result<Heard<'_, '_>, Dropped>,
    ) -> io::Result<()> {
        let time = time.as_secs_f64();
        match heard {
            Err(dropped) => self.line(&Line::Dropped {
                packet,
                time,
                reason: dropped.reason().name(),
                error: match &dropped {
                    Dropped::Message(error) => Some(output::codec_error(error)),
                    _ => None,
                },
            }),
            Ok(Heard {
                vehicle: Some(vehicle),
                ..
            }) => self.line(&Line::Vehicle {
                packet,
                time,
                id: VehicleId(vehicle.id().0),
                link: vehicle.link().map(Node::from),
                lane: vehicle.lane(),
                lane_confidence: vehicle.lane_confidence().unwrap_or(0.0),
                distance_to_stop: vehicle.distance_to_stop_m(),
                speed: vehicle.speed_mps(),
                signals: vehicle,
            }),
            Ok(heard) => {
                if let Some((node, error)) = heard.refused_node {
                    let reason = error.to_string();
                    let node = node.into();
                    self.line(&Line::RefusedMap {
                        packet,
                        time,
                        node,
                        reason,
                    })?;
                }
                self.line(&Line::Message {
                    packet,
                    time,
                    aid: heard.aid.value(),
                    message: &heard.message,
                })
            }
        }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0.write_all(&text)
    }
}

fn write_signals<S: Serializer>(
    vehicle: &VehicleView<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(None)?;
    for phase in vehicle.signals() {
        sequence.serialize_element(&Signal::from(phase))?;
    }
    sequence.end()
}

impl From<PhaseView> for Signal {
    fn from(phase: PhaseView) -> Self {
        let change = phase.state.change;
        let seconds = |span: Option<Span>| span.map(Span::as_secs_f64);
        Self {
            phase_id: phase.id,
            light: phase.state.light.into(),
            time_to_change: seconds(change.likely),
            time_to_change_min: seconds(change.min),
            time_to_change_max: seconds(change.max),
        }
    }
}
