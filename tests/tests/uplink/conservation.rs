//! Whatever the broker does: nothing is lost, nothing is out of order, nothing is invented.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use rsu_gateway::mqtt::UplinkStats;
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tests::broker::{settings, wait_until};
use tests::scripted_broker::{Acks, Random, Script, ScriptedBroker};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::running::{
    LIVE_QUEUE_MAX, LIVE_TOPIC, RECORD_TOPIC, Running, arrived, first_arrivals, held,
    taken_charge_of, traffic,
};

const RECORDS: u64 = 300;
/// A record that only keeps the traffic going.
const FILLER: u64 = 0;
const WINDOW: usize = 16;
/// From this connection on the broker behaves.
const WILD_CONNECTIONS: usize = 15;

/// How many seeds are tried at a time.
const SEEDS_AT_A_TIME: u64 = 10;

fn wild_script(seed: u64, connection: usize) -> Script {
    if connection >= WILD_CONNECTIONS {
        return Script::default();
    }
    let mut random = Random(seed * 1000 + connection as u64);
    let publishes = random.below(60) as usize + 1;
    let (cut_after, half_open_after) = match random.below(4) {
        0 => (None, Some(publishes)),
        _ => (Some(publishes), None),
    };
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
        stall: Duration::from_millis(random.below(3) * 10),
        cut_after,
        half_open_after,
        ..Script::default()
    }
}

#[tokio::test]
async fn no_record_is_lost_or_out_of_order_whatever_the_broker_does() {
    try_seeds(0..20).await;
}

/// `RSU_UPLINK_SEEDS` says how many; 1 000 without it.
#[tokio::test]
#[ignore = "takes minutes"]
async fn no_record_is_lost_or_out_of_order_over_many_seeds() {
    let seeds = std::env::var("RSU_UPLINK_SEEDS").map_or(1000, |text| text.parse().unwrap());
    try_seeds(0..seeds).await;
}

async fn try_seeds(seeds: Range<u64>) {
    let mut totals = Totals::default();
    for first in seeds.clone().step_by(SEEDS_AT_A_TIME as usize) {
        let mut trials = JoinSet::new();
        for seed in first..seeds.end.min(first + SEEDS_AT_A_TIME) {
            trials.spawn(conserves(seed));
        }
        while let Some(trial) = trials.join_next().await {
            let trial = trial.unwrap();
            totals.connections += trial.connections;
            totals.duplicates += trial.duplicates;
        }
    }
    let Totals {
        connections,
        duplicates,
    } = totals;
    eprintln!(
        "{} seeds: {} records, {connections} connections, 0 lost, 0 out of order, \
         {duplicates} sent again",
        seeds.end,
        seeds.end * RECORDS
    );
}

#[derive(Default)]
struct Totals {
    connections: u64,
    duplicates: u64,
}

/// The conservation oracle: every record arrives, nothing arrives that was not issued, the first
/// arrivals are in order, nothing grows, every live publish is accounted for.
async fn conserves(seed: u64) -> Totals {
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
        broker.connections() > WILD_CONNECTIONS
    })
    .await;
    for n in RECORDS - 19..=RECORDS {
        hand_over(n, &mut handed_live);
        sleep(Duration::from_millis(1)).await;
    }
    wait_until("all acknowledgements", || running.waiting() == 0).await;
    let stats = running.stop().await.snapshot();
    assert_eq!(
        (held(&stats).dropped_full, held(&stats).quarantined),
        (0, 0),
        "seed {seed}"
    );

    let records = arrived(&broker, RECORD_TOPIC).into_iter().map(|(_, n)| n);
    let (fillers, records): (Vec<u64>, Vec<u64>) = records.partition(|&n| n == FILLER);
    let duplicates = records.len() as u64 - RECORDS;
    let all: Vec<u64> = (1..=RECORDS).collect();
    assert_eq!(first_arrivals(records), all, "seed {seed}");
    let taken = taken_charge_of(&broker);
    let lost: Vec<u64> = (1..=RECORDS).filter(|n| !taken.contains(n)).collect();
    assert_eq!(
        lost,
        Vec::<u64>::new(),
        "seed {seed}: never acknowledged by the broker"
    );
    let drops = stats.connections - 1;
    let resent = traffic(&stats).resent;
    assert!(
        resent <= WINDOW as u64 * drops,
        "seed {seed}: {resent} in {drops} drops"
    );
    assert!(
        duplicates <= resent,
        "seed {seed}: {} fillers",
        fillers.len()
    );

    check_live(seed, &broker, &stats, handed_live);
    Totals {
        connections: stats.connections,
        duplicates,
    }
}

fn check_live(seed: u64, broker: &ScriptedBroker, stats: &UplinkStats, handed_live: u64) {
    let live = arrived(broker, LIVE_TOPIC);
    assert!(live.is_sorted_by_key(|&(_, n)| n), "seed {seed}: {live:?}");
    let carried_live: HashSet<usize> = live.iter().map(|&(c, _)| c).collect();
    assert!(carried_live.contains(&WILD_CONNECTIONS), "seed {seed}");
    let spat = stats.live[0].1;
    assert_eq!(
        spat.published + spat.dropped_oldest + spat.dropped_cut + spat.queued as u64,
        handed_live,
        "seed {seed}: {spat:?}"
    );
}
