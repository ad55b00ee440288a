//! Compact JWSs: one form, two objects, one algorithm list.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

use handfast_identity::json::{JsonError, Limits};
use handfast_identity::jws::{JwsError, UnverifiedJws, sign};
use handfast_identity::{Algorithm, SigningKey, Text, base64url};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    n: u64,
}

const LIMITS: Limits = Limits::plain(1024);

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32])
}

fn claims() -> Claims {
    Claims { sub: "s".to_owned(), n: 7 }
}

fn good() -> String {
    sign("test+jwt", Some("kid"), &claims(), &key()).unwrap()
}

/// A JWS of exactly these texts, with a good signature.
fn of_texts(header: &str, payload: &str) -> String {
    of_bytes(header.as_bytes(), payload.as_bytes())
}

fn of_bytes(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    format!("{input}.{}", base64url::encode(&key().sign(input.as_bytes())))
}

fn read(text: &str) -> Result<Claims, JwsError> {
    let jws = UnverifiedJws::parse(text, &LIMITS)?;
    let claims = jws.unverified_claims()?;
    jws.verify(key().public()).map(|_| claims)
}

#[test]
fn print_and_parse_agree() {
    for key in [key(), key().with_ed25519_name(Algorithm::Ed25519), SigningKey::from_p256_scalar(&[9; 32]).unwrap()] {
        let text = sign("test+jwt", Some("kid"), &claims(), &key).unwrap();
        let jws = UnverifiedJws::parse(&text, &LIMITS).unwrap();
        assert_eq!((jws.typ(), jws.kid(), jws.algorithm()), (Some("test+jwt"), Some("kid"), key.algorithm()));
        assert_eq!(jws.unverified_claims::<Claims>(), Ok(claims()));
        assert!(text.starts_with(jws.signing_input()));
        assert!(jws.verify(key.public()).is_ok());
    }
}

