//! One entry: from the model's words to the bytes in the store, and the running hash over them.

use handfast_identity::UnixTime;
use handfast_identity::json::{self, JsonError, Limits};
use handfast_registry_model::{FeedEntry, FeedKind};
use handfast_verifier::revocation::{FeedEvent, Head, RevocationKind, RevocationName};
use serde::{Deserialize, Serialize};

use crate::store::{FeedLink, LinkError, Linked, MAX_VALUE_BYTES};

/// An entry on its way into the store: everything but its number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    kind: RevocationKind,
    name: RevocationName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<UnixTime>,
}

/// What readers of the feed call a kind.
pub(crate) const fn kind_of(kind: FeedKind) -> RevocationKind {
    match kind {
        FeedKind::Agent => RevocationKind::Agent,
        FeedKind::Task => RevocationKind::Task,
        FeedKind::Token => RevocationKind::Token,
        FeedKind::Hop => RevocationKind::Hop,
        FeedKind::Owner => RevocationKind::Owner,
        FeedKind::IssuerKey => RevocationKind::IssuerKey,
        FeedKind::Key => RevocationKind::Key,
    }
}

/// The bytes of an entry for [`Batch::feed`](crate::store::Batch::feed), its name hashed for `issuer`.
///
/// # Errors
///
/// [`JsonError`], which no entry causes.
pub(crate) fn body(issuer: &str, entry: &FeedEntry) -> Result<Vec<u8>, JsonError> {
    let kind = kind_of(entry.kind);
    let FeedEntry { cut, until, .. } = *entry;
    json::to_jcs(&Body { kind, name: RevocationName::of(issuer, kind, &entry.id), cut, until })
}

/// Reads a stored entry back, as strictly as if it came from outside.
///
/// # Errors
///
/// [`JsonError`] for bytes that this version does not write.
pub(crate) fn stored(bytes: &[u8]) -> Result<FeedEvent, JsonError> {
    json::read_object(bytes, &Limits::plain(MAX_VALUE_BYTES))
}

/// Numbers and chains entries: h(n) = SHA-256(h(n−1) ‖ SHA-256(JCS of event n)), from the hash of issuer and epoch.
#[derive(Clone, Debug)]
pub(crate) struct FeedChain {
    issuer: String,
}

impl FeedChain {
    pub(crate) fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned() }
    }
}

impl FeedLink for FeedChain {
    fn origin(&self, epoch: &str) -> [u8; 32] {
        *Head::start(&self.issuer, epoch).as_bytes()
    }

    fn link(&self, seq: u64, previous_head: &[u8; 32], body: &[u8]) -> Result<Linked, LinkError> {
        let told = |error: JsonError| LinkError::new(error.to_string());
        let Body { kind, name, cut, until } = json::read_object(body, &Limits::plain(MAX_VALUE_BYTES)).map_err(told)?;
        let event = FeedEvent { seq, kind, name, cut, until };
        let stored = json::to_jcs(&event).map_err(told)?;
        let head = Head::from_bytes(*previous_head).after_canonical(&stored);
        Ok(Linked { head: *head.as_bytes(), stored })
    }

    fn body(&self, bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
        let told = |error: JsonError| LinkError::new(error.to_string());
        let FeedEvent { kind, name, cut, until, .. } = stored(bytes).map_err(told)?;
        json::to_jcs(&Body { kind, name, cut, until }).map_err(told)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example";

    fn entry() -> FeedEntry {
        FeedEntry { kind: FeedKind::Agent, id: "did:key:z6Mk".to_owned(), cut: None, until: None }
    }

    #[test]
    fn an_entry_is_numbered_hashed_and_read_back() {
        let chain = FeedChain::new(ISSUER);
        let start = chain.origin("e1");
        assert_eq!(start, *Head::start(ISSUER, "e1").as_bytes());
        let linked = chain.link(7, &start, &body(ISSUER, &entry()).unwrap()).unwrap();
        let event = stored(&linked.stored).unwrap();
        let name = RevocationName::of(ISSUER, RevocationKind::Agent, "did:key:z6Mk");
        assert_eq!(event, FeedEvent { seq: 7, kind: RevocationKind::Agent, name, cut: None, until: None });
        assert_eq!(linked.head, *Head::from_bytes(start).after(&event).unwrap().as_bytes());
    }

    #[test]
    fn cut_offs_and_ends_are_kept() {
        let (cut, until) = (Some(UnixTime::from_secs(9)), Some(UnixTime::from_secs(99)));
        let chain = FeedChain::new(ISSUER);
        let linked = chain.link(1, &[0; 32], &body(ISSUER, &FeedEntry { cut, until, ..entry() }).unwrap()).unwrap();
        let event = stored(&linked.stored).unwrap();
        assert_eq!((event.cut, event.until), (cut, until));
    }

    #[test]
    fn what_is_no_entry_is_not_linked() {
        for wrong in [
            &b""[..],
            b"{}",
            b"[]",
            br#"{"kind":"agent","name":"x"}"#,
            br#"["agent","AAAAAAAAAAAAAAAAAAAAAA"]"#,
            br#"{"kind":"all","name":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
        ] {
            assert!(FeedChain::new(ISSUER).link(1, &[0; 32], wrong).is_err());
        }
    }
}
