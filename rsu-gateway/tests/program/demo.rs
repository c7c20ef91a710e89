//! `rsu demo`: everything at once, with nothing to set up.

use std::net::SocketAddr;

use crate::process::Running;
use crate::subscriber::{Heard, Subscriber};

/// The address in `Subscribe: mosquitto_sub -h HOST -p PORT -t 'rsu/#'`.
fn address(invitation: &str) -> SocketAddr {
    let words: Vec<&str> = invitation.split(' ').collect();
    let after = |option| words[words.iter().position(|word| *word == option).unwrap() + 1];
    assert!(words.contains(&"'rsu/#'"), "{invitation}");
    format!("{}:{}", after("-h"), after("-p")).parse().unwrap()
}

#[tokio::test]
async fn the_demo_says_how_to_subscribe_and_a_normal_client_hears_the_junction() {
    let mut demo = Running::start(&["demo", "--duration", "4"]);
    let mut client = Subscriber::connect(address(&demo.stdout_line())).await;
    let mut heard = Heard::default();
    let live = ["junction", "spat", "bsm"].map(|name| format!("rsu/demo/{name}/up"));
    client
        .hear_until(&mut heard, |heard| {
            live.iter().all(|topic| heard.payloads(topic).len() >= 3)
        })
        .await;
    let junction = &heard.json("rsu/demo/junction/up")[0];
    assert_eq!(junction["node"]["id"], 100, "{junction}");
    assert!(!heard.listed_messages("rsu/demo/bsm/up").is_empty());

    let ended = tokio::task::spawn_blocking(|| demo.end())
        .await
        .unwrap()
        .succeeded();
    let state = ended.stdout.lines().last().unwrap();
    assert!(
        state.contains("vehicles") && state.contains("frames/s"),
        "{state}"
    );
    assert_eq!(ended.stderr, "");
}
