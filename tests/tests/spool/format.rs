//! What is written reads back as it was.

use std::sync::Arc;

use proptest::prelude::*;
use rsu_firmware::time::Timestamp;
use rsu_gateway::clock::{ClockQuality, Synchronization};
use rsu_gateway::mqtt::Publish;
use rsu_gateway::spool::fs::{Fs, Memory};
use rsu_gateway::spool::{Record, Stamp};

use crate::{commit, open_log, read_all, small};

fn synchronization() -> impl Strategy<Value = Synchronization> {
    prop_oneof![
        Just(Synchronization::Unknown),
        Just(Synchronization::Synchronized),
        Just(Synchronization::Unsynchronized),
    ]
}

prop_compose! {
    fn content()(
        topic in "[a-z/\u{e4}]{1,40}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        retain in any::<bool>(),
        micros in any::<i64>(),
        synchronization in synchronization(),
        error_ms in prop::option::of(0.0_f32..1e9),
    ) -> (Stamp, Publish) {
        let clock = ClockQuality { synchronization, error_ms };
        let time = Timestamp::from_micros(micros);
        (Stamp { time, clock }, Publish { retain, ..Publish::new(topic, payload) })
    }
}

proptest! {
    #[test]
    fn every_record_reads_back(contents in prop::collection::vec(content(), 1..40)) {
        let records: Vec<_> = (1..).zip(contents).map(|(sequence, (stamp, publish))| {
            Record { sequence, stamp, publish }
        }).collect();
        let fs: Arc<dyn Fs> = Arc::new(Memory::new());
        let (mut log, _) = open_log(&fs, small());
        commit(&mut log, &records);
        prop_assert_eq!(&read_all(&mut log), &records);
        drop(log);
        let (mut log, _) = open_log(&fs, small());
        prop_assert_eq!(read_all(&mut log), records);
    }
}
