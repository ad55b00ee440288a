//! One pass over the text that refuses duplicates and everything over the limits, and keeps nothing.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{JsonError, Limits};

/// The general scan, whose verdict counts.
pub(super) fn scan_any(bytes: &[u8], limits: &Limits) -> Result<(), JsonError> {
    if bytes.len() > limits.max_bytes {
        return Err(JsonError::TooLong);
    }
    let broken = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Value { depth: 0, limits, broken: &broken };
    seed.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|_| broken.take().unwrap_or(JsonError::Syntax))
}

/// One value at `depth` containers; the first broken rule is left in `broken`, since serde's own error is only text.
#[derive(Clone, Copy)]
struct Value<'a> {
    depth: usize,
    limits: &'a Limits,
    broken: &'a Cell<Option<JsonError>>,
}

impl Value<'_> {
    fn refuse<E: Error>(&self, why: JsonError) -> E {
        let error = E::custom(&why);
        self.broken.set(Some(why));
        error
    }

    fn inside<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= self.limits.max_depth {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..*self })
    }

    fn count<E: Error>(&self, entries: &mut usize) -> Result<(), E> {
        *entries += 1;
        if *entries > self.limits.max_members { Err(self.refuse(JsonError::TooManyMembers)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
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
        let inside = self.inside()?;
        let mut entries = 0;
        while array.next_element_seed(inside)?.is_some() {
            self.count(&mut entries)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut names = Names::default();
        let mut entries = 0;
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            self.count(&mut entries)?;
            if !names.is_new(name) {
                return Err(self.refuse(JsonError::DuplicateMember));
            }
            object.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// The names of one object so far: few are compared one by one, which is quicker than hashing them.
#[derive(Default)]
struct Names<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// More are hashed, so that the work grows with the text and not with its square.
    const FEW: usize = 24;

    /// Takes a name in, unless it is there already.
    fn is_new(&mut self, name: Cow<'de, str>) -> bool {
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < Self::FEW {
            if self.few.is_empty() {
                self.few.reserve(Self::FEW);
            }
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // a failed set-up should stop the test
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 60, max_depth: 3, max_members: 4 };

    fn check(text: &str, expected: &Result<(), JsonError>) {
        let read = crate::json::read::<serde::de::IgnoredAny>(text.as_bytes(), &LIMITS).map(drop);
        assert_eq!(&read, expected, "{text}");
        assert_eq!(&scan_any(text.as_bytes(), &LIMITS), expected, "{text}");
    }

    #[test]
    fn well_formed_values_pass() {
        for text in ["{}", " [1, -2.5e3, true, null] ", r#"{"a":{"a":{"a":1}}}"#, r#"{"a":1,"b":1}"#, "[[],[],[],[]]"] {
            check(text, &Ok(()));
        }
    }

    #[test]
    fn each_rule_has_its_own_refusal() {
        check(r#"{"a":1,"a":1}"#, &Err(JsonError::DuplicateMember));
        check(r#"{"a":1,"\u0061":1}"#, &Err(JsonError::DuplicateMember));
        check(r#"[{"x":[{}]}]"#, &Err(JsonError::TooDeep));
        check("[1,2,3,4,5]", &Err(JsonError::TooManyMembers));
        check(r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#, &Err(JsonError::TooManyMembers));
        check(&format!("\"{}\"", "x".repeat(59)), &Err(JsonError::TooLong));
    }

    #[test]
    fn a_name_is_found_again_wherever_it_stands() {
        let limits = Limits { max_bytes: 4096, max_depth: 1, max_members: 64 };
        let names: Vec<_> = (0..60).map(|place| format!("\"n{place}\":0")).collect();
        assert_eq!(scan_any(format!("{{{}}}", names.join(",")).as_bytes(), &limits), Ok(()));
        for (first, again) in [(0, 1), (0, 23), (0, 24), (23, 24), (0, 59), (24, 25), (24, 59), (58, 59)] {
            let mut names = names.clone();
            names[again] = names[first].clone();
            let text = format!("{{{}}}", names.join(","));
            assert_eq!(scan_any(text.as_bytes(), &limits), Err(JsonError::DuplicateMember), "{first} {again}");
        }
    }

    #[test]
    fn anything_else_is_syntax() {
        for text in
            ["", "{", "{}\n{}", "{} x", "\u{feff}{}", "{'a':1}", "[1,]", "nul", "1e999", r#""\ud800""#, "01", "NaN"]
        {
            check(text, &Err(JsonError::Syntax));
        }
        assert_eq!(scan_any(b"\"\xff\"", &LIMITS), Err(JsonError::Syntax));
    }
}
