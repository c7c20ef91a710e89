//! The `rsu` program.
fn main() {}
