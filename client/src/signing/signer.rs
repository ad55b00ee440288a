//! The middleware that signs: below every other one, so that each attempt is signed anew.

use std::sync::Arc;

use handfast_dpop::{ContentDigest, ContentHash, Target};
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderName, HeaderValue};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::prover::Remedy;
use super::{Answered, Covered, Destinations, DpopChallenge, Prover};
use crate::clock::Clock;
use crate::delegation::{Evidence, SharedBundle};
use crate::error::{ClientError, SignError};
use crate::key::DpopKey;
use crate::token::{BoundToken, TokenManager};

const PROOF_FIELD: HeaderName = HeaderName::from_static("dpop");
const DELEGATION_FIELD: HeaderName = HeaderName::from_static("delegation");
const DIGEST_FIELD: HeaderName = HeaderName::from_static("content-digest");
/// Redirects with a `Location` to follow (RFC 9110 15.4); 300 and 304 are answers.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// What goes with a request besides the proof.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Nothing: at the token endpoint, and where the key alone counts.
    ProofOnly,
    /// A token bound to the key.
    Token(Arc<TokenManager>),
    /// Somebody else's root token, with hops that lead to the key.
    Offline(SharedBundle, Arc<dyn Clock>),
}

impl Credentials {
    /// The scope they are asked for or were given with; empty where none was said.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::ProofOnly => String::new(),
            Self::Token(manager) => manager.scope(),
            Self::Offline(bundle, _) => bundle.current().authority().scope.to_string(),
        }
    }
}

/// Signs every attempt for the allowed origins and answers what servers ask of proofs, each once.
#[derive(Debug)]
pub(crate) struct Signer {
    prover: Arc<Prover>,
    destinations: Destinations,
    credentials: Credentials,
    binds_content: bool,
}

impl Signer {
    /// A signer that covers the content where a server asks for that.
    pub(crate) const fn new(prover: Arc<Prover>, destinations: Destinations, credentials: Credentials) -> Self {
        Self { prover, destinations, credentials, binds_content: false }
    }

    /// The same, which covers the content of every request if `always`.
    pub(crate) fn binding_content(self, always: bool) -> Self {
        Self { binds_content: always, ..self }
    }

    /// Where the request goes, if it may go there with our credentials and carries none of its own.
    fn admit(&self, request: &Request) -> std::result::Result<Target, SignError> {
        let ours = [(AUTHORIZATION, "authorization"), (PROOF_FIELD, "dpop"), (DELEGATION_FIELD, "delegation")];
        for (name, field) in ours {
            if request.headers().contains_key(name) {
                return Err(SignError::FieldPresent { field }); // DPOP-13
            }
        }
        self.destinations.admit(request.url())
    }

    async fn token(&self) -> std::result::Result<Option<Arc<BoundToken>>, ClientError> {
        match &self.credentials {
            Credentials::ProofOnly => Ok(None),
            Credentials::Token(manager) => manager.token().await.map(Some),
            Credentials::Offline(bundle, clock) => {
                let bundle = bundle.current();
                let key = self.prover.keys().of(bundle.delegate());
                Ok(Some(Arc::new(BoundToken { key, ..bundle.offline_token(clock.now())? })))
            }
        }
    }

    /// The digest of the content as sent, if the proof is to cover it (spec/dpop-profile.md, making proofs).
    fn digest(&self, request: &Request, target: &Target) -> std::result::Result<Option<ContentDigest>, SignError> {
        if !self.binds_content && !self.prover.covers_content(target) {
            return Ok(None);
        }
        match request.body().map(Body::as_bytes) {
            None => Ok(Some(ContentDigest::of(&[]))),
            Some(Some(content)) => Ok(Some(ContentDigest::of(content))),
            Some(None) if self.binds_content => Err(SignError::BodyNotReadable { origin: target.origin().to_owned() }),
            // the server may ask for it on other routes only
            Some(None) => Ok(None),
        }
    }

