//! The access token's envelope: form, type, algorithm, key.

use handfast_identity::base64url;
use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{invalid_token, right, wrong};
use crate::make::draft::Draft;
use crate::make::edge;
use crate::make::jws::jwk;
use crate::make::keys::Who;

pub(super) fn cases() -> Vec<Case> {
    [forms(), types(), algorithms(), keys()].into_iter().flatten().collect()
}

fn malformed(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_token("token_malformed"), rules, about, draft)
}

fn header(changes: Value) -> Draft {
    Draft::good().token_header(changes)
}

fn forms() -> Vec<Case> {
    let text = Draft::good;
    vec![
        malformed(
            "token-opaque",
            "TH34 P-10",
            "a refresh token of another server",
            text().token_is("8xLOxBtZp8_opaque"),
        ),
        malformed("token-claim-code", "TH34 P-10", "a claim code", text().token_is("BCDF-GHJK")),
        malformed("token-empty-signature", "AT-15", "the signature is empty", {
            text().token_text(|token| format!("{}.", token.rsplit_once('.').unwrap().0))
        }),
        malformed("token-four-parts", "BCP-12", "a fourth part", text().token_text(|token| format!("{token}.AA"))),
        malformed(
            "token-encrypted",
            "BCP-15",
            "five parts, as in JWE",
            text().token_text(|token| format!("{token}.AA.AA")),
        ),
        malformed("token-padded", "BCP-12", "base64url with padding", text().token_text(|token| format!("{token}=="))),
        malformed("token-too-long", "P-18", "a token of more than 8 KiB", {
            text().claims(json!({"padding": "x".repeat(6200)}))
        })
        .twin("token-long"),
        right("token-long", "P-18", "a token of almost 8 KiB", text().claims(json!({"padding": "x".repeat(5200)}))),
        malformed("token-header-member-twice", "BCP-16", "`alg` twice in the header", {
            text().token_header_text(|text| text.replacen('{', r#"{"alg":"EdDSA","#, 1))
        }),
        malformed("token-header-array", "P-07", "the header is an array", {
            text().token_header_text(|_| json!(["at+jwt", "EdDSA", Who::Issuer.jkt()]).to_string())
        }),
        malformed(
            "token-crit",
            "DPOP-24 BCP-10",
            "the header names a critical extension",
            header(json!({"crit": ["exp"]})),
        ),
        malformed("token-claim-twice", "BCP-16", "`aud` twice in the claims", {
            text().token_claims_text(|text| text.replacen('{', r#"{"aud":"https://other.example","#, 1))
        }),
        malformed("token-claims-array", "P-07", "the claims are an array", text().token_claims_text(|_| "[]".into())),
        malformed("token-claims-trailing", "BCP-16", "a second object behind the claims", {
            text().token_claims_text(|text| format!("{text}{{}}"))
        }),
        malformed("token-claims-not-utf8", "BCP-11", "a byte of no character in the claims", {
            text().token_claims_text(|text| text.replacen('{', "{\"x\":\"\u{ff}\",", 1))
        }),
    ]
}

fn types() -> Vec<Case> {
    let refused = |name, rules, about, draft| wrong(name, invalid_token("token_type_mismatch"), rules, about, draft);
    vec![
        refused("token-typ-missing", "AT-12", "no `typ`", Draft::good().without_token_header("typ")),
        refused("token-typ-jwt", "TH32 AT-12", "`typ` is `JWT`", header(json!({"typ": "JWT"}))),
        refused("token-typ-dpop", "P-10 BCP-10", "`typ` is that of a proof", header(json!({"typ": "dpop+jwt"}))),
        refused("token-typ-hop", "P-10 BCP-10", "`typ` is that of a hop", header(json!({"typ": "delegation+jwt"}))),
        refused("token-typ-feed", "P-10 BCP-10", "`typ` is that of a feed message", {
            header(json!({"typ": "revocation-feed+jwt"}))
        }),
        refused("token-typ-text", "AT-12", "`typ` is `text/at+jwt`", header(json!({"typ": "text/at+jwt"}))),
        refused("token-typ-parameter", "AT-12", "`typ` with a parameter", header(json!({"typ": "at+jwt;v=1"}))),
        refused("token-is-the-proof", "P-10", "the proof in the place of the token", {
            // a proof signed beforehand, for nothing in particular
            let proof = Draft::good().proof_claims(json!({"ath": "AA"})).step(crate::vector::Expected::Accepted);
            let proof = String::from_utf8(proof.field("dpop").remove(0)).unwrap();
            Draft::good().token_text(move |_| proof.clone())
        }),
        right("token-typ-application", "AT-12", "`typ` is `application/at+jwt`", {
            header(json!({"typ": "application/at+jwt"}))
        }),
        right("token-typ-mixed-case", "AT-12", "`typ` is `at+JWT`, as in a figure of the RFC", {
            header(json!({"typ": "at+JWT"}))
        }),
    ]
}

fn algorithms() -> Vec<Case> {
    let refused =
        |name, rules, about, draft| wrong(name, invalid_token("token_algorithm_refused"), rules, about, draft);
    vec![
        refused("token-alg-none", "AT-15 BCP-03", "`alg` is `none`, the signature one by the issuer", {
            header(json!({"alg": "none"}))
        }),
        refused("token-alg-none-unsigned", "AT-15 BCP-03", "`alg` is `none`, the signature empty", {
            header(json!({"alg": "none"})).token_text(|token| format!("{}.", token.rsplit_once('.').unwrap().0))
        }),
        refused("token-alg-hs256", "AT-15 BCP-01", "HS256 with the issuer's public key as secret", {
            let secret = Who::Issuer.key().public().to_bytes();
            header(json!({"alg": "HS256"})).token_signer(move |message| edge::hs256(&secret, message))
        }),
        refused("token-alg-rs256", "AT-03 AT-15", "`alg` is `RS256`", header(json!({"alg": "RS256"}))),
        refused("token-alg-of-another-key", "BCP-02 AT-15", "`ES256` under an Ed25519 key of the issuer", {
            header(json!({"alg": "ES256"}))
        }),
        malformed("token-alg-missing", "AT-15", "no `alg`", Draft::good().without_token_header("alg")),
    ]
}

fn keys() -> Vec<Case> {
    let unknown = |name, rules, about, draft| wrong(name, invalid_token("token_key_unknown"), rules, about, draft);
    let forged = |name, rules, about, draft| wrong(name, invalid_token("token_signature_invalid"), rules, about, draft);
    vec![
        unknown("token-kid-missing", "JWKS-03", "no `kid`", Draft::good().without_token_header("kid")),
        unknown(
            "token-kid-unknown",
            "JWKS-04 BCP-06",
            "a `kid` the issuer does not have",
            header(json!({"kid": "other"})),
        ),
        unknown("token-kid-case", "JWKS-03", "the `kid` in other letters", {
            header(json!({"kid": Who::Issuer.jkt().to_lowercase()}))
        }),
        unknown(
            "token-kid-path",
            "JWKS-03 BCP-08",
            "a `kid` that looks like a path",
            header(json!({"kid": "../../dev/null"})),
        ),
        unknown("token-kid-of-stranger", "P-04 BCP-08", "signed by a stranger, whose key stands in the header", {
            header(json!({"kid": Who::Stranger.jkt(), "jwk": jwk(Who::Stranger)})).token_signed_by(Who::Stranger)
        }),
        forged("token-jwk-of-stranger", "P-04 BCP-08", "a stranger's key in the header besides the issuer's `kid`", {
            header(json!({"jwk": jwk(Who::Stranger), "jku": "https://evil.example/jwks.json"}))
                .token_signed_by(Who::Stranger)
        })
        .twin("good-unknown-members"),
        forged("token-signature-by-stranger", "AT-15 BCP-06", "signed by a stranger", {
            Draft::good().token_signed_by(Who::Stranger)
        }),
        forged("token-signature-by-agent", "AT-15 P-04", "signed by the agent itself", {
            Draft::good().token_signed_by(Who::Agent)
        }),
        forged("token-signature-by-feed-key", "P-10", "signed with the issuer's feed key", {
            Draft::good().token_signed_by(Who::Feed)
        }),
        forged("token-signature-large-s", "P-06 DPOP-123", "`S` plus the group order", {
            Draft::good().token_signer(|message| edge::with_large_scalar(&Who::Issuer.key().sign(message)))
        }),
        forged("token-changed-after-signing", "AT-15 BCP-17", "the scope was widened behind the issuer's back", {
            Draft::good().token_text(|token| {
                let parts: Vec<_> = token.split('.').collect();
                let claims = String::from_utf8(base64url::decode(parts[1]).unwrap()).unwrap();
                let claims = claims.replacen("files:read", "files:read files:write", 1);
                format!("{}.{}.{}", parts[0], base64url::encode(claims.as_bytes()), parts[2])
            })
        }),
    ]
}
