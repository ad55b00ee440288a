//! From a rejection to the bytes of its answer. What to say is the verifier's; this puts it into fields.

use axum::response::{IntoResponse, Response};
use handfast_dpop::Nonce;
use handfast_verifier::{Answer, ChallengeTerms, Rejection};
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::Problem;

pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to a rejected request. The rejection itself goes along in the extensions, for logs.
pub(crate) fn refuse(rejection: Rejection, nonce: Option<&Nonce>, terms: &ChallengeTerms<'_>) -> Response {
    let answer = rejection.answer();
    let mut response = problem(&answer).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let Some(challenge) = answer.challenge(terms).and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(nonce) = nonce {
        hand_out(nonce, headers);
    }
    response.extensions_mut().insert(rejection);
    response
}

/// Exactly one `DPoP-Nonce`, and nothing in between keeps it (DPOP-58, DPOP-64).
pub(crate) fn hand_out(nonce: &Nonce, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(nonce.as_str()) {
        headers.insert(DPOP_NONCE, value);
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
}

fn problem(answer: &Answer) -> Problem {
    Problem {
        status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        error: answer.error,
        reason: answer.reason,
        detail: answer.description,
    }
}
