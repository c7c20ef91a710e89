//! Three NATS servers as one cluster that speaks MQTT and keeps messages with JetStream.

use std::fs;
use std::net::SocketAddr;

use crate::process::{Server, TemporaryFolder, free_addresses};
use crate::programs;

/// Servers in the cluster.
pub const NODES: usize = 3;

/// The cluster; it and its folder are gone when this is dropped.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Server>,
    monitors: [SocketAddr; NODES],
    _folder: TemporaryFolder,
}

impl NatsCluster {
    /// Starts the servers on free loopback ports. They may still have to elect leaders when this
    /// returns.
    ///
    /// # Panics
    /// When nats-server is missing, cannot be installed, or does not start.
    pub fn start() -> Self {
        let program = programs::require("nats-server");
        let folder = TemporaryFolder::new("nats").expect("a folder");
        let ports: [SocketAddr; 4 * NODES] = free_addresses();
        let (mqtt, rest) = ports.split_at(NODES);
        let (clients, rest) = rest.split_at(NODES);
        let (routes, monitors) = rest.split_at(NODES);
        let route = |address: &SocketAddr| format!("nats-route://{address}");
        let all_routes: Vec<String> = routes.iter().map(route).collect();
        let mut nodes = Vec::new();
        for node in 0..NODES {
            let store = folder.path().join(format!("store-{node}"));
            let text = format!(
                "server_name: node-{node}\nlisten: \"{}\"\nhttp: \"{}\"\n\
                 jetstream {{ store_dir: \"{}\", max_mem: 64MB, max_file: 256MB }}\n\
                 mqtt {{ listen: \"{}\", ack_wait: \"5s\", max_ack_pending: 100, stream_replicas: 3 }}\n\
                 cluster {{ name: test, listen: \"{}\", routes: [{}] }}\n",
                clients[node],
                monitors[node],
                store.display(),
                mqtt[node],
                routes[node],
                all_routes.join(", "),
            );
            let config = folder.path().join(format!("node-{node}.conf"));
            fs::write(&config, text).expect("the configuration can be written");
            let arguments = vec!["-c".to_owned(), config.display().to_string()];
            let log = folder.path().join(format!("node-{node}.log"));
            nodes.push(Server::start(program.clone(), arguments, mqtt[node], log));
        }
        Self {
            nodes,
            monitors: std::array::from_fn(|node| monitors[node]),
            _folder: folder,
        }
    }

    /// Where the node speaks MQTT.
    pub fn address(&self, node: usize) -> SocketAddr {
        self.nodes[node].address()
    }

    /// Where the node answers questions about itself over HTTP.
    pub fn monitor(&self, node: usize) -> SocketAddr {
        self.monitors[node]
    }

    /// Kills a node with SIGKILL.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts a node again on the same ports and store.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self, node: usize) {
        self.nodes[node].restart();
    }
}
