//! As whom an issuer is asked, and what shows it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use handfast_delegation::ResourceId;
use handfast_identity::json::{self, JsonError, Limits};
use handfast_identity::{KeyError, PrivateJwk, PublicKey, SigningKey};
use handfast_verifier::trust::IntrospectionCaller;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::agent::AgentCaller;
use super::ask::{Ask, AskError};
use super::assertion::SigningClient;
use super::form;

/// Longest file of a secret or key (spec/limits.md), as of key files.
const MAX_SECRET_FILE_BYTES: usize = 16 * 1024;
/// What only a key file of the client has in the clear (spec/key-file.md).
const PLAIN_KEY_FILE: u64 = 1;

/// Who asks. Nothing of it is ever printed.
pub(crate) enum Caller {
    /// A client: its `Authorization` field.
    Client(HeaderValue),
    /// A client that signs.
    SigningClient(Box<SigningClient>),
    /// An agent.
    Agent(Box<AgentCaller>),
}

/// Why nobody can ask. Each names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallerError {
    /// It cannot be read.
    #[error("`{}`: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It is longer than any real one.
    #[error("`{}`: longer than {MAX_SECRET_FILE_BYTES} bytes, which no secret or key file is: name the right file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Others of this machine can read it.
    #[error(
        "`{}`: other users of this machine can read or write it: `chmod 600` it, and replace what it holds if they may have read it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// No line of printable text.
    #[error("`{}`: not one line of text: put the client's secret in it and nothing else", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// No key file whose secret is in the file, in the clear.
    #[error("`{}`: not a key file with the secret in the clear ({cause}): make one for this server with `handfast agent init`", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: JsonError,
    },
    /// A key that cannot be used.
    #[error("`{}`: {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: KeyError,
    },
}

/// A key file, as far as it matters here.
#[derive(Deserialize)]
struct KeyFileWire {
    version: u64,
    key: PrivateJwk,
}

impl Caller {
    /// Reads what `caller` says it is in. Tokens of `issuer` are asked about in the name of `resource`.
    pub(crate) fn read(caller: &IntrospectionCaller, issuer: &str, resource: &ResourceId) -> Result<Self, CallerError> {
        match caller {
            IntrospectionCaller::Client { id, secret_file } => {
                let text = read(secret_file)?;
                let secret = text.strip_suffix('\n').unwrap_or(&text);
                if secret.is_empty() || secret.contains(|letter: char| letter.is_control()) {
                    return Err(CallerError::Secret { path: secret_file.clone() });
                }
                // RFC 6749 2.3.1: both are form-encoded first
                let pair = Zeroizing::new(format!("{}:{}", *component(id), *component(secret)));
                let mut field =
                    HeaderValue::try_from(format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair.as_bytes())))
                        .map_err(|_| CallerError::Secret { path: secret_file.clone() })?;
                field.set_sensitive(true);
                Ok(Self::Client(field))
            }
            IntrospectionCaller::SigningClient { id, key_file } => {
                Ok(Self::SigningClient(Box::new(SigningClient::new(id, read_key(key_file)?, issuer))))
            }
            IntrospectionCaller::Agent { key_file } => {
                let key = read_key(key_file)?;
                Ok(Self::Agent(Box::new(AgentCaller::new(key, resource))))
            }
        }
    }

    /// The key, where it asks by one.
    pub(crate) fn key(&self) -> Option<&PublicKey> {
        match self {
            Self::Client(_) => None,
            Self::SigningClient(client) => Some(client.key()),
            Self::Agent(agent) => Some(agent.key()),
        }
    }

    /// Whether it needs a token of its own to ask.
    pub(super) const fn needs_token(&self) -> bool {
        matches!(self, Self::Agent(_))
    }

    /// The body of the answer about `token`.
    pub(super) async fn ask(&self, ask: &Ask<'_>, token: &str) -> Result<Bytes, AskError> {
        let question = || form([("token", token), ("token_type_hint", "access_token")]);
        let (headers, form) = match self {
            Self::Client(field) => (HeaderMap::from_iter([(AUTHORIZATION, field.clone())]), question()),
            Self::SigningClient(client) => (HeaderMap::new(), client.form(token, ask.clock.now())?),
            Self::Agent(agent) => return agent.ask(ask, question()).await,
        };
        let posted = ask.outbound.post(ask.places.introspection.as_str(), headers, form).await?;
        if posted.status == StatusCode::OK { Ok(posted.body) } else { Err(AskError::Refused(posted.status)) }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client(_) => "Caller::Client",
            Self::SigningClient(_) => "Caller::SigningClient",
            Self::Agent(_) => "Caller::Agent",
        })
    }
}

fn component(text: &str) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

fn read_key(path: &Path) -> Result<SigningKey, CallerError> {
    let text = read(path)?;
    let refused = |cause| CallerError::KeyFile { path: path.to_owned(), cause };
    let file: KeyFileWire =
        json::read_object(text.as_bytes(), &Limits::plain(MAX_SECRET_FILE_BYTES)).map_err(refused)?;
    if file.version != PLAIN_KEY_FILE {
        return Err(refused(JsonError::Shape(format!(
            "version `{PLAIN_KEY_FILE}` is expected, and this is `{}`",
            file.version
        ))));
    }
    SigningKey::try_from(&file.key).map_err(|cause| CallerError::Key { path: path.to_owned(), cause })
}

/// Reads a text that nobody else on this machine may read or write.
fn read(path: &Path) -> Result<Zeroizing<String>, CallerError> {
    let io = |cause| CallerError::Io { path: path.to_owned(), cause };
    let metadata = fs::metadata(path).map_err(io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        /// A group may read, for secrets that an orchestrator mounts.
        const OTHERS: u32 = 0o027;
        if metadata.permissions().mode() & OTHERS != 0 {
            return Err(CallerError::Exposed { path: path.to_owned() });
        }
    }
    if metadata.len() > MAX_SECRET_FILE_BYTES as u64 {
        return Err(CallerError::TooLong { path: path.to_owned() });
    }
    // all the room it can need from the start: a buffer that grows leaves copies behind
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_FILE_BYTES + 1));
    let limit = MAX_SECRET_FILE_BYTES as u64 + 1;
    File::open(path).map_err(io)?.take(limit).read_to_string(&mut text).map_err(io)?;
    if text.len() > MAX_SECRET_FILE_BYTES { Err(CallerError::TooLong { path: path.to_owned() }) } else { Ok(text) }
}
