//! Asking as a client that signs: an assertion for each question (RFC 7523 2.2, 3; spec/introspection.md).

use handfast_identity::jws::{self, JwsError};
use handfast_identity::{OsRandom, PublicKey, Seconds, SigningKey, UnixTime, base64url, random_bytes};
use serde::Serialize;

/// JB-03: what keeps it from being taken for anything else.
const TYPE: &str = "client-authentication+jwt";
/// JB-01.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good (spec/limits.md): it is made for one question.
const ASSERTION_LIFETIME: Seconds = Seconds::new(60);

/// A client of the issuer, and the key that it is known by there.
pub(crate) struct SigningClient {
    id: String,
    issuer: String,
    key: SigningKey,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: UnixTime,
    exp: UnixTime,
    jti: String,
}

impl SigningClient {
    pub(super) fn new(id: &str, key: SigningKey, issuer: &str) -> Self {
        Self { id: id.to_owned(), issuer: issuer.to_owned(), key }
    }

    pub(super) const fn key(&self) -> &PublicKey {
        self.key.public()
    }

    /// The form of a question about `token`, with an assertion for the issuer alone (JB-02) that is good once (JB-05).
    pub(super) fn form(&self, token: &str, now: UnixTime) -> Result<String, JwsError> {
        let claims = Claims {
            iss: &self.id,
            sub: &self.id,
            aud: &self.issuer,
            iat: now,
            exp: now.saturating_add(ASSERTION_LIFETIME),
            jti: base64url::encode(&random_bytes::<16>(&mut OsRandom)),
        };
        // without `kid`: an issuer may call the key whatever it likes, and looks at those of this client
        let assertion = jws::sign(TYPE, None, &claims, &self.key)?;
        Ok(super::form([
            ("token", token),
            ("token_type_hint", "access_token"),
            ("client_id", self.id.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ]))
    }
}
