//! The resource-server side: three lines protect a router.
//!
//! ```
//! use axum::{Router, routing::get};
//! use handfast_middleware::{Caller, ResourceServer, TrustedIssuer};
//! # use handfast_identity::DidKey;
//!
//! async fn list(caller: Caller) -> String {
//!     format!("files of {} at {}", caller.subject(), caller.issuer())
//! }
//!
//! # async fn example(feed_key: DidKey) -> Result<Router, Box<dyn std::error::Error>> {
//! let trust = TrustedIssuer::single("https://registry.example", feed_key);
//! let server = ResourceServer::builder("https://api.example", "https://api.example").trust(trust).start().await?;
//! let app: Router = Router::new().route("/files", get(list)).layer(server.scope("files:read")?);
//! # Ok(app)
//! # }
//! ```
//!
//! A request with a good token of scope `files:read` and a good proof for `GET https://api.example/files` reaches `list`, which
//! gets an [`Authorized`]. Any other is answered by the layer, and the handler does not run.
//!
//! The decision itself is `handfast-verifier`'s. This crate collects what it needs and says what it found:
//!
//! | part | does |
//! |---|---|
//! | [`ResourceServer`], [`Protect`] | one configured resource; the layer that checks every request on the way in |
//! | [`Caller`] | the extractor: who calls, in whose name, with what scope |
//! | [`ToolRoute`], [`ToolArguments`] | which tool a route's requests call, and the extractor of the arguments that were checked |
//! | [`Profile`] | the settings of HTTP APIs, or of servers of the Model Context Protocol |
//! | [`FactsSource`] | what is known about issuers; by default a keeper that follows each one's keys and revocation feed |
//! | [`DriftPolicy`], [`DriftBook`] | what happens when callers ask for more than their task was given |
//! | [`ResourceMetadata`] | what the resource says about itself (RFC 9728), named in every challenge |
//! | [`Problem`], [`Decisions`] | answers (RFC 9457) and counters, by reason |
//! | [`server`] | HTTP/1.1 and HTTP/2 with the time-outs and limits that `axum::serve` leaves out |
//!
//! # What passes, what is refused
//!
//! | request | answer |
//! |---|---|
//! | good token and proof, scope large enough | the handler's; with `DPoP-Nonce` when the nonce used is about to end (DPOP-66) |
//! | no credentials | 401 `DPoP algs="…"` |
//! | a second token in the query or a form body | 400 `token_misplaced`; forms over 64 KiB 413 |
//! | proof missing, repeated, for another request, stale, used before | 401 `invalid_dpop_proof` or `use_dpop_nonce` |
//! | token foreign, expired, revoked, bound to another key | 401 `invalid_token` |
//! | scope too small, a tool that was not given, or an agent on a route for owners | 403 `insufficient_scope` |
//! | arguments that could be read in two ways, on a route with a tool | 400 `arguments_ambiguous`; bodies over 64 KiB 413 |
//! | content not covered by the proof, on a route that asks for that | 401 `content_digest_required`, `content_digest_mismatch` |
//! | a budget of the task, its agent or a hop used up | 429 `budget_spent`; with `Retry-After` where a rate will allow more |
//! | issuer's keys or revocations not known, or not recently; a key not known while its issuer cannot be asked | 503 `status_unknown` |
//! | issuer's revocation feed went back | 503 `feed_rolled_back`, until its operator vouches for it by a new epoch |
//!
//! The body is `application/problem+json` with a stable `reason`; the [`Rejection`] travels in the response's extensions for
//! the server's own log.
//!
//! # Servers of the Model Context Protocol
//!
//! Such a server is one route whose tools are named in its messages. Its identifier is its URL, path included, and so is the
//! place of its metadata. [`ResourceServer::mcp`] is its layer; a handler asks the [`Authorized`] of its request for the call that
//! was checked. `examples/mcp_server.rs` is one with `rmcp`, whose own checks of `Host` and `Origin` stay on: a proof says nothing
//! of either.
//!
//! ```
//! # use axum::{Router, routing::any};
//! # use handfast_middleware::{Profile, ResourceMetadata, ResourceServer, TrustedIssuer};
//! # use handfast_identity::DidKey;
//! # async fn example(feed_key: DidKey) -> Result<Router, Box<dyn std::error::Error>> {
//! let trust = TrustedIssuer::single("https://registry.example", feed_key);
//! let server = ResourceServer::builder("https://api.example/mcp", "https://api.example").trust(trust).profile(Profile::Mcp);
//! let server = server.publish_metadata(ResourceMetadata::new().applies_tools()).start().await?;
//! # let service = any(|| async {});
//! let app = Router::new().route("/mcp", service).layer(server.mcp("files:read")?).merge(server.metadata_routes());
//! # Ok(app)
//! # }
//! ```
//!
//! # In deployment
//!
//! - `public_base` is the address *outside* every proxy: scheme, host, port, and a prefix if a proxy strips one. `Host` and
//!   forwarding headers have no say, so a wrong base shows as `target_mismatch` on every request.
//! - A request passes exactly one [`Protect`] layer. Two around one route would check the proof twice.
//! - Proofs are remembered in this process. For the first 90 seconds after a start every proof needs a nonce of this process;
//!   clients repeat by themselves. Several nodes of one service each accept a proof once, unless they share a memory
//!   ([`Builder::shared_store`]; `store::redis` with the feature `redis`), which outlives them and needs no such time.
//! - Answers end with the caller's authority, and within a second of a revocation or stop that takes it away, or when what is
//!   revoked is no longer known: the body is broken off. A handler that upgrades the connection has to close it itself at
//!   [`Authorized::expires_at`](handfast_verifier::Authorized::expires_at), and ask
//!   [`Authorized::require_not_stopped`](handfast_verifier::Authorized::require_not_stopped) meanwhile.
//! - Tokens and chains found good are remembered, in 16 MiB each at most, and no token longer than it lives. What changes with time
//!   is asked every time all the same. [`ResourceServer::metrics`] says how full this and every other memory is, as text for
//!   Prometheus.
//! - Budgets are counted in this process too, and **their counts end with it**: after a restart every budget that is still live
//!   begins anew, and several nodes each count for themselves. Where that matters, give all nodes of a resource one
//!   memory ([`Builder::shared_store`]).
//! - A registry restored from an old backup has forgotten revocations. Its feed goes back, the keeper logs that once as an error,
//!   and its tokens are refused until the registry's operator has begun a new epoch (`handfast registry new-epoch`). Give every
//!   server a [`state_directory`](Builder::state_directory): a process that starts without one has no memory to notice it with.
//! - An issuer without a feed can be read by its Token Status Lists (`StatusSource::StatusList`); they are slower than a feed.
//!   [`list_lags`](ResourceServer::list_lags) says how old they are. One with neither can be asked about each token
//!   (`StatusSource::Introspection`), by a client with a secret or a key, which costs a question every five seconds for each token in use;
//!   [`introspection_counts`](ResourceServer::introspection_counts) says how that goes.
//! - [`feed_lags`](ResourceServer::feed_lags) says how old the last word of each issuer is; alarm well below the staleness. It says too
//!   when an issuer has more revocations than are held (`is_full`): then none of its tokens passes.
//! - Behind a proxy, every connection to [`server`] is the proxy's: raise
//!   [`connections_per_peer`](server::ServerLimits::connections_per_peer) to `connections`.
//! - Browser clients can read `DPoP-Nonce` and `WWW-Authenticate` only if the CORS layer exposes them (DPOP-65).
//! - Where the processor has AVX-512 IFMA, `--cfg curve25519_dalek_backend="avx512"` in the application's `rustflags` gives
//!   signature checks a faster backend.

