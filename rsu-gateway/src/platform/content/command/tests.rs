#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn read(kind: CommandKind, payload: Value) -> Result<Downlink, Unreadable> {
    read_command(kind, payload.to_string().as_bytes())
}

#[test]
fn x() {
    let _ = read(CommandKind::Versions, json!({}));
}
