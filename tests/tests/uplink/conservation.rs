//! Whatever the broker does: nothing is lost, nothing is out of order, nothing is invented.

use std::collections::HashSet;
use std::time::Duration;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tests::broker::{settings, wait_until};
use tests::scripted_broker::{Acks, Random, Script, ScriptedBroker};
use tokio::time::sleep;

use crate::running::{
    LIVE_QUEUE_MAX, LIVE_TOPIC, RECORD_TOPIC, Running, arrived, first_arrivals, held,
    taken_charge_of,
};

const RECORDS: u64 = 300;
/// A record that only keeps the traffic going.
const FILLER: u64 = 0;
const WINDOW: usize = 16;
/// From this connection on the broker behaves.
const WILD_CONNECTIONS: usize = 15;

fn wild_script(seed: u64, connection: usize) -> Script {
    if connection >= WILD_CONNECTIONS {
        return Script::default();
    }
    let mut random = Random(seed * 1000 + connection as u64);
    Script {
        answer: match random.below(5) {
            0 => ConnectReturnCode::ServiceUnavailable,
            _ => ConnectReturnCode::Success,
        },
        session_present: random.below(2) == 0,
        acks: match random.below(8) {
            0 => Acks::Withheld,
            1 => Acks::Twice,
            2..=4 => Acks::InOrder,
            _ => Acks::Shuffled(seed),
        },
        cut_after: Some(random.below(60) as usize + 1),
        ..Script::default()
    }
}

/// The conservation oracle: every record arrives, nothing arrives that was not issued, the first
/// arrivals are in order, nothing grows, every live publish is accounted for.
#[tokio::test]
async fn no_record_is_lost_or_out_of_order_whatever_the_broker_does() {
    for seed in 0..6 {
        let script = move |connection| wild_script(seed, connection);
        let broker = ScriptedBroker::start(script).await.unwrap();
        let mut settings = settings(broker.address(), "rsu-R1");
        settings.window = WINDOW as u16;
        settings.ack_timeout = Duration::from_millis(50);
        let running = Running::start(settings);

        let mut handed_live = 0;
        let hand_over = |record: u64, handed_live: &mut u64| {
            running.append(record);
            *handed_live += 1;
            running.publish_live(*handed_live);
            assert!(running.live_stats().queued <= LIVE_QUEUE_MAX);
            assert!(running.observer.snapshot().in_flight <= WINDOW);
        };
        for n in 1..=RECORDS - 20 {
            hand_over(n, &mut handed_live);
            sleep(Duration::from_millis(1)).await;
        }
        wait_until("the wild connections to pass", || {
            // Traffic goes on, so that scripts that cut after a number come to their end.
            hand_over(FILLER, &mut handed_live);
            let connections = broker.arrivals().into_iter();
            connections.map(|a| a.connection).max() >= Some(WILD_CONNECTIONS)
        })
        .await;
        for n in RECORDS - 19..=RECORDS {
            hand_over(n, &mut handed_live);
            sleep(Duration::from_millis(1)).await;
        }
        wait_until("all acknowledgements", || running.waiting() == 0).await;
        let stats = running.stop().await.snapshot();

        let records = arrived(&broker, RECORD_TOPIC).into_iter();
        let records: Vec<u64> = records.map(|(_, n)| n).filter(|&n| n != FILLER).collect();
        let duplicates = records.len() - RECORDS as usize;
        let all: Vec<u64> = (1..=RECORDS).collect();
        assert_eq!(first_arrivals(records), all, "seed {seed}");
        let taken = taken_charge_of(&broker);
        let lost: Vec<u64> = (1..=RECORDS).filter(|n| !taken.contains(n)).collect();
        assert_eq!(
            lost,
            Vec::<u64>::new(),
            "seed {seed}: never acknowledged by the broker"
        );
        assert!(
            duplicates <= WINDOW * WILD_CONNECTIONS,
            "seed {seed}: {duplicates}"
        );
        assert_eq!(held(&stats).dropped_full, 0);

        let live = arrived(&broker, LIVE_TOPIC);
        assert!(live.is_sorted_by_key(|&(_, n)| n), "seed {seed}: {live:?}");
        let carried_live: HashSet<usize> = live.iter().map(|&(c, _)| c).collect();
        assert!(carried_live.contains(&WILD_CONNECTIONS), "seed {seed}");
        // Some scripts cut before anything but the info can arrive.
        assert!(
            carried_live.len() as u64 * 2 > stats.connections,
            "seed {seed}"
        );
        let spat = stats.live[0].1;
        assert_eq!(
            spat.published + spat.dropped_oldest + spat.dropped_cut + spat.queued as u64,
            handed_live,
            "seed {seed}: {spat:?}"
        );
    }
}
