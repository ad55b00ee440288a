//! One key's proofs: made with what is known of the server, and what is learned from its answer.

use std::sync::Arc;

use handfast_dpop::{ContentDigest, ContentHash, ProofRequest, Target};
use http::HeaderMap;

use super::challenge::DpopChallenge;
use super::servers::Servers;
use crate::clock::Clock;
use crate::error::SignError;
use crate::key::DpopKey;
use crate::keyring::Keyring;

/// What a proof or token was refused with (RFC 9449 7.1, 8; RFC 6750 3.1).
const USE_NONCE: &str = "use_dpop_nonce";
const INVALID_PROOF: &str = "invalid_dpop_proof";
const INVALID_TOKEN: &str = "invalid_token";

/// What would make the next attempt better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Sign the nonce that came with the answer.
    Nonce,
    /// Sign by the server's clock, or under the algorithm name it lists.
    Correction,
    /// Have the proof cover the content.
    Content,
    /// Get another token.
    Token,
}

/// What was answered already in the course of one request: each thing is answered once (DPOP-12).
#[derive(Debug, Default)]
pub(crate) struct Answered {
    nonce: bool,
    correction: bool,
    content: bool,
}

impl Answered {
    /// Whether to try again with `remedy`.
    ///
    /// # Errors
    ///
    /// [`SignError::NonceRepeated`] for the second nonce.
    pub(crate) fn again(&mut self, remedy: Option<Remedy>, target: &Target) -> Result<bool, SignError> {
        match remedy {
            Some(Remedy::Nonce) if self.nonce => Err(SignError::NonceRepeated { origin: target.origin().to_owned() }),
            Some(Remedy::Nonce) => {
                self.nonce = true;
                Ok(true)
            }
            Some(Remedy::Correction) => Ok(!std::mem::replace(&mut self.correction, true)),
            Some(Remedy::Content) => Ok(!std::mem::replace(&mut self.content, true)),
            Some(Remedy::Token) | None => Ok(false),
        }
    }
}

/// What a proof covers besides method, target and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covered<'a> {
    /// The access token presented.
    pub(crate) token: Option<ContentHash>,
    /// The `Delegation` field.
    pub(crate) delegation: Option<ContentHash>,
    /// The content, by the text of its `Content-Digest` field.
    pub(crate) content: Option<&'a ContentDigest>,
}

/// Makes the proofs of one party in one role, by the key that is good now unless another is asked for. Nonces of a token endpoint and of resources are not mixed (DPOP-10), not even at
/// one origin: each role has a prover of its own.
#[derive(Debug)]
pub(crate) struct Prover {
    keys: Keyring,
    clock: Arc<dyn Clock>,
    servers: Servers,
}

impl Prover {
    pub(crate) fn new(keys: Keyring, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock, servers: Servers::default() }
    }

    pub(crate) const fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// A fresh proof for one attempt (DPOP-01), by the key that the token is bound to.
    pub(crate) async fn prove(
        &self,
        key: &DpopKey,
        method: &str,
        target: &Target,
        covered: Covered<'_>,
    ) -> Result<String, SignError> {
        let server = self.servers.known(target);
        let request = ProofRequest {
            method,
            target,
            token_hash: covered.token,
            nonce: server.nonce.as_ref(),
            delegation_hash: covered.delegation,
            content_digest: covered.content,
        };
        key.prove(&request, server.algorithm, server.time(self.clock.now())).await
    }

    /// Whether a challenge of this origin asked for proofs that cover the content.
    pub(crate) fn covers_content(&self, target: &Target) -> bool {
        self.servers.known(target).wants_content
    }

    /// Learns the nonce of any answer, and reads what a refusing one asks for in its challenge. `is_covered` says whether the
    /// proof that was refused covered the content.
    pub(crate) fn learn(&self, target: &Target, status: u16, headers: &HeaderMap, is_covered: bool) -> Option<Remedy> {
        let has_nonce = self.servers.note_nonce(target, headers);
        let challenge = DpopChallenge::of(headers)?;
        if challenge.wants_content {
            self.servers.note_content(target);
        }
        if status != 401 {
            return None;
        }
        let remedy = challenge
            .error
            .as_deref()
            .and_then(|error| self.remedy(target, error, challenge.algs.as_deref(), has_nonce, headers));
        match remedy {
            // the next attempt covers the content whatever it was repeated for; a refused token would be refused again
            None | Some(Remedy::Correction) if challenge.wants_content && !is_covered => Some(Remedy::Content),
            other => other,
        }
    }

    /// The same for the `error` of a token endpoint's answer, whose nonce was learned already (DPOP-56).
    pub(crate) fn learn_error(&self, target: &Target, error: &str, headers: &HeaderMap) -> Option<Remedy> {
        let has_nonce = self.servers.note_nonce(target, headers);
        self.remedy(target, error, None, has_nonce, headers)
    }

    /// Takes the first of the key's algorithm names that the server's metadata lists (DPOP-122).
    pub(crate) fn prefer(&self, target: &Target, algorithms: &[String]) -> bool {
        self.prefer_among(target, algorithms.iter().map(String::as_str))
    }

    fn prefer_among<'a>(&self, target: &Target, names: impl Iterator<Item = &'a str>) -> bool {
        let key = self.keys.current();
        let algorithm = key.algorithm_among(names);
        algorithm.is_some_and(|name| self.servers.note_algorithm(target, name, key.default_algorithm()))
    }

    fn remedy(
        &self,
        target: &Target,
        error: &str,
        algs: Option<&str>,
        has_nonce: bool,
        headers: &HeaderMap,
    ) -> Option<Remedy> {
        match error {
            // a stale `iat` is answered like this too, so the clock is looked at
            USE_NONCE => {
                self.servers.note_clock(target, headers, self.clock.now());
                has_nonce.then_some(Remedy::Nonce)
            }
            INVALID_PROOF => {
                let clock = self.servers.note_clock(target, headers, self.clock.now());
                let algorithm = algs.is_some_and(|names| self.prefer_among(target, names.split(' ')));
                (clock || algorithm).then_some(Remedy::Correction)
            }
            INVALID_TOKEN => Some(Remedy::Token),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own target should stop
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_answered_once() {
        // DPOP-12
        let target = Target::parse("https://a.example/").unwrap();
        let mut answered = Answered::default();
        for (remedy, first, second) in [
            (Some(Remedy::Correction), Ok(true), Ok(false)),
            (Some(Remedy::Content), Ok(true), Ok(false)),
            (Some(Remedy::Nonce), Ok(true), Err(SignError::NonceRepeated { origin: "https://a.example".into() })),
            (Some(Remedy::Token), Ok(false), Ok(false)),
            (None, Ok(false), Ok(false)),
        ] {
            assert_eq!(answered.again(remedy, &target), first, "{remedy:?}");
            assert_eq!(answered.again(remedy, &target), second, "{remedy:?} again");
        }
    }
}
