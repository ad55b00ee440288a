//! The organisation a record belongs to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The one organisation until there are tenants.
const DEFAULT: &str = "default";
const MAX_ORGANISATION_BYTES: usize = 63;

/// An organisation id. Every record carries one, so that tenants need no migration (P-21).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Organisation(String);

impl Default for Organisation {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl Organisation {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Organisation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Organisation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let good = (1..=MAX_ORGANISATION_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if good { Ok(Self(text)) } else { Err(serde::de::Error::custom("not an organisation id")) }
    }
}
