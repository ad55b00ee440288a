//! The tables of spec/vectors against the functions they are about.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a table of another shape should stop the test")]

use handfast_conformance::make::keys::{hex, to_hex};
use handfast_conformance::make::tables::Party;
use handfast_conformance::make::tables::did_jwk::DidJwks;
use handfast_conformance::make::tables::did_key::DidKeys;
use handfast_conformance::make::tables::did_web::{DID, DidWebs, NOW};
use handfast_conformance::make::tables::ed25519::{Row, Verdict};
use handfast_conformance::make::tables::handle::{Handles, Rule};
use handfast_conformance::make::tables::history::Histories;
use handfast_conformance::make::tables::rfc::RfcExamples;
use handfast_conformance::make::tables::target::Targets;
use handfast_conformance::vector::read_table;
use handfast_dpop::{ContentHash, Expectation, NoncePolicy, ProofWindow, PublicBase, Target, UnverifiedProof};
use handfast_identity::history::{HistoryError, UnverifiedHistory, VerifiedHistory};
use handfast_identity::{
    Algorithm, Did, DidDocument, DidError, DidJwk, DidKey, DidWeb, DocumentError, ForeignDocument, Handle, HandleError,
    JwkWire, KeyError, PublicKey, Relationship, SigningKey, Thumbprint, UnixTime, base64url,
};
use sha2::{Digest, Sha256};

#[test]
fn parties_have_the_keys_they_say() {
    for party in read_table::<Vec<Party>>("keys.json") {
        let key = SigningKey::from_private_jwk(&party.private_jwk).unwrap();
        assert_eq!(key.public().did().as_str(), party.did, "{}", party.name);
        assert_eq!(key.public().thumbprint().to_string(), party.jkt, "{}", party.name);
        assert_eq!(*key.expose_private_jwk(), party.private_jwk, "{}", party.name);
    }
}

fn checked(history: &serde_json::Value) -> Result<VerifiedHistory, HistoryError> {
    UnverifiedHistory::parse(history.to_string().as_bytes()).and_then(UnverifiedHistory::verify)
}

#[test]
fn histories_hold_or_break_where_the_table_says() {
    let histories: Histories = read_table("history.json");
    for row in &histories.accepted {
        let history = checked(&row.history).unwrap();
        assert_eq!(
            (history.first().as_str(), history.current().as_str()),
            (&*row.first, &*row.current),
            "{}",
            row.about
        );
        let void: Vec<_> = history.links().iter().zip(1..).filter(|(link, _)| link.is_void).map(|(_, n)| n).collect();
        let owners: Vec<_> = history.vouching_owners().map(ToString::to_string).collect();
        assert_eq!((&void, &owners), (&row.void, &row.owners), "{}", row.about);
    }
    for row in &histories.refused {
        let number = match checked(&row.history).unwrap_err() {
            HistoryError::Statement(number, _) | HistoryError::Misplaced(number) | HistoryError::Repeated(number) => {
                number
            }
            other => panic!("{}: {other}", row.about),
        };
        assert_eq!(number, row.number, "{}", row.about);
    }
}

#[test]
fn targets_have_one_normal_form() {
    let targets: Targets = read_table("target.json");
    for (input, normal) in &targets.normal {
        let found = Target::parse(input).ok();
        assert_eq!(found.as_ref().map(Target::as_str), normal.as_deref(), "{input}");
        if let Some(normal) = normal {
            assert_eq!(Target::parse(normal).unwrap().as_str(), normal, "a normal form is its own");
        }
    }
    for (a, b, equal) in &targets.equal {
        assert_eq!(Target::parse(a).unwrap() == Target::parse(b).unwrap(), *equal, "{a} {b}");
    }
    for (base, path, target) in &targets.joined {
        let found = Target::join(&PublicBase::parse(base).unwrap(), path).ok();
        assert_eq!(found.as_ref().map(Target::as_str), target.as_deref(), "{base} {path}");
    }
}

