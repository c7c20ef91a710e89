//! A broker that misbehaves on purpose: each connection follows a script, everything that
//! arrives is written down.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::mqttbytes::v4::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{QoS, v4};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How one connection goes.
#[derive(Debug, Clone)]
pub struct Script {
    /// Answer to CONNECT; anything but success also ends the connection.
    pub answer: ConnectReturnCode,
    /// What CONNACK says about a session.
    pub session_present: bool,
    /// How publishes at QoS 1 are acknowledged.
    pub acks: Acks,
    /// Cuts the connection when that many publishes have arrived, before acknowledging the
    /// last of them.
    pub cut_after: Option<usize>,
    /// Cuts the connection when a publish with this payload arrives.
    pub cut_on: Option<&'static str>,
    /// Reads nothing any more when that many publishes have arrived, and leaves the connection
    /// as it is: a half-open link.
    pub half_open_after: Option<usize>,
    /// Reads nothing for that long after CONNACK.
    pub stall: Duration,
    /// Sent after CONNACK, as it is.
    pub garbage: Bytes,
    /// Published to the client after its SUBSCRIBE, with packet ids from 1 at QoS 1.
    pub commands: Vec<Publish>,
}

/// How publishes at QoS 1 are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// At once.
    InOrder,
    /// Several at a time, shuffled by a generator with this seed, and one of them later.
    Shuffled(u64),
    /// Each one twice.
    Twice,
    /// Never.
    Withheld,
}

impl Default for Script {
    /// A connection that goes well.
    fn default() -> Self {
        Self {
            answer: ConnectReturnCode::Success,
            session_present: false,
            acks: Acks::InOrder,
            cut_after: None,
            cut_on: None,
            half_open_after: None,
            stall: Duration::ZERO,
            garbage: Bytes::new(),
            commands: Vec::new(),
        }
    }
}

/// What arrived, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// The packet: CONNECT, PUBLISH, PUBACK, SUBSCRIBE, DISCONNECT.
    pub packet: Packet,
    /// A publish at QoS 1 that the broker took charge of: it sent PUBACK.
    pub acknowledged: bool,
}

/// The broker; it ends when this is dropped.
#[derive(Debug)]
pub struct ScriptedBroker {
    address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    _tasks: JoinSet<()>,
}

/// Acknowledgements that are shuffled together at most.
const SHUFFLED_MAX: usize = 8;
const PACKET_BYTES_MAX: usize = 1 << 20;

impl ScriptedBroker {
    /// Starts a broker whose connections, counted from 0, follow `script`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(script: impl Fn(usize) -> Script + Send + 'static) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), script).await
    }

    /// Starts a broker there.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_at(
        address: SocketAddr,
        script: impl Fn(usize) -> Script + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let log = arrivals.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                if stream.set_nodelay(true).is_err() {
                    // The client is gone already.
                    continue;
                }
                let served = Connection {
                    number: connection,
                    stream,
                    script: script(connection),
                    log: log.clone(),
                    read: BytesMut::new(),
                };
                connections.spawn(served.run());
                connection += 1;
            }
        });
        Ok(Self {
            address,
            arrivals,
            _tasks: tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that has arrived.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrivals).clone()
    }

    /// How many connections have been made.
    pub fn connections(&self) -> usize {
        let numbers = lock(&self.arrivals)
            .iter()
            .map(|arrival| arrival.connection)
            .max();
        numbers.map_or(0, |number| number + 1)
    }

    /// The publishes that have arrived, with the number of their connection.
    pub fn publishes(&self) -> Vec<(usize, Publish)> {
        let publish = |arrival: Arrival| match arrival.packet {
            Packet::Publish(publish) => Some((arrival.connection, publish)),
            _ => None,
        };
        self.arrivals().into_iter().filter_map(publish).collect()
    }
}

fn lock(arrivals: &Mutex<Vec<Arrival>>) -> MutexGuard<'_, Vec<Arrival>> {
    arrivals.lock().expect("no connection panicked")
}

struct Connection {
    number: usize,
    stream: TcpStream,
    script: Script,
    log: Arc<Mutex<Vec<Arrival>>>,
    read: BytesMut,
}

impl Connection {
    async fn run(mut self) {
        // An error is the end of the connection, which the client causes at its will.
        drop(self.serve().await);
    }

