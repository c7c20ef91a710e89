//! Decoding a message and looking at every field of it: ours beside asn1-codecs, in one run.
//!
//! Ours is measured twice: visited while it is validated (the fast way to see everything), and
//! decoded first and then walked through its views. The reference is decoded into its owned
//! structures and not even looked at.

mod sum;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use sum::Sum;
use tests::{reference, vectors};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const KINDS: [&str; 5] = ["bsmFrame", "spatFrame", "mapFrame", "rsiFrame", "rsmFrame"];

fn main() {
    divan::main();
}

/// All vectors of a kind: varied messages, so that nothing can be predicted from the one before.
fn messages(kind: &str) -> Vec<Vec<u8>> {
    let vectors = vectors::read("day1-ydt3709-2020").into_iter();
    vectors
        .filter(|vector| vector.jer.get(kind).is_some())
        .map(|vector| vector.uper)
        .collect()
}

fn bench_each(bencher: Bencher<'_, '_>, kind: &str, work: impl Fn(&[u8]) -> u64 + Sync) {
    let messages = messages(kind);
    bencher.counter(ItemsCount::new(messages.len())).bench(|| {
        messages
            .iter()
            .map(|message| work(black_box(message)))
            .fold(0, u64::wrapping_add)
    });
}

#[divan::bench(args = KINDS)]
fn ours_visited(bencher: Bencher<'_, '_>, kind: &str) {
    bench_each(bencher, kind, |bytes| {
        let mut sum = Sum::default();
        let message = MessageFrame::decode_with(bytes, Profile::Ydt3709_2020, &mut sum);
        sum.message(&message.expect("a vector"));
        sum.total()
    });
}

#[divan::bench(args = ["bsmFrame", "spatFrame"])]
fn ours_walked(bencher: Bencher<'_, '_>, kind: &str) {
    bench_each(bencher, kind, |bytes| {
        let message = MessageFrame::decode(bytes, Profile::Ydt3709_2020).expect("a vector");
        let mut sum = Sum::default();
        tests::walk::walk(&message, &mut sum);
        sum.message(&message);
        sum.total()
    });
}

#[divan::bench(args = KINDS)]
fn ours_validated(bencher: Bencher<'_, '_>, kind: &str) {
    bench_each(bencher, kind, |bytes| {
        let message = MessageFrame::decode(bytes, Profile::Ydt3709_2020);
        u64::from(black_box(message).is_ok())
    });
}

#[divan::bench(args = KINDS)]
fn asn1_codecs(bencher: Bencher<'_, '_>, kind: &str) {
    bench_each(bencher, kind, |bytes| {
        let message = reference::ydt3709_2020::decode(bytes);
        u64::from(black_box(message).is_ok())
    });
}
