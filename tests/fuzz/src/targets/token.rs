//! Access tokens: a text as it is, or a header and claims that are signed as the header says.

use handfast_conformance::make::keys::Who;
use handfast_delegation::{AccessToken, MAX_TOKEN_BYTES, TokenError, UnverifiedAccessToken};
use handfast_identity::json::Limits;
use handfast_identity::{ContentHash, DidKey};

use crate::form::{self, SlowJws, word};

pub fn run(data: &[u8]) {
    let Some(text) = form::text(data) else { return };
    let jws = SlowJws::read(&text, &Limits::token(MAX_TOKEN_BYTES));
    let token = match UnverifiedAccessToken::parse(&text) {
        Ok(token) => token,
        Err(error) => return assert_ne!(error, TokenError::Signature, "nobody asked about it"),
    };
    let jws = jws.expect("a token is a compact JWS of strict JSON");
    let typ = word(&jws.header, "typ").expect("a token says what it is").to_ascii_lowercase();
    assert!(["at+jwt", "application/at+jwt"].contains(&typ.as_str()), "{typ}");
    assert_eq!(token.kid(), word(&jws.header, "kid"));
    assert_eq!(word(&jws.claims, "iss"), Some(token.unverified_claims().issuer.as_str()));
    let (input, _) = text.rsplit_once('.').expect("three segments");
    assert_eq!(token.name(), ContentHash::of(input.as_bytes()));

    let claims = token.unverified_claims().clone();
    require_one_key(&text, token);
    require_sound(&claims);
    require_round_trip(claims);
}

/// No two keys have signed one text.
fn require_one_key(text: &str, token: UnverifiedAccessToken) {
    let keys = [Who::Issuer, Who::Agent].map(Who::key);
    let signed = |key| UnverifiedAccessToken::parse(text).is_ok_and(|token| token.verify(key).is_ok());
    assert!(keys.iter().filter(|key| signed(key.public())).count() <= 1);
    if let Ok(verified) = token.verify(keys[0].public()) {
        assert_eq!(UnverifiedAccessToken::parse(text).expect("as before").unverified_claims(), verified.claims());
    }
}

fn require_sound(claims: &AccessToken) {
    assert!(!claims.authority.resources.is_empty() && !claims.issuer.is_empty() && !claims.token_id.is_empty());
    assert_eq!(claims.authority.narrows(&claims.authority), Ok(()), "nothing is wider than itself");
    if let Some(actors) = &claims.actors {
        let names: std::collections::BTreeSet<_> = actors.iter().collect();
        assert_eq!(names.len(), actors.iter().count(), "nobody acts through himself");
    }
    if let Ok(did) = DidKey::parse(&claims.client_id) {
        assert_eq!(DidKey::thumbprint_of(&claims.client_id), Some(did.thumbprint()));
    }
}

/// What is read says the same when it is written and read again. What was not understood is not written.
fn require_round_trip(claims: AccessToken) {
    let claims = AccessToken { has_unreadable_restriction: false, ..claims };
    let key = Who::Issuer.key();
    let again = claims.sign("k", &key).expect("what was read can be written");
    if again.len() <= MAX_TOKEN_BYTES {
        let again = UnverifiedAccessToken::parse(&again).and_then(|token| token.verify(key.public()));
        assert_eq!(again.map(|token| token.into_claims()), Ok(claims));
    }
}
