//! Messages made by hand: a token and the evidence beside it, or a hop to exchange, as the client would never send them.

use handfast_client::{DpopKey, reqwest};
use handfast_dpop::{ContentHash, Nonce, ProofRequest, Target};
use handfast_identity::{DidKey, OsRandom, SigningKey};

use super::super::Seen;
use super::super::attack::reason_of;
use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::local::{Local, now};

/// A request as it goes over the wire: the token, and the evidence beside it.
pub(super) struct Message<'a> {
    token: Option<&'a str>,
    chain: Option<&'a str>,
    form: Option<String>,
}

impl<'a> Message<'a> {
    /// A call at the API.
    pub(super) const fn call(token: &'a str, chain: Option<&'a str>) -> Self {
        Self { token: Some(token), chain, form: None }
    }

    /// A request to the registry by `client`, for the last hop of `root`'s chain; `chain` is the hops before it.
    pub(super) fn exchange(client: &DidKey, root: &str, chain: Option<&'a str>, hop: &str) -> Self {
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id={client}&subject_token={root}\
             &subject_token_type=urn:ietf:params:oauth:token-type:access_token&actor_token={hop}\
             &actor_token_type=urn:ietf:params:oauth:token-type:jwt"
        );
        Self { token: None, chain, form: Some(form) }
    }
}

/// Who sends them: whoever holds `key`.
pub(super) struct ByHand<'a> {
    pub(super) local: &'a Local,
    pub(super) http: &'a reqwest::Client,
    pub(super) key: &'a DpopKey,
}

impl ByHand<'_> {
    /// Sends a message, repeating once with the nonce that is given for it.
    pub(super) async fn send(&self, message: &Message<'_>) -> Result<Seen, Failure> {
        let (first, nonce) = self.attempt(message, None).await?;
        match nonce {
            Some(nonce) if first.reason.as_deref().is_some_and(|reason| reason.starts_with("nonce_")) => {
                Ok(self.attempt(message, Some(&nonce)).await?.0)
            }
            _ => Ok(first),
        }
    }

    async fn attempt(&self, message: &Message<'_>, nonce: Option<&Nonce>) -> Result<(Seen, Option<Nonce>), Failure> {
        let failed = |error: String| Failure::new(Exit::Failed, error);
        let (method, url) = match message.form {
            Some(_) => ("POST", format!("{}/oauth2/token", self.local.issuer())),
            None => ("GET", self.local.echo_url()),
        };
        let target = Target::parse(&url).map_err(|error| failed(error.to_string()))?;
        let request = ProofRequest {
            method,
            target: &target,
            token_hash: message.token.map(|token| ContentHash::of(token.as_bytes())),
            nonce,
            delegation_hash: message.chain.map(|chain| ContentHash::of(chain.as_bytes())),
            content_digest: None,
        };
        let proof = request.sign(&signing(self.key)?, now(), &mut OsRandom);
        let proof = proof.map_err(|error| failed(error.to_string()))?;
        let mut request = match &message.form {
            Some(form) => self.http.post(&url).body(form.clone()),
            None => self.http.get(&url),
        };
        if message.form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if let Some(token) = message.token {
            request = request.header("authorization", format!("DPoP {token}"));
        }
        if let Some(chain) = message.chain {
            request = request.header("delegation", chain);
        }
        let sent = request.header("dpop", proof).send().await;
        let sent = sent.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
        let nonce = sent.headers().get("dpop-nonce").and_then(|value| value.to_str().ok());
        let nonce = nonce.and_then(|text| Nonce::parse(text).ok());
        Ok((answer(sent).await?, nonce))
    }
}

/// What an answer says: its status, and why it is a refusal if it is one.
pub(super) async fn answer(answer: reqwest::Response) -> Result<Seen, Failure> {
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
    Ok(if status < 400 { Seen::accepted(status) } else { Seen::refused(status, &reason_of(&body)) })
}

/// The key itself, for signing what the client would refuse to.
pub(super) fn signing(key: &DpopKey) -> Result<SigningKey, Failure> {
    SigningKey::from_private_jwk(&keyfiles::secret_of(key)?)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
