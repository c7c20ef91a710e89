//! The contract of [`Tits0180`](super::Tits0180) as an AsyncAPI 3.0 document, from the point of view
//! of the unit: it sends what goes up, and receives what comes down.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use super::tits0180::CONTRACT;
use super::{Class, Stream};
use crate::downlink::CommandKind;
use crate::platform::content::{self, schema};
use crate::platform::junction::JunctionSnapshot;
use crate::platform::traffic::Traffic;
use crate::platform::{Classes, Record};

mod tests;

const DESCRIPTION: &str = "\
What a roadside unit and the cloud control platform say to each other over MQTT 3.1.1: topics after \
T/ITS 0180.1-2021, contents after T/ITS 0117 (consultation draft of 2020); what neither has is \
marked as ours. All payloads are JSON in UTF-8, but for the list of BSMs.\n\n\
Every JSON object that the unit sends ends with the member `record` (but for the fused junction, \
which carries the same by itself). Records of class `durable` are on the unit's disk before they are \
sent, at QoS 1, in order, until the broker acknowledges them; they come at least once, and \
(`spool`, `class`, `seq`) tells duplicates and gaps. Records of class `spilled` are like live ones \
while the broker can be reached, and kept meanwhile otherwise. Records of class `live` are sent once, \
at QoS 0. What the unit says first on every connection needs no class: it is made anew, and sent at \
QoS 1. The QoS given here is that of the classes by default; each unit can be configured \
otherwise.\n\n\
A command that asks for it by `ack`, or that is refused, is answered at its topic with `/ack`. \
Commands are told apart by kind and `seqNum`; one that is repeated is answered again and not carried \
out again.";

/// The document.
pub(super) fn document() -> Value {
    let mut document = Document::new();
    for (stream, address) in CONTRACT.reports {
        document.report(*stream, address);
    }
    for (kind, address) in CONTRACT.commands {
        document.command(*kind, address);
    }
    for (_, address) in CONTRACT.acknowledgements {
        document.acknowledgement(address);
    }
    document.finish()
}

