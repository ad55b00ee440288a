//! Why nothing was fetched.

use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::address::AddressKind;
use crate::body::BodyError;

/// Why a client could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Production without a single trusted certificate: every connection would fail.
    #[error("no trusted certificates on this machine: install the package `ca-certificates` or set `SSL_CERT_FILE`")]
    NoTrustedCertificates,
    /// The TLS or HTTP library refused its settings.
    #[error("the http client refused its settings: {0}")]
    Settings(#[source] Box<dyn StdError + Send + Sync>),
}

/// An address nobody outside may send us to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("`{address}` is {kind}")]
pub struct RefusedAddress {
    pub(crate) address: IpAddr,
    pub(crate) kind: AddressKind,
}

impl RefusedAddress {
    /// The address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Why it is refused.
    #[must_use]
    pub const fn kind(&self) -> AddressKind {
        self.kind
    }
}

/// Why nothing was fetched. Nothing of the answer's text is in here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Not an absolute URL of one reading: blanks, a backslash, user information, an empty host.
    #[error("not an absolute url of one reading")]
    Url,
    /// Neither `https`, nor `http` on loopback in development.
    #[error("neither `https` nor, in development, `http` on loopback")]
    Scheme,
    /// The host is, or resolves to, an address that is not public. No connection was made.
    #[error(transparent)]
    Address(#[from] RefusedAddress),
    /// A redirect; not followed.
    #[error("answered with a redirect, status {0}")]
    Redirect(u16),
    /// Any other answer than 200.
    #[error("expected status 200, found {0}")]
    Status(u16),
    /// Not a media type the caller reads.
    #[error("not of an expected media type")]
    MediaType,
    /// The body is longer than allowed; reading stopped there.
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The whole took longer than allowed.
    #[error("not done within {} s", limit.as_secs_f32())]
    Deadline {
        /// Time allowed.
        limit: Duration,
    },
    /// No connection, no TLS, or a connection that broke.
    #[error("no answer: {0}")]
    Transport(#[source] TransportError),
}

/// A connection that was not made, or broke: the HTTP library's error without the URL, which may hold a secret (P-19).
#[derive(Debug)]
pub struct TransportError(reqwest::Error);

impl TransportError {
    /// Whether no connection was made, so that the request cannot have had an effect.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.is_connect()
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.is_timeout()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the outermost text alone is "error sending request"; the causes below say why
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(inner) = cause {
            write!(f, ": {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

impl StdError for TransportError {}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // the resolver's refusal comes back wrapped by the connector
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(refused) = inner.downcast_ref::<RefusedAddress>() {
                return Self::Address(*refused);
            }
            source = inner.source();
        }
        Self::Transport(error.into())
    }
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::TooLarge { limit },
            BodyError::Transport(error) => Self::Transport(error),
        }
    }
}
