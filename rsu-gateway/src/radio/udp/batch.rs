//! Datagrams that are received with one system call.

use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg};

/// The longest datagram, in bytes: what UDP's length field can tell.
const DATAGRAM_LENGTH_MAX: usize = 65_535;

/// Datagrams that are received at a time: half of what live traffic may wait for the uplink.
pub(super) const DATAGRAMS_MAX: usize = 16;

/// Some datagrams, which are taken one by one.
#[derive(Debug)]
pub(super) struct Batch {
    headers: MultiHeaders<()>,
    /// A place for each, of which the kernel maps what is ever written.
    bytes: Box<[u8]>,
    lengths: [usize; DATAGRAMS_MAX],
    /// Those that are not taken yet.
    waiting: Range<usize>,
}

impl Batch {
    /// With nothing in it.
    pub(super) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(DATAGRAMS_MAX, None),
            bytes: vec![0; DATAGRAMS_MAX * DATAGRAM_LENGTH_MAX].into(),
            lengths: [0; DATAGRAMS_MAX],
            waiting: 0..0,
        }
    }

    /// Whether all are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let number = self.waiting.next()?;
        let place = self.bytes.get(number * DATAGRAM_LENGTH_MAX..)?;
        place.get(..*self.lengths.get(number)?)
    }

    /// Receives as many as are there, in place of those that are in it.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::WouldBlock`] where none is there.
    pub(super) fn fill(&mut self, socket: impl AsFd) -> io::Result<()> {
        let (places, _) = self.bytes.as_chunks_mut::<DATAGRAM_LENGTH_MAX>();
        let mut places = places.iter_mut().map(|place| place.as_mut_slice());
        let mut places: [[IoSliceMut<'_>; 1]; DATAGRAMS_MAX] =
            std::array::from_fn(|_| [IoSliceMut::new(places.next().unwrap_or_default())]);
        let received = recvmmsg(
            socket.as_fd().as_raw_fd(),
            &mut self.headers,
            &mut places,
            MsgFlags::MSG_DONTWAIT,
            None,
        )?;
        let mut count = 0;
        for (length, datagram) in self.lengths.iter_mut().zip(received) {
            *length = datagram.bytes;
            count += 1;
        }
        self.waiting = 0..count;
        Ok(())
    }
}