    /// Adds a fresh proof, and the token under the scheme it is bound to; never `Bearer` (DPOP-13, DPOP-14). Evidence of a
    /// delegation goes along, covered by the proof (DEL-32), and so does a content's digest, in the place of the caller's own:
    /// field and claim are one text.
    async fn sign(
        &self,
        request: &mut Request,
        target: &Target,
        token: Option<&BoundToken>,
        evidence: Option<&Evidence>,
        digest: Option<&ContentDigest>,
        key: &DpopKey,
    ) -> std::result::Result<(), SignError> {
        let covered = Covered {
            token: token.map(|token| ContentHash::of(token.expose().as_bytes())),
            delegation: evidence.map(Evidence::hash),
            content: digest,
        };
        let proof = self.prover.prove(key, request.method().as_str(), target, covered).await?;
        let headers = request.headers_mut();
        headers.insert(PROOF_FIELD, sensitive(&proof)?);
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, sensitive(&format!("DPoP {}", token.expose()))?);
        }
        if let Some(evidence) = evidence {
            headers.insert(DELEGATION_FIELD, sensitive(evidence.field())?);
        }
        if let Some(digest) = digest {
            let value = HeaderValue::from_str(digest.as_str()).map_err(|_| SignError::Unsendable)?;
            headers.insert(DIGEST_FIELD, value);
        }
        Ok(())
    }

    /// Whether the answer calls for another attempt; an error where it does and there can be none.
    async fn wants_another(
        &self,
        response: &Response,
        target: &Target,
        token: Option<&BoundToken>,
        is_covered: bool,
        answered: &mut Answered,
    ) -> std::result::Result<bool, SignError> {
        let status = response.status().as_u16();
        let remedy = self.prover.learn(target, status, response.headers(), is_covered);
        if REDIRECTS.contains(&status) {
            return Err(SignError::Redirect { origin: target.origin().to_owned(), status });
        }
        if let (Some(Remedy::Token), Credentials::Token(manager), Some(token)) = (remedy, &self.credentials, token) {
            manager.discard(token).await;
        }
        answered.again(remedy, target)
    }
}

#[async_trait::async_trait]
impl Middleware for Signer {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let target = self.admit(&request).map_err(refused)?;
        let token = self.token().await.map_err(Error::middleware)?;
        // an exchange has evidence and no token
        let evidence = token.as_ref().and_then(|token| token.evidence.clone()).or_else(|| extensions.get().cloned());
        // a token lives on behind a rotation, and is proved with the key it is bound to
        let bound = token.as_ref().and_then(|token| token.key.clone()).or_else(|| extensions.get().cloned());
        let key = bound.unwrap_or_else(|| self.prover.keys().current());
        let mut answered = Answered::default();
        let mut attempt = request;
        loop {
            let spare = attempt.try_clone();
            let digest = self.digest(&attempt, &target).map_err(refused)?;
            self.sign(&mut attempt, &target, token.as_deref(), evidence.as_ref(), digest.as_ref(), &key)
                .await
                .map_err(refused)?;
            let response = next.clone().run(attempt, extensions).await?;
            let wants_another =
                self.wants_another(&response, &target, token.as_deref(), digest.is_some(), &mut answered).await;
            if !wants_another.map_err(refused)? {
                return Ok(response);
            }
            attempt = spare.ok_or_else(|| refused(gone(&response, &target)))?;
        }
    }
}

/// Why a stream is not sent again: sending it anew helps only where its content need not be covered.
fn gone(response: &Response, target: &Target) -> SignError {
    let origin = target.origin().to_owned();
    match DpopChallenge::of(response.headers()) {
        Some(DpopChallenge { wants_content: true, .. }) => SignError::BodyNotReadable { origin },
        _ => SignError::BodyNotRepeatable { origin },
    }
}

fn refused(error: SignError) -> Error {
    Error::middleware(ClientError::from(error))
}

fn sensitive(text: &str) -> std::result::Result<HeaderValue, SignError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SignError::Unsendable)?;
    value.set_sensitive(true);
    Ok(value)
}
