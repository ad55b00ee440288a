//! `ssi` (did-method-key 0.5.0, ssi-jwk 0.4.0) and `did-key` 0.2.1 resolve the same DIDs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a vector of another shape should stop the test")]

use std::collections::BTreeSet;

use handfast_identity::{DidDocument, DidKey, base64url};
use handfast_oracles_dids::{Vectors, Verdicts, did_key, ssi_did_key};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Accepted {
    did: String,
    jwk: String,
    jkt: String,
}

fn vectors() -> Vectors<Accepted> {
    Vectors::read(include_str!("../../../../spec/vectors/did-key.json"))
}

fn ours(did: &str) -> Value {
    serde_json::to_value(DidDocument::of_key(&DidKey::parse(did).unwrap())).unwrap()
}

#[test]
fn ssi_resolves_a_did_key_to_the_same_document() {
    for Accepted { did, .. } in vectors().accepted {
        let (theirs, ours) = (ssi_did_key(&did).document(), ours(&did));
        let same: BTreeSet<_> = ours.as_object().unwrap().keys().filter(|name| theirs[*name] == ours[*name]).collect();
        let names = same.iter().map(|name| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["assertionMethod", "authentication", "id", "verificationMethod"], "{did}");
        // spec/interop.md, Oracles: the context of DID 1.0, and two relationships
        assert!(theirs["@context"].as_array().unwrap().contains(&json!("https://www.w3.org/ns/did/v1")), "{theirs}");
        assert_eq!((&theirs["capabilityInvocation"], &theirs["capabilityDelegation"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn did_key_finds_the_same_key() {
    for Accepted { did, jwk, .. } in vectors().accepted {
        let theirs = did_key(&did).document();
        let jwk: Value = serde_json::from_str(&jwk).unwrap();
        let method = &theirs["verificationMethod"][0];
        assert_eq!((&theirs["id"], &method["controller"]), (&json!(did), &json!(did)));
        assert_eq!(method["id"], json!(DidKey::parse(&did).unwrap().key_id()));
        // spec/interop.md, Oracles: a key for key agreement, whatever the key is
        assert!(theirs["keyAgreement"].is_array(), "{theirs}");
        let theirs = &method["publicKeyJwk"];
        assert_eq!((&theirs["kty"], &theirs["crv"]), (&jwk["kty"], &jwk["crv"]));
        if jwk["crv"] == "Ed25519" {
            assert_eq!(*theirs, jwk);
        } else {
            // spec/interop.md, Oracles: the compressed point, where the x coordinate belongs, and no y
            let point = base64url::encode(&DidKey::parse(&did).unwrap().public_key().to_bytes());
            assert_eq!((&theirs["x"], &theirs["y"]), (&json!(point), &Value::Null));
        }
    }
}

#[test]
fn ssi_makes_the_same_thumbprint() {
    for Accepted { jwk, jkt, .. } in vectors().accepted {
        let theirs: ssi_jwk::JWK = serde_json::from_str(&jwk).unwrap();
        assert_eq!(theirs.thumbprint().unwrap(), jkt);
        assert_eq!(did_method_key::DIDKey::generate(&theirs).unwrap().to_string(), vectors_did(&jkt));
    }
}

fn vectors_did(jkt: &str) -> String {
    vectors().accepted.into_iter().find(|accepted| accepted.jkt == jkt).unwrap().did
}

/// Of the DIDs that we refuse, those that ssi refuses as well.
const REFUSED_BY_BOTH: [&str; 31] = [
    "nothing",
    "no value",
    "no method",
    "the multibase prefix alone",
    "no multibase prefix",
    "no encoding at all",
    "the scheme in capitals",
    "the method in capitals",
    "another method",
    "another scheme",
    "a version",
    "a whole number as version",
    "a fragment",
    "a path",
    "a query",
    "a blank behind it",
    "a blank before it",
    "a line feed behind it",
    "a line feed inside",
    "`0` is not in the alphabet",
    "`O` is not in the alphabet",
    "`I` is not in the alphabet",
    "`l` is not in the alphabet",
    "a letter outside ASCII",
    "a percent triplet",
    "a colon behind it",
    "the codec in three bytes: not minimal",
    "the P-256 codec in four bytes: not minimal",
    "a codec of ten bytes",
    "half a codec",
    "the same key as did:jwk: a second name (P-05)",
];

/// What is no DID or no encoding, both refuse. Other spellings of one key, other kinds of key, and keys that are none are a matter of
/// profile, or of who uses the document: ssi does not look at the key of a Multikey (spec/interop.md, Oracles).
#[test]
fn ssi_refuses_what_is_malformed_and_looks_at_no_key() {
    let verdicts = Verdicts::of(ssi_did_key, vectors().refused);
    assert_eq!((verdicts.refused(), verdicts.panicked()), (REFUSED_BY_BOTH.into(), BTreeSet::new()));
    let taken = verdicts.taken();
    for about in ["base16", "X25519", "an Ed25519 private key", "31 bytes", "no point of the curve", "order 8"] {
        assert!(taken.contains(about), "{about}");
    }
}
