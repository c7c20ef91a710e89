//! What a radio hands over: the bytes of a frame and what is known about its reception.

use crate::time::Timestamp;

/// One frame as the PC5 radio received it, lent for the time of one call.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// When the frame was received.
    pub time: Timestamp,
    /// Received signal strength in dBm, where the radio tells.
    pub rssi_dbm: Option<i16>,
    /// The frame as the network layer sees it: DSMP, with or without the adaptation byte
    /// before it as [`Adaptation`](crate::network::Adaptation) says.
    pub bytes: &'a [u8],
}
