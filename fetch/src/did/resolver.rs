//! The resolver: a DID in, a document or the reason why not out.

use std::sync::Arc;

use handfast_identity::{Did, DidDocument, DidWeb, DocumentError, ForeignDocument, MAX_DOCUMENT_BYTES};
use serde::{Serialize, Serializer};
use thiserror::Error;
use tokio::time::Instant;

use super::cache::{Cache, Kept, Look};
use super::freshness::{OF_FAILURES, lifetime};
use super::hosts::{Hosts, NotNow};
use crate::{FetchError, FetchLimits, Fetcher, MediaTypes, Mode};

/// What a document comes as: `did.json` is JSON, and some servers know the DID types (DW-09, DR-21).
const LIMITS: FetchLimits = FetchLimits {
    max_bytes: MAX_DOCUMENT_BYTES,
    media_types: MediaTypes::JsonOr("application/did"),
    ..FetchLimits::DOCUMENT
};

/// What a DID resolves to.
#[derive(Clone, Debug)]
pub enum ResolvedDocument {
    /// Made of the DID itself.
    Derived(Box<DidDocument>),
    /// Found where the DID says.
    Found(Arc<ForeignDocument>),
}

impl Serialize for ResolvedDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Derived(document) => document.serialize(serializer),
            Self::Found(document) => document.json().serialize(serializer),
        }
    }
}

/// Why a DID does not resolve. Nothing of the answer's text is in here.
#[derive(Clone, Debug, Error)]
pub enum ResolveError {
    /// There is no document, or none that may be had: whatever went wrong on the way to it (DW-09).
    #[error("no document: {0}")]
    NotFound(#[source] Arc<FetchError>),
    /// The host let a fetch wait, or broke it off, moments ago.
    #[error("no document: the host did not answer well moments ago, and is left alone for a while")]
    HostPaused,
    /// A document, and none of this DID.
    #[error("{0}")]
    Document(#[source] DocumentError),
    /// As many documents are being fetched as may be, of all hosts or this one, or as many were looked for in vain there. Ours, and it
    /// passes.
    #[error("too many documents are being fetched, or were just looked for in vain at this host")]
    Busy,
}

impl ResolveError {
    /// The error's name in DID Resolution. For [`Self::Busy`], which is none of the DID's, `INTERNAL_ERROR`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) | Self::HostPaused => "NOT_FOUND",
            Self::Document(_) => "INVALID_DID_DOCUMENT",
            Self::Busy => "INTERNAL_ERROR",
        }
    }
}

type Outcome = Result<Arc<ForeignDocument>, ResolveError>;

/// Resolves DIDs. Cloning shares what is known.
#[derive(Clone, Debug)]
pub struct DidResolver {
    fetcher: Fetcher,
    limits: FetchLimits,
    cache: Arc<Cache<Outcome>>,
    hosts: Hosts,
}

impl DidResolver {
    /// A resolver that fetches through `fetcher`, and knows nothing yet.
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, limits: LIMITS, cache: Arc::default(), hosts: Hosts::default() }
    }

    /// The same with another deadline, for tests that wait for it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_test_deadline(mut self, deadline: std::time::Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// Resolves `did`.
    ///
    /// # Errors
    ///
    /// [`ResolveError`], for `did:web` only: the other methods ask nobody.
    pub async fn resolve(&self, did: &Did) -> Result<ResolvedDocument, ResolveError> {
        match did {
            Did::Key(did) => Ok(ResolvedDocument::Derived(Box::new(DidDocument::of_key(did)))),
            Did::Jwk(did) => Ok(ResolvedDocument::Derived(Box::new(DidDocument::of_jwk(did)))),
            Did::Web(did) => self.web(did).await.map(ResolvedDocument::Found),
        }
    }

    /// The document of a `did:web`: as it was at most five minutes ago, or fetched now.
    ///
    /// # Errors
    ///
    /// [`ResolveError`]. Failures are remembered as well, for half a minute.
    pub async fn web(&self, did: &DidWeb) -> Result<Arc<ForeignDocument>, ResolveError> {
        let (now, host) = (Instant::now(), did.authority().to_ascii_lowercase());
        let look = match self.cache.known(did.as_str(), now) {
            Some(known) => known,
            None => {
                let was_found = self.cache.last(did.as_str(), Result::is_ok);
                // nothing is kept of a refusal: what is asked of a bad host takes no room, and next to no time
                if let Some(not_now) = self.hosts.refusal(&host, was_found, now) {
                    return Err(not_now.into());
                }
                self.cache.look(did.as_str(), &host, now)
            }
        };
        // one who goes away while looking is replaced by the next who waits; a fetch is large, and most lookups are none
        let kept = look.outcome.get_or_init(|| Box::pin(self.fetched(did, &host, &look))).await;
        kept.value.clone()
    }

    /// How many DIDs something is known about, and the bytes of their documents. For metrics.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        self.cache.held()
    }

    async fn fetched(&self, did: &DidWeb, host: &str, look: &Look<Outcome>) -> Kept<Outcome> {
        let permit = match self.hosts.enter(host, Instant::now()) {
            Ok(permit) => permit,
            // not kept: it is no outcome of this DID
            Err(not_now) => return Kept { value: Err(not_now.into()), until: Instant::now() },
        };
        let fetched = self.fetcher.get(&url(did, self.fetcher.mode()), self.limits).await;
        let now = Instant::now();
        match fetched {
            Ok(fetched) => {
                let until = now + lifetime(fetched.cache_control());
                match ForeignDocument::parse(did, fetched.body()) {
                    Ok(document) => {
                        self.cache.weigh(did.as_str(), look, document.len());
                        Kept { value: Ok(Arc::new(document)), until }
                    }
                    Err(error) => {
                        permit.answered_wrongly(now);
                        Kept { value: Err(ResolveError::Document(error)), until: now + OF_FAILURES }
                    }
                }
            }
            Err(error) => {
                if is_dear(&error) {
                    permit.pause_host(now);
                } else {
                    permit.answered_wrongly(now);
                }
                Kept { value: Err(ResolveError::NotFound(Arc::new(error))), until: now + OF_FAILURES }
            }
        }
    }
}

impl From<NotNow> for ResolveError {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::Paused => Self::HostPaused,
            NotNow::Busy => Self::Busy,
        }
    }
}

/// Where to fetch. In development a host that can only be this machine is asked without TLS.
fn url(did: &DidWeb, mode: Mode) -> String {
    let url = did.url();
    let host = did.host().to_ascii_lowercase();
    let is_here = host == "localhost" || host.ends_with(".localhost");
    match url.strip_prefix("https://") {
        Some(rest) if mode == Mode::Development && is_here => format!("http://{rest}"),
        _ => url,
    }
}

/// Whether a failure costs more than an answer does: nothing came in time or at all. Answers that are wrong are of one path alone, and
/// only their number is held against the host.
const fn is_dear(error: &FetchError) -> bool {
    matches!(error, FetchError::Address(_) | FetchError::Deadline { .. } | FetchError::Transport(_))
}
