//! Strict JSON: bounded, without duplicate members, nothing behind the value (RFC 8259 with RFC 7515 4's "unique names").

mod canonical;
mod object;
mod strict;

use core::fmt;

use serde::de::DeserializeOwned;

pub use canonical::to_jcs;
pub use object::{object, optional, optional_object};

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
    /// JSON, but not of the shape asked for: the message names what is missing, unknown or of the wrong type.
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
pub fn read<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, JsonError> {
    strict::scan(bytes, limits)?;
    serde_json::from_slice(bytes).map_err(|error| JsonError::Shape(error.to_string()))
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
pub fn read_object<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, JsonError> {
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
    serde::de::Deserialize::deserialize(deserializer).map(|serde::de::IgnoredAny| true)
}