#[test]
fn a_did_key_is_one_key_in_one_spelling() {
    let dids: DidKeys = read_table("did-key.json");
    for row in &dids.accepted {
        let did = DidKey::parse(&row.did).unwrap();
        let key = did.public_key();
        assert_eq!(to_hex(&key.to_bytes()), row.public_key, "{}", row.about);
        assert_eq!(key.to_jwk(), row.jwk, "{}", row.about);
        assert_eq!(did.thumbprint().to_string(), row.jkt, "{}", row.about);
        assert_eq!(key.did().as_str(), row.did, "{}", row.about);
        assert_eq!(serde_json::to_string(&DidDocument::of_key(&did)).unwrap(), row.document, "{}", row.about);
        assert_eq!(key.require_prime_order().is_ok(), row.registrable, "{}", row.about);
        let wire: JwkWire = serde_json::from_str(&row.jwk).unwrap();
        assert!(PublicKey::try_from(&wire).is_ok_and(|from_jwk| from_jwk == *key), "{}", row.about);
    }
    for row in &dids.refused {
        let found = DidKey::parse(&row.did).map_err(DidError::reason);
        assert_eq!(found.map(|did| did.to_string()), Err(row.reason.as_str()), "{}", row.about);
    }
}

#[test]
fn a_did_jwk_is_a_public_key_and_no_agents_name() {
    let dids: DidJwks = read_table("did-jwk.json");
    for row in &dids.accepted {
        let did = DidJwk::parse(&row.did).unwrap();
        assert_eq!(did.as_str(), format!("did:jwk:{}", base64url::encode(row.jwk.as_bytes())), "{}", row.about);
        assert_eq!(did.thumbprint().to_string(), row.jkt, "{}", row.about);
        assert_eq!(serde_json::to_string(&DidDocument::of_jwk(&did)).unwrap(), row.document, "{}", row.about);
        assert!(matches!(Did::parse(&row.did), Ok(Did::Jwk(_))), "{}", row.about);
        // P-05: whoever wants an agent takes one spelling of its key
        assert_eq!(DidKey::parse(&row.did).map_err(DidError::reason), Err("invalid_did"), "{}", row.about);
    }
    for row in &dids.refused {
        assert!(DidJwk::parse(&row.did).is_err(), "{}", row.about);
        assert!(Did::parse(&row.did).is_err(), "{}", row.about);
    }
    let [canonical, other, ..] = dids.accepted.as_slice() else { unreachable!("two DIDs of one key") };
    let other = DidJwk::parse(&other.did).unwrap();
    let made = DidJwk::from_public_key(other.public_key().clone());
    assert_eq!(made, DidJwk::parse(&canonical.did).unwrap());
    // DJ-05: one key, two DIDs
    assert_ne!(made, other);
    assert_eq!(made.thumbprint(), other.thumbprint());
}

#[test]
fn a_did_web_is_a_place() {
    let dids: DidWebs = read_table("did-web.json");
    for row in &dids.accepted {
        let did = DidWeb::parse(&row.did).unwrap();
        assert_eq!((did.as_str(), did.url()), (row.did.as_str(), row.url.clone()));
        assert!(matches!(Did::parse(&row.did), Ok(Did::Web(_))), "{}", row.did);
    }
    for row in &dids.refused {
        assert!(DidWeb::parse(&row.did).is_err(), "{}", row.about);
        assert!(Did::parse(&row.did).is_err(), "{}", row.about);
    }
}

#[test]
fn a_document_is_about_its_did_and_names_keys_for_a_purpose() {
    let did = DidWeb::parse(DID).unwrap();
    for row in read_table::<DidWebs>("did-web.json").documents {
        let found = ForeignDocument::parse(&did, row.document.as_bytes());
        let error = found.as_ref().err().map(|error| match error {
            DocumentError::Json(_) => "Json".to_owned(),
            other => format!("{other:?}"),
        });
        assert_eq!(error, row.refused, "{}", row.about);
        let Ok(document) = found else { continue };
        let keys = document.keys(Relationship::AssertionMethod, NOW).map(|key| key.thumbprint().to_string());
        assert_eq!(keys.collect::<Vec<_>>(), row.signing_keys, "{}", row.about);
        assert_eq!(*document.json(), serde_json::from_str::<serde_json::Value>(&row.document).unwrap());
    }
}

