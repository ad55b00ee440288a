//! Requests to issuers.
//!
//! An issuer was chosen by the operator and may live at any address, a private one too; a key set elsewhere was chosen by the
//! issuer, and goes through the guarded fetcher (MD-26).

use std::time::Duration;

use bytes::Bytes;
use handfast_dpop::{PublicBase, Target};
use handfast_fetch::{FetchError, FetchLimits, Fetcher, MediaTypes, Mode, SetupError, connecting_client, read_capped};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Response, StatusCode};

use handfast_verifier::introspection::MAX_INTROSPECTION_BYTES;
use handfast_verifier::revocation::{MAX_FEED_BYTES, MAX_FEED_KEY_BYTES};
use handfast_verifier::status_list::MAX_STATUS_TOKEN_BYTES;

const JWT: &str = "application/jwt";
const STATUS_LIST: &str = "application/statuslist+jwt";
/// What a status list may cost.
const STATUS_LIST_LIMITS: FetchLimits = FetchLimits {
    max_bytes: MAX_STATUS_TOKEN_BYTES,
    deadline: LIST_DEADLINE,
    media_types: MediaTypes::OneOf(&[STATUS_LIST]),
};
/// From the first look-up to the last byte: requests wait for it.
const LIST_DEADLINE: Duration = Duration::from_secs(5);
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";
/// How long a feed message may take beyond the time it may be held: a snapshot of 16 MiB over a slow line.
const FEED_SLACK: Duration = Duration::from_secs(15);

/// An answer to a form.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Both ways out. Cloning shares connections.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    direct: Client,
    guarded: Fetcher,
}

impl Outbound {
    pub(super) fn new(mode: Mode) -> Result<Self, SetupError> {
        let direct = connecting_client(mode)?.build().map_err(|error| SetupError::Settings(error.into()))?;
        Ok(Self { direct, guarded: Fetcher::new(mode)? })
    }

    /// A JSON document: of the issuer itself, or elsewhere (MD-07).
    pub(super) async fn document(&self, issuer: &PublicBase, url: &str) -> Result<Bytes, FetchError> {
        let limits = FetchLimits::DOCUMENT;
        let target = Target::parse(url).map_err(|_| FetchError::Url)?;
        if target.origin() == issuer.origin() {
            return self.direct(url, is_json, limits.max_bytes, limits.deadline).await;
        }
        self.guarded.get(url, limits).await.map(|fetched| fetched.body().clone())
    }

    /// A feed message of the issuer, which may hold the request for `wait`.
    pub(super) async fn feed(&self, url: &str, wait: Duration) -> Result<Bytes, FetchError> {
        self.direct(url, |essence| essence == JWT, MAX_FEED_BYTES, wait + FEED_SLACK).await
    }

    /// A statement about the issuer's feed key.
    pub(super) async fn statement(&self, url: &str) -> Result<Bytes, FetchError> {
        self.direct(url, |essence| essence == JWT, MAX_FEED_KEY_BYTES, FEED_SLACK).await
    }

    /// A status list: at the issuer's own origin, or elsewhere (TSL-14, TSL-29).
    pub(super) async fn status_list(&self, issuer: &PublicBase, url: &str) -> Result<Bytes, FetchError> {
        let FetchLimits { max_bytes, deadline, .. } = STATUS_LIST_LIMITS;
        let target = Target::parse(url).map_err(|_| FetchError::Url)?;
        if target.origin() == issuer.origin() {
            return self.direct(url, |essence| essence == STATUS_LIST, max_bytes, deadline).await;
        }
        self.guarded.get(url, STATUS_LIST_LIMITS).await.map(|fetched| fetched.body().clone())
    }

    /// A stream of feed messages, from the one behind `after` on, that has been begun.
    pub(super) async fn stream(&self, url: &str, after: u64) -> Result<Response, FetchError> {
        let begin = async {
            let request = self.direct.get(url).header(ACCEPT, EVENT_STREAM).header(LAST_EVENT_ID, after);
            let response = request.send().await?;
            require_good(&response, |essence| essence == EVENT_STREAM)?;
            Ok(response)
        };
        tokio::time::timeout(FEED_SLACK, begin).await.map_err(|_| FetchError::Deadline { limit: FEED_SLACK })?
    }

    /// A form posted to the issuer, or to where the operator said, and what came back: an answer of any status, but none that leads
    /// elsewhere (INT-02). Whoever asks bounds the time.
    pub(super) async fn post(&self, url: &str, headers: HeaderMap, form: String) -> Result<Posted, FetchError> {
        let request = self.direct.post(url).headers(headers).header(CONTENT_TYPE, FORM).header(ACCEPT, JSON);
        let response = request.body(form).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() {
            return Err(FetchError::Redirect(status.as_u16()));
        }
        if status == StatusCode::OK && essence(&headers) != JSON {
            return Err(FetchError::MediaType);
        }
        Ok(Posted { status, headers, body: read_capped(response, MAX_INTROSPECTION_BYTES).await? })
    }

    async fn direct(
        &self,
        url: &str,
        admits: fn(&str) -> bool,
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<Bytes, FetchError> {
        let exchange = async {
            let accept = format!("{JWT}, {STATUS_LIST}, application/json");
            let response = self.direct.get(url).header(ACCEPT, accept).send().await?;
            require_good(&response, admits)?;
            Ok(read_capped(response, max_bytes).await?)
        };
        tokio::time::timeout(deadline, exchange).await.map_err(|_| FetchError::Deadline { limit: deadline })?
    }
}

fn require_good(response: &Response, admits: fn(&str) -> bool) -> Result<(), FetchError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect(status.as_u16()));
    }
    if status != StatusCode::OK {
        return Err(FetchError::Status(status.as_u16()));
    }
    if admits(&essence(response.headers())) { Ok(()) } else { Err(FetchError::MediaType) }
}

/// The media type without its parameters.
fn essence(headers: &HeaderMap) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
