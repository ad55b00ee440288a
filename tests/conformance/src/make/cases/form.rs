//! One field of each kind, of the right form.

use serde_json::json;

use crate::make::Case;
use crate::make::case::{invalid_proof, invalid_request, invalid_token, nothing_sent, right, wrong};
use crate::make::draft::Draft;

pub(super) fn cases() -> Vec<Case> {
    [credentials(), places(), proof_fields()].into_iter().flatten().collect()
}

fn good() -> Draft {
    Draft::good()
}

fn authorization(values: &[&str]) -> Draft {
    good().field("Authorization", values)
}

fn credentials() -> Vec<Case> {
    let second = "authorization-twice";
    vec![
        wrong(
            "credentials-missing",
            nothing_sent("credentials_missing"),
            "ERR-01 DPOP-106 DPOP-108",
            "neither token nor proof",
            good().field("Authorization", &[]).field("DPoP", &[]),
        ),
        wrong(
            "authorization-missing",
            nothing_sent("credentials_missing"),
            "DPOP-36 DPOP-130",
            "a good proof alone: it grants nothing",
            good().field("Authorization", &[]),
        ),
        wrong(
            second,
            invalid_request("credentials_repeated"),
            "DPOP-104",
            "the `Authorization` field stands twice, with one and the same value",
            authorization(&["DPoP {token}", "DPoP {token}"]),
        ),
        wrong(
            "authorization-both-schemes",
            invalid_request("credentials_repeated"),
            "DPOP-104 DPOP-111",
            "one `Authorization` field under Bearer, one under DPoP",
            authorization(&["Bearer {token}", "DPoP {token}"]),
        ),
        wrong(
            "authorization-two-in-one",
            invalid_request("credentials_malformed"),
            "DPOP-104 DPOP-100",
            "two credentials folded into one field",
            authorization(&["DPoP {token}, DPoP {token}"]),
        ),
        wrong(
            "authorization-scheme-only",
            invalid_request("credentials_malformed"),
            "DPOP-100",
            "the scheme without a token",
            authorization(&["DPoP"]),
        ),
        wrong(
            "authorization-quoted",
            invalid_request("credentials_malformed"),
            "DPOP-100 BCP-12",
            "the token in quotes",
            authorization(&["DPoP \"{token}\""]),
        ),
        wrong(
            "authorization-not-utf8",
            invalid_request("credentials_malformed"),
            "DPOP-100 BCP-11",
            "a byte of no character before the token",
            authorization(&["DPoP \u{ff}{token}"]),
        ),
        wrong(
            "authorization-too-long",
            invalid_token("token_malformed"),
            "DPOP-39 P-18",
            "a field far longer than any token may be",
            authorization(&[&format!("DPoP {}", "a".repeat(9000))]),
        ),
        wrong(
            "proxy-authorization",
            nothing_sent("credentials_missing"),
            "DPOP-112",
            "the token in the field for proxies, which is not read",
            authorization(&[]).field("Proxy-Authorization", &["DPoP {token}"]),
        ),
        wrong(
            "scheme-other",
            nothing_sent("scheme_unsupported"),
            "DPOP-100 DPOP-108",
            "credentials of a scheme that is not known here",
            authorization(&["Basic YTpi"]),
        ),
        wrong(
            "scheme-bearer",
            invalid_token("bearer_downgrade"),
            "DPOP-14 DPOP-102 P-25",
            "the bound token under Bearer, with its proof",
            authorization(&["Bearer {token}"]),
        ),
        wrong(
            "scheme-bearer-without-proof",
            invalid_token("bearer_downgrade"),
            "DPOP-102",
            "the bound token under Bearer and nothing else",
            authorization(&["Bearer {token}"]).field("DPoP", &[]),
        ),
        right("scheme-lower-case", "DPOP-100", "scheme names have no case", authorization(&["dpop {token}"])),
        right(
            "scheme-two-blanks",
            "DPOP-100",
            "more than one blank behind the scheme",
            authorization(&["DPoP  {token}"]),
        ),
        right(
            "field-names-any-case",
            "DPOP-100 DPOP-21",
            "field names have no case",
            good()
                .field("Authorization", &[])
                .field("DPoP", &[])
                .field("AUTHORIZATION", &["DPoP {token}"])
                .field("dpop", &["{proof}"]),
        ),
    ]
}

fn places() -> Vec<Case> {
    let form = |body: &str| {
        let mut draft = good().field("Content-Type", &["application/x-www-form-urlencoded"]);
        draft.method = "POST".into();
        draft.body = Some(body.to_owned());
        draft.proof_claims(json!({"htm": "POST"}))
    };
    let mut in_query = good();
    in_query.path = "/files/42?access_token={token}".into();
    vec![
        wrong(
            "token-in-query-too",
            invalid_request("token_misplaced"),
            "DPOP-104 DPOP-105",
            "the token in the query besides the field",
            in_query.clone(),
        )
        .twin("query-not-compared"),
        wrong(
            "token-in-query-only",
            nothing_sent("credentials_missing"),
            "DPOP-105",
            "the token in the query and nowhere else: it is not read there",
            in_query.field("Authorization", &[]),
        )
        .twin("query-not-compared"),
        wrong(
            "token-in-body-too",
            invalid_request("token_misplaced"),
            "DPOP-104 TH15",
            "the token in a form body besides the field",
            form("a=1&access_token={token}"),
        )
        .twin("body-with-other-members"),
        right(
            "body-with-other-members",
            "DPOP-104 DPOP-131",
            "a form body without a token",
            form("a=1&token_access=x"),
        ),
    ]
}

fn proof_fields() -> Vec<Case> {
    let proofs = |values: &[&str]| good().field("DPoP", values);
    vec![
        wrong(
            "proof-missing",
            invalid_proof("proof_missing"),
            "DPOP-101 DPOP-36",
            "the token under DPoP without a proof",
            proofs(&[]),
        ),
        wrong("proof-twice", invalid_proof("proof_repeated"), "DPOP-21", "the `DPoP` field stands twice", {
            proofs(&["{proof}", "{proof}"])
        }),
        wrong(
            "proof-two-in-one",
            invalid_proof("proof_repeated"),
            "DPOP-21",
            "two proofs folded into one field",
            proofs(&["{proof}, {proof}"]),
        ),
        wrong("proof-empty", invalid_proof("proof_malformed"), "DPOP-22", "the `DPoP` field is empty", proofs(&[""])),
    ]
}
