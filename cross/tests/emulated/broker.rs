//! A real mosquitto, and a client that hears everything.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, Incoming, MqttOptions, QoS};
use serde_json::Value;
use tempfile::TempDir;

/// Most reports that a test keeps.
const HEARD_MAX: usize = 200_000;

const CONFIGURATION: &str = "mosquitto.conf";

/// One report of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// When it was heard.
    pub(crate) at: Instant,
    /// Behind `rsu/ID/`.
    pub(crate) topic: String,
    /// `Null` where the payload is not JSON.
    pub(crate) json: Value,
}

pub(crate) struct Broker {
    mosquitto: Child,
    city: Client,
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<Report>>>,
    folder: TempDir,
}

impl Broker {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let configuration = folder.path().join(CONFIGURATION);
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
        fs::write(&configuration, text).unwrap();
        let heard = Arc::default();
        Self {
            mosquitto: mosquitto(&configuration),
            city: city(port, Arc::clone(&heard)),
            port,
            heard,
            folder,
        }
    }

    /// Ends it; nobody is connected then, and nobody can connect.
    pub(crate) fn stop(&mut self) {
        self.mosquitto.kill().unwrap();
        self.mosquitto.wait().unwrap();
    }

    /// Starts it after [`Broker::stop`], at the same port.
    pub(crate) fn start_again(&mut self) {
        self.mosquitto = mosquitto(&self.folder.path().join(CONFIGURATION));
    }

    /// Sends a command.
    pub(crate) fn publish(&self, topic: &str, command: &Value) {
        let payload = command.to_string();
        self.city
            .publish(topic, QoS::AtLeastOnce, false, payload)
            .unwrap();
    }

    /// All reports that have come so far.
    pub(crate) fn heard(&self) -> Vec<Report> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.mosquitto.kill();
        let _ = self.mosquitto.wait();
    }
}

fn mosquitto(configuration: &Path) -> Child {
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
    Command::new("mosquitto")
        .env("PATH", path)
        .arg("-c")
        .arg(configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto; tests/install-programs.sh installs it")
}

/// A client that hears everything, and connects again when it has to.
fn city(port: u16, heard: Arc<Mutex<Vec<Report>>>) -> Client {
    let mut options = MqttOptions::new("city", "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(5));
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut connection) = Client::new(options, 16);
    let subscriber = client.clone();
    std::thread::spawn(move || {
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                    subscriber.subscribe("rsu/#", QoS::AtLeastOnce).unwrap();
                }
                Ok(Event::Incoming(Incoming::Publish(publish))) => {
                    let mut heard = heard.lock().unwrap();
                    assert!(heard.len() < HEARD_MAX, "more reports than a test can have");
                    heard.push(Report {
                        at: Instant::now(),
                        topic: publish
                            .topic
                            .splitn(3, '/')
                            .nth(2)
                            .unwrap_or_default()
                            .to_owned(),
                        json: serde_json::from_slice(&publish.payload).unwrap_or_default(),
                    });
                }
                Ok(_) => {}
                // mosquitto is not up yet, or the test is over.
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    });
    client
}
