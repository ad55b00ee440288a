//! The statements and the history as they stand in JSON.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{UnixTime, json};

/// What the new key signs.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptanceWire {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) iat: UnixTime,
    pub(super) jti: String,
    pub(super) sub: String,
    pub(super) after: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prev: Option<String>,
}

/// What the key before it, or the owner, signs about that.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeWire {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) iat: UnixTime,
    pub(super) jti: String,
    pub(super) key: String,
}

/// A history; members that are only for people are skipped.
#[derive(Debug, Deserialize)]
pub(super) struct HistoryWire {
    pub(super) issuer: String,
    #[serde(deserialize_with = "entries")]
    pub(super) keys: Vec<EntryWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EntryWire {
    pub(super) seq: u16,
    pub(super) did: String,
    #[serde(default)]
    pub(super) statement: Option<String>,
    #[serde(default)]
    pub(super) statement_hash: Option<String>,
}

/// Each entry stands as an object, and not as a list of its members (P-07).
fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<EntryWire>, D::Error> {
    struct Element(EntryWire);

    impl<'de> Deserialize<'de> for Element {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            json::object(deserializer).map(Self)
        }
    }

    let elements = Vec::<Element>::deserialize(deserializer)?;
    Ok(elements.into_iter().map(|Element(entry)| entry).collect())
}
