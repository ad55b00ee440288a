//! Strict JSON read the slow way: a second reader, which shares nothing with the product's but the library below both.

use std::collections::BTreeSet;
use std::fmt;

use handfast_identity::json::Limits;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether `bytes` are one JSON value within `limits`, no member twice in one object and nothing behind it.
#[must_use]
pub fn is_strict(bytes: &[u8], limits: &Limits) -> bool {
    if bytes.len() > limits.max_bytes {
        return false;
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Inside { limits, depth: 0 }.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

#[derive(Clone, Copy)]
struct Inside<'a> {
    limits: &'a Limits,
    depth: usize,
}

impl Inside<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == self.limits.max_depth {
            Err(E::custom("deep"))
        } else {
            Ok(Self { depth: self.depth + 1, ..self })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Inside<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let (inside, mut count) = (self.deeper()?, 0);
        while array.next_element_seed(inside)?.is_some() {
            count += 1;
            if count > self.limits.max_members {
                return Err(A::Error::custom("many"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let (inside, mut names) = (self.deeper()?, BTreeSet::new());
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name) || names.len() > self.limits.max_members {
                return Err(A::Error::custom("twice or many"));
            }
            object.next_value_seed(inside)?;
        }
        Ok(())
    }
}
