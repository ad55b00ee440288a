//! Agents: a key, the DID it is, and the proofs it makes.

use std::sync::Arc;

use handfast_dpop::{ContentHash, PROOF_TYPE};
use handfast_identity::jws::sign_with_header;
use handfast_identity::{DidKey, SigningKey, Thumbprint, UnixTime, random_id};
use serde_json::{Map, Value, json};

use crate::{CountedRandom, Evidence, keys};

/// Somebody with a key. Clones are the same agent.
#[derive(Clone, Debug)]
pub struct Agent {
    key: Arc<SigningKey>,
}

/// Header and claims of a proof before it is signed, to alter at will.
#[derive(Clone, Debug)]
pub struct ProofParts {
    /// The JOSE header: `typ`, `alg`, `jwk`.
    pub header: Map<String, Value>,
    /// The claims: `jti`, `htm`, `htu`, `iat`, and `ath` where a token was given.
    pub claims: Map<String, Value>,
}

impl Agent {
    /// The agent with Ed25519 key `number`.
    #[must_use]
    pub fn numbered(number: u8) -> Self {
        Self::with_key(keys::ed25519(number))
    }

    /// The agent with P-256 key `number`.
    #[must_use]
    pub fn p256(number: u8) -> Self {
        Self::with_key(keys::p256(number))
    }

    /// The agent of `key`.
    #[must_use]
    pub fn with_key(key: SigningKey) -> Self {
        Self { key: Arc::new(key) }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its DID.
    #[must_use]
    pub fn did(&self) -> DidKey {
        self.key.public().did()
    }

    /// What its tokens are bound to.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.key.public().thumbprint()
    }

    /// A good proof for one request with `token`, without a nonce.
    #[must_use]
    pub fn proof(&self, method: &str, url: &str, token: &str, now: UnixTime) -> String {
        self.sign(&self.proof_parts(method, url, Some(token), now))
    }

    /// A good proof for one request with `token` and a server's `nonce`.
    #[must_use]
    pub fn proof_with_nonce(&self, method: &str, url: &str, token: &str, nonce: &str, now: UnixTime) -> String {
        let mut parts = self.proof_parts(method, url, Some(token), now);
        parts.claims.insert("nonce".into(), nonce.into());
        self.sign(&parts)
    }

    /// A good proof for one request with `evidence`, its token and its chain.
    #[must_use]
    pub fn proof_with_chain(&self, method: &str, url: &str, evidence: &Evidence, now: UnixTime) -> String {
        let mut parts = self.proof_parts(method, url, Some(&evidence.token), now);
        parts.claims.insert("dch".into(), ContentHash::of(evidence.field.as_bytes()).to_string().into());
        self.sign(&parts)
    }

    /// The parts of a good proof. Each has a `jti` of its own.
    #[must_use]
    pub fn proof_parts(&self, method: &str, url: &str, token: Option<&str>, now: UnixTime) -> ProofParts {
        let jwk: Value = serde_json::from_str(&self.key.public().to_jwk()).expect("our own jwk is json");
        let header = json!({"typ": PROOF_TYPE, "alg": self.key.algorithm().as_str(), "jwk": jwk});
        let jti = random_id("", &mut CountedRandom::unshared());
        let mut claims = json!({"jti": jti, "htm": method, "htu": url, "iat": now.as_secs()});
        if let (Some(token), Some(claims)) = (token, claims.as_object_mut()) {
            claims.insert("ath".into(), ContentHash::of(token.as_bytes()).to_string().into());
        }
        ProofParts { header: object(header), claims: object(claims) }
    }

    /// Signs the parts of a proof as they are.
    ///
    /// # Panics
    ///
    /// Never: a JSON map can always be written.
    #[must_use]
    pub fn sign(&self, parts: &ProofParts) -> String {
        sign_with_header(&parts.header, &parts.claims, &self.key).expect("json maps can be written")
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("expected an object, found {other}"),
    }
}
