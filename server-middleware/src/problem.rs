//! The body of every refusal: RFC 9457 problem details with our stable reason.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// Every `type` is this and the reason: absolute, stable and documented in spec/reasons.md (ERR-12).
pub const PROBLEM_TYPE_BASE: &str = "https://handfast.dev/problems/";
const PROBLEM_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem as the client sees it. Constants only: nothing of the request is echoed (ERR-14, DPOP-113).
///
/// `type`, `title` and `detail` follow from the reason; `status` is the one sent (ERR-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The error code of an RFC, where one fits.
    pub error: Option<&'static str>,
    /// The stable reason: `snake_case`.
    pub reason: &'static str,
    /// Constant words on it.
    pub detail: &'static str,
}

#[derive(Serialize)]
struct ProblemWire<'a> {
    r#type: String,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    reason: &'a str,
    detail: &'a str,
}

impl Problem {
    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = ProblemWire {
            r#type: format!("{PROBLEM_TYPE_BASE}{}", self.reason),
            title: self.reason.replace('_', " "),
            status: self.status.as_u16(),
            error: self.error,
            reason: self.reason,
            detail: self.detail,
        };
        // strings and a number can always be written
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_MEDIA_TYPE);
        response
    }
}
