//! Statements and histories: a good one of each, and one fault at a time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failed set-up step is a failed test

use serde_json::{Value, json};

use super::*;
use crate::{ContentHash, DidError, DidKey, KeyError, SigningKey, UnixTime, jws};

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[seed; 32])
}

fn did(seed: u8) -> DidKey {
    key(seed).public().did()
}

fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

fn place(predecessor: u8, after: u16, previous: Option<ContentHash>) -> Succession {
    Succession {
        audience: ISSUER.into(),
        issued_at: NOW,
        statement_id: "j".into(),
        predecessor: did(predecessor),
        after,
        previous,
    }
}

fn rotation(old: u8, new: u8, after: u16, previous: &str) -> String {
    let place = place(old, after, Some(hash(previous)));
    place.sign(KeyChangeKind::Rotation, place.accept(&key(new)).unwrap(), &key(old)).unwrap()
}

fn recovery(owner: u8, place: &Succession, new: u8) -> String {
    place.sign(KeyChangeKind::Recovery, place.accept(&key(new)).unwrap(), &key(owner)).unwrap()
}

fn verified(text: &str) -> Result<KeyChange, KeyChangeError> {
    UnverifiedKeyChange::parse(text).and_then(UnverifiedKeyChange::verify).map(SignedKeyChange::into_change)
}

/// Keys 1, 2, 3 by rotation, then 4 by the owner (key 100), who says that 1 was the last good one, then 5 by rotation.
fn history() -> Value {
    let registered = "registration";
    let second = rotation(1, 2, 1, registered);
    let third = rotation(2, 3, 2, &second);
    let fourth = recovery(100, &place(1, 1, Some(hash(registered))), 4);
    let fifth = rotation(4, 5, 4, &fourth);
    let entry = |seq: u16, statement: &str| json!({"seq": seq, "did": did(u8::try_from(seq).unwrap()).as_str(), "statement": statement});
    json!({"issuer": ISSUER, "did": did(5).as_str(), "keys": [
        {"seq": 1, "did": did(1).as_str(), "statement_hash": hash(registered).to_string()},
        entry(2, &second), entry(3, &third), entry(4, &fourth), entry(5, &fifth),
    ]})
}

fn checked(history: &Value) -> Result<VerifiedHistory, HistoryError> {
    UnverifiedHistory::parse(history.to_string().as_bytes()).and_then(UnverifiedHistory::verify)
}

#[test]
fn a_rotation_is_signed_by_both_keys() {
    let text = rotation(1, 2, 1, "before");
    let change = verified(&text).unwrap();
    assert_eq!((change.kind, &change.signer, &change.key), (KeyChangeKind::Rotation, &did(1), &did(2)));
    assert_eq!((change.after, change.previous, change.hash), (1, Some(hash("before")), hash(&text)));
    assert_eq!((change.audience.as_str(), change.issued_at, change.accepted_at), (ISSUER, NOW, NOW));
}

/// A statement whose parts are made of these claims, signed by these keys under these key ids.
fn forged(outer: &Value, inner: &Value, signers: (u8, u8), kids: (u8, u8), types: (&str, &str)) -> String {
    let accepted = jws::sign(types.1, Some(&did(kids.1).key_id()), inner, &key(signers.1)).unwrap();
    let mut outer = outer.clone();
    outer["key"] = json!(accepted);
    jws::sign(types.0, Some(&did(kids.0).key_id()), &outer, &key(signers.0)).unwrap()
}

