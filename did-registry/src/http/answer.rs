//! From a refusal to the bytes of its answer: problem+json (RFC 9457), and OAuth JSON at the token endpoint (RFC 6749 5.2).
//!
//! What is said is decided elsewhere: by the model's [`Refusal`], or the verifier's [`Rejection`] where a proof is at fault.
//! Nothing of a request is echoed but what was too much of it, whose characters cannot break out of a JSON string (ERR-05,
//! ERR-14).

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use handfast_dpop::Nonce;
use handfast_identity::Seconds;
use handfast_middleware::{PROBLEM_TYPE_BASE, Rejection};
use handfast_registry_model::{OauthError, Refusal, RefusalAnswer};
use handfast_verifier::ChallengeTerms;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What a client is told to wait when the fault is ours, as at every resource of the project.
const RETRY_AFTER_SECONDS: u64 = 5;
const PROBLEM_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was turned away, in the words that metrics and logs use. Travels in the response's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason(pub(crate) &'static str);

/// A request turned away.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: Cause,
    nonce: Option<Nonce>,
}

#[derive(Debug)]
enum Cause {
    Refused(Refusal),
    Rejected(Rejection),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { cause: Cause::Refused(refusal), nonce: None }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self { cause: Cause::Rejected(rejection), nonce: None }
    }
}

impl Failure {
    /// The same, with a nonce for the next proof.
    pub(crate) fn with_nonce(mut self, nonce: Nonce) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// Whether it asks for a proof with a nonce.
    pub(crate) fn needs_nonce(&self) -> bool {
        matches!(&self.cause, Cause::Rejected(rejection) if rejection.answer().needs_nonce)
    }

    /// The answer of the token endpoint (ERR-15).
    pub(crate) fn oauth(&self) -> Response {
        let words = self.words();
        let status = match &self.cause {
            // DPOP-56: a proof's faults are the request's here
            Cause::Rejected(_) if words.status == 401 => 400,
            _ => words.status,
        };
        let error = match words.error {
            // RFC 6749 5.2 knows no such error: evidence is a part of the request here (TX-04)
            None | Some("invalid_token") => "invalid_request",
            Some(error) => error,
        };
        self.finish(words.oauth(status, error), words.reason)
    }

    /// The answer of an OAuth endpoint whose callers present tokens: status and challenge are those of a resource, its body is
    /// OAuth JSON (ERR-15, RFC 7662 2.3).
    pub(crate) fn oauth_resource(&self) -> Response {
        let words = self.words();
        let mut response = words.oauth(words.status, words.error.unwrap_or("invalid_request"));
        words.challenge(response.headers_mut());
        self.finish(response, words.reason)
    }

    fn problem(&self) -> Response {
        let words = self.words();
        let wire = ProblemWire {
            r#type: format!("{PROBLEM_TYPE_BASE}{}", words.reason),
            title: words.reason.replace('_', " "),
            status: words.status,
            error: words.error,
            reason: words.reason,
            detail: words.detail,
            excess: words.excess.as_deref(),
        };
        // strings and a number can always be written
        let mut response = Response::new(Body::from(serde_json::to_vec(&wire).unwrap_or_default()));
        *response.status_mut() = code(words.status);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_MEDIA_TYPE);
        words.dress(headers);
        words.challenge(headers);
        self.finish(response, words.reason)
    }

    fn finish(&self, mut response: Response, reason: &'static str) -> Response {
        if let Some(nonce) = &self.nonce {
            hand_out(nonce, response.headers_mut());
        }
        response.extensions_mut().insert(Reason(reason));
        response
    }

    fn words(&self) -> Words {
        match &self.cause {
            Cause::Refused(refusal) => refusal.answer().into(),
            Cause::Rejected(rejection) => {
                let answer = rejection.answer();
                Words {
                    status: answer.status,
                    error: answer.error,
                    reason: answer.reason,
                    detail: answer.description,
                    excess: None,
                    retry_after: answer.retry_after.map(u64::from),
                    challenge: answer.challenge(&ChallengeTerms::default()),
                }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.problem()
    }
}

/// What is said, whoever decided it.
struct Words {
    status: u16,
    error: Option<&'static str>,
    reason: &'static str,
    detail: &'static str,
    excess: Option<String>,
    retry_after: Option<u64>,
    challenge: Option<String>,
}

impl From<RefusalAnswer> for Words {
    fn from(answer: RefusalAnswer) -> Self {
        Self {
            status: answer.status,
            error: answer.error.map(OauthError::as_str),
            reason: answer.reason,
            detail: answer.detail,
            excess: answer.excess,
            retry_after: answer.retry_after.map(Seconds::get),
            // RFC 9110 15.5.2: every 401 says how one authenticates here
            challenge: (answer.status == 401)
                .then(|| Rejection::CredentialsMissing.answer().challenge(&ChallengeTerms::default()))
                .flatten(),
        }
    }
}

impl Words {
    fn oauth(&self, status: u16, error: &str) -> Response {
        let description = match &self.excess {
            Some(excess) => format!("{}: {excess}", self.detail),
            None => self.detail.to_owned(),
        };
        let wire = OauthWire { error, error_description: &description, reason: self.reason };
        let mut response = (code(status), Json(wire)).into_response();
        self.dress(response.headers_mut());
        response
    }

    fn challenge(&self, headers: &mut HeaderMap) {
        if let Some(challenge) = self.challenge.as_ref().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
    }

    fn dress(&self, headers: &mut HeaderMap) {
        headers.insert(CACHE_CONTROL, NO_STORE);
        let ours = (self.status == 503).then_some(RETRY_AFTER_SECONDS);
        if let Some(seconds) = self.retry_after.or(ours) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

/// Exactly one `DPoP-Nonce`, and nothing in between keeps it (DPOP-58, DPOP-64).
pub(crate) fn hand_out(nonce: &Nonce, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(nonce.as_str()) {
        headers.insert(DPOP_NONCE, value);
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

#[derive(Serialize)]
struct OauthWire<'a> {
    error: &'a str,
    error_description: &'a str,
    reason: &'a str,
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
    #[serde(rename = "scope", skip_serializing_if = "Option::is_none")]
    excess: Option<&'a str>,
}
