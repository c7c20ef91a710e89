//! The schemas in `rsu-gateway/schema`, which are generated from the types and checked in for
//! those who build the other side.

use std::path::Path;
use std::{env, fs};

use serde_json::Value;

/// Checks that `file` says what was generated, or makes it so where `RSU_WRITE_SCHEMAS` is set.
pub(super) fn assert_current(file: &str, generated: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schema")
        .join(file);
    let text = format!("{generated:#}\n");
    if env::var_os("RSU_WRITE_SCHEMAS").is_some() {
        fs::write(&path, text).expect("the folder of the schemas can be written to");
        return;
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == text,
        "rsu-gateway/schema/{file} is not what the types say. To rewrite it:\n\
         RSU_WRITE_SCHEMAS=1 cargo test -p rsu-gateway --lib checked_in"
    );
}
