//! Hashes as claims write them: 43 characters of base64url.

use handfast_identity::{ContentHash, Thumbprint};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// The hash of something another signed text says.
#[derive(Clone, Copy)]
pub(crate) struct HashWire(pub(crate) ContentHash);

/// The thumbprint of a key.
#[derive(Clone, Copy)]
pub(crate) struct ThumbprintWire(pub(crate) Thumbprint);

impl<'de> Deserialize<'de> for HashWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parsed(deserializer, |text| ContentHash::from_claim(text).map(Self).ok_or("not a hash"))
    }
}

impl<'de> Deserialize<'de> for ThumbprintWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parsed(deserializer, |text| Thumbprint::parse(text).map(Self))
    }
}

impl Serialize for HashWire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for ThumbprintWire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
