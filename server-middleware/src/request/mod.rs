//! What a check reads out of a request, as it came in.

mod form;

use axum::extract::OriginalUri;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

pub use form::MAX_FORM_BYTES;
pub(crate) use form::{is_form, names_token, read_form};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DELEGATION: HeaderName = HeaderName::from_static("delegation");

/// One request's evidence.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) method: &'a str,
    /// Path and query as they stood in the request line.
    pub(crate) raw_target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) has_misplaced_token: bool,
}

impl<'a> Presented<'a> {
    /// The evidence in `parts`, and whether a form body named a token.
    pub(crate) fn of(parts: &'a Parts, body_names_token: bool) -> Self {
        // TH22: a nested router strips its prefix from `uri`, and keeps the original aside
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let query_names_token = uri.query().is_some_and(|query| names_token(query.as_bytes()));
        Self {
            method: parts.method.as_str(),
            raw_target: uri.path(),
            headers: &parts.headers,
            has_misplaced_token: query_names_token || body_names_token,
        }
    }

    pub(crate) fn authorization(&self) -> Vec<&'a [u8]> {
        self.lines(&AUTHORIZATION)
    }

    pub(crate) fn proofs(&self) -> Vec<&'a [u8]> {
        self.lines(&DPOP)
    }

    pub(crate) fn delegation(&self) -> Vec<&'a [u8]> {
        self.lines(&DELEGATION)
    }

    /// Every line of a field by itself: two are two, whatever they would give folded (DPOP-21).
    fn lines(&self, name: &HeaderName) -> Vec<&'a [u8]> {
        self.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
    }
}
