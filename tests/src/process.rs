//! A program under test, with a folder of its own; both are gone when it is dropped.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// No program takes longer than this to listen.
const START_MAX: Duration = Duration::from_secs(20);

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A new, empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("rsu-test-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A server that can be killed and started again.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    address: SocketAddr,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// Starts `program` and returns once it accepts connections at `address`. What it says goes
    /// to `log`.
    ///
    /// # Panics
    /// When it cannot be started or does not listen in time; with the end of its log.
    pub fn start(
        program: PathBuf,
        arguments: Vec<String>,
        address: SocketAddr,
        log: PathBuf,
    ) -> Self {
        let mut server = Self {
            program,
            arguments,
            address,
            log,
            child: None,
        };
        server.restart();
        server
    }

    /// Kills it with SIGKILL: it has no time to save anything.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Starts it again with the same arguments, after a kill if it still runs.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address).is_err() {
            let exited = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            assert!(
                exited.is_none() && Instant::now() < deadline,
                "{} does not listen at {} ({exited:?}): {}",
                self.program.display(),
                self.address,
                fs::read_to_string(&self.log).unwrap_or_default()
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again and does not wait until it listens.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn launch(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.expect("the log can be written");
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more handle"))
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap_or_else(|e| panic!("{}: {e}", self.program.display())));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Loopback addresses that were free a moment ago, all different.
///
/// # Panics
/// When there are none.
pub fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let listeners: [TcpListener; N] = std::array::from_fn(|_| bind());
    listeners.map(|listener| listener.local_addr().expect("it is bound"))
}
