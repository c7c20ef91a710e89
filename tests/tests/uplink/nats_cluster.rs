//! Three NATS servers as one MQTT broker: one of them is killed while records flow.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rsu_gateway::mqtt::Settings;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use tests::broker::settings;
use tests::nats::{NODES, NatsCluster};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::running::{RECORD_TOPIC, Running, first_arrivals, number};

/// Elections take seconds, and an election may fail.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(90);

const RECORDS: u64 = 1500;

/// Hears, with a persistent session, what the cluster distributes, whichever node is there.
struct Subscriber {
    heard: Arc<Mutex<Vec<u64>>>,
    task: JoinHandle<()>,
}

impl Subscriber {
    fn start(addresses: [SocketAddr; NODES]) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        let task = tokio::spawn(async move {
            // The last node first: it is not the one that the uplink prefers.
            for address in addresses.iter().rev().cycle() {
                hear(*address, &log).await;
                sleep(Duration::from_millis(100)).await;
            }
        });
        Self { heard, task }
    }

    fn heard(&self) -> Vec<u64> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear(address: SocketAddr, heard: &Mutex<Vec<u64>>) {
    let mut options = MqttOptions::new("platform", address.ip().to_string(), address.port());
    options.set_clean_session(false);
    options.set_keep_alive(Duration::from_secs(5));
    options.set_manual_acks(true);
    let (client, mut events) = AsyncClient::new(options, 8);
    client
        .subscribe(RECORD_TOPIC, QoS::AtLeastOnce)
        .await
        .unwrap();
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Incoming::Publish(publish)) = event {
            heard.lock().unwrap().push(number(&publish.payload));
            drop(client.try_ack(&publish));
        }
    }
}

async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        timeout(CLUSTER_PATIENCE, holds).await.is_ok(),
        "waited in vain for: {what}"
    );
}

/// What a node says about itself.
fn ask(monitor: SocketAddr, path: &str) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect(monitor).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

/// The stream that holds the QoS 1 messages, as a node sees it.
fn messages_stream(cluster: &NatsCluster, node: usize) -> Option<serde_json::Value> {
    let all = ask(cluster.monitor(node), "/jsz?streams=true&config=true")?;
    let accounts = all["account_details"].as_array()?.clone();
    let streams = accounts
        .into_iter()
        .flat_map(|a| a["stream_detail"].as_array().cloned());
    streams
        .flatten()
        .find(|stream| stream["name"] == "$MQTT_msgs")
}

fn leader(cluster: &NatsCluster) -> Option<usize> {
    let stream = (0..NODES).find_map(|node| messages_stream(cluster, node))?;
    let name = stream["cluster"]["leader"].as_str()?;
    name.strip_prefix("node-")?.parse().ok()
}

fn settings_for(cluster: &NatsCluster) -> Settings {
    let url = |node| format!("mqtt://{}", cluster.address(node)).parse().unwrap();
    let mut settings = settings(cluster.address(0), "rsu-R1");
    settings.brokers = (0..NODES).map(url).collect();
    settings.connect_timeout = Duration::from_secs(10);
    settings.ack_timeout = Duration::from_secs(5);
    settings.reconnect_delay_max = Duration::from_millis(500);
    settings.return_interval = Duration::from_secs(2);
    settings
}

/// The cluster is up: a first record of the uplink is acknowledged and heard.
async fn cluster_at_work() -> (NatsCluster, Subscriber, Running) {
    let cluster = NatsCluster::start();
    let subscriber = Subscriber::start(std::array::from_fn(|node| cluster.address(node)));
    let running = Running::start(settings_for(&cluster));
    let mut last_tried = Instant::now() - Duration::from_secs(1);
    wait_until("a subscription that holds", || {
        if last_tried.elapsed() > Duration::from_millis(500) {
            last_tried = Instant::now();
            running.append(0);
        }
        !subscriber.heard().is_empty()
    })
    .await;
    let replicas = (0..NODES).find_map(|node| messages_stream(&cluster, node));
    let replicas = replicas.map(|stream| stream["config"]["num_replicas"].clone());
    assert_eq!(
        replicas,
        Some(3.into()),
        "each message is kept by all three"
    );
    (cluster, subscriber, running)
}

/// Kills and restarts nodes, as `victim` names them, while records flow.
async fn nothing_is_lost_while_nodes_die(victims: impl Fn(&NatsCluster, usize) -> usize) {
    let (mut cluster, subscriber, running) = cluster_at_work().await;
    let mut killed = Vec::new();
    for n in 1..=RECORDS {
        running.append(n);
        sleep(Duration::from_millis(2)).await;
        match n {
            300 | 900 => {
                let victim = victims(&cluster, killed.len());
                cluster.kill(victim);
                killed.push(victim);
            }
            // The second victim stays down: two of three are a quorum.
            600 => cluster.restart(killed[0]),
            _ => {}
        }
    }
    wait_until("all acknowledgements", || running.waiting() == 0).await;
    let missing = || {
        let heard: BTreeSet<u64> = subscriber.heard().into_iter().collect();
        (1..=RECORDS)
            .filter(|n| !heard.contains(n))
            .collect::<Vec<u64>>()
    };
    let deadline = Instant::now() + CLUSTER_PATIENCE;
    while !missing().is_empty() && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        missing(),
        Vec::<u64>::new(),
        "acknowledged and never delivered; killed {killed:?}"
    );
    let heard: Vec<u64> = subscriber.heard().into_iter().filter(|n| *n != 0).collect();
    let duplicates = heard.len() as u64 - RECORDS;
    let in_order = first_arrivals(heard).is_sorted();
    let stats = running.observer.snapshot();
    eprintln!(
        "killed {killed:?}; {RECORDS} records, {duplicates} twice, in order: {in_order}; \
         {} connections, {} failures, {} sent again",
        stats.connections, stats.failures, stats.outboxes[0].1.resent
    );
    assert!(in_order, "first arrivals are in order");
}

#[tokio::test]
async fn nothing_is_lost_when_the_node_that_we_are_connected_to_is_killed() {
    nothing_is_lost_while_nodes_die(|_, kills| kills).await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_leader_of_the_messages_is_killed() {
    nothing_is_lost_while_nodes_die(|cluster, _| leader(cluster).unwrap_or(0)).await;
}