#[test]
fn each_fault_of_a_statement_is_refused_for_what_it_is() {
    let outer = json!({"iss": did(1).as_str(), "aud": ISSUER, "iat": NOW, "jti": "j"});
    let inner = json!({
        "iss": did(2).as_str(), "aud": ISSUER, "iat": NOW, "jti": "j", "sub": did(1).as_str(), "after": 1,
        "prev": hash("before").to_string(),
    });
    let types = (ROTATION_TYPE, ACCEPTANCE_TYPE);
    let check = |outer: &Value, inner: &Value, signers, expected: Result<(), KeyChangeError>| {
        let found = verified(&forged(outer, inner, signers, (1, 2), types)).map(|_| ());
        assert_eq!(found, expected, "{outer} {inner}");
    };
    let outer_with = |name: &str, value: Value| {
        let mut changed = outer.clone();
        changed[name] = value;
        changed
    };
    let inner_with = |name: &str, value: Value| {
        let mut changed = inner.clone();
        changed[name] = value;
        changed
    };
    let claim = |name| Err(KeyChangeError::Claim(name));
    check(&outer, &inner, (1, 2), Ok(()));
    // each part by its own key
    check(&outer, &inner, (2, 2), Err(KeyChangeError::Signature));
    check(&outer, &inner, (1, 1), Err(KeyChangeError::Signature));
    // what the new key signed is for another registry, another key, or itself
    check(&outer, &inner_with("aud", json!("https://other.example")), (1, 2), Err(KeyChangeError::Mismatch));
    check(&outer, &inner_with("sub", json!(did(3).as_str())), (1, 2), Err(KeyChangeError::Mismatch));
    check(&outer, &inner_with("sub", json!(did(2).as_str())), (1, 2), Err(KeyChangeError::Mismatch));
    check(&outer_with("iss", json!(did(2).as_str())), &inner, (2, 2), Err(KeyChangeError::Mismatch));
    // claims
    check(&outer, &inner_with("after", json!(0)), (1, 2), claim("prev"));
    check(&outer, &inner_with("prev", json!("x")), (1, 2), claim("prev"));
    check(&outer_with("jti", json!("")), &inner, (1, 2), claim("jti"));
    check(&outer, &inner_with("jti", json!("a b")), (1, 2), claim("jti"));
    check(&outer, &inner_with("iss", json!("did:web:x")), (1, 2), Err(KeyChangeError::Did(DidError::Method)));
    for unread in [outer_with("more", json!(1)), outer_with("iat", json!("now"))] {
        let found = verified(&forged(&unread, &inner, (1, 2), (1, 2), types));
        assert!(matches!(found, Err(KeyChangeError::Malformed(_))), "{unread}");
    }
    let found = verified(&forged(&outer, &inner_with("more", json!(1)), (1, 2), (1, 2), types));
    assert!(matches!(found, Err(KeyChangeError::Malformed(_))));
    // key ids and types
    for kids in [(2, 2), (1, 1)] {
        let found = verified(&forged(&outer, &inner, (1, 2), kids, types));
        assert_eq!(found, Err(KeyChangeError::KeyId), "{kids:?}");
    }
    for types in [
        ("agent-registration+jwt", ACCEPTANCE_TYPE),
        (ROTATION_TYPE, ROTATION_TYPE),
        (ACCEPTANCE_TYPE, ACCEPTANCE_TYPE),
    ] {
        assert_eq!(verified(&forged(&outer, &inner, (1, 2), (1, 2), types)), Err(KeyChangeError::Type), "{types:?}");
    }
    // without a place to follow only an owner can begin anew
    let mut nothing = inner_with("after", json!(0));
    nothing.as_object_mut().unwrap().remove("prev");
    check(&outer, &nothing, (1, 2), claim("after"));
    let by_owner = (RECOVERY_TYPE, ACCEPTANCE_TYPE);
    assert!(
        verified(&forged(&outer, &nothing, (1, 2), (1, 2), by_owner)).is_err(),
        "an owner is not the agent's own key"
    );
    let owner = outer_with("iss", json!(did(100).as_str()));
    assert!(verified(&forged(&owner, &nothing, (100, 2), (100, 2), by_owner)).is_ok());
    for text in ["", "a.b.c", &format!("{}x", "y".repeat(MAX_KEY_STATEMENT_BYTES))] {
        assert!(UnverifiedKeyChange::parse(text).is_err());
    }
}

#[test]
fn a_key_others_can_sign_for_follows_nobody() {
    // of mixed order, so that strict checks of signatures alone do not see it (P-06)
    let mixed = "did:key:z6MkwbSuyFpcZBRjvuoGhueRskRECMomRFnFLBjwGq55jw5o";
    let inner = json!({
        "iss": mixed, "aud": ISSUER, "iat": NOW, "jti": "j", "sub": did(1).as_str(), "after": 1,
        "prev": hash("before").to_string(),
    });
    let outer = json!({"iss": did(1).as_str(), "aud": ISSUER, "iat": NOW, "jti": "j"});
    let text = forged(&outer, &inner, (1, 2), (1, 2), (ROTATION_TYPE, ACCEPTANCE_TYPE));
    assert_eq!(verified(&text), Err(KeyChangeError::Did(DidError::Key(KeyError::Weak))));
}

#[test]
fn the_longest_statement_fits() {
    let longest = Succession {
        audience: "a".repeat(256),
        statement_id: "j".repeat(128),
        predecessor: SigningKey::from_p256_scalar(&[7; 32]).unwrap().public().did(),
        after: u16::MAX,
        issued_at: UnixTime::from_secs(crate::MAX_UNIX_SECONDS),
        previous: Some(hash("")),
    };
    let old = SigningKey::from_p256_scalar(&[7; 32]).unwrap();
    let accepted = longest.accept(&SigningKey::from_p256_scalar(&[8; 32]).unwrap()).unwrap();
    let text = longest.sign(KeyChangeKind::Rotation, accepted, &old).unwrap();
    assert!(text.len() <= MAX_KEY_STATEMENT_BYTES, "{}", text.len());
    assert!(verified(&text).is_ok());
}

