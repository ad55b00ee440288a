//! Client authentication by a signed assertion (RFC 7523 2.2, 3): `private_key_jwt`, for clients that know no other.
//!
//! It comes beside the proof, which every request here has, and by the same key: an assertion that was copied is worth nothing
//! (DPOP-136). The key is the client's DID, never one from a header (JB-06).

use core::fmt;

use handfast_identity::json::Limits;
use handfast_identity::jws::UnverifiedJws;
use handfast_identity::{DidKey, UnixTime};
use serde::Deserialize;

use crate::Refusal;
use crate::limits::{ASSERTION_LEEWAY, MAX_ASSERTION_AHEAD, MAX_PROOF_ID_BYTES, MAX_STATEMENT_BYTES};

/// The one `client_assertion_type` (JB-01).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What `typ` should be, and what older clients write if anything (JB-03).
const TYPES: [&str; 2] = ["client-authentication+jwt", "jwt"];

/// A client's assertion, read and not believed. It is a credential and has no `Debug` text.
pub struct UnverifiedClientAssertion {
    jws: UnverifiedJws,
    claims: Claims,
    client: DidKey,
}

/// An assertion that its client made for this registry, in its time. Good once: see [`Self::assertion_id`].
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedClientAssertion {
    client: DidKey,
    assertion_id: String,
    expires_at: UnixTime,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: UnixTime,
    jti: String,
    #[serde(default)]
    nbf: Option<UnixTime>,
    #[serde(default)]
    iat: Option<UnixTime>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

impl UnverifiedClientAssertion {
    /// Reads the two parameters of a form.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidClient`]: one without the other, another type, no strict JWS, another `typ`, a claim missing, or a client
    /// that is no `did:key`.
    pub fn read(assertion: Option<&str>, kind: Option<&str>) -> Result<Option<Self>, Refusal> {
        match (assertion, kind) {
            (None, None) => Ok(None),
            (Some(text), Some(ASSERTION_TYPE)) => Self::parse(text).map(Some).ok_or(Refusal::InvalidClient),
            _ => Err(Refusal::InvalidClient),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let jws = UnverifiedJws::parse(text, &Limits::plain(MAX_STATEMENT_BYTES)).ok()?;
        // BCP-10: a proof, token or statement is no assertion
        let is_known = jws.typ().is_none_or(|typ| TYPES.contains(&typ.to_ascii_lowercase().as_str()));
        let claims: Claims = jws.unverified_claims().ok()?;
        let client = DidKey::parse(&claims.sub).ok()?;
        let has_id = (1..=MAX_PROOF_ID_BYTES).contains(&claims.jti.len());
        (is_known && has_id && claims.iss == claims.sub).then_some(Self { jws, claims, client })
    }

    /// The client it names: `iss` and `sub`.
    #[must_use]
    pub const fn client(&self) -> &DidKey {
        &self.client
    }

    /// Verifies it at the registry called `issuer`: that it is meant for it alone (JB-02), for now and no longer than
    /// [`MAX_ASSERTION_AHEAD`] (JB-04), and signed by the client's key.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidClient`].
    pub fn verify(self, issuer: &str, now: UnixTime) -> Result<VerifiedClientAssertion, Refusal> {
        let Self { jws, claims, client } = self;
        let is_for_us = match &claims.aud {
            Audience::One(audience) => audience == issuer,
            Audience::List(audiences) => matches!(audiences.as_slice(), [audience] if audience == issuer),
        };
        let soon = now.saturating_add(ASSERTION_LEEWAY);
        let is_in_time = now <= claims.exp.saturating_add(ASSERTION_LEEWAY)
            && claims.exp <= now.saturating_add(MAX_ASSERTION_AHEAD)
            && [claims.nbf, claims.iat].iter().flatten().all(|start| *start <= soon);
        if !is_for_us || !is_in_time || jws.verify(client.public_key()).is_err() {
            return Err(Refusal::InvalidClient);
        }
        Ok(VerifiedClientAssertion { client, assertion_id: claims.jti, expires_at: claims.exp })
    }
}

impl VerifiedClientAssertion {
    /// The client.
    #[must_use]
    pub const fn client(&self) -> &DidKey {
        &self.client
    }

    /// Its `jti`: each is good once until [`Self::last_second`] (JB-05).
    #[must_use]
    pub fn assertion_id(&self) -> &str {
        &self.assertion_id
    }

    /// The last second in which it would be accepted.
    #[must_use]
    pub const fn last_second(&self) -> UnixTime {
        self.expires_at.saturating_add(ASSERTION_LEEWAY)
    }
}

impl fmt::Debug for UnverifiedClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedClientAssertion").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use handfast_identity::SigningKey;
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://registry.example";
    const NOW: u64 = 1_795_262_400;

    fn key() -> SigningKey {
        SigningKey::from_ed25519_seed(&[7; 32])
    }

    fn good() -> Value {
        let did = key().public().did().to_string();
        json!({"iss": did, "sub": did, "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "a"})
    }

    /// The verdict on an assertion whose claims are changed so, `null` for left out.
    fn verdict(typ: Option<&str>, changes: &[(&str, Value)], by: &SigningKey) -> Result<(), Refusal> {
        let mut claims = good();
        for (name, value) in changes {
            let members = claims.as_object_mut().unwrap();
            if value.is_null() {
                members.remove(*name)
            } else {
                members.insert((*name).to_owned(), value.clone())
            };
        }
        let header = match typ {
            Some(typ) => json!({"alg": "EdDSA", "kid": "whatever", "typ": typ}),
            None => json!({"alg": "EdDSA", "kid": "whatever"}),
        };
        let text = handfast_identity::jws::sign_with_header(&header, &claims, by).unwrap();
        let read = UnverifiedClientAssertion::read(Some(&text), Some(ASSERTION_TYPE))?;
        read.unwrap().verify(ISSUER, UnixTime::from_secs(NOW)).map(|_| ())
    }

    fn check(changes: &[(&str, Value)], is_good: bool) {
        let expected = if is_good { Ok(()) } else { Err(Refusal::InvalidClient) };
        assert_eq!(verdict(Some("client-authentication+jwt"), changes, &key()), expected, "{changes:?}");
    }

    #[test]
    fn a_good_one_says_who_and_until_when() {
        let text = handfast_identity::jws::sign_with_header(&json!({"alg": "EdDSA"}), &good(), &key()).unwrap();
        let read = UnverifiedClientAssertion::read(Some(&text), Some(ASSERTION_TYPE)).unwrap().unwrap();
        let found = read.verify(ISSUER, UnixTime::from_secs(NOW)).unwrap();
        assert_eq!((found.client(), found.assertion_id()), (&key().public().did(), "a"));
        assert_eq!(found.last_second().as_secs(), NOW + 60 + ASSERTION_LEEWAY.get());
    }

    #[test]
    fn the_audience_is_this_registry_alone() {
        check(&[("aud", json!([ISSUER]))], true);
        for other in [
            json!([ISSUER, "https://other.example"]),
            json!("https://registry.example/oauth2/token"),
            json!("https://registry.example/"),
            json!([]),
            json!(null),
        ] {
            check(&[("aud", other)], false);
        }
    }

    #[test]
    fn its_time_has_both_ends() {
        let (leeway, ahead) = (ASSERTION_LEEWAY.get(), MAX_ASSERTION_AHEAD.get());
        for (member, at, is_good) in [
            ("exp", NOW - leeway, true),
            ("exp", NOW - leeway - 1, false),
            ("exp", NOW + ahead, true),
            ("exp", NOW + ahead + 1, false),
            ("iat", NOW + leeway, true),
            ("iat", NOW + leeway + 1, false),
            ("iat", 0, true),
            ("nbf", NOW + leeway, true),
            ("nbf", NOW + leeway + 1, false),
        ] {
            check(&[(member, json!(at))], is_good);
        }
        check(&[("iat", json!(null))], true);
        check(&[("exp", json!(null))], false);
        check(&[("exp", json!("1795262460"))], false);
    }

    #[test]
    fn it_is_by_the_client_and_about_it() {
        let other = SigningKey::from_ed25519_seed(&[8; 32]);
        assert_eq!(verdict(None, &[], &other), Err(Refusal::InvalidClient));
        let did = json!(other.public().did().to_string());
        check(&[("iss", did.clone())], false);
        check(&[("sub", did)], false);
        check(&[("iss", json!("x")), ("sub", json!("x"))], false);
        for id in [json!(null), json!(""), json!("x".repeat(MAX_PROOF_ID_BYTES + 1)), json!(1)] {
            check(&[("jti", id)], false);
        }
        check(&[("jti", json!("x".repeat(MAX_PROOF_ID_BYTES)))], true);
    }

    #[test]
    fn other_kinds_of_statement_are_none() {
        for typ in [None, Some("JWT"), Some("client-authentication+jwt"), Some("Client-Authentication+JWT")] {
            assert_eq!(verdict(typ, &[], &key()), Ok(()), "{typ:?}");
        }
        for typ in ["dpop+jwt", "at+jwt", "agent-registration+jwt", "delegation+jwt", "application/jwt", ""] {
            assert_eq!(verdict(Some(typ), &[], &key()), Err(Refusal::InvalidClient), "{typ}");
        }
        let read = |assertion, kind| UnverifiedClientAssertion::read(assertion, kind).map(|found| found.is_some());
        assert_eq!(read(None, None), Ok(false));
        for (assertion, kind) in [(None, Some(ASSERTION_TYPE)), (Some("a.b.c"), None), (Some("a.b.c"), Some("x"))] {
            assert_eq!(read(assertion, kind), Err(Refusal::InvalidClient));
        }
        assert_eq!(read(Some("a.b.c"), Some(ASSERTION_TYPE)), Err(Refusal::InvalidClient));
    }
}
