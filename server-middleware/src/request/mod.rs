//! What a check reads out of a request, as it came in.

mod body;
mod form;

use axum::extract::OriginalUri;
use bytes::Bytes;
use handfast_verifier::FieldLines;
use handfast_verifier::tools::RequestContent;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

pub(crate) use body::{body_limit, read_body};
pub use form::MAX_FORM_BYTES;
pub(crate) use form::{is_form, names_token};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DELEGATION: HeaderName = HeaderName::from_static("delegation");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// One request's evidence.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) method: &'a str,
    /// The path as it stood in the request line.
    pub(crate) raw_path: &'a str,
    /// The query as it stood there.
    query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) has_misplaced_token: bool,
    /// The body, where the check looks at it.
    body: Option<&'a [u8]>,
}

impl<'a> Presented<'a> {
    /// The evidence in `parts`, and in the body if it was read.
    pub(crate) fn of(parts: &'a Parts, body: Option<&'a Bytes>) -> Self {
        // TH22: a nested router strips its prefix from `uri`, and keeps the original aside
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let query_names_token = uri.query().is_some_and(|query| names_token(query.as_bytes()));
        let form = body.filter(|_| is_form(&parts.headers));
        Self {
            method: parts.method.as_str(),
            raw_path: uri.path(),
            query: uri.query(),
            headers: &parts.headers,
            has_misplaced_token: query_names_token || form.is_some_and(|form| names_token(form)),
            body: body.map(|bytes| &**bytes),
        }
    }

    pub(crate) fn authorization(&self) -> FieldLines<'a> {
        self.lines(&AUTHORIZATION).collect()
    }

    pub(crate) fn proofs(&self) -> FieldLines<'a> {
        self.lines(&DPOP).collect()
    }

    pub(crate) fn delegation(&self) -> FieldLines<'a> {
        self.lines(&DELEGATION).collect()
    }

    /// What it says beyond its credentials.
    pub(crate) fn content(&self) -> RequestContent<'a> {
        RequestContent {
            path: self.raw_path,
            query: self.query,
            media_types: self.lines(&CONTENT_TYPE).collect(),
            digests: self.lines(&CONTENT_DIGEST).collect(),
            body: self.body,
        }
    }

    /// Every line of a field by itself: two are two, whatever they would give folded (DPOP-21).
    fn lines(&self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}
