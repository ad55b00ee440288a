//! Token by jsonwebtoken, proof by dpop-verifier, and what they leave to their users: that the one is bound to the other.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dpop_verifier::{DpopError, DpopVerifier, ReplayContext, ReplayStore};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::http::Request;

const WINDOW_SECONDS: i64 = 60;
const LEEWAY_SECONDS: u64 = 30;

/// Error code and reason of a refusal.
pub struct Refused {
    pub error: &'static str,
    pub detail: String,
}

/// The proofs that were used.
#[derive(Default)]
struct Used(HashSet<[u8; 32]>);

#[async_trait::async_trait]
impl ReplayStore for Used {
    async fn insert_once(&mut self, proof: [u8; 32], _: ReplayContext<'_>) -> Result<bool, DpopError> {
        Ok(self.0.insert(proof))
    }
}

/// One resource's rules and memory.
pub struct Checker {
    origin: String,
    keys: JwkSet,
    rules: Validation,
    proofs: DpopVerifier,
    used: Used,
}

impl Checker {
    pub fn new(issuer: &str, origin: &str, jwks: &str) -> Result<Self, serde_json::Error> {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[origin]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        rules.leeway = LEEWAY_SECONDS;
        let proofs = DpopVerifier::new().with_max_age_seconds(WINDOW_SECONDS).with_future_skew_seconds(WINDOW_SECONDS);
        Ok(Self { origin: origin.to_owned(), keys: serde_json::from_str(jwks)?, rules, proofs, used: Used::default() })
    }

    /// The clock cannot be given to jsonwebtoken, but an end that is nearer than this can be refused.
    pub fn judge_ahead(&mut self, seconds: u64) {
        self.rules.reject_tokens_expiring_in_less_than = seconds;
    }

    /// The scope of a good token with a good proof.
    pub fn check(&mut self, request: &Request) -> Result<String, Refused> {
        let bad_token = |detail: &str| Refused { error: "invalid_token", detail: detail.to_owned() };
        let bad_proof = |detail: String| Refused { error: "invalid_dpop_proof", detail };
        let token = request.field("authorization").and_then(|field| field.strip_prefix("DPoP "));
        let token = token.ok_or_else(|| bad_token("no token under DPoP"))?;
        let claims = self.token(token).map_err(|error| bad_token(&error.to_string()))?;
        let proof = request.field("dpop").ok_or_else(|| bad_proof("none".to_owned()))?;
        let url = format!("{}{}", self.origin, request.path);
        let proved = self.proofs.verify(&mut self.used, proof, &url, &request.method, Some(token));
        let proved = at_once(proved).map_err(|error| bad_proof(error.to_string()))?;
        if claims["cnf"]["jkt"].as_str() != Some(proved.jkt.as_str()) {
            return Err(bad_token("bound to another key"));
        }
        claims["scope"].as_str().map(str::to_owned).ok_or_else(|| bad_token("no scope"))
    }

    fn token(&self, token: &str) -> jsonwebtoken::errors::Result<Value> {
        use jsonwebtoken::errors::ErrorKind;
        let header = decode_header(token)?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(ErrorKind::InvalidToken.into());
        }
        let key = header.kid.and_then(|kid| self.keys.find(&kid)).ok_or(ErrorKind::InvalidKeyFormat)?;
        decode::<Value>(token, &DecodingKey::from_jwk(key)?, &self.rules).map(|token| token.claims)
    }
}

/// What a future gives that waits for nothing: `Used` answers at once.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
