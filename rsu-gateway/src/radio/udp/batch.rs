//! Datagrams that are received with one system call.

use std::io::{self, IoSliceMut};
use std::ops::Range;

use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};

/// The longest datagram, and the longest bundle, in bytes: what UDP's length field can tell.
const BUNDLE_LENGTH_MAX: usize = 65_535;

/// Bundles that are received at a time.
const BUNDLES_MAX: usize = 16;

/// Some datagrams, which are taken one by one. Those of one length that came right after each other
/// the kernel hands over as a bundle (UDP GRO), which costs it hardly more than one of them.
#[derive(Debug)]
pub(super) struct Batch {
    state: UdpSocketState,
    /// A place for each bundle, of which the kernel maps what is ever written.
    bytes: Box<[u8]>,
    bundles: [RecvMeta; BUNDLES_MAX],
    /// Those that are not taken yet.
    waiting: Range<usize>,
    /// Of the first that waits, so many bytes are.
    taken: usize,
}

impl Batch {
    /// With nothing in it, for what comes to `socket`.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn new(socket: UdpSockRef<'_>) -> io::Result<Self> {
        let nothing = RecvMeta::default();
        Ok(Self {
            state: UdpSocketState::new(socket)?,
            bytes: vec![0; BUNDLES_MAX * BUNDLE_LENGTH_MAX].into(),
            bundles: [nothing; BUNDLES_MAX],
            waiting: 0..0,
            taken: 0,
        })
    }

    /// Whether all are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let number = self.waiting.clone().next()?;
        let bundle = self.bundles.get(number)?;
        let place = self.bytes.get(number * BUNDLE_LENGTH_MAX..)?;
        let rest = place.get(self.taken..bundle.len)?;
        let datagram = rest.get(..bundle.stride).unwrap_or(rest);
        self.taken += datagram.len();
        if self.taken >= bundle.len || datagram.is_empty() {
            self.taken = 0;
            self.waiting.start += 1;
        }
        Some(datagram)
    }

    /// Receives as many as are there, in place of those that are in it.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::WouldBlock`] where none is there.
    pub(super) fn fill(&mut self, socket: UdpSockRef<'_>) -> io::Result<()> {
        let (places, _) = self.bytes.as_chunks_mut::<BUNDLE_LENGTH_MAX>();
        let mut places = places.iter_mut().map(|place| place.as_mut_slice());
        let mut places: [IoSliceMut<'_>; BUNDLES_MAX] =
            std::array::from_fn(|_| IoSliceMut::new(places.next().unwrap_or_default()));
        let count = self.state.recv(socket, &mut places, &mut self.bundles)?;
        self.waiting = 0..count;
        self.taken = 0;
        Ok(())
    }
}
