//! Where frames come from: radio modules that deliver over UDP, and recorded traces.
//!
//! A radio delivers bytes and what is known about their reception; what the bytes mean is the
//! core's business. What was received can be recorded ([`record`]) and replayed ([`trace`]).

pub mod record;
pub mod trace;
pub mod udp;

use std::future::Future;

use rsu_firmware::pc5::Received;

/// A source of PC5 frames.
pub trait Radio {
    /// Waits for the next frame and lends it until the next call. `Ok(None)` is the end of the
    /// input, which only a trace has; after an error the input has ended, too.
    ///
    /// Dropping the future before it is ready loses no frame.
    fn receive(&mut self) -> impl Future<Output = Result<Option<Frame<'_>>, RadioError>>;
}

/// A frame and its place in the input it came from.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What the core is given.
    pub received: Received<'a>,
    /// Number of the packet that held the frame, from 0. A trace counts all of its packets, also
    /// those that hold no frame.
    pub packet: u64,
    /// The first frame of a further round through a looped trace: its time lies before that of
    /// the frame before it, and whatever was concluded from frames so far belongs to the past.
    pub restarted: bool,
}

/// Why a radio stopped delivering.
#[derive(Debug, thiserror::Error)]
pub enum RadioError {
    /// The trace cannot be read further.
    #[error(transparent)]
    Trace(#[from] trace::TraceError),
}
