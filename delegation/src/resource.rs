//! Resource identifiers: the audiences tokens are for (RFC 8707).

use core::fmt;
use std::collections::BTreeSet;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// Longest resource identifier (spec/limits.md).
pub const MAX_RESOURCE_BYTES: usize = 512;

/// An absolute URI without fragment, compared as exact text: a trailing slash makes another resource (AT-14, DEL-21).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(String);

/// The text is no absolute URI without fragment, or is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceError;

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource is an absolute uri without fragment, at most 512 characters")
    }
}

impl core::error::Error for ResourceError {}

impl ResourceId {
    /// Reads a resource identifier (RES-01, TX-06).
    ///
    /// # Errors
    ///
    /// [`ResourceError`].
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        let (scheme, rest) = text.split_once(':').ok_or(ResourceError)?;
        let scheme_is_good = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        // RFC 3986 characters only: no blanks, quotes, backslashes, controls or text outside ASCII; `#` would be a fragment
        let is_of_uris = |byte: u8| {
            byte.is_ascii_graphic()
                && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        };
        let rest_is_good = !rest.is_empty() && rest.bytes().all(is_of_uris);
        if text.len() <= MAX_RESOURCE_BYTES && scheme_is_good && rest_is_good {
            Ok(Self(text.to_owned()))
        } else {
            Err(ResourceError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parsed(deserializer, Self::parse)
    }
}

/// Reads an array of resources, none of them twice.
///
/// # Errors
///
/// Anything else.
pub(crate) fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<ResourceId>, D::Error> {
    deserializer.deserialize_seq(Several { may_repeat: false })
}

/// Resources as `aud` names them: one, or an array in which the same may stand again (RFC 7519 4.1.3). Never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audience(pub(crate) BTreeSet<ResourceId>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let resources = deserializer.deserialize_any(Several { may_repeat: true })?;
        if resources.is_empty() { Err(Error::custom("an empty audience")) } else { Ok(Self(resources)) }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct Several {
    may_repeat: bool,
}

impl<'de> Visitor<'de> for Several {
    type Value = BTreeSet<ResourceId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resources")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        ResourceId::parse(text).map(|one| BTreeSet::from([one])).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut resources = BTreeSet::new();
        while let Some(resource) = array.next_element()? {
            if !resources.insert(resource) && !self.may_repeat {
                return Err(A::Error::custom("a resource stands twice"));
            }
        }
        Ok(resources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_uris_without_fragment() {
        for good in
            ["https://api.example/", "https://api.example/v1?tenant=7", "urn:example:files", "http://127.0.0.1:4600"]
        {
            assert!(ResourceId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example",
            "/v1",
            "https:",
            ":x",
            "1ttp://x",
            "https://a/#f",
            "https://a /",
            "https://a\n",
            "https://\u{e4}/",
        ] {
            assert_eq!(ResourceId::parse(bad), Err(ResourceError), "{bad}");
        }
        let longest = format!("urn:{}", "x".repeat(MAX_RESOURCE_BYTES - 4));
        assert!(ResourceId::parse(&longest).is_ok());
        assert_eq!(ResourceId::parse(&(longest + "x")), Err(ResourceError));
    }
}
