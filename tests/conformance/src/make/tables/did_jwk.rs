//! `did:jwk` (spec/identity.md).

use handfast_identity::{DidDocument, DidJwk, base64url};
use serde::{Deserialize, Serialize};

use super::did_key::Refused;
use crate::make::edge;
use crate::make::keys::Who;

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidJwks {
    /// DIDs that are read, and everything that follows from them.
    pub accepted: Vec<Accepted>,
    /// Texts that are refused.
    pub refused: Vec<Refused>,
}

/// A DID and what follows from it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Where the key is from.
    pub about: String,
    /// The DID.
    pub did: String,
    /// The JWK in it, as it stands there.
    pub jwk: String,
    /// The thumbprint of its key.
    pub jkt: String,
    /// The DID document.
    pub document: String,
}

pub(super) fn table() -> DidJwks {
    DidJwks { accepted: accepted(), refused: [spellings(), jwks()].into_iter().flatten().collect() }
}

fn of(jwk: &str) -> String {
    format!("did:jwk:{}", base64url::encode(jwk.as_bytes()))
}

fn accepted() -> Vec<Accepted> {
    let row = |about: &str, jwk: &str| {
        let did = DidJwk::parse(&of(jwk)).unwrap();
        Accepted {
            about: about.to_owned(),
            did: did.to_string(),
            jwk: jwk.to_owned(),
            jkt: did.thumbprint().to_string(),
            document: serde_json::to_string(&DidDocument::of_jwk(&did)).unwrap(),
        }
    };
    let agent = Who::Agent.key().public().to_jwk();
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    vec![
        row("the canonical JWK of RFC 8037 A.1", &agent),
        row(
            "the same key with its members in another order: another DID",
            &format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#),
        ),
        row("the same key for signatures alone", &format!(r#"{{"crv":"Ed25519","kty":"OKP","use":"sig","x":"{x}"}}"#)),
        row(
            "the same key with blanks, and members that change nothing",
            &format!(r#"{{ "crv":"Ed25519", "kty":"OKP", "kid":"1", "alg":"EdDSA", "x":"{x}" }}"#),
        ),
        row(
            "the P-256 example of the method's text",
            r#"{"crv":"P-256","kty":"EC","x":"acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0","y":"_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE"}"#,
        ),
        row(
            "a P-256 key for encryption alone",
            r#"{"crv":"P-256","kty":"EC","use":"enc","x":"acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0","y":"_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE"}"#,
        ),
    ]
}

fn refused(about: &str, did: impl Into<String>) -> Refused {
    Refused { about: about.to_owned(), did: did.into(), reason: "invalid_did".to_owned() }
}

fn spellings() -> Vec<Refused> {
    let agent = Who::Agent.key().public().to_jwk();
    let did = of(&agent);
    let with = |from: &str, to: &str| did.replacen(from, to, 1);
    vec![
        refused("no value", "did:jwk:"),
        refused("padding", format!("{}==", of(&format!("{agent} ")))),
        refused("set bits behind the last byte", format!("{}R", &of("{}  ")[..of("{}  ").len() - 1])),
        refused("the standard alphabet", with("ey", "+y")),
        refused("the method in capitals", with("jwk", "JWK")),
        refused("the scheme in capitals", with("did", "DID")),
        refused("the one fragment there is: a DID URL", format!("{did}#0")),
        refused("another fragment", format!("{did}#1")),
        refused("a query", format!("{did}?x")),
        refused("a path", format!("{did}/x")),
        refused("a blank behind it", format!("{did} ")),
        refused("a second part", format!("{did}:x")),
        refused("no JSON", of("x")),
        refused("an array", of("[]")),
        refused("nothing in it", of("{}")),
        refused("something behind the JWK", of(&format!("{agent}{{}}"))),
        refused("a byte order mark", of(&format!("\u{feff}{agent}"))),
        refused("2049 characters", format!("did:jwk:{}", "e".repeat(2041))),
    ]
}

fn jwks() -> Vec<Refused> {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let ed25519 = |rest: &str| of(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"{rest}}}"#));
    let key = |x: &[u8]| of(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(x)));
    let order_8 = edge::small_order_points()[4].compress();
    vec![
        refused("a private key", ed25519(r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#)),
        refused("a private member without value", ed25519(r#","d":null"#)),
        refused("a member twice", ed25519(&format!(r#","x":"{x}""#))),
        refused("a member twice, escaped once", ed25519(&format!(r#","\u0078":"{x}""#))),
        refused("`use` of another word", ed25519(r#","use":"tls""#)),
        refused("`use` without value", ed25519(r#","use":null"#)),
        refused("an Ed25519 key with `y`", ed25519(r#","y":"AA""#)),
        refused("31 bytes", key(&[9; 31])),
        refused("no point of the curve", key(&edge::off_curve())),
        refused("order 8", key(order_8.as_bytes())),
        refused("a secret", of(r#"{"k":"AAAA","kty":"oct"}"#)),
        refused(
            "X25519, the method's second example: a kind of key without use here",
            "did:jwk:eyJrdHkiOiJPS1AiLCJjcnYiOiJYMjU1MTkiLCJ1c2UiOiJlbmMiLCJ4IjoiM3A3YmZYdDl3YlRUVzJIQzdPUTFOei1EUThoYmVHZE5yZngtRkctSUswOCJ9",
        ),
        refused("RSA", of(r#"{"e":"AQAB","kty":"RSA","n":"AQAB"}"#)),
    ]
}
