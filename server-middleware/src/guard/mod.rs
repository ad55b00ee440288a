//! One configured resource, and the layer that checks each request on its way in.

mod check;
mod ending;
mod layer;
mod log;
mod nonces;
mod often;
mod service;
mod verdicts;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use handfast_delegation::{Environment, ResourceId, Scope, ScopeError};
use handfast_dpop::{NonceSource, ProofWindow, PublicBase, RestartRule};
use handfast_identity::Seconds;
use handfast_verifier::trust::Facts;
use handfast_verifier::{ChainPolicy, RouteRule};

use crate::config::{Builder, NonceUse};
use crate::keeper::Keeper;
use crate::metadata::Published;
pub use crate::request::MAX_FORM_BYTES;
use crate::store::Stores;
use crate::{Clock, Decisions, DriftBook, FactsSource, FeedLag, IntrospectionCounts, ListLag};

pub use layer::Protect;
pub use service::Guard;
pub use verdicts::Remembered;
pub(crate) use verdicts::{HEADER_BYTES, KEY_BYTES, RememberedVerdicts, TOKEN_BYTES, VERDICT_BYTES};

/// One resource and everything needed to decide about requests to it. Clones are the same server.
///
/// When the last clone and the last layer made from it are dropped, its keeper stops.
#[derive(Clone)]
pub struct ResourceServer {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) resource: ResourceId,
    pub(crate) base: PublicBase,
    pub(crate) resource_metadata: Option<String>,
    pub(crate) metadata: Option<Published>,
    pub(crate) environment: Option<Environment>,
    pub(crate) window: ProofWindow,
    pub(crate) staleness: Seconds,
    pub(crate) nonce_use: NonceUse,
    pub(crate) nonces: Arc<dyn NonceSource>,
    pub(crate) restart: RestartRule,
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) facts: Arc<dyn FactsSource>,
    pub(crate) keeper: Option<Arc<Keeper>>,
    pub(crate) decisions: Decisions,
    pub(crate) chain: ChainPolicy,
    pub(crate) verdicts: RememberedVerdicts,
    pub(crate) drift: DriftBook,
    pub(crate) binds_content: bool,
    pub(crate) content_limit: usize,
}

impl ResourceServer {
    /// Begins to describe a resource: `resource` is the identifier tokens name as their audience, compared as exact text, and
    /// `public_base` the address under which clients reach this server.
    pub fn builder(resource: &str, public_base: &str) -> Builder {
        Builder::new(resource, public_base)
    }

    /// The layer for routes that ask for all of `scope`, of an agent. An empty scope asks for a good token and nothing more.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] for a text that is no scope.
    pub fn scope(&self, scope: &str) -> Result<Protect, ScopeError> {
        Scope::parse(scope).map(|scope| self.protect(RouteRule::agents(scope)))
    }

    /// The layer for a route that takes messages of the Model Context Protocol: all of `scope`, of an agent, and calls within its
    /// tools ([`ToolRoute::mcp`](crate::ToolRoute::mcp)).
    ///
    /// # Errors
    ///
    /// [`ScopeError`] for a text that is no scope.
    pub fn mcp(&self, scope: &str) -> Result<Protect, ScopeError> {
        Scope::parse(scope).map(|scope| self.protect(RouteRule::agents(scope).mcp()))
    }

    /// The layer for routes with any other rule: owners, alternatives, tools, bound content.
    #[must_use]
    pub fn protect(&self, rule: RouteRule) -> Protect {
        let rule = if self.shared.binds_content { rule.bind_content() } else { rule };
        Protect::new(self.clone(), rule)
    }

    /// The route of this resource's metadata (RFC 9728): public, and none where [`Builder::publish_metadata`] was not asked for.
    pub fn metadata_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.shared.metadata.as_ref().map_or_else(Router::new, Published::routes)
    }

    /// The resource identifier.
    #[must_use]
    pub fn resource(&self) -> &ResourceId {
        &self.shared.resource
    }

    /// The public base URL.
    #[must_use]
    pub fn public_base(&self) -> &PublicBase {
        &self.shared.base
    }

    /// What was decided so far.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.shared.decisions
    }

    /// How much is remembered of tokens and chains found good. Losing it costs time and nothing else.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        self.shared.verdicts.held()
    }

    /// What callers asked for beyond their tasks, what was stopped because of it, and the means to stop and release by hand.
    #[must_use]
    pub fn drift(&self) -> &DriftBook {
        &self.shared.drift
    }

    /// What is known now. For health pages; a check reads its own.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        self.shared.facts.facts(self.shared.clock.now())
    }

    /// How far behind each feed is that this server follows, in the order of its trust records.
    #[must_use]
    pub fn feed_lags(&self) -> Vec<FeedLag> {
        let now = self.shared.clock.now();
        self.shared.keeper.as_ref().map(|keeper| keeper.lags(now)).unwrap_or_default()
    }

    /// What is known of the status lists of each issuer whose lists this server reads, in the order of its trust records.
    #[must_use]
    pub fn list_lags(&self) -> Vec<ListLag> {
        let now = self.shared.clock.now();
        self.shared.keeper.as_ref().map(|keeper| keeper.list_lags(now)).unwrap_or_default()
    }

    /// How asking goes of each issuer that this server asks about tokens, in the order of its trust records.
    #[must_use]
    pub fn introspection_counts(&self) -> Vec<IntrospectionCounts> {
        self.shared.keeper.as_ref().map(|keeper| keeper.introspection_counts()).unwrap_or_default()
    }

    /// Waits until keys and revocations of every issuer are there. It does not say that they stay fresh.
    ///
    /// A server may serve before that: its answers are then 503 `status_unknown`.
    pub async fn ready(&self) {
        if let Some(keeper) = &self.shared.keeper {
            keeper.ready().await;
        }
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { resource, base, .. } = &*self.shared;
        f.debug_struct("ResourceServer").field("resource", resource).field("public_base", base).finish_non_exhaustive()
    }
}
