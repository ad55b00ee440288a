//! The proof's claims, one by one.

use serde_json::{Value, json};

use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;
use crate::make::keys::Who;
use crate::make::{Case, NOW};

pub(super) fn cases() -> Vec<Case> {
    [identifiers(), methods(), times(), token_hashes(), others()].into_iter().flatten().collect()
}

fn with(changes: Value) -> Draft {
    Draft::good().proof_claims(changes)
}

fn refused(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_proof("proof_claims"), rules, about, draft)
}

fn identifiers() -> Vec<Case> {
    vec![
        refused("proof-jti-missing", "DPOP-25 DPOP-04", "no `jti`", Draft::good().without_proof_claim("jti")),
        refused("proof-jti-empty", "TH11 DPOP-25", "`jti` is empty", with(json!({"jti": ""}))),
        refused("proof-jti-blank", "TH11", "`jti` is blanks only", with(json!({"jti": " \t "}))),
        refused(
            "proof-jti-no-break-space",
            "TH11",
            "`jti` is one no-break space",
            Draft::good().proof_claims_text(|claims| claims.replacen("proof-1", "\\u00a0", 1)),
        ),
        refused("proof-jti-number", "DPOP-25 P-07", "`jti` is a number", with(json!({"jti": 7}))),
        refused("proof-jti-null", "DPOP-25 P-07", "`jti` is null", with(json!({"jti": null}))),
        refused("proof-jti-too-long", "TH11 DPOP-39", "`jti` of 257 bytes", with(json!({"jti": "j".repeat(257)})))
            .twin("proof-jti-long"),
        right("proof-jti-long", "DPOP-39", "`jti` of 256 bytes", with(json!({"jti": "j".repeat(256)}))),
        right("proof-jti-with-blank", "TH11", "`jti` with a blank at its start", with(json!({"jti": " a"}))),
    ]
}

fn methods() -> Vec<Case> {
    let other = |name, about, htm: &str| {
        wrong(name, invalid_proof("method_mismatch"), "DPOP-30", about, with(json!({"htm": htm})))
    };
    let mut head = Draft::good();
    head.method = "HEAD".into();
    vec![
        refused("proof-htm-missing", "DPOP-25 DPOP-04", "no `htm`", Draft::good().without_proof_claim("htm")),
        refused("proof-htm-empty", "DPOP-25", "`htm` is empty", with(json!({"htm": ""}))),
        refused("proof-htm-array", "DPOP-25 P-07", "`htm` is an array", with(json!({"htm": ["GET"]}))),
        other("proof-htm-other", "`htm` is another method", "POST"),
        other("proof-htm-lower-case", "`htm` is `get`", "get"),
        other("proof-htm-blank", "a blank behind `GET`", "GET "),
        wrong("proof-htm-get-for-head", invalid_proof("method_mismatch"), "DPOP-30", "a proof for GET with HEAD", head)
            .twin("method-other"),
        {
            let mut draft = with(json!({"htm": "PROPFIND"}));
            draft.method = "PROPFIND".into();
            right("method-other", "DPOP-30", "an unusual method, the same in proof and request", draft)
        },
    ]
}

fn times() -> Vec<Case> {
    let number =
        |text: &'static str| Draft::good().proof_claims_text(move |claims| claims.replacen(&NOW.to_string(), text, 1));
    vec![
        refused("proof-iat-missing", "DPOP-25 DPOP-04", "no `iat`", Draft::good().without_proof_claim("iat")),
        refused("proof-iat-text", "TH10 DPOP-25", "`iat` is the text `1.7e9`", with(json!({"iat": "1.7e9"}))),
        refused("proof-iat-digits-as-text", "TH10", "`iat` is the right number as text", number("\"1795262400\"")),
        refused("proof-iat-true", "TH10 DPOP-25", "`iat` is true", with(json!({"iat": true}))),
        refused("proof-iat-null", "DPOP-25", "`iat` is null", with(json!({"iat": null}))),
        refused("proof-iat-negative", "DPOP-53", "`iat` is negative", number("-1795262400")),
        refused("proof-iat-minus-zero", "DPOP-53", "`iat` is minus zero", number("-0.0")),
        refused("proof-iat-huge", "DPOP-53", "`iat` is 1e300", number("1e300")),
        refused("proof-iat-2-to-64", "DPOP-53", "`iat` is 2^64", number("18446744073709551616")),
        refused("proof-iat-2-to-53", "DPOP-53", "`iat` is 2^53", number("9007199254740992")),
        refused("proof-iat-not-a-number", "DPOP-53", "`iat` is NaN", number("NaN")),
        refused(
            "proof-iat-leading-zero",
            "DPOP-53",
            "`iat` with a leading zero, which is no JSON",
            number("01795262400"),
        ),
        right("proof-iat-fraction", "DPOP-53", "`iat` with a fraction", number("1795262400.75")),
        right("proof-iat-exponent", "DPOP-53", "`iat` with an exponent", number("17952624E+2")),
    ]
}

fn token_hashes() -> Vec<Case> {
    let hash = |name, rules, about, ath: &str| {
        wrong(name, invalid_proof("token_hash_mismatch"), rules, about, with(json!({"ath": ath})))
    };
    vec![
        wrong(
            "proof-ath-missing",
            invalid_proof("token_hash_mismatch"),
            "TH16 DPOP-34 DPOP-25",
            "a proof as for the token endpoint: no `ath`",
            Draft::good().without_proof_claim("ath"),
        ),
        hash("proof-ath-of-field", "TH14 DPOP-07", "the hash of `DPoP` and the token", "{ath of field}"),
        hash(
            "proof-ath-of-another-token",
            "DPOP-34",
            "the hash of another token",
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        ),
        hash("proof-ath-hex", "DPOP-34", "the right hash in hexadecimal", "{ath in hex}"),
        hash("proof-ath-padded", "DPOP-34", "the right hash with padding", "{ath}="),
        hash("proof-ath-empty", "DPOP-34", "`ath` is empty", ""),
        refused("proof-ath-number", "DPOP-25 P-07", "`ath` is a number", with(json!({"ath": 7}))),
        refused("proof-ath-null", "DPOP-25 P-07", "`ath` is null", with(json!({"ath": null}))),
    ]
}

fn others() -> Vec<Case> {
    vec![
        refused("proof-nonce-number", "DPOP-25 P-07", "`nonce` is a number", with(json!({"nonce": 7}))),
        refused("proof-dch-object", "P-07", "`dch` is an object", with(json!({"dch": {}}))),
        wrong(
            "proof-is-an-access-token",
            invalid_proof("proof_type"),
            "DPOP-134 P-10",
            "the access token in the place of the proof",
            Draft::good().field("DPoP", &["{token}"]),
        ),
        wrong(
            "proof-by-another-agent",
            crate::make::case::invalid_token("holder_mismatch"),
            "TH12 DPOP-35 P-01",
            "a good proof by another agent, `ath` right",
            Draft::good().proof_by(Who::OtherAgent),
        )
        .twin("other-agent"),
        right("other-agent", "TH12 DPOP-35", "the other agent with its own token", Draft::good().of(Who::OtherAgent)),
    ]
}
