//! Health on the spot: an HTTP endpoint on the loopback, `/metrics` for Prometheus and `/health`
//! for whoever asks whether the unit lives.
//!
//! It has a thread of its own, and reads what the pipeline has left for it: nobody who asks, however
//! badly, takes time from the pipeline. Connections are bounded in number, size and time, and
//! serve one request each.

mod answer;

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::pulse::Pulses;
use super::snapshot::Snapshot;

/// Connections at a time; further ones are closed at once.
pub const CONNECTIONS_MAX: usize = 8;
/// Bytes of a request's head; a body is never read.
pub const HEAD_BYTES_MAX: usize = 8 << 10;
/// Time for the head of a request.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(3);
/// Time for a connection as a whole, so that whoever does not read is let go.
pub const CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);

/// Where the pipeline leaves the latest snapshot, and the endpoint finds it.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Snapshot>>);

impl Board {
    /// Replaces the snapshot.
    pub fn post(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    /// The latest snapshot.
    pub fn latest(&self) -> Snapshot {
        let latest = self.0.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why the endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Whoever can reach it sees the unit's state.
    #[error("{0} is no loopback address: health is told on this machine only")]
    NotLoopback(SocketAddr),
    /// The address cannot be had, or the thread not be started.
    #[error("{address}: {error}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// The endpoint at work; it closes when this is dropped.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The address is not of the loopback, or cannot be had.
    pub fn open(address: SocketAddr, board: Board, pulses: Pulses) -> Result<Self, EndpointError> {
        if !address.ip().is_loopback() {
            return Err(EndpointError::NotLoopback(address));
        }
        let failed = |error| EndpointError::Io { address, error };
        let listener = StdTcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("health".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        result = serve(listener, board, pulses) => if let Err(error) = result {
                            warn!(%error, "the health endpoint is closed");
                        },
                        _ = stopped => {}
                    }
                });
            })
            .map_err(failed)?;
        Ok(Self {
            address: bound,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was logged when it happened, and leaves nothing to be done here.
            let _ = thread.join();
        }
    }
}

/// Time to wait when no connection can be taken, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

async fn serve(listener: StdTcpListener, board: Board, pulses: Pulses) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "a connection was not taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = free.clone().try_acquire_owned() else {
            drop(stream);
            continue;
        };
        let (board, pulses) = (board.clone(), pulses.clone());
        tokio::spawn(async move {
            // Whoever breaks off, or is too slow, has nothing to be told.
            let _ = timeout(CONNECTION_TIME_MAX, converse(stream, board, pulses)).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, board: Board, pulses: Pulses) -> hyper::Result<()> {
    let respond = service_fn(|request| {
        let answer = answer::answer(&request, || (board.latest(), pulses.states()));
        async { answer }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), respond)
        .await
}

#[cfg(test)]
mod tests;
