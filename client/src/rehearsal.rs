//! Requests that are shown instead of sent.

use std::fmt;

use http::Extensions;
use http::header::CONTENT_TYPE;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::error::ClientError;

/// What would go with a request to show who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedCredentials {
    /// Nothing: anybody may ask, or a statement in the body proves who does.
    Nothing,
    /// A proof by the key.
    Proof,
    /// A token of this scope, and a proof. The token would be asked for first.
    Token {
        /// The scope.
        scope: String,
    },
}

/// A request that a rehearsing client was asked for, and did not send. Its credentials were not made.
#[derive(Clone, PartialEq, Eq)]
pub struct Planned {
    method: String,
    url: String,
    content_type: Option<String>,
    body: Option<Vec<u8>>,
    credentials: PlannedCredentials,
}

impl Planned {
    fn of(request: &Request, credentials: &PlannedCredentials) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Self {
            method: request.method().to_string(),
            url: request.url().to_string(),
            content_type: content_type.map(str::to_owned),
            body: request.body().and_then(Body::as_bytes).map(<[u8]>::to_vec),
            credentials: credentials.clone(),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The media type of its content.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Its content as it would be sent. It may hold codes, and statements that are good for a while: show it with care.
    #[must_use]
    pub fn expose_body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// What would go with it.
    #[must_use]
    pub const fn credentials(&self) -> &PlannedCredentials {
        &self.credentials
    }

    /// Whether it only asks, so that what would be sent after it depends on the answer.
    #[must_use]
    pub fn is_question(&self) -> bool {
        self.method == "GET"
    }
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").field("method", &self.method).field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// Stands outside of everything that signs and sends, and lets nothing through.
#[derive(Debug)]
pub(crate) struct Rehearse(pub(crate) PlannedCredentials);

#[async_trait::async_trait]
impl Middleware for Rehearse {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let planned = Planned::of(&request, &self.0);
        Err(Error::middleware(ClientError::Rehearsed(Box::new(planned))))
    }
}
