//! What went wrong, by whose doing: ours to refuse, the registry's answer, or no answer.

use handfast_delegation::{ResourceError, ScopeError};
use handfast_dpop::{MakeError, TargetError};
use handfast_fetch::{BodyError, SetupError, TransportError};
use handfast_identity::history::HistoryError;
use handfast_identity::json::JsonError;
use handfast_identity::jws::JwsError;
use thiserror::Error;

use crate::delegation::DelegationError;
use crate::holder::HolderError;
use crate::keyfile::KeyFileError;
use crate::rehearsal::Planned;

/// The reason of a registry that is still answering the first request with the same idempotency key.
const IN_PROGRESS: &str = "idempotency_in_progress";

/// Everything that can keep a client from what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// An argument that cannot be sent.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// This client refused to send, or to send again.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The agent's owner is not known to be the expected one.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Nothing was passed on, or a bundle is not used.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The registry refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An answer that is not what the protocol says.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// No connection, or one that broke.
    #[error("no answer: {0}")]
    Transport(#[from] TransportError),
    /// Nothing went wrong: the client only rehearses ([`RegistryClient::rehearsing`](crate::RegistryClient::rehearsing)), and this
    /// is the first request it would have sent.
    #[error("not sent: {0}")]
    Rehearsed(Box<Planned>),
    /// A middleware of the caller's own.
    #[error("{0}")]
    Middleware(String),
}

impl ClientError {
    /// This crate's error inside one of the signing client's, if it is one.
    ///
    /// ```no_run
    /// # async fn example(http: handfast_client::reqwest_middleware::ClientWithMiddleware) {
    /// use handfast_client::{ClientError, SignError};
    /// let sent = http.get("https://other.example/").send().await;
    /// let refused = sent.err().as_ref().and_then(ClientError::inside).map(ToString::to_string);
    /// # }
    /// ```
    #[must_use]
    pub fn inside(error: &reqwest_middleware::Error) -> Option<&Self> {
        match error {
            reqwest_middleware::Error::Middleware(error) => error.downcast_ref(),
            reqwest_middleware::Error::Reqwest(_) => None,
        }
    }

    /// Whether the call may have been done all the same, or may yet be: what creates something is then repeated under its key.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Registry(error) => error.status == 503 || error.reason == IN_PROGRESS,
            _ => false,
        }
    }

    /// Whether the same call may succeed a little later without anybody's doing.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Registry(error) => error.status >= 500 || error.status == 429,
            _ => false,
        }
    }
}

impl From<reqwest_middleware::Error> for ClientError {
    fn from(error: reqwest_middleware::Error) -> Self {
        match error {
            reqwest_middleware::Error::Middleware(error) => {
                error.downcast().unwrap_or_else(|other| Self::Middleware(other.to_string()))
            }
            reqwest_middleware::Error::Reqwest(error) => Self::Transport(error.into()),
        }
    }
}

/// Why a request was not signed, or not signed again. Nothing of the request's credentials went anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The URL has no one reading that a proof could name.
    #[error("this url cannot be signed: {0}")]
    Target(#[from] TargetError),
    /// Neither `https`, nor `http` on loopback in development (DPOP-16, P-25).
    #[error("`{origin}` is not reached over tls; plain `http` is for loopback in development")]
    PlainHttp {
        /// Scheme, host and port asked for.
        origin: String,
    },
    /// Not an origin that this client's credentials are for (P-25).
    #[error("the credentials of this client are not for `{origin}`")]
    ForeignOrigin {
        /// Scheme, host and port asked for.
        origin: String,
    },
    /// The caller set `Authorization`, `DPoP` or `Delegation`: there would be two (DPOP-13).
    #[error("the request already has a `{field}` field")]
    FieldPresent {
        /// Which.
        field: &'static str,
    },
    /// The server sent a redirect, which is not followed with credentials (DPOP-18, TH79).
    #[error("`{origin}` answered with a redirect, status {status}, which is not followed with credentials")]
    Redirect {
        /// Whose answer it was.
        origin: String,
        /// The status.
        status: u16,
    },
    /// The server asked for a nonce again after it was given the one it had sent (DPOP-12).
    #[error("`{origin}` asked for a nonce twice")]
    NonceRepeated {
        /// Whose answer it was.
        origin: String,
    },
    /// The server wants the request signed anew, and its body is a stream that is gone.
    #[error("`{origin}` wants the request once more, and its body can be sent only once: send it again")]
    BodyNotRepeatable {
        /// Whose answer it was.
        origin: String,
    },
    /// The proof has to cover the content, because the server asks for that or the client is set up so, and the body is a stream
    /// that can be read only while it is sent.
    #[error(
        "the proof has to cover the content for `{origin}`, and a stream cannot be read in advance: give the body as bytes"
    )]
    BodyNotReadable {
        /// Where the request goes.
        origin: String,
    },
    /// A proof or token with characters that no field can carry.
    #[error("a credential does not fit into a header field")]
    Unsendable,
    /// No proof can be made for this request.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// Whoever holds the key did not sign: a request, a statement or a hop.
    #[error(transparent)]
    Holder(#[from] HolderError),
}

