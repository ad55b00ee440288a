//! Strict JSON: bounded, without duplicate members, nothing behind the value (RFC 8259 with RFC 7515 4's "unique names").

mod canonical;
mod object;
mod plain;
mod strict;

use core::fmt;

use serde::Deserialize;

pub use canonical::to_jcs;
pub use object::{object, optional, optional_object};
pub use plain::{specials, string_length};

/// Bounds of one JSON text, checked before anything is read out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text.
    pub max_bytes: usize,
    /// Arrays and objects inside each other; `{}` alone is depth 1.
    pub max_depth: usize,
    /// Elements of one array, or members of one object.
    pub max_members: usize,
}

impl Limits {
    /// Elements of one array or object (spec/limits.md).
    pub const MAX_MEMBERS: usize = 64;
    /// Depth in headers, proofs and request bodies (spec/limits.md).
    pub const MAX_DEPTH: usize = 8;
    /// Depth in access tokens and hops, which nest `act` and constraints (spec/limits.md).
    pub const MAX_DEPTH_TOKEN: usize = 16;

    /// The bounds for headers, proofs and request bodies of at most `max_bytes`.
    #[must_use]
    pub const fn plain(max_bytes: usize) -> Self {
        Self { max_bytes, max_depth: Self::MAX_DEPTH, max_members: Self::MAX_MEMBERS }
    }

    /// The bounds for tokens and hops of at most `max_bytes`.
    #[must_use]
    pub const fn token(max_bytes: usize) -> Self {
        Self { max_bytes, max_depth: Self::MAX_DEPTH_TOKEN, max_members: Self::MAX_MEMBERS }
    }
}

/// Why a JSON text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// More bytes than allowed.
    TooLong,
    /// Deeper than allowed.
    TooDeep,
    /// An array or object with more entries than allowed.
    TooManyMembers,
    /// A member name twice in one object.
    DuplicateMember,
    /// Not JSON, not UTF-8, or something behind the value.
    Syntax,
    /// JSON, but not of the shape asked for: says which member is missing, or where one is unknown or of the wrong type.
    /// Holds nothing of the text that was read.
    Shape(String),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than allowed"),
            Self::TooDeep => f.write_str("nested deeper than allowed"),
            Self::TooManyMembers => f.write_str("an array or object with more entries than allowed"),
            Self::DuplicateMember => f.write_str("a member name stands twice in one object"),
            Self::Syntax => f.write_str("not one well-formed JSON value"),
            Self::Shape(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for JsonError {}

/// Reads one `T` from `bytes`, refusing every ambiguity first (P-07).
///
/// # Errors
///
/// The first bound or rule the text breaks; `T`'s own complaints come last, as [`JsonError::Shape`].
///
/// ```
/// use handfast_identity::json::{read, JsonError, Limits};
/// let limits = Limits::plain(64);
/// assert_eq!(read::<Vec<u8>>(b"[1,2]", &limits), Ok(vec![1, 2]));
/// assert_eq!(read::<Vec<u8>>(b"[1,2] []", &limits), Err(JsonError::Syntax));
/// ```
pub fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8], limits: &Limits) -> Result<T, JsonError> {
    let read = match plain::well_formed(bytes, limits) {
        Some(text) => serde_json::from_str(text),
        None => {
            strict::scan_any(bytes, limits)?;
            serde_json::from_slice(bytes)
        }
    };
    read.map_err(|error| shape(&error))
}

/// What is wrong with the shape, without a word of the text itself: it may be logged, and the text may hold anything (P-19).
fn shape(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let told = error.to_string();
    // names of missing members are ours; everything else serde says may quote what it read
    match told.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((member, _)) => JsonError::Shape(format!("member `{member}` is missing")),
        None => JsonError::Shape(format!("a member is unknown or of the wrong type, at line {line} column {column}")),
    }
}

/// As [`read`], for a text that has to be one JSON object: what a derived struct reads, without its array form.
///
/// # Errors
///
/// As [`read`]; anything but an object is a matter of [`JsonError::Shape`].
///
/// ```
/// use handfast_identity::json::{read_object, Limits};
/// #[derive(serde::Deserialize)]
/// struct Point { x: u8 }
/// assert!(read_object::<Point>(br#"{"x":1}"#, &Limits::plain(64)).is_ok());
/// assert!(read_object::<Point>(b"[1]", &Limits::plain(64)).is_err());
/// ```
pub fn read_object<'de, T: Deserialize<'de>>(bytes: &'de [u8], limits: &Limits) -> Result<T, JsonError> {
    read::<object::Object<T>>(bytes, limits).map(|object::Object(value)| value)
}

/// Notes that a member stands in the object, whatever its value: `null` counts.
///
/// For members whose mere presence decides (`crit`, a private `d`): `#[serde(default, deserialize_with = "json::present")]`.
///
/// # Errors
///
/// Only if the value is not JSON.
pub fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Deserialize::deserialize(deserializer).map(|serde::de::IgnoredAny| true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a text that is read after all should stop the test
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: u8,
    }

    fn refusal(text: &str) -> String {
        read_object::<Point>(text.as_bytes(), &Limits::plain(256)).unwrap_err().to_string()
    }

    #[test]
    fn refusals_quote_nothing_of_the_text() {
        assert_eq!(read_object::<Point>(br#"{"x":7}"#, &Limits::plain(256)).map(|point| point.x), Ok(7));
        assert_eq!(refusal("{}"), "member `x` is missing");
        for text in
            [r#"{"x":"secret"}"#, r#"{"secret\nline":1}"#, r#"{"x":1,"secret":2}"#, r#"["secret"]"#, r#"{"x":999}"#]
        {
            let told = refusal(text);
            assert!(told.starts_with("a member is unknown or of the wrong type, at line 1 column "), "{told}");
            assert!(!told.contains("secret") && !told.contains('\n') && !told.contains("999"), "{told}");
        }
    }
}
