//! Messages in their plainest forms, twins of most refusals.

use serde_json::json;

use crate::make::Case;
use crate::make::case::right;
use crate::make::draft::Draft;

pub(super) fn cases() -> Vec<Case> {
    vec![
        right("good", "P-01 DPOP-36 AT-15", "an agent's request with its token and a fresh proof", Draft::good()),
        right("good-es256", "DPOP-126 P-01", "the same by an agent whose key is P-256", Draft::good_es256()),
        right(
            "good-ed25519-name",
            "DPOP-120 BCP-13",
            "proof and token name their algorithm `Ed25519`",
            Draft::good().proof_header(json!({"alg": "Ed25519"})).token_header(json!({"alg": "Ed25519"})),
        ),
        right("good-owner", "P-01 AT-20", "an owner in person, at a route for owners", Draft::good_owner()),
        right(
            "good-unclaimed",
            "AT-05 AT-20",
            "an UNCLAIMED agent, which is its own subject",
            Draft::good().claims(json!({"sub": crate::make::keys::Who::Agent.did().as_str()})),
        ),
        right(
            "good-unknown-members",
            "DPOP-37 CNF-03 BCP-08",
            "members nobody knows stand in headers and claims, also such that name other keys",
            Draft::good()
                .proof_header(json!({"kid": "other", "jku": "https://evil.example/jwks", "x5c": ["AA=="]}))
                .proof_claims(json!({"foo": null, "sub": "somebody"}))
                .token_header(json!({"jku": "https://evil.example/jwks"}))
                .claims(json!({"foo": {"bar": [1, 2.5]}, "may_act": {"sub": "somebody"}})),
        ),
        right(
            "good-member-order",
            "DPOP-22",
            "members of the proof stand in another order, with blanks between them",
            Draft::good().proof_claims_text(|text| {
                let (first, rest) = text.trim_matches(['{', '}']).split_once(',').unwrap();
                format!("\n {{ {rest} ,\t{first} }} ")
            }),
        ),
    ]
}