/// Why tokens are not used: the claim code may have been typed by a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// Nobody has claimed the agent yet.
    #[error("no token is used before the expected owner has claimed this agent")]
    NotYet,
    /// Somebody else has claimed the agent.
    #[error("expected owner `{expected}`, but this agent was claimed by `{found}`: its key should not be used")]
    Other {
        /// Named at registration.
        expected: String,
        /// Who claimed it.
        found: String,
    },
    /// The claim was refused, has expired, or is not known to the key file.
    #[error("it is not known whose agent this is: register again, or ask for a new claim code")]
    Unknown,
}

/// An argument that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Not an issuer: `https`, or `http` on loopback, without query and fragment (MD-01).
    #[error("`{0}` is no issuer: `https`, or `http` on loopback, without user, query and fragment")]
    Issuer(String),
    /// Not a scope.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Not a resource identifier.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// The resources name no host, and no origin was given.
    #[error("none of the resources is an `http` url: say which origin the requests go to")]
    NoOrigin,
    /// A key file of the other kind, or without what the call needs.
    #[error("{0}")]
    KeyFile(&'static str),
    /// A number that no key of the agent has.
    #[error("the agent has no key number {0}")]
    KeyNumber(u16),
    /// A statement that cannot be written.
    #[error("the statement cannot be written: {0}")]
    Statement(#[from] JwsError),
}

/// The registry's refusal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the registry refused: {reason}{} (status {status})", detail.as_ref().map(|text| format!(", {text}")).unwrap_or_default())]
pub struct RegistryError {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) reason: String,
    pub(crate) detail: Option<String>,
}

impl RegistryError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The OAuth error code, at the token endpoint and where a challenge names one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The stable reason. An open list: unknown ones are to be expected. Where the answer has none, its OAuth error code,
    /// and where it has neither, `unknown`.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Words for a person.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

/// An answer that is not what the protocol says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Not read to its end.
    #[error("an answer that was not read to its end: {0}")]
    Body(#[from] BodyError),
    /// Not JSON of the expected shape.
    #[error("not the answer expected at {endpoint}: {cause}")]
    Shape {
        /// What was asked.
        endpoint: &'static str,
        /// What is wrong with it.
        cause: JsonError,
    },
    /// A member with a value that cannot be.
    #[error("not the answer expected at {endpoint}: `{member}` is not usable")]
    Member {
        /// What was asked.
        endpoint: &'static str,
        /// The member.
        member: &'static str,
    },
    /// The metadata names another issuer than the one asked (MD-03).
    #[error("expected metadata of `{expected}`, found another issuer's")]
    Issuer {
        /// The issuer asked.
        expected: String,
    },
    /// The metadata's token endpoint is not at the issuer's own origin.
    #[error("the token endpoint is not at the origin of `{issuer}`")]
    ForeignEndpoint {
        /// The issuer.
        issuer: String,
    },
    /// `token_type` is not `DPoP`: the token is not bound to the key (DPOP-15).
    #[error("expected `token_type` `DPoP`; the token was thrown away")]
    TokenType,
    /// A history of keys that does not hold.
    #[error("the registry's history of the agent's keys does not hold: {0}")]
    History(HistoryError),
    /// The agent's current key is none that is here: it was recovered, or rotated somewhere else.
    #[error("the agent's key is `{found}` by now, which is not here")]
    OtherKey {
        /// The current one.
        found: String,
    },
    /// The token is for another task than the one asked for.
    #[error("the token is for another task than the one asked for")]
    OtherTask,
}