#[test]
fn a_history_leads_from_the_first_key_to_the_last() {
    let history = checked(&history()).unwrap();
    assert_eq!((history.issuer(), history.first(), history.current()), (ISSUER, &did(1), &did(5)));
    assert_eq!(history.number(), 5);
    let void: Vec<_> = history.links().iter().map(|link| link.is_void).collect();
    assert_eq!(void, [false, true, true, false, false]);
    assert_eq!(history.links()[3].ground, Ground::Recovered { by: did(100), last_good: 1 });
    assert_eq!(history.vouching_owners().collect::<Vec<_>>(), [&did(100)]);
}

#[test]
fn each_fault_of_a_history_is_found_where_it_is() {
    let check = |change: &dyn Fn(&mut Value), expected: HistoryError| {
        let mut changed = history();
        change(&mut changed);
        assert_eq!(checked(&changed).err(), Some(expected));
    };
    let put = |index: usize, name: &'static str, value: Value| {
        move |history: &mut Value| history["keys"][index][name] = value.clone()
    };
    check(&put(1, "did", json!(did(9).as_str())), HistoryError::Misplaced(2));
    check(&put(1, "statement", Value::Null), HistoryError::Unsigned(2));
    check(&put(1, "seq", json!(3)), HistoryError::Numbers);
    check(&put(0, "statement_hash", json!(hash("another").to_string())), HistoryError::Misplaced(2));
    check(&put(0, "statement_hash", Value::Null), HistoryError::Hash);
    check(&put(0, "did", json!(did(9).as_str())), HistoryError::Misplaced(2));
    check(&put(0, "did", json!("did:key:z6Mk")), HistoryError::Did(1, DidKey::parse("did:key:z6Mk").unwrap_err()));
    check(&|history| history["issuer"] = json!("https://other.example"), HistoryError::Misplaced(2));
    check(&|history| history["keys"] = json!([]), HistoryError::Numbers);
    // a link left out, and one hung onto another place
    check(
        &|history| {
            history["keys"].as_array_mut().unwrap().remove(1);
            for index in 1..4 {
                history["keys"][index]["seq"] = json!(index + 1);
            }
        },
        HistoryError::Misplaced(2),
    );
    check(&put(2, "statement", json!(rotation(2, 3, 1, "registration"))), HistoryError::Misplaced(3));
    check(&put(2, "statement", json!(rotation(1, 3, 2, "x"))), HistoryError::Misplaced(3));
    // what the owner said was never good is nothing to follow
    let void = recovery(100, &place(2, 2, Some(hash(history()["keys"][1]["statement"].as_str().unwrap()))), 5);
    check(&put(4, "statement", json!(void)), HistoryError::Misplaced(5));
    // a key does not come back
    let mut again = history();
    let fifth = again["keys"][4]["statement"].as_str().unwrap().to_owned();
    let sixth = rotation(5, 1, 5, &fifth);
    again["keys"].as_array_mut().unwrap().push(json!({"seq": 6, "did": did(1).as_str(), "statement": sixth}));
    assert_eq!(checked(&again).err(), Some(HistoryError::Repeated(6)));
    // any other signature
    let mut forged = history();
    let text = forged["keys"][2]["statement"].as_str().unwrap().to_owned();
    let end = if text.ends_with('A') { 'Q' } else { 'A' };
    forged["keys"][2]["statement"] = json!(format!("{}{end}", &text[..text.len() - 1]));
    assert!(matches!(checked(&forged), Err(HistoryError::Statement(3, _))));
}

#[test]
fn an_owner_may_say_that_no_key_was_ever_good() {
    let fresh = recovery(100, &place(1, 0, None), 2);
    let history = json!({"issuer": ISSUER, "keys": [
        {"seq": 1, "did": did(1).as_str(), "statement_hash": hash("registration").to_string()},
        {"seq": 2, "did": did(2).as_str(), "statement": fresh},
    ]});
    let history = checked(&history).unwrap();
    assert!(history.links()[0].is_void && !history.links()[1].is_void);
    // p07: an entry has no second spelling as a list
    let listed = json!({"issuer": ISSUER, "keys": [[1, did(1).as_str(), null, hash("x").to_string()]]});
    assert!(matches!(checked(&listed), Err(HistoryError::Json(_))));
}
