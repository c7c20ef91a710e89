//! `rsu self-check`: of a unit that runs, and where none does.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use rsu_gateway::demo_broker::DemoBroker;
use serde_json::Value;

use crate::data;
use crate::process::{Ended, Running, rsu};

/// A free port of the loopback, for a moment at least.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn configuration(test: &str, broker: SocketAddr, more: &str) -> String {
    let folder = data::folder(test);
    let path = folder.join("rsu.toml");
    let data = folder.join("data");
    let text = format!(
        "[unit]\nid = \"R1\"\nesn = \"E1\"\n[radio]\nlisten = \"127.0.0.1:0\"\n\
         [mqtt]\nbrokers = [\"mqtt://{broker}\"]\nconnect_timeout_s = 2\n\
         [storage]\nfolder = {data:?}\nfree_bytes_min = 0\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A clock that was synchronised just now, by the word of a file.
fn synchronised(test: &str) -> String {
    let file = data::file(test, "");
    format!("[clock]\nsynchronized_file = {file:?}\n")
}

async fn self_check(config: String, more: &'static [&'static str]) -> Ended {
    let check = move || rsu(&[&["self-check", "--config", &config], more].concat());
    tokio::task::spawn_blocking(check).await.unwrap()
}

#[tokio::test]
async fn without_a_unit_it_looks_for_itself() {
    let broker = DemoBroker::start().await.unwrap();
    let clock = synchronised("self-check-clock");
    let config = configuration("self-check-alone", broker.address(), &clock);
    let ended = self_check(config, &[]).await.succeeded();
    for line in [
        "no unit that runs",
        "radio   good",
        "time    good",
        "uplink  good",
        "spool   good",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn what_is_bad_is_told_with_what_to_do() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let radio = taken.local_addr().unwrap().to_string();
    let nowhere = "[clock]\nsynchronized_file = \"/nowhere\"\n";
    let config = configuration("self-check-bad", free_address(), nowhere);
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("127.0.0.1:0", &radio);
    // A file where the folder should be.
    let text = text.replace("data\"", "rsu.toml\"");
    std::fs::write(&config, text).unwrap();

    let ended = self_check(config, &["--json"]).await;
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let bad = told["checks"].as_array().unwrap().iter();
    let bad = bad.filter(|check| check["good"] == false);
    let bad: Vec<_> = bad
        .map(|check| {
            assert!(
                check["advice"]
                    .as_str()
                    .is_some_and(|to_do| !to_do.is_empty())
            );
            check["need"].as_str().unwrap()
        })
        .collect();
    // The kernel of the machine that runs this may well tell that its clock is good.
    let bad: Vec<_> = bad.into_iter().filter(|need| *need != "time").collect();
    assert_eq!(bad, ["radio", "uplink", "spool"]);
    let reason = ended.failed();
    assert!(reason.starts_with("not good: radio, "), "{reason}");
}

#[tokio::test]
async fn a_unit_that_runs_tells_how_it_is() {
    let broker = DemoBroker::start().await.unwrap();
    let health = free_address();
    let clock = synchronised("self-check-running-clock");
    let more = format!("{clock}[health]\nlisten = \"{health}\"\n");
    let config = configuration("self-check-running", broker.address(), &more);
    let mut program = Running::start(&["run", "--config", &config]);
    program.stderr_line_with("receiving");
    let asked = format!("the unit that runs here, {health}");
    // It may still be connecting.
    let mut told = String::new();
    for _ in 0..100 {
        let ended = self_check(config.clone(), &[]).await;
        told = ended.stdout;
        if ended.code == Some(0) && told.contains(&asked) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(
        told.contains(&asked) && told.contains("uplink  good"),
        "{told}"
    );
    program.terminate();
    tokio::task::spawn_blocking(|| program.end())
        .await
        .unwrap()
        .succeeded();
}
