//! Resource identifiers: the audiences tokens are for (RFC 8707).

use core::fmt;
use std::collections::BTreeSet;

use handfast_identity::Text;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{self, Keep, TextWire};

/// Longest resource identifier (spec/limits.md).
pub const MAX_RESOURCE_BYTES: usize = 512;

/// An absolute URI without fragment, compared as exact text: a trailing slash makes another resource (AT-14, DEL-21).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(Text);

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
        Self::read(text, |text| text.into())
    }

    /// The same, where the text is kept by `keep`.
    pub(crate) fn read(text: &str, keep: impl FnOnce(&str) -> Text) -> Result<Self, ResourceError> {
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
            Ok(Self(keep(text)))
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

/// Resource identifiers as claims have them: one text, or an array of them.
pub(crate) enum ResourcesWire<'a> {
    One(TextWire<'a>),
    /// Most arrays have one element, which asks for no list.
    Array(Option<TextWire<'a>>, Vec<TextWire<'a>>),
    Written(&'a BTreeSet<ResourceId>),
}

impl ResourcesWire<'_> {
    /// As `aud` names them: one, or an array in which the same may stand again (RFC 7519 4.1.3). Never none.
    pub(crate) fn audience(&self, keep: &Keep<'_>) -> Option<BTreeSet<ResourceId>> {
        self.read(keep, true).filter(|resources| !resources.is_empty())
    }

    /// As `resource` of a hop: an array, none of them twice.
    pub(crate) fn each_once(&self, keep: &Keep<'_>) -> Option<BTreeSet<ResourceId>> {
        if matches!(self, Self::One(_)) { None } else { self.read(keep, false) }
    }

    fn read(&self, keep: &Keep<'_>, may_repeat: bool) -> Option<BTreeSet<ResourceId>> {
        let (first, rest) = match self {
            Self::One(first) => (Some(first), [].as_slice()),
            Self::Array(first, rest) => (first.as_ref(), rest.as_slice()),
            Self::Written(resources) => return Some((*resources).clone()),
        };
        let mut resources = BTreeSet::new();
        for text in first.into_iter().chain(rest) {
            let is_new = resources.insert(ResourceId::read(text, keep).ok()?);
            if !is_new && !may_repeat {
                return None;
            }
        }
        Some(resources)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ResourcesWire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for ResourcesWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written(resources) => resources.serialize(serializer),
            Self::One(_) | Self::Array(..) => Err(serde::ser::Error::custom("what was read is not written")),
        }
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = ResourcesWire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resources")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(ResourcesWire::One(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(ResourcesWire::One(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let (first, mut rest) = (array.next_element()?, Vec::new());
        while let Some(text) = array.next_element()? {
            rest.push(text);
        }
        Ok(ResourcesWire::Array(first, rest))
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
