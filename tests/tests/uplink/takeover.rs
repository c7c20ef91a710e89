//! Two clients with the same client id: the broker ends the older connection each time.

use std::time::Duration;

use rsu_gateway::mqtt::Fault;
use tests::broker::{settings, wait_until};
use tests::mosquitto::Mosquitto;
use tokio::time::sleep;

use crate::running::Running;

#[tokio::test]
async fn the_same_client_id_twice_is_named_and_no_storm_and_nothing_is_lost() {
    let broker = Mosquitto::start("");
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.reconnect_delay_min = Duration::from_millis(20);
    settings.reconnect_delay_max = Duration::from_secs(2);
    let twins = [Running::start(settings.clone()), Running::start(settings)];
    for n in 1..=100 {
        for twin in &twins {
            twin.append(n);
        }
        sleep(Duration::from_millis(5)).await;
    }
    wait_until("the fault", || {
        let taken_over = |twin: &Running| twin.observer.snapshot().fault == Some(Fault::TakenOver);
        twins.iter().any(taken_over)
    })
    .await;
    wait_until("acknowledgements", || {
        twins.iter().all(|twin| twin.waiting() == 0)
    })
    .await;
    sleep(Duration::from_secs(3)).await;
    for twin in &twins {
        let stats = twin.observer.snapshot();
        assert!(
            stats.connections < 60,
            "{} connections in some seconds",
            stats.connections
        );
    }
    let errors = twins
        .iter()
        .filter_map(|twin| twin.observer.snapshot().last_error);
    let mut errors = errors.peekable();
    assert!(errors.peek().is_some());
    assert!(errors.any(|error| error.contains("client id \"rsu-R1\"")));
}
