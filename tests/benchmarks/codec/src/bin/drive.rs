//! `drive CODEC`: see [`codec_benchmark::drive`].

use std::env;
use std::io::{self, stdin, stdout};

use codec_benchmark::peers::{Asn1Codecs, Rasn};
use codec_benchmark::{Codec, Ours, drive};

fn main() -> io::Result<()> {
    let uncounted = |work: &mut dyn FnMut()| {
        work();
        0
    };
    let (input, output) = (stdin().lock(), stdout().lock());
    match env::args().nth(1).unwrap_or_default() {
        name if name == Ours::NAME => drive::serve::<Ours>(input, output, uncounted),
        name if name == Asn1Codecs::NAME => drive::serve::<Asn1Codecs>(input, output, uncounted),
        name if name == Rasn::NAME => drive::serve::<Rasn>(input, output, uncounted),
        name => Err(io::Error::other(format!("{name:?} is no codec"))),
    }
}
