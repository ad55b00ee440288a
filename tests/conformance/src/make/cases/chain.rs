//! Delegation evidence beside a token that has none, and tokens that name a chain by halves.

use handfast_dpop::ContentHash;
use serde_json::json;

use crate::make::Case;
use crate::make::case::{chain_too_long, invalid_token, wrong};
use crate::make::draft::Draft;

pub(super) fn cases() -> Vec<Case> {
    let chain = "eyJh.eyJp.c2ln";
    let covered = |text: &str| {
        Draft::good()
            .field("Delegation", &[text])
            .proof_claims(json!({"dch": ContentHash::of(text.as_bytes()).to_string()}))
    };
    vec![
        wrong(
            "delegation-without-dch",
            invalid_token("chain_malformed"),
            "DEL-32",
            "a `Delegation` field that the proof does not cover",
            Draft::good().field("Delegation", &[chain]),
        ),
        wrong(
            "dch-without-delegation",
            invalid_token("chain_malformed"),
            "DEL-32",
            "the proof covers a chain that was not sent",
            covered(chain).field("Delegation", &[]),
        ),
        wrong(
            "dch-of-another-chain",
            invalid_token("chain_malformed"),
            "DEL-32",
            "the proof covers another chain",
            covered("eyJh.eyJp.b3Ro").field("Delegation", &[chain]),
        ),
        wrong(
            "delegation-twice",
            invalid_token("chain_malformed"),
            "DEL-32",
            "the `Delegation` field stands twice",
            covered(chain).field("Delegation", &[chain, chain]),
        ),
        wrong(
            "delegation-twice-uncovered",
            invalid_token("chain_malformed"),
            "DEL-32",
            "the `Delegation` field stands twice and the proof covers none",
            Draft::good().field("Delegation", &[chain, chain]),
        ),
        wrong(
            "delegation-too-long",
            chain_too_long(),
            "DEL-42 P-18",
            "a `Delegation` field of more than 32 KiB",
            Draft::good().field("Delegation", &[&"a".repeat(32 * 1024 + 1)]),
        ),
        wrong(
            "delegation-not-permitted",
            invalid_token("delegation_not_permitted"),
            "DEL-31 P-08",
            "evidence besides a root token that may not be passed on",
            covered(chain),
        ),
        wrong(
            "token-of-a-chain",
            invalid_token("evidence_required"),
            "DEL-31 P-08",
            "a token with `del_depth` 1 and no evidence",
            Draft::good().claims(json!({"del_depth": 1, "del_max_depth": 1})),
        ),
        wrong(
            "token-with-hops",
            invalid_token("token_malformed"),
            "DEL-31 P-08",
            "a token that names hops, without root and hash",
            Draft::good().claims(json!({"hops": ["x"]})),
        ),
        wrong(
            "token-with-chain-hash",
            invalid_token("token_malformed"),
            "DEL-31 P-08",
            "a token with the hash of a chain, which is null",
            Draft::good().claims(json!({"chain_hash": null})),
        ),
        wrong(
            "token-with-root-jti",
            invalid_token("token_malformed"),
            "DEL-31 P-08",
            "a token that names a root, without hops and hash",
            Draft::good().claims(json!({"root_jti": "tok_x"})),
        ),
    ]
}
