//! The extractor: a handler that takes a [`Caller`] cannot run without a check.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use handfast_verifier::Authorized;
use http::StatusCode;
use http::request::Parts;

use crate::Problem;

/// Who calls: the [`Authorized`] that the layer in front of the handler obtained.
///
/// On a route without that layer there is none. The request is then answered with 503 and the handler does not run: a forgotten
/// layer is our mistake, not the caller's, and it opens nothing.
///
/// ```
/// use handfast_middleware::Caller;
/// async fn handler(caller: Caller) -> String {
///     match caller.actors() {
///         Some(actors) => format!("{} for {}", actors.current(), caller.subject()),
///         None => format!("{} in person", caller.subject()),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Caller(pub Authorized);

impl Deref for Caller {
    type Target = Authorized;

    fn deref(&self) -> &Authorized {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = NotProtected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotProtected> {
        parts.extensions.get::<Authorized>().cloned().map(Self).ok_or(NotProtected)
    }
}

/// A handler asks for its caller, and no layer in front of it made sure of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotProtected;

impl IntoResponse for NotProtected {
    fn into_response(self) -> Response {
        tracing::error!(
            reason = "route_not_protected",
            "a handler takes a `Caller`, but its route has no `Protect` layer"
        );
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "this route is not set up to be served";
        Problem { status, error: Some("temporarily_unavailable"), reason: "route_not_protected", detail }
            .into_response()
    }
}
