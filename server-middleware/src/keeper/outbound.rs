//! Requests to issuers.
//!
//! An issuer was chosen by the operator and may live at any address, a private one too; a key set elsewhere was chosen by the
//! issuer, and goes through the guarded fetcher (MD-26).

use std::time::Duration;

use bytes::Bytes;
use handfast_dpop::{PublicBase, Target};
use handfast_fetch::{FetchError, FetchLimits, Fetcher, Mode, SetupError, connecting_client, read_capped};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};

use handfast_verifier::revocation::{MAX_FEED_BYTES, MAX_FEED_KEY_BYTES};

const JWT: &str = "application/jwt";
const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";
/// How long a feed message may take beyond the time it may be held: a snapshot of 16 MiB over a slow line.
const FEED_SLACK: Duration = Duration::from_secs(15);

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

    async fn direct(
        &self,
        url: &str,
        admits: fn(&str) -> bool,
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<Bytes, FetchError> {
        let exchange = async {
            let accept = format!("{JWT}, application/json");
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
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if admits(&essence) { Ok(()) } else { Err(FetchError::MediaType) }
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