mod answer;
mod clock;
mod config;
mod decisions;
mod drift;
mod extract;
mod facts;
mod guard;
mod keeper;
mod metadata;
mod metrics;
mod problem;
mod request;
pub mod server;
pub mod store;
mod test_keys;

pub use clock::{Clock, SystemClock};
pub use config::{Builder, ConfigError, NonceUse, Profile, STALENESS_BOUNDS, TrustFileError};
pub use decisions::{Count, Decisions};
pub use drift::{DriftAction, DriftBook, DriftNotice, DriftPolicy, DriftRecord};
pub use extract::{ArgumentsRejection, Caller, NotProtected, ToolArguments};
pub use facts::{FactsSource, FixedFacts, KeyRefresh};
pub use guard::{Guard, MAX_FORM_BYTES, Protect, Remembered, ResourceServer};
pub use handfast_fetch::Mode;
pub use handfast_verifier::tools::{ArgumentKind, ToolRoute, ToolRouteError};
pub use handfast_verifier::trust::{SpeaksFor, TrustedIssuer};
pub use handfast_verifier::{Authorized, Rejection, RouteRule, Wish};
pub use keeper::{CallerError, FeedLag, IntrospectionCounts, ListLag, Pace, StateError};
pub use metadata::ResourceMetadata;
pub use problem::{PROBLEM_TYPE_BASE, Problem};
pub use test_keys::publicly_known;
