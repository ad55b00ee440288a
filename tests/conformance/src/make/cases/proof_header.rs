//! The proof's header: type, algorithm, critical extensions.

use handfast_identity::base64url;
use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{invalid_proof, wrong};
use crate::make::draft::Draft;
use crate::make::edge;
use crate::make::keys::{Who, hex};

pub(super) fn cases() -> Vec<Case> {
    [types(), critical(), algorithms()].into_iter().flatten().collect()
}

fn with(changes: Value) -> Draft {
    Draft::good().proof_header(changes)
}

fn types() -> Vec<Case> {
    let typ = |name, rules, about, value: Value| {
        wrong(name, invalid_proof("proof_type"), rules, about, with(json!({"typ": value})))
    };
    vec![
        wrong("proof-typ-missing", invalid_proof("proof_type"), "DPOP-26", "no `typ`", {
            Draft::good().without_proof_header("typ")
        }),
        typ("proof-typ-jwt", "DPOP-26 DPOP-134", "`typ` is `JWT`", json!("JWT")),
        typ("proof-typ-access-token", "DPOP-134 BCP-10", "`typ` is that of an access token", json!("at+jwt")),
        typ("proof-typ-application", "TH03 DPOP-26", "`typ` is `application/dpop+jwt`", json!("application/dpop+jwt")),
        typ("proof-typ-upper-case", "TH03 DPOP-26", "`typ` is `DPOP+JWT`", json!("DPOP+JWT")),
        typ("proof-typ-blank", "DPOP-26", "a blank behind `dpop+jwt`", json!("dpop+jwt ")),
        wrong("proof-typ-number", invalid_proof("proof_malformed"), "DPOP-26 P-07", "`typ` is a number", {
            with(json!({"typ": 1}))
        }),
    ]
}

fn critical() -> Vec<Case> {
    let refused = |name, rules, about, changes: Value| {
        wrong(name, invalid_proof("proof_critical_header"), rules, about, with(changes)).twin("good-unknown-members")
    };
    vec![
        refused("proof-crit-nonce", "TH05 DPOP-24", "`crit` names `nonce`", json!({"crit": ["nonce"], "nonce": "x"})),
        refused("proof-crit-null", "TH05 DPOP-24", "`crit` is null", json!({"crit": null})),
        refused("proof-crit-empty", "DPOP-24", "`crit` is empty", json!({"crit": []})),
        refused("proof-b64-false", "DPOP-24", "`b64` is false, without `crit`", json!({"b64": false})),
    ]
}

fn algorithms() -> Vec<Case> {
    let refused = |name, rules, about, draft: Draft| wrong(name, invalid_proof("proof_algorithm"), rules, about, draft);
    let named = |alg: Value| with(json!({"alg": alg}));
    let jkt = || Who::Agent.key().public().thumbprint();
    let p384 = json!({
        "kty": "EC", "crv": "P-384", "x": base64url::encode(&hex(edge::P384_X)), "y": base64url::encode(&hex(edge::P384_Y))
    });
    let k256 = json!({
        "kty": "EC", "crv": "secp256k1", "x": base64url::encode(&hex(edge::K256_X)),
        "y": base64url::encode(&hex(edge::K256_Y))
    });
    vec![
        refused("proof-alg-none", "TH01 DPOP-127 BCP-03", "`alg` is `none`, the signature one by the key", {
            // the original signature, over the original header, stays in place
            let original = Draft::good().step(crate::vector::Expected::Accepted).field("dpop").remove(0);
            let original = String::from_utf8(original).unwrap();
            let signature = original.rsplit_once('.').unwrap().1.to_owned();
            named(json!("none")).proof_text(move |proof| format!("{}.{signature}", proof.rsplit_once('.').unwrap().0))
        }),
        refused("proof-alg-none-unsigned", "DPOP-127 BCP-03", "`alg` is `none`, the signature empty", {
            named(json!("none")).proof_text(|proof| format!("{}.", proof.rsplit_once('.').unwrap().0))
        }),
        refused("proof-alg-none-mixed-case", "DPOP-127", "`alg` is `nOnE`", named(json!("nOnE"))),
        refused("proof-alg-hs256", "DPOP-127", "HS256 with the public key as secret", {
            let secret = Who::Agent.key().public().to_bytes();
            named(json!("HS256")).proof_signer(move |message| edge::hs256(&secret, message))
        }),
        refused("proof-alg-hs512", "TH02 DPOP-127", "HS512 with the thumbprint as secret", {
            named(json!("HS512")).proof_signer(move |message| edge::hs512(jkt().to_string().as_bytes(), message))
        }),
        refused("proof-alg-lower-case", "DPOP-27 DPOP-120", "`alg` is `eddsa`", named(json!("eddsa"))),
        refused("proof-alg-ed448", "DPOP-121 DPOP-128", "`alg` is `Ed448`", named(json!("Ed448"))),
        refused("proof-alg-rs256", "DPOP-128", "`alg` is `RS256`, with an RSA key", {
            named(json!("RS256"))
                .proof_header(json!({"jwk": {"kty": "RSA", "e": "AQAB", "n": base64url::encode(&[0xc5; 256])}}))
                .proof_signer(|_| vec![7; 256])
        }),
        refused("proof-alg-ps256", "DPOP-128", "`alg` is `PS256`", named(json!("PS256"))),
        refused("proof-alg-es384", "TH08 DPOP-128", "a good ES384 signature by a P-384 key", {
            named(json!("ES384")).proof_header(json!({"jwk": p384})).proof_signer(edge::es384)
        })
        .twin("good-es256"),
        refused("proof-alg-es256k", "DPOP-128", "a good ES256K signature by a secp256k1 key", {
            named(json!("ES256K")).proof_header(json!({"jwk": k256})).proof_signer(edge::es256k)
        })
        .twin("good-es256"),
        refused("proof-alg-of-another-key", "DPOP-27 BCP-02", "`ES256` with an Ed25519 key", named(json!("ES256"))),
        refused("proof-alg-eddsa-with-ec-key", "DPOP-27 DPOP-121", "`EdDSA` with a P-256 key", {
            Draft::good_es256().proof_header(json!({"alg": "EdDSA"}))
        })
        .twin("good-es256"),
        refused("proof-alg-empty", "DPOP-27", "`alg` is empty", named(json!(""))),
        wrong("proof-alg-missing", invalid_proof("proof_malformed"), "DPOP-27", "no `alg`", {
            Draft::good().without_proof_header("alg")
        }),
        wrong("proof-alg-array", invalid_proof("proof_malformed"), "DPOP-27 P-07", "`alg` is an array", {
            named(json!(["EdDSA"]))
        }),
        wrong("proof-alg-null", invalid_proof("proof_malformed"), "DPOP-27 P-07", "`alg` is null", named(Value::Null)),
    ]
}
