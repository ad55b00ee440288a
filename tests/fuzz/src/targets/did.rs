//! DIDs: one on the first line, and behind it a document for it.

use handfast_conformance::both::slow_json;
use handfast_dpop::Target;
use handfast_identity::json::Limits;
use handfast_identity::{
    AnyDidError, Did, DidDocument, DidJwk, DidKey, DidWeb, ForeignDocument, MAX_DOCUMENT_BYTES, did_method,
};
use serde_json::Value;

/// Characters of any DID (DID-06).
const MAX_DID_BYTES: usize = 2048;
/// Bounds of a document: those of the product, here by their own numbers.
const DOCUMENT: Limits = Limits { max_bytes: MAX_DOCUMENT_BYTES, max_depth: 16, max_members: 128 };

pub fn run(data: &[u8]) {
    let (did, document) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], Some(&data[end + 1..])),
        None => (data, None),
    };
    let Ok(text) = core::str::from_utf8(did) else { return };
    let did = match Did::parse(text) {
        Ok(did) => did,
        Err(AnyDidError::Syntax) => return assert_eq!(did_method(text), None),
        Err(_) => return assert!(did_method(text).is_some()),
    };
    assert_eq!((did.as_str(), did.to_string().as_str()), (text, text), "a DID is its text");
    assert!(text.len() <= MAX_DID_BYTES && text.is_ascii());
    match &did {
        Did::Key(did) => require_key(text, did),
        Did::Jwk(did) => require_jwk(did),
        Did::Web(did) => require_web(text, did, document),
    }
}

/// One key, one text.
fn require_key(text: &str, did: &DidKey) {
    assert_eq!(DidKey::from_public_key(did.public_key().clone()).as_str(), text);
    assert_eq!(DidKey::thumbprint_of(text), Some(did.public_key().thumbprint()));
    assert_eq!(did.key_id(), format!("{text}#{}", did.fragment()));
    require_document(&DidDocument::of_key(did), text);
}

/// One key, however it is written.
fn require_jwk(did: &DidJwk) {
    let plain = DidJwk::from_public_key(did.public_key().clone());
    assert_eq!(DidJwk::parse(plain.as_str()).as_ref().map(DidJwk::thumbprint), Ok(did.thumbprint()));
    require_document(&DidDocument::of_jwk(did), did.as_str());
}

/// What we say of a DID is a document that anybody reads.
fn require_document(document: &DidDocument, did: &str) {
    let text = serde_json::to_vec(document).expect("a document can be written");
    let read = slow_json::read(&text, &DOCUMENT).expect("a document is strict JSON");
    assert_eq!(crate::form::word(&read, "id"), Some(did));
}

/// One place, on the host that the DID names, and no other way back.
fn require_web(text: &str, did: &DidWeb, document: Option<&[u8]>) {
    let url = did.url();
    let rest =
        url.strip_prefix("https://").and_then(|rest| rest.strip_suffix("/did.json")).expect("a document's place");
    let (authority, path) = rest.split_once('/').expect("a path");
    assert_eq!(authority, did.authority());
    assert!(authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte)), "{url}");
    let target = Target::parse(&url).expect("a place is a target");
    assert_eq!(target.path().split('/').count(), path.split('/').count() + 2, "{url} is shorter than it looks");
    let back = if did.is_origin() {
        authority.replace(':', "%3A")
    } else {
        format!("{}:{}", authority.replace(':', "%3A"), path.replace('/', ":"))
    };
    // the one escape of a host, of a port's colon, may be written in two ways
    let (host, rest) = text["did:web:".len()..].split_once(':').unwrap_or((&text["did:web:".len()..], ""));
    let rest = if rest.is_empty() { String::new() } else { format!(":{rest}") };
    assert_eq!(format!("{}{rest}", host.replace("%3a", "%3A")), back);

    let Some(document) = document else { return };
    let Ok(found) = ForeignDocument::parse(did, document) else { return };
    let slow = slow_json::read(document, &DOCUMENT).expect("a document is strict JSON");
    assert_eq!(crate::form::word(&slow, "id"), Some(text), "a document is about its own DID");
    let json: &Value = found.json();
    assert!(slow.is(json));
}
