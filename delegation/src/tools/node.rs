//! JSON read for one look at it: what is kept is made of it.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A JSON value whose texts lie where it was read from, unless they had to be unescaped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Record(Vec<Member<'a>>),
}

/// A member of an object. That none stands twice in it is for whoever reads the text (P-07).
type Member<'a> = (Cow<'a, str>, Node<'a>);

impl<'a> Node<'a> {
    /// The same, of a value that was read already.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(*flag),
            // where it has none it is out of all bounds too
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::List(items.iter().map(Node::of).collect()),
            Value::Object(members) => {
                Self::Record(members.iter().map(|(name, value)| (name.into(), Node::of(value))).collect())
            }
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_record(&self) -> Option<Record<'_>> {
        match self {
            Self::Record(members) => Some(Record(members)),
            _ => None,
        }
    }
}

/// The members of an object.
#[derive(Clone, Copy)]
pub(super) struct Record<'n>(&'n [Member<'n>]);

impl<'n> Record<'n> {
    pub(super) const fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn find(self, name: &str) -> Option<&'n Node<'n>> {
        self.iter().find(|(other, _)| *other == name).map(|(_, node)| node)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = (&'n str, &'n Node<'n>)> {
        self.0.iter().map(|(name, node)| (&**name, node))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// The name of a member.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Node::Number(number))
    }

    #[allow(clippy::cast_precision_loss, reason = "as RFC 8785 reads numbers; beyond 2^53 they are refused")]
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "as RFC 8785 reads numbers; beyond 2^53 they are refused")]
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = object.next_entry()? {
            members.push((name, value));
        }
        Ok(Node::Record(members))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a text that is not read should stop the test
mod tests {
    use super::*;

    #[test]
    fn a_text_and_a_value_are_the_same_node() {
        for text in [
            "null",
            "true",
            "0",
            "-7",
            "1.5",
            "1e300",
            "18446744073709551615",
            "-9223372036854775808",
            r#""a\u00e9\n""#,
            r#""plain""#,
            "[]",
            "[1,[null]]",
            "{}",
            r#"{"a":{"b\t":[true,"x"]},"c":0.1}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::from_str::<Node<'_>>(text).unwrap(), Node::of(&value), "{text}");
        }
    }

    #[test]
    fn members_are_found_by_name() {
        let node: Node<'_> = serde_json::from_str(r#"{"b":1,"a":"x"}"#).unwrap();
        let record = node.as_record().unwrap();
        assert_eq!(record.find("a").and_then(Node::as_text), Some("x"));
        assert!(record.find("c").is_none() && record.len() == 2);
        assert_eq!(record.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
    }
}
