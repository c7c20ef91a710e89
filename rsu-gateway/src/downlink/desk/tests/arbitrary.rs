//! Whatever comes is answered or counted.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_on_any_topic_are_answered_or_counted(
        topic in prop_oneof![
            prop::sample::select(vec![
                "config/down", "map/down", "rsi/down", "rsm/down", "spat/down", "versions/query",
                "run-status/query", "info/query", "om-config/down", "log/down", "records/query",
                "upgrade/down", "info/up/ack", "map/up/ack", "rsi/up/ack",
            ]).prop_map(str::to_owned),
            ".{0,20}",
        ],
        payload in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            arbitrary_json().prop_map(|json| json.to_string().into_bytes()),
            mutated_command().prop_map(|json| json.to_string().into_bytes()),
        ],
        is_retained: bool,
        is_trusted: bool,
        time: i64,
    ) {
        let mut bench = Bench::new();
        bench.now = Now { time: Timestamp::from_micros(time), is_trusted };
        let arrival = Arrival { is_retained, ..bench.arrival(&topic, &payload) };
        let is_command = matches!(
            &arrival.read,
            Err(Unreadable::Command { .. })
        ) || arrival.read.as_ref().is_ok_and(|downlink| {
            !matches!(downlink.command, Command::Acknowledgement(_))
        });
        bench.deliver(vec![arrival]);
        let counters = bench.desk.counters();
        let counted: u64 = counters.entries().iter().map(|(_, count)| count).sum();
        prop_assert!(counted >= 1);
        let refused = counters.malformed + counters.retained + counters.foreign
            + counters.expired + counters.impossible;
        prop_assert_eq!(refused as usize, bench.answers.iter().filter(|a| a.refusal.is_some()).count());
        if is_command {
            prop_assert_eq!(refused + counters.accepted + counters.relayed, 1);
        }
        bench.desk.handle_timeout(bench.now);
        bench.restarted().settle();
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            ".{0,8}",
            prop::sample::select(vec![
                "seqNum",
                "ack",
                "rsi",
                "map",
                "rsms",
                "intersections",
                "bsmConfig",
                "upLimit",
                "reboot",
                "addressChg",
                "uploadUrl",
                "InfoId",
                "timestamp",
                "expires",
                "duration",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A good command with one value replaced by anything.
fn mutated_command() -> impl Strategy<Value = Value> {
    let commands = vec![
        config(1, 5),
        map(1),
        event(1, "A"),
        spat(),
        operations(1, json!({"HBRate": 5, "reboot": 1, "logLevel": "INFO"})),
    ];
    (
        prop::sample::select(commands),
        any::<prop::sample::Index>(),
        arbitrary_json(),
    )
        .prop_map(|(mut command, place, value)| {
            let mut pointers = Vec::new();
            collect_pointers(&command, String::new(), &mut pointers);
            let pointer = place.get(&pointers);
            *command.pointer_mut(pointer).unwrap() = value;
            command
        })
}

fn collect_pointers(value: &Value, here: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect_pointers(member, format!("{here}/{name}"), pointers);
            }
        }
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                collect_pointers(element, format!("{here}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(here);
}
