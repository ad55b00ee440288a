//! Keys held by an ssh-agent (RFC 9987): it signs, and never shows them.
//!
//! Only keys that do nothing else ([`SshAgent::dedicated`]): an agent signs any bytes for whoever reaches its socket, on every host
//! that it is forwarded to, and a key that logs in somewhere is known there by its owner's name. spec/key-file.md says more.

mod codec;
mod dedicated;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use handfast_identity::{ContentHash, Curve, KeyError, PublicKey, SIGNATURE_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

pub use dedicated::{DedicatedError, MARK};

use crate::holder::{HolderError, KeyHolder};
use crate::key::DpopKey;
use crate::keyfile::SshAgentPlace;

/// An agent answers at once what it does not ask anybody about.
const LISTING_PATIENCE: Duration = Duration::from_secs(5);
/// Somebody may have to confirm the use of the key (`ssh-add -c`).
const SIGNING_PATIENCE: Duration = Duration::from_secs(60);
/// Where a session's agent listens.
const SOCKET_VARIABLE: &str = "SSH_AUTH_SOCK";

/// A running ssh-agent. Nothing is asked before a call, and every call has a connection of its own. Calls run on a `tokio` runtime with
/// time and I/O.
#[derive(Clone, Debug)]
pub struct SshAgent {
    place: SshAgentPlace,
}

/// An Ed25519 key that an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    public: PublicKey,
    comment: String,
    is_certified: bool,
}

impl SshKey {
    /// The key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What its owner wrote to it: anybody's text, to be escaped where it is shown.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Its fingerprint as OpenSSH shows it: `SHA256:` and 43 characters.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.public)
    }
}

impl SshAgent {
    /// The agent at `place`.
    #[must_use]
    pub const fn new(place: SshAgentPlace) -> Self {
        Self { place }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &SshAgentPlace {
        &self.place
    }

    /// The Ed25519 keys it holds, in its order; others are left out, those of security keys (`sk-…`) too.
    ///
    /// # Errors
    ///
    /// [`HolderError`].
    pub async fn keys(&self) -> Result<Vec<SshKey>, HolderError> {
        let answer = self.ask(&codec::list_request(), LISTING_PATIENCE).await?;
        let listed = codec::listed(&answer)?;
        let certified: Vec<_> = listed.iter().filter_map(|key| codec::certified(key.blob)).collect();
        let keys = listed.iter().filter_map(|key| {
            let bytes = codec::ed25519(key.blob)?;
            Some(SshKey {
                // a key that others could sign for is none
                public: PublicKey::from_ed25519_bytes(bytes).ok()?,
                comment: String::from_utf8_lossy(key.comment).into_owned(),
                is_certified: certified.contains(&bytes),
            })
        });
        Ok(keys.collect())
    }

    /// The key `public` as held by this agent. That it is, shows with the first signature.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotOnCurve`] for a P-256 key: agents sign with SSH's own form of those.
    pub fn key(&self, public: &PublicKey) -> Result<DpopKey, KeyError> {
        if public.curve() != Curve::Ed25519 {
            return Err(KeyError::NotOnCurve);
        }
        Ok(DpopKey::held_by(Arc::new(Held { agent: self.clone(), public: public.clone() })))
    }

    fn socket(&self) -> Result<PathBuf, HolderError> {
        let named = self.place.socket.clone();
        let session = || std::env::var_os(SOCKET_VARIABLE).filter(|text| !text.is_empty()).map(PathBuf::from);
        named.or_else(session).ok_or_else(|| {
            HolderError::Unreachable(format!("no ssh-agent is running here (`{SOCKET_VARIABLE}` is not set)"))
        })
    }

    /// Sends one request and gives the body of the answer.
    async fn ask(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, HolderError> {
        let socket = self.socket()?;
        let failed = |cause: std::io::Error| {
            HolderError::Unreachable(format!("the ssh-agent at `{}`: {cause}", socket.display()))
        };
        let talk = async {
            let mut stream = UnixStream::connect(&socket).await.map_err(failed)?;
            stream.write_all(request).await.map_err(failed)?;
            let length = stream.read_u32().await.map_err(failed)?;
            if length == 0 || length > codec::MAX_ANSWER_BYTES {
                return Err(HolderError::Answer("its answer has a length that no answer has"));
            }
            // grows with what arrives, not with what was announced
            let mut body = Vec::new();
            stream.take(u64::from(length)).read_to_end(&mut body).await.map_err(failed)?;
            if u32::try_from(body.len()) == Ok(length) {
                Ok(body)
            } else {
                Err(HolderError::Answer("it ends before its end"))
            }
        };
        timeout(patience, talk).await.unwrap_or(Err(HolderError::Late { seconds: patience.as_secs() }))
    }
}

/// One key of an agent's.
#[derive(Debug)]
struct Held {
    agent: SshAgent,
    public: PublicKey,
}

#[async_trait]
impl KeyHolder for Held {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], HolderError> {
        let request = codec::sign_request(&codec::blob(&self.public.to_bytes()), message);
        let answer = self.agent.ask(&request, SIGNING_PATIENCE).await?;
        if let Some(signature) = codec::signature(&answer)? {
            return Ok(signature);
        }
        // its refusal is one word for everything
        let has_it = self.agent.keys().await?.iter().any(|key| key.public == self.public);
        if has_it { Err(HolderError::Refused) } else { Err(HolderError::Absent(fingerprint(&self.public))) }
    }
}

fn fingerprint(key: &PublicKey) -> String {
    format!("SHA256:{}", standard(&ContentHash::of(&codec::blob(&key.to_bytes())).to_string()))
}

/// Base64url in the other alphabet; neither has padding here.
fn standard(base64url: &str) -> String {
    base64url.replace('-', "+").replace('_', "/")
}
