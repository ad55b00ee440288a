//! DIDs, their documents byte by byte, and the words people compare.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

use handfast_identity::{
    AnyDidError, Did, DidDocument, DidError, DidJwkError, DidKey, DidWeb, DidWebError, FINGERPRINT_WORDS,
    ForeignDocument, JwkError, KeyError, MethodError, Relationship, SigningKey, UnixTime, fingerprint,
};

const AGENT: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
const VALUE: &str = "z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";

#[test]
fn the_document_of_a_key_is_always_the_same_text() {
    // DK-07, DK-12
    let id = format!("{AGENT}#{VALUE}");
    let expected = [
        r#"{"@context":["https://www.w3.org/ns/did/v1.1"],"id":"DID","#,
        r#""verificationMethod":[{"id":"KEY","type":"Multikey","controller":"DID","publicKeyMultibase":"VALUE"}],"#,
        r#""authentication":["KEY"],"assertionMethod":["KEY"],"capabilityInvocation":["KEY"],"#,
        r#""capabilityDelegation":["KEY"]}"#,
    ];
    let expected = expected.concat().replace("KEY", &id).replace("VALUE", VALUE).replace("DID", AGENT);
    let did = DidKey::parse(AGENT).unwrap();
    assert_eq!(serde_json::to_string(&DidDocument::of_key(&did)).unwrap(), expected);
    assert_eq!((did.fragment(), did.key_id()), (VALUE, id));
}

#[test]
fn the_document_of_a_registry_names_its_key_and_no_capability() {
    let did = DidKey::parse(AGENT).unwrap();
    let expected = [
        r##"{"@context":["https://www.w3.org/ns/did/v1.1"],"id":"did:web:r.example","##,
        r##""verificationMethod":[{"id":"did:web:r.example#VALUE","type":"Multikey","##,
        r##""controller":"did:web:r.example","publicKeyMultibase":"VALUE"}],"##,
        r##""authentication":["did:web:r.example#VALUE"],"assertionMethod":["did:web:r.example#VALUE"]}"##,
    ];
    let expected = expected.concat().replace("VALUE", VALUE);
    assert_eq!(serde_json::to_string(&DidDocument::of_signer("did:web:r.example", &did)).unwrap(), expected);
}

#[test]
fn each_rule_of_a_did_has_its_own_refusal() {
    let check = |text: &str, expected: DidError| assert_eq!(DidKey::parse(text).map(|_| ()), Err(expected), "{text}");
    check("did:web:example.com", DidError::Method);
    check("urn:key:z6Mk", DidError::Syntax);
    check("did:key:z6Mk0", DidError::Syntax);
    check("did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", DidError::Codec);
    check("did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj", DidError::Key(KeyError::Weak));
    check("did:key:z2DQYFhy74hg5eM3VNHKxySLj7rqfiJ7SZ3Gyokjx1w6yGc", DidError::Key(KeyError::Length));
    assert_eq!(DidError::Key(KeyError::Weak).reason(), "weak_key"); // TH48
    assert_eq!(DidError::Key(KeyError::NotCanonical).reason(), "invalid_did"); // TH47
}

#[test]
fn dids_are_equal_as_keys_and_shown_in_full() {
    let did = DidKey::parse(AGENT).unwrap();
    let key = SigningKey::from_ed25519_seed(&[1; 32]);
    assert_eq!(did, did.public_key().did());
    assert_ne!(did, key.public().did());
    assert_eq!(AGENT.parse::<DidKey>(), Ok(did.clone()));
    assert_eq!((did.to_string(), format!("{did:?}")), (AGENT.to_owned(), AGENT.to_owned()));
    assert_eq!(serde_json::to_string(&did).unwrap(), format!("\"{AGENT}\""));
}

#[test]
fn a_fingerprint_is_six_words_that_depend_on_the_key() {
    let of = |seed: u8| fingerprint(&SigningKey::from_ed25519_seed(&[seed; 32]).public().did());
    let (one, two) = (of(1), of(2));
    assert_eq!(one.split(' ').count(), FINGERPRINT_WORDS);
    assert!(one.split(' ').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())));
    assert_eq!(one, of(1));
    assert_ne!(one, two);
    // people compare what two versions of this program show
    assert_eq!(fingerprint(&DidKey::parse(AGENT).unwrap()), "bobcat saffron burrow paddle radish wren");
}

#[test]
fn a_key_is_found_by_its_whole_name_and_purpose() {
    // DID-18, DID-19, DR-32
    let did = DidWeb::parse("did:web:a.example").unwrap();
    let document = r##"{"id":"did:web:a.example","verificationMethod":[
        {"id":"did:web:a.example#k","type":"Multikey","controller":"did:web:a.example","publicKeyMultibase":"VALUE"},
        {"id":"did:web:a.example#x","type":"Multikey","controller":"did:web:b.example","publicKeyMultibase":"VALUE"},
        {"id":"did:web:b.example#k","type":"Multikey","controller":"did:web:b.example","publicKeyMultibase":"VALUE"}],
        "assertionMethod":["did:web:a.example#k","did:web:a.example#x","did:web:b.example#k"],
        "alsoKnownAs":["https://a.example"]}"##;
    let document = ForeignDocument::parse(&did, document.replace("VALUE", VALUE).as_bytes()).unwrap();
    let check = |url: &str, purpose, expected: Result<(), MethodError>| {
        let found = document.key(url, purpose, UnixTime::EPOCH);
        assert_eq!(found.map(|key| assert_eq!(key.did().as_str(), AGENT)), expected, "{url}");
    };
    check("did:web:a.example#k", Relationship::AssertionMethod, Ok(()));
    check("did:web:a.example#k", Relationship::Authentication, Err(MethodError::Relationship));
    check("did:web:a.example#x", Relationship::AssertionMethod, Err(MethodError::Method));
    check("did:web:a.example#none", Relationship::AssertionMethod, Err(MethodError::Method));
    check("did:web:b.example#k", Relationship::AssertionMethod, Err(MethodError::OtherDocument));
    for url in ["#k", "k", "did:web:a.example", "did:web:a.example?x#k"] {
        check(url, Relationship::AssertionMethod, Err(MethodError::Url));
    }
    assert_eq!(MethodError::Relationship.code(), "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD");
    assert_eq!(document.also_known_as(), ["https://a.example"]);
    assert!(document.len() > 500 && !document.is_empty() && *document.did() == did);
}

#[test]
fn each_rule_of_other_methods_has_its_own_refusal() {
    let error = |text: &str| Did::parse(text).map(|did| did.to_string()).unwrap_err();
    assert_eq!(error("did:example:1"), AnyDidError::Method);
    assert_eq!(error("did:web:a#b"), AnyDidError::Syntax);
    assert_eq!(error("did:key:z6Mk0"), AnyDidError::Key(DidError::Syntax));
    assert_eq!(error("did:web:1"), AnyDidError::Web(DidWebError::Host));
    assert_eq!(error("did:web:a%3Ax"), AnyDidError::Web(DidWebError::Port));
    assert_eq!(error("did:web:a:.."), AnyDidError::Web(DidWebError::Path));
    // {"kty":"oct"}, {}, and no base64url
    assert_eq!(error("did:jwk:eyJrdHkiOiJvY3QifQ"), AnyDidError::Jwk(DidJwkError::Jwk(JwkError::Private))); // DJ-02
    assert!(matches!(error("did:jwk:e30"), AnyDidError::Jwk(DidJwkError::Json(_))));
    assert_eq!(error("did:jwk:e31"), AnyDidError::Jwk(DidJwkError::Syntax));
}
