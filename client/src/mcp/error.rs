//! Why a message did not arrive, or did not get further than the server's door.

use http::StatusCode;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::Deserialize;
use thiserror::Error;

use crate::error::ClientError;

/// Longest text of a server that is kept.
const MAX_TEXT_CHARS: usize = 200;

/// What kept a message from the server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum McpError {
    /// Nothing was sent, or nothing came back.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server refused, before any tool ran.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The answer of a server that let the message no further: by its status, and by the stable reason where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the server refused: {} (status {status})", reason.as_deref().unwrap_or("it did not say why"))]
pub struct Refusal {
    status: u16,
    reason: Option<String>,
    error: Option<String>,
    detail: Option<String>,
    retry_after: Option<u64>,
}

/// A problem document (RFC 9457), as far as it is shown. Strangers' documents have members of their own.
#[derive(Default, Deserialize)]
struct ProblemWire {
    reason: Option<String>,
    error: Option<String>,
    detail: Option<String>,
}

impl Refusal {
    /// What a body of a refusing answer says. One that is no problem document says nothing.
    pub(super) fn of_body(status: StatusCode, body: &[u8]) -> Self {
        let ProblemWire { reason, error, detail } = serde_json::from_slice(body).unwrap_or_default();
        let [reason, error, detail] = [reason, error, detail].map(|text| text.map(shortened));
        Self { status: status.as_u16(), reason, error, detail, retry_after: None }
    }

    pub(super) const fn with_retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The stable reason: `tool_refused`, `token_revoked`, … An open list.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The error code of an RFC.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Words for a person.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// In how many seconds the same may pass, where the server says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }
}

/// The refusal behind a failed call, if it was one. `None` too for a tool's own error, which is the server's answer.
#[must_use]
pub fn refusal(error: &ServiceError) -> Option<&Refusal> {
    match error {
        ServiceError::TransportSend(error) => inside(error),
        _ => None,
    }
}

/// The same for a session that did not begin.
#[must_use]
pub fn refusal_at_start(error: &ClientInitializeError) -> Option<&Refusal> {
    match error {
        ClientInitializeError::TransportError { error, .. } => inside(error),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => refusal_at_start(fallback),
        _ => None,
    }
}

fn inside(error: &DynamicTransportError) -> Option<&Refusal> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error.error.as_ref());
    while let Some(current) = source {
        if let Some(StreamableHttpError::Client(McpError::Refused(refusal))) = current.downcast_ref() {
            return Some(refusal);
        }
        source = current.source();
    }
    None
}

/// A server's text is of any length, and may move a cursor.
fn shortened(text: String) -> String {
    let is_plain = |text: &str| text.chars().count() <= MAX_TEXT_CHARS && !text.chars().any(char::is_control);
    if is_plain(&text) { text } else { text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, reason: Option<&str>, error: Option<&str>) {
        let found = Refusal::of_body(StatusCode::FORBIDDEN, body.as_bytes());
        assert_eq!((found.reason(), found.error(), found.status()), (reason, error, 403), "{body}");
    }

    #[test]
    fn a_problem_document_tells_reason_and_error() {
        let both = r#"{"type":"https://x/","status":403,"error":"insufficient_scope","reason":"tool_refused"}"#;
        check(both, Some("tool_refused"), Some("insufficient_scope"));
        check(r#"{"error":"invalid_token"}"#, None, Some("invalid_token"));
        for other in ["", "no", "[]", r#"{"reason":7}"#, r#"{"reason":null}"#] {
            check(other, None, None);
        }
    }

    #[test]
    fn texts_of_a_server_are_short_and_move_no_cursor() {
        let body = format!(r#"{{"reason":"a\u001b[2Jb","detail":"{}"}}"#, "x".repeat(500));
        let found = Refusal::of_body(StatusCode::FORBIDDEN, body.as_bytes());
        assert_eq!(found.reason(), Some("a[2Jb"));
        assert_eq!(found.detail().map(str::len), Some(MAX_TEXT_CHARS));
        assert_eq!(found.to_string(), "the server refused: a[2Jb (status 403)");
    }
}
