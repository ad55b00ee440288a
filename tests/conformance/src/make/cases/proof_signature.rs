//! The proof's signature: by its own key, over its own text, in its one spelling.

use handfast_identity::base64url;
use serde_json::json;

use crate::make::Case;
use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;
use crate::make::edge;
use crate::make::keys::Who;

pub(super) fn cases() -> Vec<Case> {
    [ed25519(), es256()].into_iter().flatten().collect()
}

fn refused(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_proof("proof_signature"), rules, about, draft)
}

/// The good signature of a party over the text, changed.
fn changed(draft: Draft, who: Who, change: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> Draft {
    draft.proof_signer(move |message| change(who.key().sign(message).to_vec()))
}

fn ed25519() -> Vec<Case> {
    let good = Draft::good;
    let own = |change: fn(Vec<u8>) -> Vec<u8>| changed(Draft::good(), Who::Agent, change);
    vec![
        refused("proof-signature-by-another-key", "DPOP-28", "signed with another key than its `jwk`", {
            good().proof_signed_by(Who::OtherAgent)
        }),
        refused("proof-signature-of-another-text", "DPOP-28", "the signature of another proof by the same key", {
            good().proof_signer(|_| Who::Agent.key().sign(b"another proof").to_vec())
        }),
        refused("proof-changed-after-signing", "DPOP-28", "a claim was added behind the signer's back", {
            good().proof_text(|proof| {
                let parts: Vec<_> = proof.split('.').collect();
                let claims = String::from_utf8(base64url::decode(parts[1]).unwrap()).unwrap();
                let claims = base64url::encode(claims.replacen('{', r#"{"a":1,"#, 1).as_bytes());
                format!("{}.{claims}.{}", parts[0], parts[2])
            })
        }),
        refused(
            "proof-signature-flipped-r",
            "DPOP-123",
            "one bit of `R` flipped",
            own(|mut bytes| {
                bytes[0] ^= 1;
                bytes
            }),
        ),
        refused(
            "proof-signature-flipped-s",
            "DPOP-123",
            "one bit of `S` flipped",
            own(|mut bytes| {
                bytes[32] ^= 1;
                bytes
            }),
        ),
        refused("proof-signature-large-s", "TH50 DPOP-123 P-06", "`S` plus the group order", {
            own(|bytes| edge::with_large_scalar(&bytes))
        }),
        refused("proof-signature-zero", "DPOP-123", "64 zero bytes", own(|_| vec![0; 64])),
        refused("proof-signature-short", "DPOP-123", "63 bytes", own(|bytes| bytes[..63].to_vec())),
        refused("proof-signature-long", "DPOP-123", "65 bytes", own(|bytes| [bytes, vec![0]].concat())),
        refused("proof-signature-identity-as-r", "DPOP-124 P-06", "`R` is the identity, and the equation holds", {
            good().proof_signer(|message| edge::with_identity_as_r(&Who::Agent.seed(), message))
        }),
        refused(
            "proof-signature-of-nothing",
            "DPOP-123",
            "`R` is the identity, `S` zero",
            own(|_| {
                let mut bytes = vec![0; 64];
                bytes[0] = 1;
                bytes
            }),
        ),
        refused("proof-signature-prehashed", "DPOP-123", "the signature of the text's SHA-512", {
            good().proof_signer(|message| {
                let digest = ring::digest::digest(&ring::digest::SHA512, message);
                Who::Agent.key().sign(digest.as_ref()).to_vec()
            })
        }),
    ]
}

fn es256() -> Vec<Case> {
    let own = |change: fn(Vec<u8>) -> Vec<u8>| changed(Draft::good_es256(), Who::P256Agent, change);
    let refused = |name, rules, about, draft| refused(name, rules, about, draft).twin("good-es256");
    vec![
        refused("proof-es256-der", "DPOP-126", "a good signature in DER", own(|bytes| edge::der(&bytes))),
        refused(
            "proof-es256-r-zero",
            "DPOP-126",
            "`R` is zero",
            own(|mut bytes| {
                bytes[..32].fill(0);
                bytes
            }),
        ),
        refused(
            "proof-es256-s-zero",
            "DPOP-126",
            "`S` is zero",
            own(|mut bytes| {
                bytes[32..].fill(0);
                bytes
            }),
        ),
        refused("proof-es256-zero", "DPOP-126", "64 zero bytes", own(|_| vec![0; 64])),
        refused(
            "proof-es256-swapped",
            "DPOP-126",
            "`S` before `R`",
            own(|bytes| [&bytes[32..], &bytes[..32]].concat()),
        ),
        refused("proof-es256-by-another-key", "DPOP-28", "an Ed25519 signature under a P-256 key", {
            Draft::good_es256().proof_signed_by(Who::Agent)
        }),
        right("proof-es256-other-jti", "DPOP-126", "the same key signs another proof", {
            Draft::good_es256().proof_claims(json!({"jti": "proof-2"}))
        }),
    ]
}