#[test]
fn signatures_are_checked_strictly() {
    for row in read_table::<Vec<Row>>("ed25519.json") {
        let (message, signature) = (hex(&row.message), hex(&row.signature));
        let verdict = match PublicKey::from_ed25519_bytes(&hex(&row.public_key)) {
            Err(_) => Verdict::KeyRefused,
            Ok(key) => {
                let [plain, prepared] =
                    [&key, &key.prepared()].map(|key| key.verify(Algorithm::EdDsa, &message, &signature));
                assert_eq!(plain.is_ok(), prepared.is_ok(), "{}, prepared", row.about);
                match plain {
                    Err(_) => Verdict::SignatureRefused,
                    Ok(_) if key.require_prime_order() == Err(KeyError::Weak) => Verdict::NotRegistrable,
                    Ok(_) => Verdict::Good,
                }
            }
        };
        assert_eq!(verdict, row.verdict, "{}", row.about);
    }
}

#[test]
fn handles_have_one_alphabet_and_do_not_look_alike() {
    let handles: Handles = read_table("handle.json");
    for text in &handles.accepted {
        assert_eq!(Handle::parse(text).map(|handle| handle.to_string()), Ok(text.clone()));
    }
    for (text, rule) in &handles.refused {
        let expected = match rule {
            Rule::Syntax => HandleError::Syntax,
            Rule::Reserved => HandleError::Reserved,
        };
        assert_eq!(Handle::parse(text), Err(expected), "{text:?}");
    }
    for (a, b, alike) in &handles.alike {
        let looks = |text: &str| Handle::parse(text).unwrap().skeleton();
        assert_eq!(looks(a) == looks(b), *alike, "{a} {b}");
    }
}

#[test]
fn the_examples_of_the_rfcs_hold() {
    let examples: RfcExamples = read_table("rfc.json");
    for row in &examples.proofs {
        let target = Target::parse(&row.uri).unwrap();
        let expected = Expectation {
            method: &row.method,
            target: &target,
            token_hash: row.access_token.as_ref().map(|token| ContentHash::of(token.as_bytes()).into()),
            delegation_hash: None,
            window: ProofWindow::default(),
            nonces: NoncePolicy::Off,
        };
        let proof = UnverifiedProof::parse(&row.proof).unwrap();
        let proof = proof.check(&expected, UnixTime::from_secs(row.iat)).unwrap().verify().unwrap();
        assert_eq!(proof.thumbprint().to_string(), row.jkt, "{}", row.origin);
        assert_eq!(proof.proof_id(), row.jti, "{}", row.origin);
        assert_eq!(proof.issued_at().as_secs(), row.iat, "{}", row.origin);
    }
    for row in &examples.thumbprints {
        let digest = base64url::encode(&Sha256::digest(row.input.as_bytes()));
        assert_eq!(digest, row.thumbprint, "{}", row.origin);
        assert!(Thumbprint::parse(&row.thumbprint).is_ok());
        let wire: JwkWire = serde_json::from_str(&row.jwk).unwrap();
        let key = PublicKey::try_from(&wire).ok();
        assert_eq!(key.is_some(), row.accepted, "{}", row.origin);
        if let Some(key) = key {
            assert_eq!((key.to_jwk(), key.thumbprint().to_string()), (row.input.clone(), row.thumbprint.clone()));
        }
    }
    for row in &examples.signatures {
        let key = SigningKey::from_ed25519_seed(&hex(&row.seed).try_into().unwrap());
        assert_eq!(to_hex(&key.public().to_bytes()), row.public_key, "{}", row.origin);
        assert_eq!(to_hex(&key.sign(&hex(&row.message))), row.signature, "{}", row.origin);
    }
    for row in &examples.jws {
        let key = SigningKey::from_private_jwk(&row.private_jwk).unwrap();
        let (input, signature) = row.jws.rsplit_once('.').unwrap();
        assert_eq!(input.split('.').nth(1), Some(base64url::encode(row.payload.as_bytes()).as_str()), "{}", row.origin);
        assert_eq!(base64url::encode(&key.sign(input.as_bytes())), signature, "{}", row.origin);
    }
}