struct Document {
    up: SchemaGenerator,
    down: SchemaGenerator,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

impl Document {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft07().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
            })
        };
        Self {
            up: settings().for_serialize().into_generator(),
            down: settings().for_deserialize().into_generator(),
            channels: Map::new(),
            operations: Map::new(),
            messages: Map::new(),
        }
    }

    fn report(&mut self, stream: Stream, address: &str) {
        let delivery = match stream {
            Stream::Info | Stream::BasicStatus => Delivery::ASSURED,
            Stream::Presence => Delivery {
                retain: true,
                ..Delivery::ASSURED
            },
            stream => Delivery::of(Classes::default().of(stream)),
        };
        let message = match stream {
            Stream::Bsm => json!({
                "title": title(stream),
                "summary": summary(stream),
                "contentType": "application/octet-stream",
                "payload": {"type": "string", "format": "binary"},
            }),
            Stream::Junction => {
                let payload = self.up.subschema_for::<JunctionSnapshot<'_>>();
                json!({"title": title(stream), "summary": summary(stream), "payload": payload})
            }
            stream => {
                let payload = with_record(content_schema(stream, &mut self.up), &mut self.up);
                json!({"title": title(stream), "summary": summary(stream), "payload": payload})
            }
        };
        let channel = self.channel(address, &name_of(stream.name()), message);
        self.operation("send", &channel, &name_of(stream.name()), delivery, None);
    }

    fn command(&mut self, kind: CommandKind, address: &str) {
        let name = name_of(kind.name()) + "Command";
        let payload = content::command_schema(kind, &mut self.down);
        let summary = command_summary(kind);
        let message = json!({"title": name, "summary": summary, "payload": payload});
        let channel = self.channel(address, &name, message);

        let answer = self.up.subschema_for::<content::AnswerContent<'_>>();
        let payload = with_record(answer, &mut self.up);
        let message = json!({
            "title": "Answer",
            "summary": "How a command went: carried out, refused for a bad parameter, or impossible.",
            "payload": payload,
        });
        let address = address.to_owned() + CONTRACT.answer_suffix.unwrap_or_default();
        let answers = self.channel(&address, "answer", message);
        let reply = json!({
            "channel": reference(&["channels", &answers]),
            "messages": [reference(&["channels", &answers, "messages", "answer"])],
        });
        self.operation("receive", &channel, &name, Delivery::ASSURED, Some(reply));
    }

    fn acknowledgement(&mut self, address: &str) {
        let payload = schema::acknowledgement(&mut self.down);
        let message = json!({
            "title": "Acknowledgement",
            "summary": "What the platform says to a report with `ack`; without, it is sent again.",
            "payload": payload,
        });
        let channel = self.channel(address, "acknowledgement", message);
        self.operation(
            "receive",
            &channel,
            "acknowledgement",
            Delivery::ASSURED,
            None,
        );
    }

    /// Adds a channel with one message; returns its key.
    fn channel(&mut self, address: &str, message_name: &str, mut message: Value) -> String {
        let address = address.replace("{id}", "{rsuId}");
        let path = address.trim_start_matches("rsu/{rsuId}/");
        let key = name_of(&path.replace(['/', '-'], "_"));
        message["name"] = message_name.into();
        self.messages.insert(message_name.to_owned(), message);
        self.channels.insert(
            key.clone(),
            json!({
                "address": address,
                "parameters": {"rsuId": {"description": "The identifier of the unit."}},
                "messages": {message_name: reference(&["components", "messages", message_name])},
            }),
        );
        key
    }

    fn operation(
        &mut self,
        action: &str,
        channel: &str,
        message: &str,
        delivery: Delivery,
        reply: Option<Value>,
    ) {
        let Delivery { qos, retain, class } = delivery;
        let mut operation = json!({
            "action": action,
            "channel": reference(&["channels", channel]),
            "messages": [reference(&["channels", channel, "messages", message])],
            "bindings": {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": "0.2.0"}},
        });
        if let Some(class) = class {
            operation["x-class"] = json!(class);
        }
        if let Some(reply) = reply {
            operation["reply"] = reply;
        }
        let key = format!("{action}_{channel}");
        self.operations.insert(name_of(&key), operation);
    }

    fn finish(mut self) -> Value {
        let mut schemas = self.up.take_definitions(true);
        let mut rest = json!([self.channels, self.messages]);
        for (name, schema) in self.down.take_definitions(true) {
            match schemas.get(&name) {
                Some(same) if *same == schema => {}
                None => _ = schemas.insert(name, schema),
                Some(_) => panic!("two schemas are called {name}"),
            }
        }
        let [channels, messages] = [rest[0].take(), rest[1].take()];
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Roadside unit",
                "version": "1.0.0",
                "description": DESCRIPTION,
                "license": {"name": env!("CARGO_PKG_LICENSE")},
            },
            "defaultContentType": "application/json",
            "channels": channels,
            "operations": self.operations,
            "components": {"messages": messages, "schemas": schemas},
        })
    }
}

/// How an operation uses MQTT, unless a unit is configured otherwise.
struct Delivery {
    qos: u8,
    retain: bool,
    class: Option<Class>,
}

impl Delivery {
    /// Acknowledged, but in no class: what comes down, and what is made anew on every connection.
    const ASSURED: Self = Self {
        qos: 1,
        retain: false,
        class: None,
    };

    fn of(class: Class) -> Self {
        Self {
            qos: u8::from(class == Class::Durable),
            retain: false,
            class: Some(class),
        }
    }
}

/// The content, and behind it the member `record`.
fn with_record(content: Schema, generator: &mut SchemaGenerator) -> Schema {
    let record = generator.subschema_for::<Record>();
    json_schema!({
        "allOf": [
            content,
            {"type": "object", "required": ["record"], "properties": {"record": record}},
        ],
    })
}

fn content_schema(stream: Stream, generator: &mut SchemaGenerator) -> Schema {
    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    let of = match stream {
        Stream::Info => of::<content::Info<'_>>,
        Stream::BasicStatus => of::<content::BasicStatus<'_>>,
        Stream::Heartbeat => of::<content::Heartbeat<'_>>,
        Stream::RunningInformation => of::<content::RunningInformation<'_>>,
        Stream::Map => of::<content::MapUp<'_>>,
        Stream::Spat => of::<content::SpatUp<'_>>,
        Stream::Rsm => of::<content::RsmUp<'_>>,
        Stream::Rsi => of::<content::RsiUp<'_>>,
        Stream::Versions => of::<content::Versions<'_>>,
        Stream::Information => of::<content::InformationResponse<'_>>,
        Stream::Broadcast => of::<content::BroadcastStatus<'_>>,
        Stream::Traffic => of::<Traffic>,
        Stream::Alarm => of::<content::AlarmUp<'_>>,
        Stream::Gap => of::<content::GapUp<'_>>,
        Stream::Presence => of::<content::PresenceUp<'_>>,
        Stream::Upgrade => of::<content::UpgradeStatus<'_>>,
        Stream::Answer => of::<content::AnswerContent<'_>>,
        Stream::Bsm | Stream::Junction => panic!("{} is no object with a record", stream.name()),
    };
    of(generator)
}

