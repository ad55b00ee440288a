//! Why a request has no one reading.

use core::fmt;

use handfast_identity::json::JsonError;

/// Why no call could be read from a request. It quotes nothing of the request, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// The path is not one of those declared for the route.
    PathUnknown,
    /// An argument in the path is empty, a dot segment, no UTF-8, or holds `/`, `\`, `%` or a control character when decoded.
    PathSegment,
    /// The query is no list of `name=value`, or escapes something that is no UTF-8.
    QueryForm,
    /// A query parameter stands twice.
    Repeated,
    /// A parameter or member is not declared.
    Undeclared,
    /// An argument that is not optional is missing.
    Missing,
    /// An argument is not of the kind declared.
    Kind,
    /// The body's media type is not `application/json`, or not told once.
    MediaType,
    /// The body was not read. A fault of the shell, and refused like the others.
    BodyUnread,
    /// The body is not one strict JSON object within bounds.
    Json(JsonError),
    /// The body is no JSON-RPC 2.0 message, or a `tools/call` without a name or with arguments that are no object.
    Message,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PathUnknown => "the path is not one of those declared",
            Self::PathSegment => "an argument in the path could be read in two ways",
            Self::QueryForm => "the query is no list of `name=value`",
            Self::Repeated => "a query parameter stands twice",
            Self::Undeclared => "a parameter or member is not declared",
            Self::Missing => "an argument is missing",
            Self::Kind => "an argument is not of the kind declared",
            Self::MediaType => "the body is not declared as `application/json`",
            Self::BodyUnread => "the body was not read",
            Self::Json(cause) => return write!(f, "the body is not one strict json object: {cause}"),
            Self::Message => "the body is no json-rpc 2.0 message",
        })
    }
}

impl core::error::Error for Ambiguity {}

impl From<JsonError> for Ambiguity {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}
