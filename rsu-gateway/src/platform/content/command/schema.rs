//! Schemas of commands.

use schemars::generate::SchemaGenerator;
use schemars::{Schema, json_schema};

use super::*;

/// What the payload of a command of the given kind must be; a bad one is refused.
pub(in crate::platform) fn command_schema(
    kind: CommandKind,
    generator: &mut SchemaGenerator,
) -> Schema {
    let header = generator.subschema_for::<CommandHeader>();
    let content = match kind {
        CommandKind::Sampling => generator.subschema_for::<sampling::ConfigDown>(),
        CommandKind::Map => generator.subschema_for::<MapDown>(),
        CommandKind::Rsi => generator.subschema_for::<RsiDown>(),
        CommandKind::Rsm => generator.subschema_for::<RsmDown>(),
        CommandKind::Spat => generator.subschema_for::<SpatDown>(),
        CommandKind::Operations => generator.subschema_for::<operations::OperationsDown>(),
        CommandKind::LogUpload => generator.subschema_for::<queries::LogDown>(),
        CommandKind::Information => generator.subschema_for::<queries::InformationDown>(),
        CommandKind::Records => generator.subschema_for::<queries::RecordsDown>(),
        CommandKind::Upgrade => generator.subschema_for::<upgrade::UpgradeDown>(),
        CommandKind::Versions
        | CommandKind::RunStatus
        | CommandKind::Introduction
        | CommandKind::Acknowledgement => return header,
    };
    json_schema!({"allOf": [header, content]})
}
