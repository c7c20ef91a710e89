//! Frames that a radio module delivers over UDP, one in a datagram.

mod batch;
mod overflow;

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use rsu_firmware::pc5::Received;
use rsu_firmware::time::Timestamp;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{Frame, Radio, RadioError};
use crate::clock;
use batch::Batch;

/// The receive buffer that the kernel is asked for, in bytes: about two seconds of a full 20 MHz
/// channel. The kernel grants at most `net.core.rmem_max`.
pub const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// A UDP socket as radio. It never ends: after an error it pauses for [`ERROR_PAUSE`] and goes on.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    batch: Batch,
    /// When the datagrams of the batch were received.
    time: Timestamp,
    packets: u64,
    receive_errors: u64,
    failing: bool,
}

/// What a UDP radio did not deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Datagrams that the kernel dropped because its buffer was full; those that came to it in one
    /// piece (UDP GRO) it counts as one.
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
        // Linux tells twice what it has granted.
        let granted = socket.recv_buffer_size()? / 2;
        if granted < RECEIVE_BUFFER_BYTES {
            tracing::warn!(
                granted,
                "a burst of frames may be lost: the receive buffer is small; \
                 set net.core.rmem_max to {RECEIVE_BUFFER_BYTES}"
            );
        }
        socket.bind(&address.into())?;
        Ok(Self {
            batch: Batch::new((&socket).into())?,
            socket: UdpSocket::from_std(socket.into())?,
            time: Timestamp::default(),
            packets: 0,
            receive_errors: 0,
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
            receive_errors: self.receive_errors,
        }
    }

    /// The next frame that has come together with the one before. Does not ask the kernel.
    pub fn next_received(&mut self) -> Option<Frame<'_>> {
        let bytes = self.batch.next()?;
        let packet = self.packets;
        self.packets += 1;
        Some(Frame {
            received: Received {
                time: self.time,
                rssi_dbm: None,
                bytes,
            },
            packet,
            restarted: false,
        })
    }

    /// Waits for datagrams.
    async fn fill(&mut self) {
        while self.batch.is_empty() {
            let fill = || self.batch.fill((&self.socket).into());
            match self.socket.async_io(Interest::READABLE, fill).await {
                Ok(()) => {
                    self.time = clock::now();
                    self.failing = false;
                }
                Err(error) => {
                    self.receive_errors += 1;
                    if !self.failing {
                        tracing::warn!(%error, "cannot receive from the radio");
                    }
                    self.failing = true;
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }
}

impl Radio for Udp {
    async fn receive(&mut self) -> Result<Option<Frame<'_>>, RadioError> {
        self.fill().await;
        Ok(self.next_received())
    }
}
