//! `ssi` (did-jwk 0.4.0) resolves the same `did:jwk`s.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a vector of another shape should stop the test")]

use std::collections::BTreeSet;

use handfast_identity::DidJwk;
use handfast_oracles_dids::{Vectors, Verdicts, ssi_did_jwk};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Accepted {
    about: String,
    did: String,
    jwk: String,
    jkt: String,
    document: String,
}

/// What their document and ours say of the key, each relationship as whole DID URLs.
const RELATIONSHIPS: [&str; 5] =
    ["authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation", "keyAgreement"];

/// Of the DIDs that we refuse, those that ssi takes (spec/interop.md, Oracles).
const TAKEN_BY_SSI: [&str; 9] = [
    "31 bytes",
    "RSA",
    "X25519, the method's second example: a kind of key without use here",
    "`use` of another word",
    "`use` without value",
    "a private member without value",
    "an Ed25519 key with `y`",
    "no point of the curve",
    "order 8",
];

fn vectors() -> Vectors<Accepted> {
    Vectors::read(include_str!("../../../../spec/vectors/did-jwk.json"))
}

/// The methods of a relationship; a relative one is of the document.
fn methods(document: &Value, relationship: &str) -> Vec<String> {
    let id = document["id"].as_str().unwrap();
    let whole = |method: &Value| match method.as_str().unwrap() {
        relative if relative.starts_with('#') => format!("{id}{relative}"),
        whole => whole.to_owned(),
    };
    document[relationship].as_array().map(|methods| methods.iter().map(whole).collect()).unwrap_or_default()
}

#[test]
fn ssi_resolves_a_did_jwk_to_the_same_key_and_the_same_uses() {
    for Accepted { about, did, jwk, jkt, document } in vectors().accepted {
        let theirs = ssi_did_jwk(&did).document();
        let ours: Value = serde_json::from_str(&document).unwrap();
        let (method, own) = (&theirs["verificationMethod"][0], &ours["verificationMethod"][0]);
        assert_eq!(
            (&theirs["id"], &method["id"], &method["controller"]),
            (&ours["id"], &own["id"], &own["controller"])
        );
        assert_eq!(method["id"], DidJwk::parse(&did).unwrap().key_id(), "{about}");
        // the members that make the key, whatever else the JWK says
        let jwk: Value = serde_json::from_str(&jwk).unwrap();
        for member in ["kty", "crv", "x", "y"] {
            assert_eq!(method["publicKeyJwk"][member], jwk[member], "{about}");
        }
        let theirs_alone: ssi_jwk::JWK = serde_json::from_value(method["publicKeyJwk"].clone()).unwrap();
        assert_eq!(theirs_alone.thumbprint().unwrap(), jkt, "{about}");
        // spec/interop.md, Oracles: what `use` leaves out stands there all the same
        for relationship in RELATIONSHIPS {
            let (told, own) = (methods(&theirs, relationship), methods(&ours, relationship));
            let is_left_out = own.is_empty() && jwk.get("use").is_some();
            assert!(told == own || is_left_out, "{about}: {relationship} {told:?}");
            assert_eq!(told.len(), 1, "{about}: {relationship}");
        }
        assert_eq!(method["type"], json!("JsonWebKey2020"), "ours is `{}`", own["type"]);
    }
}

#[test]
fn ssi_makes_the_same_did_of_a_canonical_key() {
    for Accepted { about, jkt, jwk, .. } in vectors().accepted {
        let theirs: ssi_jwk::JWK = serde_json::from_str(&jwk).unwrap();
        let key = DidJwk::parse(did_jwk::DIDJWK::generate(&theirs).as_str()).unwrap();
        assert_eq!(key.thumbprint().to_string(), jkt, "{about}");
        let bare: Value = serde_json::from_str(&jwk).unwrap();
        let is_bare = bare.as_object().unwrap().keys().all(|name| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        if is_bare {
            assert_eq!(key.as_str(), DidJwk::from_public_key(key.public_key().clone()).as_str(), "{about}");
        }
    }
}

#[test]
fn ssi_refuses_what_is_no_jwk_and_looks_at_no_key() {
    let verdicts = Verdicts::of(ssi_did_jwk, vectors().refused);
    assert_eq!((verdicts.taken(), verdicts.panicked()), (TAKEN_BY_SSI.into(), BTreeSet::new()));
}
