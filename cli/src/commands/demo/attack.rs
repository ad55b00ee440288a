//! Requests made by hand: what impostors send. Each differs from a good one in a single thing.

use std::time::{Duration, Instant};

use handfast_client::{DpopKey, reqwest};
use handfast_dpop::{ContentHash, Nonce, ProofRequest, Target};
use handfast_identity::{OsRandom, SigningKey};
use serde_json::Value;

use super::{Seen, missing};
use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::local::now;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// Nothing about the proof.
    None,
    /// The proof is by another key than the token's.
    OtherKey,
    /// The proof is for another method.
    OtherMethod,
    /// The proof is for another URL.
    OtherTarget,
    /// The token goes under the Bearer scheme.
    Bearer,
}

/// A stolen token, its owner's key, and a thief's.
pub(crate) struct Scene {
    http: reqwest::Client,
    token: String,
    key: SigningKey,
    thief: SigningKey,
}

/// How long after a revocation the API may still accept: its feed is polled without pause.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks whether it still does.
pub(super) const PAUSE: Duration = Duration::from_millis(5);

impl Scene {
    pub(crate) fn new(http: reqwest::Client, token: String, key: &DpopKey) -> Result<Self, Failure> {
        let again = SigningKey::from_private_jwk(&keyfiles::secret_of(key)?);
        let key = again.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        Ok(Self { http, token, key, thief: SigningKey::generate_ed25519(&mut OsRandom) })
    }

    /// The same scene with another token.
    pub(crate) fn with(&self, token: String) -> SceneWithToken<'_> {
        SceneWithToken { scene: self, token }
    }

    /// Sends a request that is wrong in one thing.
    pub(crate) async fn send(&self, url: &str, forgery: Forgery) -> Result<Seen, Failure> {
        self.send_token(url, &self.token, forgery).await
    }

    async fn send_token(&self, url: &str, token: &str, forgery: Forgery) -> Result<Seen, Failure> {
        let first = self.attempt(url, token, &self.proof(url, token, forgery, None)?, forgery).await?;
        // an impostor would follow the nonce challenge too
        match first.nonce {
            Some(nonce) if first.reason.as_deref().is_some_and(|reason| reason.starts_with("nonce_")) => {
                let proof = self.proof(url, token, forgery, Some(&nonce))?;
                Ok(self.attempt(url, token, &proof, forgery).await?.seen())
            }
            _ => Ok(first.seen()),
        }
    }

    /// Sends one good request twice, to the letter; the second is what is seen.
    pub(crate) async fn replay(&self, url: &str) -> Result<Seen, Failure> {
        let challenge =
            self.attempt(url, &self.token, &self.proof(url, &self.token, Forgery::None, None)?, Forgery::None).await?;
        let proof = self.proof(url, &self.token, Forgery::None, challenge.nonce.as_ref())?;
        let first = self.attempt(url, &self.token, &proof, Forgery::None).await?;
        if first.reason.is_some() {
            return Err(missing("one good request to replay"));
        }
        Ok(self.attempt(url, &self.token, &proof, Forgery::None).await?.seen())
    }

    /// Sends good requests until one is refused: how long a revocation takes to bite is the step's time.
    pub(crate) async fn send_until_refused(&self, url: &str) -> Result<Seen, Failure> {
        let began = Instant::now();
        loop {
            let seen = self.send(url, Forgery::None).await?;
            if seen.reason.is_some() || began.elapsed() > PATIENCE {
                return Ok(seen);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn proof(&self, url: &str, token: &str, forgery: Forgery, nonce: Option<&Nonce>) -> Result<String, Failure> {
        let failed = |error: String| Failure::new(Exit::Failed, error);
        let named = if forgery == Forgery::OtherTarget { format!("{url}/elsewhere") } else { url.to_owned() };
        let target = Target::parse(&named).map_err(|error| failed(error.to_string()))?;
        let request = ProofRequest {
            method: if forgery == Forgery::OtherMethod { "DELETE" } else { "GET" },
            target: &target,
            token_hash: Some(ContentHash::of(token.as_bytes())),
            nonce,
            delegation_hash: None,
            content_digest: None,
        };
        let key = if forgery == Forgery::OtherKey { &self.thief } else { &self.key };
        request.sign(key, now(), &mut OsRandom).map_err(|error| failed(error.to_string()))
    }

    async fn attempt(&self, url: &str, token: &str, proof: &str, forgery: Forgery) -> Result<Attempt, Failure> {
        let scheme = if forgery == Forgery::Bearer { "Bearer" } else { "DPoP" };
        let request = self.http.get(url).header("authorization", format!("{scheme} {token}")).header("dpop", proof);
        let answer = request.send().await.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
        let nonce = answer.headers().get("dpop-nonce").and_then(|value| value.to_str().ok());
        let nonce = nonce.and_then(|text| Nonce::parse(text).ok());
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
        let reason = if status < 400 { None } else { Some(reason_of(&body)) };
        Ok(Attempt { status, reason, nonce })
    }
}

/// A scene whose token was exchanged for another.
pub(crate) struct SceneWithToken<'a> {
    scene: &'a Scene,
    token: String,
}

impl SceneWithToken<'_> {
    pub(crate) async fn send(self, url: &str, forgery: Forgery) -> Result<Seen, Failure> {
        self.scene.send_token(url, &self.token, forgery).await
    }
}

struct Attempt {
    status: u16,
    reason: Option<String>,
    nonce: Option<Nonce>,
}

impl Attempt {
    fn seen(self) -> Seen {
        Seen { status: Some(self.status), reason: self.reason }
    }
}

pub(super) fn reason_of(body: &[u8]) -> String {
    let problem: Option<Value> = serde_json::from_slice(body).ok();
    let reason = problem.as_ref().and_then(|problem| problem.get("reason")?.as_str());
    reason.unwrap_or("none given").to_owned()
}
