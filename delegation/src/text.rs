//! Texts of claims that become something else at once, so that the text itself is never kept.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

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
