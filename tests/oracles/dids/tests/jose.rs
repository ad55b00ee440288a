//! `josekit` 0.10.3 and handfast sign for each other, and judge the same texts.
#![allow(clippy::unwrap_used, reason = "a set-up that fails should stop the test")]

use std::collections::BTreeSet;

use handfast_identity::json::Limits;
use handfast_identity::jws::{UnverifiedJws, sign_with_header};
use handfast_identity::{Algorithm, JwkWire, PublicKey, SigningKey, base64url};
use josekit::jwk::Jwk;
use josekit::jws::{ES256, EdDSA, JwsHeader, JwsSigner, JwsVerifier, deserialize_compact, serialize_compact};
use serde_json::{Map, Value, json};

const CLAIMS: &str = r#"{"iss":"a","n":1}"#;

fn keys() -> [SigningKey; 2] {
    [SigningKey::from_ed25519_seed(&[7; 32]), SigningKey::from_p256_scalar(&[7; 32]).unwrap()]
}

fn signer(key: &SigningKey) -> Box<dyn JwsSigner> {
    let jwk = Jwk::from_bytes(key.expose_private_jwk().as_bytes()).unwrap();
    match key.algorithm() {
        Algorithm::Es256 => Box::new(ES256.signer_from_jwk(&jwk).unwrap()),
        _ => Box::new(EdDSA.signer_from_jwk(&jwk).unwrap()),
    }
}

/// Their verdict on a text, by the public JWK `jwk`.
fn theirs(text: &str, algorithm: Algorithm, jwk: &str) -> bool {
    let jwk = Jwk::from_bytes(jwk.as_bytes()).unwrap();
    let verifier: Box<dyn JwsVerifier> = match algorithm {
        Algorithm::Es256 => Box::new(ES256.verifier_from_jwk(&jwk).unwrap()),
        _ => Box::new(EdDSA.verifier_from_jwk(&jwk).unwrap()),
    };
    deserialize_compact(text, &*verifier).is_ok()
}

/// Our verdict: the claims of every message here are an object, strictly read.
fn ours(text: &str, jwk: &str) -> bool {
    let wire: JwkWire = serde_json::from_str(jwk).unwrap();
    let Ok(key) = PublicKey::try_from(&wire) else { return false };
    let jws = UnverifiedJws::parse(text, &Limits::plain(4096));
    jws.is_ok_and(|jws| jws.verify(&key).is_ok() && jws.unverified_claims::<Map<String, Value>>().is_ok())
}

#[test]
fn each_takes_what_the_other_signs() {
    for key in keys() {
        let mut header = JwsHeader::new();
        header.set_token_type("at+jwt");
        let from_them = serialize_compact(CLAIMS.as_bytes(), &header, &*signer(&key)).unwrap();
        assert!(ours(&from_them, &key.public().to_jwk()), "{from_them}");
        let header = json!({"alg": key.algorithm().as_str(), "typ": "at+jwt"});
        let from_us = sign_with_header(&header, &json!({"iss": "a"}), &key).unwrap();
        assert!(theirs(&from_us, key.algorithm(), &key.public().to_jwk()), "{from_us}");
        for (text, who) in [(from_them, "them"), (from_us, "us")] {
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let turned = if signature.starts_with('A') { 'B' } else { 'A' };
            let broken = format!("{signed}.{turned}{}", &signature[1..]);
            let other = SigningKey::from_ed25519_seed(&[8; 32]);
            assert!(!ours(&broken, &key.public().to_jwk()), "{who}");
            assert!(!theirs(&broken, key.algorithm(), &key.public().to_jwk()), "{who}");
            if key.algorithm() != Algorithm::Es256 {
                assert!(
                    !ours(&text, &other.public().to_jwk()) && !theirs(&text, key.algorithm(), &other.public().to_jwk())
                );
            }
        }
    }
}

/// A JWS whose header and payload are these texts, by our Ed25519 key.
fn signed(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()));
    format!("{input}.{}", base64url::encode(&keys()[0].sign(input.as_bytes())))
}

#[test]
fn where_verdicts_differ_they_are_the_looser() {
    let [key, _] = keys();
    let (public, private) = (key.public().to_jwk(), key.expose_private_jwk().to_string());
    let good = signed(r#"{"alg":"EdDSA"}"#, CLAIMS);
    let cases = [
        ("a good one", good.clone(), &public),
        ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0), &public),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned(), &public),
        ("padding", format!("{good}=="), &public),
        ("a blank", format!("{good} "), &public),
        ("`alg` none", signed(r#"{"alg":"none"}"#, CLAIMS), &public),
        ("`alg` of another kind", signed(r#"{"alg":"ES256"}"#, CLAIMS), &public),
        ("a critical extension", signed(r#"{"alg":"EdDSA","crit":["x"],"x":1}"#, CLAIMS), &public),
        ("the name of RFC 9864", signed(r#"{"alg":"Ed25519"}"#, CLAIMS), &public),
        ("a member of the header twice", signed(r#"{"alg":"EdDSA","alg":"EdDSA"}"#, CLAIMS), &public),
        ("a payload that is no object", signed(r#"{"alg":"EdDSA"}"#, "x"), &public),
        ("a private key to verify with", good, &private),
    ];
    let mut differing = BTreeSet::new();
    for (name, text, jwk) in cases {
        match (ours(&text, jwk), theirs(&text, Algorithm::EdDsa, jwk)) {
            (true, false) => assert_eq!(name, "the name of RFC 9864"),
            (false, true) => assert!(differing.insert(name)),
            (verdict, _) => assert_eq!(verdict, name == "a good one", "{name}"),
        }
    }
    // spec/interop.md, Oracles
    let expected = ["a member of the header twice", "a payload that is no object", "a private key to verify with"];
    assert_eq!(differing, expected.into());
}
