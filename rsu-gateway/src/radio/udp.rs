//! Frames that a radio module delivers over UDP, one in a datagram.

mod overflow;

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use rsu_firmware::pc5::Received;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::{Frame, Radio, RadioError};
use crate::clock;

/// The longest datagram that is delivered, in bytes: all that UDP can carry.
pub const DATAGRAM_LENGTH_MAX: usize = 65_535;

/// The receive buffer that the kernel is asked for, in bytes: about two seconds of a full 20 MHz
/// channel. The kernel grants at most `net.core.rmem_max`.
pub const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// A UDP socket as radio. It never ends: after an error it pauses for [`ERROR_PAUSE`] and goes on.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    /// One byte longer than a datagram may be, so that a longer one shows.
    datagram: Box<[u8]>,
    packets: u64,
    dropped: Dropped,
    failing: bool,
}

/// What a UDP radio did not deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Datagrams longer than [`DATAGRAM_LENGTH_MAX`], of which the end is lost.
    pub truncated_datagrams: u64,
    /// Datagrams that the kernel dropped because its buffer was full.
    pub overflowed_datagrams: u64,
    /// Errors of the socket, for example refused packets reported by ICMP.
    pub receive_errors: u64,
}

/// The pause after an error, which keeps a socket that fails at once from taking all the time.
pub const ERROR_PAUSE: Duration = Duration::from_millis(10);

impl Udp {
    /// Listens at `address`; `[::]` takes IPv4 and IPv6. Needs a tokio runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.ip() == Ipv6Addr::UNSPECIFIED {
            socket.set_only_v6(false)?;
        }
        // A smaller buffer than wished for is no reason not to listen.
        if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES) {
            tracing::warn!(%error, "the receive buffer keeps its default size");
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            datagram: vec![0; DATAGRAM_LENGTH_MAX + 1].into(),
            packets: 0,
            dropped: Dropped::default(),
            failing: false,
        })
    }

    /// Where the socket listens, with the port that was chosen if 0 was asked for.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What was not delivered so far. Asks the kernel.
    pub fn dropped(&self) -> Dropped {
        Dropped {
            overflowed_datagrams: overflow::overflowed(&self.socket),
            ..self.dropped
        }
    }

    /// The next frame, if it is there already.
    pub fn receive_waiting(&mut self) -> Option<Frame<'_>> {
        let length = match self.socket.try_recv(&mut self.datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            received => self.whole(received)?,
        };
        Some(self.frame(length))
    }

    /// Waits for a datagram that is whole.
    async fn datagram(&mut self) -> usize {
        loop {
            let received = self.socket.recv(&mut self.datagram).await;
            let has_failed = received.is_err();
            if let Some(length) = self.whole(received) {
                return length;
            }
            if has_failed {
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }

    /// The length of a datagram that can be delivered; counts what cannot.
    fn whole(&mut self, received: io::Result<usize>) -> Option<usize> {
        match received {
            Ok(length) if length <= DATAGRAM_LENGTH_MAX => {
                self.failing = false;
                return Some(length);
            }
            Ok(_) => self.dropped.truncated_datagrams += 1,
            Err(error) => {
                self.dropped.receive_errors += 1;
                if !self.failing {
                    tracing::warn!(%error, "cannot receive from the radio");
                }
                self.failing = true;
            }
        }
        None
    }

    fn frame(&mut self, length: usize) -> Frame<'_> {
        let packet = self.packets;
        self.packets += 1;
        Frame {
            received: Received {
                time: clock::now(),
                rssi_dbm: None,
                bytes: self.datagram.get(..length).unwrap_or_default(),
            },
            packet,
            restarted: false,
        }
    }
}

impl Radio for Udp {
    async fn receive(&mut self) -> Result<Option<Frame<'_>>, RadioError> {
        let length = self.datagram().await;
        Ok(Some(self.frame(length)))
    }
}
