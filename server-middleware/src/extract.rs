//! The extractors: a handler that takes a [`Caller`] or [`ToolArguments`] cannot run without a check.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use handfast_verifier::Authorized;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// The arguments of the tool that is called, as they were checked, read as a `T`.
///
/// What a handler takes from here is what was compared with the caller's tools; what it reads out of path, query or body itself
/// may be something else. The route's rule has to declare a [`ToolRoute`](crate::ToolRoute). Messages that call nothing, as
/// MCP has them, have no arguments: handlers for those ask [`Caller`] for its
/// [`tool_call`](handfast_verifier::Authorized::tool_call).
///
/// ```
/// use handfast_middleware::ToolArguments;
/// #[derive(serde::Deserialize)]
/// struct ReadFile { path: String, limit: Option<u64> }
///
/// async fn read_file(ToolArguments(ReadFile { path, limit }): ToolArguments<ReadFile>) -> String {
///     format!("{limit:?} lines of {path}")
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolArguments<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for ToolArguments<T> {
    type Rejection = ArgumentsRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ArgumentsRejection> {
        let authorized = parts.extensions.get::<Authorized>().ok_or(ArgumentsRejection::NotProtected)?;
        let call = authorized.tool_call().ok_or(ArgumentsRejection::NoCall)?;
        let arguments = Value::Object(call.arguments.clone());
        T::deserialize(arguments).map(Self).map_err(|_| ArgumentsRejection::Unfit)
    }
}

/// Why a handler does not get its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentsRejection {
    /// No layer in front of it: 503, our mistake.
    NotProtected,
    /// The request calls no tool, or the rule of the route declares none: 503, our mistake.
    NoCall,
    /// They are not of the types that the handler takes: 400.
    Unfit,
}

impl IntoResponse for ArgumentsRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NotProtected => NotProtected.into_response(),
            Self::NoCall => {
                tracing::error!(
                    reason = "route_without_tool",
                    "a handler takes `ToolArguments`, but the request calls no tool that its route declares"
                );
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let detail = "this route is not set up to be served";
                Problem { status, error: Some("temporarily_unavailable"), reason: "route_without_tool", detail }
                    .into_response()
            }
            Self::Unfit => {
                let status = StatusCode::BAD_REQUEST;
                let detail = "the arguments are not of the types this call takes";
                Problem { status, error: Some("invalid_request"), reason: "arguments_unfit", detail }.into_response()
            }
        }
    }
}