fn title(stream: Stream) -> &'static str {
    match stream {
        Stream::Info => "Info",
        Stream::BasicStatus => "Basic status",
        Stream::Heartbeat => "Heartbeat",
        Stream::RunningInformation => "Running information",
        Stream::Map => "MAP",
        Stream::Spat => "SPAT",
        Stream::Bsm => "BSMs",
        Stream::Rsm => "RSM",
        Stream::Rsi => "RSI",
        Stream::Junction => "Fused junction",
        Stream::Answer => "Answer",
        Stream::Versions => "Versions",
        Stream::Information => "Answer to a question",
        Stream::Broadcast => "State of a broadcast",
        Stream::Traffic => "Traffic at a junction",
        Stream::Alarm => "Alarm",
        Stream::Gap => "Gap",
        Stream::Presence => "Presence",
        Stream::Upgrade => "State of an update",
    }
}

fn summary(stream: Stream) -> &'static str {
    match stream {
        Stream::Info => "Who the unit is and what is in force; first on every connection.",
        Stream::BasicStatus => "What the unit is made of; on every connection.",
        Stream::Heartbeat => "The unit is alive. The standard lists no topic for it.",
        Stream::RunningInformation => "How the machine and the program are doing.",
        Stream::Map => "A map that was received: when it changes, and within a limit.",
        Stream::Spat => "Lights as they were received.",
        Stream::Bsm => {
            "BSMs as they were received, a list: count (1 byte, 1..=255), as many lengths (2 bytes \
             each, big-endian), as many MessageFrames in UPER."
        }
        Stream::Rsm => "Traffic participants as a sensor told of them.",
        Stream::Rsi => "A traffic event or sign: when it begins, when it changes and when it ends.",
        Stream::Junction => {
            "Lights, lanes, queues and vehicles of a junction, ten times a second; ours."
        }
        Stream::Answer => "How a command went.",
        Stream::Versions => "The versions at work, when asked for.",
        Stream::Information => "The answer to an information query; ours.",
        Stream::Broadcast => "How far a broadcast that the platform ordered has come; ours.",
        Stream::Traffic => "What passed on each lane in an interval; ours.",
        Stream::Alarm => "Something is wrong, gets worse, or is right again; ours.",
        Stream::Gap => "Numbers of records that will not arrive, and why; ours.",
        Stream::Upgrade => {
            "How far an update has come, across reboots; the standard names the topic alone."
        }
        Stream::Presence => {
            "Whether the unit is there; retained, and the last will of the connection; ours."
        }
    }
}

fn command_summary(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::Sampling => "Report more or less; what is left out stays as it is.",
        CommandKind::Map => "Broadcast a map in place of the one of the same slice.",
        CommandKind::Rsi => "Broadcast an event or sign, or end that.",
        CommandKind::Rsm => "Broadcast participants in place of those before.",
        CommandKind::Spat => "Broadcast lights in place of those of the same intersections.",
        CommandKind::Versions => "Tell the versions.",
        CommandKind::RunStatus => "Tell at once how the unit is doing; ours.",
        CommandKind::Operations => {
            "Change rates and the log level, start anew, turn to another broker."
        }
        CommandKind::LogUpload => "Put the log where the platform can read it; ours.",
        CommandKind::Information => "Tell something of the unit; ours.",
        CommandKind::Records => "Send kept records again; ours.",
        CommandKind::Introduction => "Say again who the unit is.",
        CommandKind::Upgrade => {
            "Fetch, check and install another version, start it at the time, and keep it only if the \
             unit is well with it."
        }
        CommandKind::Acknowledgement => "What the platform says to a report.",
    }
}

fn reference(path: &[&str]) -> Value {
    let escaped: Vec<_> = path
        .iter()
        .map(|part| part.replace('~', "~0").replace('/', "~1"))
        .collect();
    json!({"$ref": format!("#/{}", escaped.join("/"))})
}

/// `run_status_up` as `runStatusUp`.
fn name_of(words: &str) -> String {
    let mut words = words.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}
