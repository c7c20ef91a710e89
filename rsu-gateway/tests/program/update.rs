//! An update by the platform's command, from `rsu run` in one slot to `rsu run` in the other, with a
//! stand-in for RAUC.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rsu_gateway::demo_broker::DemoBroker;
use serde_json::{Value, json};

use crate::data;
use crate::process::{PATIENCE, Running};
use crate::subscriber::{Heard, Subscriber};

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-in/rauc.sh");
const STATUS: &str = "rsu/R1/upgrade-status/up";

/// A unit with two slots, whose machine does not really reboot.
struct Unit {
    folder: PathBuf,
}

impl Unit {
    fn new(test: &str, broker: SocketAddr) -> Self {
        let folder = data::folder(test);
        fs::create_dir(folder.join("slots")).unwrap();
        let unit = Self { folder };
        let (data, slots) = (unit.path("data"), unit.path("slots"));
        let (version, rebooted) = (unit.path("os-release"), unit.path("rebooted"));
        let text = format!(
            r#"
[unit]
id = "R1"
esn = "E1"
[radio]
listen = "127.0.0.1:0"
[mqtt]
brokers = ["mqtt://{broker}"]
[platform]
reboot_command = ["touch", {rebooted:?}]
[storage]
folder = {data:?}
free_bytes_min = 0
[update]
rauc_command = ["sh", {STAND_IN:?}, {slots:?}]
version_file = {version:?}
allow_http = true
needs = ["radio", "uplink", "spool"]
healthy_s_min = 1
"#
        );
        fs::write(unit.path("rsu.toml"), text).unwrap();
        unit.runs("0.1.0", "A");
        unit
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the boot loader has started.
    fn runs(&self, version: &str, slot: &str) {
        let text = format!("ID=rsu\nVERSION_ID=\"{version}\"\n");
        fs::write(self.path("os-release"), text).unwrap();
        fs::write(self.path("slots/booted"), slot).unwrap();
    }

    fn start(&self) -> Running {
        let config = self.path("rsu.toml");
        let mut program = Running::start(&["run", "--config", config.to_str().unwrap()]);
        program.stderr_line_with("receiving");
        program
    }

    /// Commands that come before a unit has introduced itself are not heard.
    async fn start_and_be_heard(&self, city: &mut Subscriber) -> (Running, Heard) {
        let program = self.start();
        let mut heard = Heard::default();
        let has_introduced_itself = |heard: &Heard| !heard.payloads("rsu/R1/info/up").is_empty();
        city.hear_until(&mut heard, has_introduced_itself).await;
        (program, heard)
    }
}

async fn stop(program: Running) {
    program.terminate();
    let ended = tokio::task::spawn_blocking(|| program.end()).await;
    ended.unwrap().succeeded();
}

/// A bundle as the stand-in takes it, and where it is served.
fn serve(folder: &Path, members: &str) -> String {
    let bundle = folder.join("bundle");
    fs::write(&bundle, members).unwrap();
    let sign = "printf 'sum=%s\\n' \"$(cksum < \"$0\")\" >> \"$0\"";
    let signed = Command::new("sh").args(["-c", sign]).arg(&bundle).status();
    assert!(signed.unwrap().success());
    let bytes = fs::read(bundle).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let length = bytes.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &bytes].concat());
        }
    });
    format!("http://{address}/rsu.raucb")
}

fn states(heard: &Heard) -> Vec<Value> {
    let statuses = heard.json(STATUS).into_iter();
    let mut states: Vec<_> = statuses.map(|status| status["state"].clone()).collect();
    states.dedup();
    states
}

#[tokio::test]
async fn the_platform_updates_a_unit_that_confirms_itself_after_the_reboot() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let unit = Unit::new("update", broker.address());
    let (program, mut heard) = unit.start_and_be_heard(&mut city).await;
    let url = serve(
        &unit.folder,
        "compatible=rsu-test\nversion=0.2.0\nsigner=operator\n",
    );
    let order = json!({
        "seqNum": "7", "updateVersion": "0.2.0", "downloadUrl": url, "Updatetime": 0, "ack": true,
    });
    city.command("rsu/R1/upgrade/down", &order).await;
    city.hear_until(&mut heard, |heard| {
        states(heard).contains(&json!("rebooting"))
    })
    .await;
    assert_eq!(
        heard.json("rsu/R1/upgrade/down/ack")[0]["errorCode"],
        json!(0)
    );
    let until = Instant::now() + PATIENCE;
    while !unit.path("rebooted").exists() {
        assert!(Instant::now() < until, "no reboot");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(program).await;
    assert_eq!(
        fs::read_to_string(unit.path("slots/primary")).unwrap(),
        "B\n"
    );

    unit.runs("0.2.0", "B");
    let program = unit.start();
    city.hear_until(&mut heard, |heard| {
        states(heard).contains(&json!("confirmed"))
    })
    .await;
    let expected = [
        "received",
        "downloading",
        "verifying",
        "installing",
        "waitingForReboot",
        "rebooting",
        "confirming",
        "confirmed",
    ];
    assert_eq!(states(&heard), expected.map(Value::from));
    let last = heard.json(STATUS).pop().unwrap();
    assert_eq!(last["upgradeSeqNum"], json!("7"));
    assert_eq!(
        (&last["updateVersion"], &last["softwareVersion"]),
        (&json!("0.2.0"), &json!("0.2.0"))
    );
    assert_eq!(last["record"]["class"], json!("durable"));
    // The same numbers go on across the update.
    let statuses = heard.json(STATUS);
    let numbers: Vec<_> = (statuses.iter())
        .map(|status| status["record"]["seq"].as_u64().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    stop(program).await;
}

#[tokio::test]
async fn a_bundle_of_a_stranger_is_told_and_changes_nothing() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let unit = Unit::new("update-stranger", broker.address());
    let (program, mut heard) = unit.start_and_be_heard(&mut city).await;
    let url = serve(
        &unit.folder,
        "compatible=rsu-test\nversion=0.2.0\nsigner=stranger\n",
    );
    let order = json!({"seqNum": "7", "updateVersion": "0.2.0", "downloadUrl": url});
    city.command("rsu/R1/upgrade/down", &order).await;
    city.hear_until(&mut heard, |heard| states(heard).contains(&json!("failed")))
        .await;
    let reason = heard.json(STATUS).pop().unwrap()["reason"].clone();
    assert_eq!(
        reason,
        "signature verification failed: Verify error: self-signed certificate"
    );
    let older = json!({"seqNum": "8", "updateVersion": "0.0.9", "downloadUrl": url});
    city.command("rsu/R1/upgrade/down", &older).await;
    let answers = "rsu/R1/upgrade/down/ack";
    city.hear_until(&mut heard, |heard| !heard.payloads(answers).is_empty())
        .await;
    let refusal = heard.json(answers).remove(0);
    assert_eq!(
        (&refusal["seqNum"], &refusal["errorCode"]),
        (&json!("8"), &json!(1))
    );
    let why = refusal["errorDesc"].as_str().unwrap();
    assert!(
        why.starts_with("updateVersion: 0.0.9 is not newer than 0.1.0"),
        "{why}"
    );
    assert!(!unit.path("slots/primary").exists());
    stop(program).await;
}
