//! `drive CODEC`: see [`codec_benchmark::drive`]. `drive --asn1c` tells where the driver of asn1c
//! lies that was built along with it.

#![allow(clippy::print_stdout, reason = "the answer")]

use std::env;
use std::io::{self, stdin, stdout};

use codec_benchmark::peers::{Asn1Codecs, Rasn, asn1c};
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
        name if name == "--asn1c" => {
            println!("{}", asn1c::DRIVER.map_err(io::Error::other)?);
            Ok(())
        }
        name => Err(io::Error::other(format!("{name:?} is no codec"))),
    }
}
