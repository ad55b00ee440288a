//! Keys through their public and private JWKs, both algorithms, and what is never shown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

use handfast_identity::json::{Limits, read};
use handfast_identity::{Algorithm, Curve, DidKey, JwkError, JwkWire, KeyError, PublicKey, SigningKey, base64url};
use proptest::prelude::*;

const ED25519: &str = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const P256: &str = r#"{"crv":"P-256","kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

fn parsed(text: &str) -> Result<PublicKey, JwkError> {
    let wire: JwkWire = read(text.as_bytes(), &Limits::plain(1024)).unwrap();
    PublicKey::try_from(&wire)
}

fn check(text: &str, expected: Result<(), JwkError>) {
    assert_eq!(parsed(text).map(|_| ()), expected, "{text}");
}

fn p256_key() -> SigningKey {
    SigningKey::from_p256_scalar(&[9; 32]).unwrap()
}

fn ed25519_key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32])
}

#[test]
fn a_public_jwk_is_read_and_written_in_one_spelling() {
    for text in [ED25519, P256] {
        assert_eq!(parsed(text).map(|key| key.to_jwk()), Ok(text.to_owned()));
        let with_others = text.replacen('{', r#"{"kid":"k","use":"sig","alg":"?","key_ops":[1],"#, 1);
        assert_eq!(parsed(&with_others).map(|key| key.to_jwk()), Ok(text.to_owned()));
    }
    assert_eq!(parsed(ED25519).map(|key| key.curve()), Ok(Curve::Ed25519));
    assert_eq!(parsed(P256).map(|key| key.curve()), Ok(Curve::P256));
}

#[test]
fn private_members_refuse_a_jwk_whatever_their_value() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in ["null", "\"AA\"", "\"\"", "[]", "7"] {
            for text in [ED25519, P256] {
                check(&text.replacen('{', &format!(r#"{{"{member}":{value},"#), 1), Err(JwkError::Private));
            }
        }
    }
    check(r#"{"kty":"oct"}"#, Err(JwkError::Private));
}

#[test]
fn kinds_and_members_have_to_fit_each_other() {
    let okp = |from: &str, to: &str| ED25519.replacen(from, to, 1);
    for text in [
        okp("OKP", "EC"),
        okp("OKP", "okp"),
        okp("OKP", "RSA"),
        okp("Ed25519", "ed25519"),
        okp("Ed25519", "Ed448"),
        okp("Ed25519", "X25519"),
        okp("Ed25519", "P-256"),
        okp(r#""crv":"Ed25519","#, ""),
        okp("{", r#"{"y":"AA","#),
        P256.replacen("EC", "OKP", 1),
        P256.replacen("P-256", "P-384", 1),
        P256.replacen("P-256", "secp256k1", 1),
    ] {
        check(&text, Err(JwkError::Unsupported));
    }
}

#[test]
fn coordinates_are_canonical_and_of_one_width() {
    let x = |value: &str| format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{value}"}}"#);
    let encoded = |bytes: &[u8]| x(&base64url::encode(bytes));
    check(r#"{"crv":"Ed25519","kty":"OKP"}"#, Err(JwkError::Encoding));
    check(&x("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="), Err(JwkError::Encoding));
    check(&x("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"), Err(JwkError::Encoding));
    check(&x("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"), Err(JwkError::Encoding));
    check(&encoded(&[1; 31]), Err(JwkError::Key(KeyError::Length)));
    check(&encoded(&[1; 33]), Err(JwkError::Key(KeyError::Length)));
    check(&encoded(&[0xff; 32]), Err(JwkError::Key(KeyError::NotCanonical)));
    check(&encoded(&[&[1][..], &[0; 31]].concat()), Err(JwkError::Key(KeyError::Weak)));

    let both = |x: &[u8], y: &[u8]| {
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, base64url::encode(x), base64url::encode(y))
    };
    let good: JwkCoordinates = serde_json::from_str(P256).unwrap();
    let (good_x, good_y) = (base64url::decode(&good.x).unwrap(), base64url::decode(&good.y).unwrap());
    check(&both(&good_x, &good_y), Ok(()));
    check(&both(&good_x[1..], &good_y), Err(JwkError::Key(KeyError::Length)));
    check(&both(&[&[0], &good_x[..]].concat(), &good_y), Err(JwkError::Key(KeyError::Length)));
    check(&both(&good_x, &good_x), Err(JwkError::Key(KeyError::NotOnCurve)));
    check(&both(&[0; 32], &[0; 32]), Err(JwkError::Key(KeyError::NotOnCurve)));
    check(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{}"}}"#, good.x), Err(JwkError::Encoding));
}

#[derive(serde::Deserialize)]
struct JwkCoordinates {
    x: String,
    y: String,
}

#[test]
fn a_private_jwk_comes_back_as_the_same_key() {
    for key in [ed25519_key(), p256_key()] {
        let text = key.expose_private_jwk();
        let back = SigningKey::from_private_jwk(&text).unwrap();
        assert_eq!((back.public(), back.algorithm()), (key.public(), key.algorithm()));
        assert_eq!(*back.expose_private_jwk(), *text);
        assert_eq!(back.sign(b"m"), key.sign(b"m"));
        check(&text, Err(JwkError::Private));
    }
}

#[test]
fn a_private_jwk_that_contradicts_itself_is_refused() {
    for key in [ed25519_key(), p256_key()] {
        let text = key.expose_private_jwk();
        let other = SigningKey::from_ed25519_seed(&[8; 32]).expose_private_jwk();
        let swapped = |member: &str, from: &str, to: &str| {
            let value = |text: &str| {
                text.split(&format!(r#""{member}":""#)).nth(1).unwrap().split('"').next().unwrap().to_owned()
            };
            text.replacen(&value(from), &value(to), 1)
        };
        for wrong in [
            swapped("x", &text, &other),
            swapped("d", &text, &other),
            text.replacen("\"d\"", "\"e\"", 1),
            text.replacen("\"x\"", "\"z\"", 1),
            text.replacen('{', r#"{"d":"AA","#, 1),
            format!("{}{}", text.as_str(), "{}"),
            "{}".to_owned(),
            String::new(),
        ] {
            assert!(SigningKey::from_private_jwk(&wrong).is_err());
        }
    }
}

#[test]
fn scalars_outside_the_group_are_no_keys() {
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut below = order;
    below[31] -= 1;
    assert!(SigningKey::from_p256_scalar(&below).is_ok());
    for scalar in [[0; 32], order, [0xff; 32]] {
        assert_eq!(SigningKey::from_p256_scalar(&scalar).map(|_| ()), Err(KeyError::NotOnCurve));
    }
}

#[test]
fn a_signature_is_for_one_key_one_text_and_one_algorithm() {
    for (key, good, bad) in [
        (ed25519_key(), &[Algorithm::EdDsa, Algorithm::Ed25519][..], &[Algorithm::Es256][..]),
        (p256_key(), &[Algorithm::Es256], &[Algorithm::EdDsa, Algorithm::Ed25519]),
    ] {
        let signature = key.sign(b"message");
        assert_eq!(signature, key.sign(b"message"), "deterministic");
        for algorithm in good {
            assert!(key.public().verify(*algorithm, b"message", &signature).is_ok());
            assert!(key.public().verify(*algorithm, b"another", &signature).is_err());
        }
        for algorithm in bad {
            assert!(key.public().verify(*algorithm, b"message", &signature).is_err());
        }
        let other = SigningKey::from_p256_scalar(&[3; 32]).unwrap();
        assert!(other.public().verify(Algorithm::Es256, b"message", &signature).is_err());
    }
}

#[test]
fn only_ed25519_has_two_names() {
    let named = |key: SigningKey, algorithm| key.with_ed25519_name(algorithm).algorithm();
    assert_eq!(named(ed25519_key(), Algorithm::Ed25519), Algorithm::Ed25519);
    assert_eq!(named(ed25519_key(), Algorithm::EdDsa), Algorithm::EdDsa);
    assert_eq!(named(ed25519_key(), Algorithm::Es256), Algorithm::EdDsa);
    assert_eq!(named(p256_key(), Algorithm::Ed25519), Algorithm::Es256);
    let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
    assert_eq!(names, ["EdDSA", "Ed25519", "ES256"]);
    for other in ["none", "eddsa", "HS256", "RS256", "ES384", ""] {
        assert_eq!(Algorithm::parse(other), None, "{other}");
    }
}

#[test]
fn secrets_are_not_shown() {
    // TH73
    for key in [ed25519_key(), p256_key()] {
        let secret = key.expose_private_jwk();
        let secret = secret.split(r#""d":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let shown = format!("{key:?}");
        assert!(shown.contains("redacted") && !shown.contains(&secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_of_a_signature_is_noticed(position in 0_usize..512, p256: bool) {
        let key = if p256 { p256_key() } else { ed25519_key() };
        let mut signature = key.sign(b"message");
        signature[position / 8] ^= 1 << (position % 8);
        prop_assert!(key.public().verify(key.algorithm(), b"message", &signature).is_err());
    }

    #[test]
    fn bytes_that_make_a_key_come_back_as_they_are(bytes: [u8; 32]) {
        if let Ok(key) = PublicKey::from_ed25519_bytes(&bytes) {
            prop_assert_eq!(key.to_bytes(), bytes);
            let did = DidKey::parse(key.did().as_str()).unwrap();
            prop_assert_eq!(did.public_key(), &key);
        }
    }
}
