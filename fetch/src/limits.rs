//! How much one fetch may cost.

use std::time::Duration;

/// Bytes of a document, key set or metadata (DW-09, MD-07).
const DOCUMENT_BYTES: usize = 64 * 1024;
/// From the first look-up to the last byte (DW-09).
const DOCUMENT_DEADLINE: Duration = Duration::from_secs(5);

/// The media types a caller can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaTypes {
    /// `application/json` and `application/…+json`.
    Json,
    /// The same, and this one besides; written in lower case.
    JsonOr(&'static str),
    /// Exactly one of these, parameters apart; written in lower case.
    OneOf(&'static [&'static str]),
}

impl MediaTypes {
    /// Whether a `Content-Type` value is one of them.
    pub(crate) fn admits(self, content_type: Option<&str>) -> bool {
        let Some(essence) = content_type.map(essence) else { return false };
        match self {
            Self::Json => is_json(&essence),
            Self::JsonOr(other) => is_json(&essence) || essence == other,
            Self::OneOf(types) => types.contains(&essence.as_str()),
        }
    }
}

fn is_json(essence: &str) -> bool {
    essence == "application/json"
        || essence.strip_prefix("application/").and_then(|subtype| subtype.strip_suffix("+json")).is_some()
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Bounds of one fetch; all of them hold whatever the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes of the body; one more is [`FetchError::TooLarge`](crate::FetchError::TooLarge).
    pub max_bytes: usize,
    /// From the first look-up to the last byte.
    pub deadline: Duration,
    /// What the answer has to be.
    pub media_types: MediaTypes,
}

impl FetchLimits {
    /// For documents, key sets and metadata: 64 KiB of JSON within 5 s.
    pub const DOCUMENT: Self =
        Self { max_bytes: DOCUMENT_BYTES, deadline: DOCUMENT_DEADLINE, media_types: MediaTypes::Json };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_json_and_what_ends_in_plus_json() {
        for (text, expected) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("application/jwk-set+json"), true),
            (Some("application/did+json ; q=1"), true),
            (Some("application/jsonp"), false),
            (Some("text/json"), false),
            (Some("text/html"), false),
            (Some("json"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(MediaTypes::Json.admits(text), expected, "{text:?}");
        }
    }

    #[test]
    fn one_more_type_may_be_as_good_as_json() {
        let did = MediaTypes::JsonOr("application/did");
        for (text, expected) in [
            ("application/did", true),
            ("application/did+ld+json", true),
            ("application/didx", false),
            ("text/did", false),
        ] {
            assert_eq!(did.admits(Some(text)), expected, "{text}");
        }
    }

    #[test]
    fn named_types_are_exact_but_for_case_and_parameters() {
        let jwt = MediaTypes::OneOf(&["application/jwt"]);
        for (text, expected) in [
            ("application/jwt", true),
            ("application/JWT;x=1", true),
            ("application/at+jwt", false),
            ("application/json", false),
        ] {
            assert_eq!(jwt.admits(Some(text)), expected, "{text}");
        }
    }
}
