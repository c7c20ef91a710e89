//! Which class of delivery each stream belongs to.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::dialect::{Class, Stream};

/// A class for each stream. Info and basic status, which a unit says first on every connection, are
/// always durable, and need no disk for it: they are made anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes([Class; Stream::ALL.len()]);

impl Classes {
    /// The class of `stream`; of a MAP, when it is new (what only repeats it is always live).
    pub fn of(&self, stream: Stream) -> Class {
        let class = self.0.get(stream as usize);
        class.copied().unwrap_or(Class::Live)
    }

    /// The same with `stream` in `class`.
    pub fn with(mut self, stream: Stream, class: Class) -> Self {
        if let Some(held) = self.0.get_mut(stream as usize) {
            *held = class;
        }
        self
    }

    /// Whether any stream belongs to `class`.
    pub fn uses(&self, class: Class) -> bool {
        self.0.contains(&class)
    }
}

impl Default for Classes {
    /// Events, alarms, changed maps, answers to commands and the traffic of an interval are durable;
    /// what is sent many times a second, or says how the unit is right now, is live.
    fn default() -> Self {
        Self(Stream::ALL.map(|stream| match stream {
            Stream::Info | Stream::BasicStatus | Stream::Map | Stream::Rsi | Stream::Traffic => {
                Class::Durable
            }
            Stream::Answer | Stream::Versions | Stream::Information | Stream::Broadcast => {
                Class::Durable
            }
            Stream::Alarm | Stream::Gap | Stream::Upgrade => Class::Durable,
            _ => Class::Live,
        }))
    }
}

impl<'de> Deserialize<'de> for Classes {
    /// A table of streams by name; those that it leaves out keep their default.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClassesVisitor)
    }
}

struct ClassesVisitor;

impl<'de> Visitor<'de> for ClassesVisitor {
    type Value = Classes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("classes of streams by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Classes, A::Error> {
        let mut classes = Classes::default();
        while let Some((Configurable(stream), class)) = table.next_entry()? {
            classes = classes.with(stream, class);
        }
        Ok(classes)
    }
}

/// A stream that has a class.
struct Configurable(Stream);

impl Configurable {
    fn all() -> impl Iterator<Item = Stream> {
        let is_introduction =
            |stream: &Stream| matches!(stream, Stream::Info | Stream::BasicStatus);
        let streams = Stream::ALL.into_iter();
        streams.filter(move |stream| !is_introduction(stream))
    }
}

impl<'de> Deserialize<'de> for Configurable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let stream = Self::all().find(|stream| stream.name() == name);
        stream.map(Self).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(Stream::name).collect();
            D::Error::custom(format_args!(
                "unknown stream `{name}`, expected one of {}",
                names.join(", ")
            ))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_keeps_its_class() {
        let classes: Classes = toml::from_str("bsm = \"spilled\"").unwrap();
        assert_eq!(classes.of(Stream::Bsm), Class::Spilled);
        assert_eq!(classes.of(Stream::Rsi), Class::Durable);
        assert!(classes.uses(Class::Spilled) && !Classes::default().uses(Class::Spilled));
    }

    #[test]
    fn unknown_streams_and_classes_are_named() {
        let refusal = |text| toml::from_str::<Classes>(text).unwrap_err().to_string();
        let error = refusal("spat = \"live\"\nspate = \"live\"");
        assert!(
            error.contains("`spate`") && error.contains("junction"),
            "{error}"
        );
        assert!(error.contains("line 2"), "{error}");
        assert!(refusal("info = \"live\"").contains("unknown stream"));
        let error = refusal("spat = \"alive\"");
        assert!(
            error.contains("alive") && error.contains("durable"),
            "{error}"
        );
    }
}