    async fn serve(&mut self) -> io::Result<()> {
        let Packet::Connect(_) = self.receive().await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let connack = ConnAck::new(self.script.answer, self.script.session_present);
        self.send(&Packet::ConnAck(connack)).await?;
        if self.script.answer != ConnectReturnCode::Success {
            return Ok(());
        }
        self.stream.write_all(&self.script.garbage).await?;
        sleep(self.script.stall).await;
        let mut publishes = 0;
        let mut unacknowledged = Vec::new();
        loop {
            let may_wait = !unacknowledged.is_empty() && unacknowledged.len() < SHUFFLED_MAX;
            let packet = if may_wait {
                match timeout(Duration::from_millis(2), self.receive()).await {
                    Ok(packet) => Some(packet?),
                    Err(_) => None,
                }
            } else if unacknowledged.is_empty() {
                Some(self.receive().await?)
            } else {
                None
            };
            match packet {
                None => self.acknowledge_shuffled(&mut unacknowledged).await?,
                Some(Packet::Publish(publish)) => {
                    publishes += 1;
                    let cut_on = self.script.cut_on.map(str::as_bytes);
                    let is_cut_on = cut_on.is_some_and(|payload| publish.payload == payload);
                    if self.script.cut_after == Some(publishes) || is_cut_on {
                        return Ok(());
                    }
                    if self.script.half_open_after == Some(publishes) {
                        pending::<()>().await;
                    }
                    if publish.qos == QoS::AtLeastOnce {
                        self.acknowledge(publish.pkid, &mut unacknowledged).await?;
                    }
                }
                Some(Packet::Subscribe(subscribe)) => self.subscribed(&subscribe).await?,
                Some(Packet::PingReq) => self.send(&Packet::PingResp).await?,
                Some(Packet::Disconnect) => return Ok(()),
                Some(_) => {}
            }
        }
    }

    async fn acknowledge(&mut self, packet_id: u16, later: &mut Vec<u16>) -> io::Result<()> {
        match self.script.acks {
            Acks::InOrder => self.send_puback(packet_id).await,
            Acks::Twice => {
                self.send_puback(packet_id).await?;
                self.send_puback(packet_id).await
            }
            Acks::Shuffled(_) => {
                later.push(packet_id);
                Ok(())
            }
            Acks::Withheld => Ok(()),
        }
    }

    async fn acknowledge_shuffled(&mut self, packet_ids: &mut Vec<u16>) -> io::Result<()> {
        let Acks::Shuffled(seed) = &mut self.script.acks else {
            return Ok(());
        };
        let mut random = Random(*seed);
        let mut shuffled = Vec::new();
        while !packet_ids.is_empty() {
            let index = random.below(packet_ids.len() as u64) as usize;
            shuffled.push(packet_ids.swap_remove(index));
        }
        *seed = random.0;
        // One of several waits for the next batch: a cut in between leaves a gap.
        if shuffled.len() > 1 {
            packet_ids.extend(shuffled.pop());
        }
        for packet_id in shuffled {
            self.send_puback(packet_id).await?;
        }
        Ok(())
    }

    async fn send_puback(&mut self, packet_id: u16) -> io::Result<()> {
        self.send(&Packet::PubAck(PubAck::new(packet_id))).await?;
        let connection = self.number;
        let is_meant = |arrival: &&mut Arrival| {
            let packet = &arrival.packet;
            arrival.connection == connection
                && matches!(packet, Packet::Publish(publish) if publish.pkid == packet_id)
        };
        if let Some(arrival) = lock(&self.log).iter_mut().rev().find(is_meant) {
            arrival.acknowledged = true;
        }
        Ok(())
    }

    async fn subscribed(&mut self, subscribe: &v4::Subscribe) -> io::Result<()> {
        let granted = SubscribeReasonCode::Success(QoS::AtLeastOnce);
        let suback = SubAck::new(subscribe.pkid, vec![granted; subscribe.filters.len()]);
        self.send(&Packet::SubAck(suback)).await?;
        for (packet_id, mut command) in (1..).zip(std::mem::take(&mut self.script.commands)) {
            command.pkid = packet_id;
            self.send(&Packet::Publish(command)).await?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<Packet> {
        loop {
            match Packet::read(&mut self.read, PACKET_BYTES_MAX) {
                Ok(packet) => {
                    let connection = self.number;
                    if packet != Packet::PingReq {
                        let packet = packet.clone();
                        lock(&self.log).push(Arrival {
                            connection,
                            packet,
                            acknowledged: false,
                        });
                    }
                    return Ok(packet);
                }
                Err(PacketError::InsufficientBytes(_)) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn send(&mut self, packet: &Packet) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        let written = packet.write(&mut bytes, usize::MAX);
        written.map_err(io::Error::other)?;
        self.stream.write_all(&bytes).await
    }
}

/// A reproducible generator (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number below `limit`, which is above 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
