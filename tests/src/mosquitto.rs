//! A mosquitto that can be killed and comes back with what it had saved.

use std::fs;
use std::net::SocketAddr;

use crate::process::{Server, TemporaryFolder, free_addresses};
use crate::programs;

/// The broker; it and its folder are gone when this is dropped.
#[derive(Debug)]
pub struct Mosquitto {
    server: Server,
    _folder: TemporaryFolder,
}

impl Mosquitto {
    /// Starts mosquitto on a free loopback port, with a persistent store that is written after
    /// every change, and `settings` added to its configuration.
    ///
    /// # Panics
    /// When mosquitto is missing, cannot be installed, or does not start.
    pub fn start(settings: &str) -> Self {
        let program = programs::require("mosquitto");
        let folder = TemporaryFolder::new("mosquitto").expect("a folder");
        let [address] = free_addresses();
        let config = folder.path().join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n\
             max_queued_messages 0\nuser {}\nset_tcp_nodelay true\n{settings}\n",
            address.port(),
            folder.path().display(),
            std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
        );
        fs::write(&config, text).expect("the configuration can be written");
        let arguments = vec!["-c".to_owned(), config.display().to_string()];
        let log = folder.path().join("mosquitto.log");
        Self {
            server: Server::start(program, arguments, address, log),
            _folder: folder,
        }
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again on the same port and store.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.server.restart();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}
