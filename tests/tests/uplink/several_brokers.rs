//! Several brokers in order of preference: fail-over, return, and a new list at run time.

use std::net::SocketAddr;
use std::time::Duration;

use rsu_gateway::mqtt::{BrokerAddress, Fault, Settings};
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet};
use tests::broker::{settings, wait_until};
use tests::process::free_addresses;
use tests::scripted_broker::{Script, ScriptedBroker};
use tokio::time::sleep;

use crate::running::{RECORD_TOPIC, Running, arrived, first_arrivals};

fn url(address: SocketAddr) -> BrokerAddress {
    format!("mqtt://{address}").parse().unwrap()
}

fn settings_for(brokers: &[SocketAddr]) -> Settings {
    let mut settings = settings(brokers[0], "rsu-R1");
    settings.brokers = brokers.iter().copied().map(url).collect();
    settings.return_interval = Duration::from_millis(50);
    settings
}

async fn good_broker() -> ScriptedBroker {
    ScriptedBroker::start(|_| Script::default()).await.unwrap()
}

fn numbers(broker: &ScriptedBroker) -> Vec<u64> {
    let records = arrived(broker, RECORD_TOPIC).into_iter();
    records.map(|(_, n)| n).collect()
}

#[tokio::test]
async fn the_next_broker_serves_while_the_first_is_away_and_the_first_when_it_is_back() {
    let [away] = free_addresses();
    let second = good_broker().await;
    let running = Running::start(settings_for(&[away, second.address()]));
    let mut n = 0;
    wait_until("the second broker", || {
        n += 1;
        running.append(n);
        !numbers(&second).is_empty()
    })
    .await;
    let stats = running.observer.snapshot();
    assert_eq!(stats.broker, Some(url(second.address()).to_string()));
    assert_eq!((stats.failures, stats.fault), (1, Some(Fault::Unreachable)));

    let first = ScriptedBroker::start_at(away, |_| Script::default())
        .await
        .unwrap();
    wait_until("the first broker", || {
        n += 1;
        running.append(n);
        !numbers(&first).is_empty()
    })
    .await;
    wait_until("all acknowledgements", || running.waiting() == 0).await;
    let (before, after) = (numbers(&second), numbers(&first));
    let all: Vec<u64> = before.iter().chain(&after).copied().collect();
    assert_eq!(
        all,
        (1..=n).collect::<Vec<u64>>(),
        "each of them once, in order"
    );
    let last = second.arrivals().pop().unwrap();
    assert_eq!(last.packet, Packet::Disconnect, "a farewell to the second");
    assert_eq!(running.observer.snapshot().failures, 1);
}

#[tokio::test]
async fn a_broker_that_refuses_is_passed_over_too() {
    let refusing = ScriptedBroker::start(|_| Script {
        answer: ConnectReturnCode::NotAuthorized,
        ..Script::default()
    });
    let (refusing, good) = (refusing.await.unwrap(), good_broker().await);
    let mut settings = settings_for(&[refusing.address(), good.address()]);
    settings.return_interval = Duration::from_secs(300);
    let running = Running::start(settings);
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    assert_eq!(numbers(&good), [1]);
    assert_eq!(
        running.observer.snapshot().fault,
        Some(Fault::NotAuthorized)
    );
}

#[tokio::test]
async fn a_first_broker_that_answers_and_refuses_is_not_tried_for_ever_and_nothing_is_lost() {
    let refusing = ScriptedBroker::start(|_| Script {
        answer: ConnectReturnCode::ServiceUnavailable,
        ..Script::default()
    });
    let (refusing, good) = (refusing.await.unwrap(), good_broker().await);
    let mut settings = settings_for(&[refusing.address(), good.address()]);
    settings.return_interval = Duration::from_millis(20);
    let running = Running::start(settings);
    let mut n = 0;
    wait_until("several vain returns", || {
        n += 1;
        running.append(n);
        refusing.connections() >= 5
    })
    .await;
    wait_until("acknowledgements", || running.waiting() == 0).await;
    assert_eq!(
        first_arrivals(numbers(&good)),
        (1..=n).collect::<Vec<u64>>()
    );
}

#[tokio::test]
async fn records_are_kept_in_order_while_brokers_come_and_go() {
    let cuts = |_| Script {
        cut_after: Some(40),
        ..Script::default()
    };
    let (first, second) = (
        ScriptedBroker::start(cuts).await.unwrap(),
        ScriptedBroker::start(cuts),
    );
    let second = second.await.unwrap();
    let running = Running::start(settings_for(&[first.address(), second.address()]));
    for n in 1..=500 {
        running.append(n);
        sleep(Duration::from_millis(1)).await;
    }
    wait_until("acknowledgements", || running.waiting() == 0).await;
    let (at_first, at_second) = (numbers(&first), numbers(&second));
    let mut all: Vec<u64> = at_first.iter().chain(&at_second).copied().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (1..=500).collect::<Vec<u64>>());
    assert!(first_arrivals(at_first).is_sorted() && first_arrivals(at_second).is_sorted());
}

#[tokio::test]
async fn a_new_list_of_brokers_moves_the_uplink_over() {
    let (old, new) = (good_broker().await, good_broker().await);
    let mut controls = None;
    let running = Running::start_with(settings_for(&[old.address()]), |uplink| {
        controls = Some(uplink.controls());
    });
    let controls = controls.unwrap();
    running.append(1);
    wait_until("the old broker", || {
        numbers(&old) == [1] && running.waiting() == 0
    })
    .await;

    controls.set_brokers(vec![]).unwrap_err();
    controls.set_brokers(vec![url(new.address())]).unwrap();
    wait_until("the new broker", || new.connections() == 1).await;
    running.append(2);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    assert_eq!((numbers(&old), numbers(&new)), (vec![1], vec![2]));
    assert_eq!(running.observer.snapshot().failures, 0);

    // The same broker first, and one more: the connection stays.
    let list = vec![url(new.address()), url(old.address())];
    controls.set_brokers(list).unwrap();
    running.append(3);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    assert_eq!((old.connections(), new.connections()), (1, 1));
}

#[tokio::test]
async fn a_new_list_helps_an_uplink_that_waits_for_its_next_attempt() {
    let [away] = free_addresses();
    let broker = good_broker().await;
    let mut settings = settings_for(&[away]);
    settings.reconnect_delay_min = Duration::from_secs(1000);
    settings.reconnect_delay_max = Duration::from_secs(1000);
    let mut controls = None;
    let running = Running::start_with(settings, |uplink| controls = Some(uplink.controls()));
    wait_until("a failure", || running.observer.snapshot().failures == 1).await;
    controls
        .unwrap()
        .set_brokers(vec![url(broker.address())])
        .unwrap();
    wait_until("connection", || running.is_connected()).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_named_and_met_with_patience() {
    let mut settings = settings_for(&[free_addresses::<1>()[0]]);
    // RFC 6761: never resolves.
    settings.brokers = vec!["mqtt://broker.invalid".parse().unwrap()];
    settings.reconnect_delay_min = Duration::from_millis(50);
    settings.reconnect_delay_max = Duration::from_millis(200);
    let running = Running::start(settings);
    running.append(1);
    wait_until("failures", || running.observer.snapshot().failures > 1).await;
    sleep(Duration::from_secs(1)).await;
    let stats = running.observer.snapshot();
    // A resolver that is not there may leave the question unanswered.
    assert!(
        matches!(stats.fault, Some(Fault::NameResolution | Fault::NoAnswer)),
        "{stats:?}"
    );
    assert!(stats.failures < 50, "no busy loop: {}", stats.failures);
    assert_eq!(running.waiting(), 1);
}
