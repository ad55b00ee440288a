//! Asking a handfast registry: by a token of scope `introspect` for this resource, and a proof for every question
//! (spec/registry.md, introspection).

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use handfast_delegation::{MAX_TOKEN_BYTES, ResourceId};
use handfast_dpop::{ContentHash, Nonce, ProofRequest, ProofSigner, Target};
use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, OsRandom, PublicKey, Seconds, SigningKey, UnixTime};
use handfast_verifier::introspection::MAX_INTROSPECTION_BYTES;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex as Waiting;
use zeroize::Zeroizing;

use super::ask::{Ask, AskError};
use super::form;
use crate::keeper::outbound::Posted;

/// What its tokens have to allow.
const INTROSPECT: &str = "introspect";
/// How long before its end a token is replaced: the leeway of clocks.
const EARLY: Seconds = Seconds::new(30);
/// A nonce, another token, and what comes of it.
const MOST_ATTEMPTS: usize = 3;
const USE_NONCE: &str = "use_dpop_nonce";
const INVALID_TOKEN: &str = "invalid_token";
const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// An agent of the registry, and the token it asks with.
pub(crate) struct AgentCaller {
    signer: ProofSigner,
    did: DidKey,
    resource: String,
    /// All who need one wait for the one that fetches it.
    access: Waiting<Option<Access>>,
    /// Of the token endpoint and of introspection: they are not mixed (DPOP-10).
    nonces: Mutex<[Option<Nonce>; 2]>,
}

#[derive(Clone)]
struct Access {
    text: Zeroizing<String>,
    good_until: UnixTime,
}

/// Which of the registry's endpoints, for its nonces.
#[derive(Clone, Copy)]
enum Role {
    Token,
    Introspection,
}

#[derive(Deserialize)]
struct TokenWire {
    access_token: Zeroizing<String>,
    token_type: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct ErrorWire {
    error: String,
}

impl AgentCaller {
    pub(super) fn new(key: SigningKey, resource: &ResourceId) -> Self {
        let did = key.public().did();
        Self {
            signer: ProofSigner::new(key),
            did,
            resource: resource.to_string(),
            access: Waiting::default(),
            nonces: Mutex::default(),
        }
    }

    pub(super) const fn key(&self) -> &PublicKey {
        self.signer.key().public()
    }

    /// The body of the answer to `form`. A nonce that is asked for is signed, and a token that is over replaced (DPOP-12).
    pub(super) async fn ask(&self, ask: &Ask<'_>, form: String) -> Result<Bytes, AskError> {
        let mut status = StatusCode::UNAUTHORIZED;
        for _ in 0..MOST_ATTEMPTS {
            let access = self.access(ask).await?;
            let target = &ask.places.introspection;
            let posted = self.post(ask, Role::Introspection, target, Some(&access), form.clone()).await?;
            if posted.status == StatusCode::OK {
                return Ok(posted.body);
            }
            status = posted.status;
            match error_of(&posted).as_deref() {
                Some(USE_NONCE) => {}
                Some(INVALID_TOKEN) => self.forget(&access).await,
                _ => break,
            }
        }
        Err(AskError::Refused(status))
    }

    /// A token that is good for a while yet.
    async fn access(&self, ask: &Ask<'_>) -> Result<Access, AskError> {
        let mut held = self.access.lock().await;
        let now = ask.clock.now();
        if let Some(access) = held.as_ref().filter(|access| now <= access.good_until) {
            return Ok(access.clone());
        }
        let target = ask.places.token.as_ref().ok_or(AskError::NoTokenEndpoint)?;
        let wish = form([
            ("grant_type", "client_credentials"),
            ("client_id", self.did.as_str()),
            ("scope", INTROSPECT),
            ("resource", self.resource.as_str()),
        ]);
        let mut posted = self.post(ask, Role::Token, target, None, wish.clone()).await?;
        if posted.status != StatusCode::OK && error_of(&posted).as_deref() == Some(USE_NONCE) {
            posted = self.post(ask, Role::Token, target, None, wish).await?;
        }
        if posted.status != StatusCode::OK {
            return Err(AskError::TokenRefused(posted.status));
        }
        let limits = Limits::plain(MAX_INTROSPECTION_BYTES);
        let wire: TokenWire = json::read(&posted.body, &limits).map_err(|_| AskError::Token)?;
        // DPOP-15: anything else is a token anybody could use
        if !wire.token_type.eq_ignore_ascii_case("DPoP") || wire.access_token.len() > MAX_TOKEN_BYTES {
            return Err(AskError::Token);
        }
        let good_until = now.saturating_add(Seconds::new(wire.expires_in)).saturating_sub(EARLY);
        let access = Access { text: wire.access_token, good_until };
        *held = Some(access.clone());
        Ok(access)
    }

    /// Lets a token go that was refused, if no other has come since.
    async fn forget(&self, access: &Access) {
        let mut held = self.access.lock().await;
        if held.as_ref().is_some_and(|held| held.text == access.text) {
            *held = None;
        }
    }

    async fn post(
        &self,
        ask: &Ask<'_>,
        role: Role,
        target: &Target,
        access: Option<&Access>,
        form: String,
    ) -> Result<Posted, AskError> {
        let nonce = self.nonce(role, None);
        let request = ProofRequest {
            method: "POST",
            target,
            token_hash: access.map(|access| ContentHash::of(access.text.as_bytes())),
            nonce: nonce.as_ref(),
            delegation_hash: None,
            content_digest: None,
        };
        let proof = self.signer.sign(&request, ask.clock.now(), &mut OsRandom)?;
        let mut headers = HeaderMap::from_iter([(DPOP, sensitive(&proof)?)]);
        if let Some(access) = access {
            headers.insert(AUTHORIZATION, sensitive(&Zeroizing::new(format!("DPoP {}", access.text.as_str())))?);
        }
        let posted = ask.outbound.post(target.as_str(), headers, form).await?;
        let told = posted.headers.get(DPOP_NONCE).and_then(|value| Nonce::parse(value.to_str().ok()?).ok());
        if told.is_some() {
            self.nonce(role, told);
        }
        Ok(posted)
    }

    /// The nonce of an endpoint, once a newer one has taken its place.
    fn nonce(&self, role: Role, newer: Option<Nonce>) -> Option<Nonce> {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let [token, introspection] = &mut *nonces;
        let known = match role {
            Role::Token => token,
            Role::Introspection => introspection,
        };
        if newer.is_some() {
            *known = newer;
        }
        known.clone()
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, AskError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| AskError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn error_of(posted: &Posted) -> Option<String> {
    let limits = Limits::plain(MAX_INTROSPECTION_BYTES);
    json::read::<ErrorWire>(&posted.body, &limits).ok().map(|wire| wire.error)
}
