//! Texts of claims: those that become something else at once, and those that are kept.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use std::borrow::Cow;

use handfast_identity::Text;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

/// How a text of a claim is kept: by the JWS it was read out of, whose memory it shares.
pub(crate) type Keep<'k> = dyn Fn(&str) -> Text + 'k;

/// A text of a claim, where it was read or is to be written from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct TextWire<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for TextWire<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for TextWire<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for TextWire<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

/// Reads a JSON string and makes of it what `parse` makes.
///
/// # Errors
///
/// Anything but a string, and `parse`'s own complaints.
pub(crate) fn parsed<'de, T, E: fmt::Display, D: Deserializer<'de>>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Parser(parse, PhantomData))
}

struct Parser<F, T>(F, PhantomData<T>);

impl<T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Parser<F, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<X: Error>(self, text: &str) -> Result<T, X> {
        (self.0)(text).map_err(X::custom)
    }
}