#[test]
fn the_form_is_three_parts_of_canonical_base64url() {
    let good = good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    assert_eq!(read(&good), Ok(claims()));
    for text in [
        String::new(),
        "..".to_owned(),
        "a".to_owned(),
        input.to_owned(),
        format!("{good}."),
        format!("{good}.AA"),
        format!("{good}.AA.AA"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        good.replacen('.', ". ", 1),
        format!("{header}.{payload}.+/"),
    ] {
        assert_eq!(read(&text), Err(JwsError::Form), "{text}");
    }
    assert_eq!(read(&format!("{good}{}", "A".repeat(1024))), Err(JwsError::TooLong));
}

#[test]
fn the_header_is_one_strict_object() {
    let payload = r#"{"sub":"s","n":7}"#;
    let header = |text: &str| read(&of_texts(text, payload));
    assert_eq!(header(r#"{"alg":"EdDSA"}"#), Ok(claims()));
    assert_eq!(header(r#" {"alg":"EdDSA","x":[{}]} "#), Ok(claims()));
    for text in [r#"["t","EdDSA"]"#, r#"{"alg":7}"#, "{}", r#"{"alg":null}"#, "\"x\"", r#"{"alg":"EdDSA","jwk":"x"}"#] {
        assert!(matches!(header(text), Err(JwsError::Json(JsonError::Shape(_)))), "{text}");
    }
    assert_eq!(header(r#"{"alg":"EdDSA","alg":"EdDSA"}"#), Err(JwsError::Json(JsonError::DuplicateMember)));
    assert_eq!(header(r#"{"alg":"EdDSA"}{}"#), Err(JwsError::Json(JsonError::Syntax)));
    for text in [r#""crit":[]"#, r#""crit":null"#, r#""crit":["exp"]"#, r#""b64":true"#, r#""b64":false"#] {
        assert_eq!(header(&format!(r#"{{"alg":"EdDSA",{text}}}"#)), Err(JwsError::Critical), "{text}");
    }
    for alg in ["none", "None", "", "HS256", "RS256", "eddsa", "ES384", "ES256K"] {
        assert_eq!(header(&format!(r#"{{"alg":"{alg}"}}"#)), Err(JwsError::Algorithm), "{alg}");
    }
    assert_eq!(header(r#"{"alg":"ES256"}"#), Err(JwsError::Algorithm), "not one for the key");
}

#[test]
fn the_payload_is_one_strict_object() {
    let payload = |text: &str| read(&of_texts(r#"{"alg":"EdDSA"}"#, text));
    assert_eq!(payload(r#"{"sub":"s","n":7,"other":null}"#), Ok(claims()));
    for text in [r#"["s",7]"#, "[]", "null", "7", r#"{"sub":"s"}"#, r#"{"sub":"s","n":"7"}"#] {
        assert!(matches!(payload(text), Err(JwsError::Json(JsonError::Shape(_)))), "{text}");
    }
    assert_eq!(payload(r#"{"sub":"s","n":7,"n":7}"#), Err(JwsError::Json(JsonError::DuplicateMember)));
    assert_eq!(payload("{\"sub\":\"s\",\"n\":7}\n{}"), Err(JwsError::Json(JsonError::Syntax)));
    assert_eq!(payload(r#"{"sub":"s","n":7,"x":[[[[[[[[]]]]]]]]}"#), Err(JwsError::Json(JsonError::TooDeep)));
    assert_eq!(payload(r#"{"sub":"s","n":7,"x":[[[[[[[]]]]]]]}"#), Ok(claims()));
}

#[test]
fn what_is_no_text_is_refused_where_it_stands() {
    let bytes = |header: &[u8], payload: &[u8]| read(&of_bytes(header, payload));
    let not_json = || Err(JwsError::Json(JsonError::Syntax));
    let (header, payload) = (br#"{"alg":"EdDSA","kid":"k"}"#, br#"{"sub":"s","n":7}"#);
    assert_eq!(bytes(header, payload), Ok(claims()));
    assert_eq!(bytes(b"{\"alg\":\"EdDSA\",\"x\":\"\xff\"}", payload), not_json());
    assert_eq!(bytes(b"{\"alg\":\"EdDSA\"}\xff", b"\xff"), not_json());
    // a header that says what is refused anyway, before a payload that is no text
    assert_eq!(bytes(br#"{"alg":"none"}"#, b"\xff"), Err(JwsError::Algorithm));
    assert_eq!(bytes(header, b"{\"sub\":\"\xff\",\"n\":7}"), not_json());
    assert_eq!(bytes(header, b"{\"n\":7,\"n\":7,\"sub\":\"\xff\"}"), Err(JwsError::Json(JsonError::DuplicateMember)));
    // of a payload that is no text everything else can be asked all the same, and its signature is one
    let text = of_bytes(header, b"\xff");
    let jws = UnverifiedJws::parse(&text, &LIMITS).unwrap();
    assert_eq!((jws.text(), jws.kid(), jws.typ()), (text.as_str(), Some("k"), None));
    assert!(jws.verify(key().public()).is_ok());
}

#[test]
fn claims_share_the_memory_of_their_jws() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(borrow)]
        sub: std::borrow::Cow<'a, str>,
        #[serde(borrow)]
        other: std::borrow::Cow<'a, str>,
    }
    let payload = r#"{"sub":"a subject","other":"esc\u0061ped"}"#;
    let jws = UnverifiedJws::parse(&of_texts(r#"{"alg":"EdDSA"}"#, payload), &LIMITS).unwrap();
    let claims: Borrowed<'_> = jws.unverified_claims().unwrap();
    let (shared, own, strange) = (jws.share(&claims.sub), jws.share(&claims.other), jws.share("a subject"));
    assert_eq!([&*shared, &*own, &*strange], ["a subject", "escaped", "a subject"]);
    let whole = jws.share(jws.text());
    let is_part = |text: &Text| whole.part(text).is_some();
    assert!(is_part(&shared) && is_part(&jws.share(jws.signing_input())));
    assert!(!is_part(&own) && !is_part(&strange));
    drop(jws);
    assert_eq!(shared, "a subject");
}

#[test]
fn only_its_own_key_verifies_it() {
    let other = SigningKey::from_ed25519_seed(&[8; 32]);
    let jws = || UnverifiedJws::parse(&good(), &LIMITS).unwrap();
    assert_eq!(jws().verify(other.public()).map(|_| ()), Err(JwsError::Signature));
    let p256 = SigningKey::from_p256_scalar(&[9; 32]).unwrap();
    assert_eq!(jws().verify(p256.public()).map(|_| ()), Err(JwsError::Algorithm));
}

#[test]
fn debug_shows_neither_claims_nor_signature() {
    let shown = format!("{:?}", UnverifiedJws::parse(&good(), &LIMITS).unwrap());
    assert!(shown.contains("test+jwt") && !shown.contains("sub"), "{shown}");
}

proptest! {
    #[test]
    fn any_changed_character_is_refused(place in 0_usize..1000, other in "[A-Za-z0-9_.-]") {
        let good = good();
        let place = place % good.len();
        let mut text = good.clone();
        text.replace_range(place..=place, &other);
        prop_assert_eq!(read(&text).is_ok(), text == good);
    }

    #[test]
    fn no_text_panics(text in "[A-Za-z0-9_.{}\"-]{0,200}") {
        prop_assert!(read(&text).is_err());
    }
}
