//! `count-allocations CODEC`: as `drive`, with an allocator that counts. A program of its own, as
//! counting slows down those who allocate.

use std::env;
use std::io::{self, stdin, stdout};

use allocation_counter::measure;
use codec_benchmark::peers::{Asn1Codecs, Rasn};
use codec_benchmark::{Codec, Ours, drive};

fn main() -> io::Result<()> {
    let counted = |work: &mut dyn FnMut()| measure(work).count_total;
    let (input, output) = (stdin().lock(), stdout().lock());
    match env::args().nth(1).unwrap_or_default() {
        name if name == Ours::NAME => drive::serve::<Ours>(input, output, counted),
        name if name == Asn1Codecs::NAME => drive::serve::<Asn1Codecs>(input, output, counted),
        name if name == Rasn::NAME => drive::serve::<Rasn>(input, output, counted),
        name => Err(io::Error::other(format!("{name:?} is no codec"))),
    }
}
