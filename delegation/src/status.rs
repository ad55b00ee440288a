//! Where a token's status stands: a place in a list of its issuer's (spec/status-lists.md, draft-ietf-oauth-status-list 6.2).

use handfast_identity::{MAX_UNIX_SECONDS, Text, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::{Keep, TextWire};

/// Longest address of a status list read (spec/limits.md).
pub const MAX_STATUS_URI_BYTES: usize = 2048;

/// The place of a token's status: `status.status_list` (TSL-13). It says nothing about what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReference {
    /// The place in the list (`idx`), at most 2^53 − 1.
    pub index: u64,
    /// The address of the list (`uri`), 1 to [`MAX_STATUS_URI_BYTES`] bytes. Text of whoever signed the token: not yet an address
    /// that anybody may be sent to.
    pub uri: Text,
}

/// `status`, or what another issuer means by the word. What cannot be read is no reference: whoever needs one refuses the token.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum StatusWire<'a> {
    Readable(#[serde(borrow, deserialize_with = "json::object")] MechanismsWire<'a>),
    Unreadable(Value),
}

#[derive(Deserialize, Serialize)]
pub(crate) struct MechanismsWire<'a> {
    #[serde(borrow, deserialize_with = "json::object")]
    status_list: ReferenceWire<'a>,
}

#[derive(Deserialize, Serialize)]
struct ReferenceWire<'a> {
    idx: u64,
    #[serde(borrow)]
    uri: TextWire<'a>,
}

impl StatusWire<'_> {
    /// The reference, if it is one.
    pub(crate) fn readable(&self, keep: &Keep<'_>) -> Option<StatusReference> {
        let Self::Readable(MechanismsWire { status_list: ReferenceWire { idx: index, uri } }) = self else {
            return None;
        };
        // the largest integer every JSON reader keeps exactly
        let is_address = !uri.is_empty() && uri.len() <= MAX_STATUS_URI_BYTES;
        (*index <= MAX_UNIX_SECONDS && is_address).then(|| StatusReference { index: *index, uri: keep(uri) })
    }
}

impl<'a> From<&'a StatusReference> for StatusWire<'a> {
    fn from(StatusReference { index, uri }: &'a StatusReference) -> Self {
        Self::Readable(MechanismsWire { status_list: ReferenceWire { idx: *index, uri: uri.as_str().into() } })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<StatusReference> {
        serde_json::from_str::<StatusWire<'_>>(text).unwrap().readable(&|text| text.into())
    }

    #[test]
    fn a_reference_is_an_index_and_an_address() {
        let reference = StatusReference { index: 7, uri: "https://registry.example/status-lists/0".into() };
        let text = r#"{"status_list":{"idx":7,"uri":"https://registry.example/status-lists/0"}}"#;
        assert_eq!(serde_json::to_string(&StatusWire::from(&reference)).unwrap(), text);
        assert_eq!(read(text), Some(reference.clone()));
        let beside = r#"{"other":1,"status_list":{"x":[],"idx":7,"uri":"https://registry.example/status-lists/0"}}"#;
        assert_eq!(read(beside), Some(reference));
    }

    #[test]
    fn what_is_no_reference_is_none() {
        for text in [
            r#""active""#,
            r#"{}"#,
            r#"[{"idx":1,"uri":"https://a.example"}]"#,
            r#"{"status_list":[1,"https://a.example"]}"#,
            r#"{"status_list":{"idx":-1,"uri":"https://a.example"}}"#,
            r#"{"status_list":{"idx":1.5,"uri":"https://a.example"}}"#,
            r#"{"status_list":{"idx":"1","uri":"https://a.example"}}"#,
            r#"{"status_list":{"idx":9007199254740992,"uri":"https://a.example"}}"#,
            r#"{"status_list":{"idx":1}}"#,
            r#"{"status_list":{"idx":1,"uri":""}}"#,
            r#"{"status_list":{"idx":1,"uri":7}}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let uri = |bytes: usize| format!(r#"{{"status_list":{{"idx":1,"uri":"{}"}}}}"#, "a".repeat(bytes));
        assert!(read(&uri(MAX_STATUS_URI_BYTES)).is_some());
        assert_eq!(read(&uri(MAX_STATUS_URI_BYTES + 1)), None);
    }
}
