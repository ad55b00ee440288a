//! The layer: one server, one rule, any number of services behind it.

use std::fmt;
use std::sync::Arc;

use handfast_verifier::RouteRule;
use tower_layer::Layer;

use super::{Guard, ResourceServer};

/// Puts a [`Guard`] in front of a service. Made by [`ResourceServer::scope`] and [`ResourceServer::protect`].
///
/// With axum use `.layer` or `.route_layer`, on a router or a single method router. A request passes exactly one of these:
/// give routes of different rules their own layers and merge the routers.
#[derive(Clone)]
pub struct Protect {
    pub(super) server: ResourceServer,
    pub(super) rule: Arc<RouteRule>,
}

impl Protect {
    pub(super) fn new(server: ResourceServer, rule: RouteRule) -> Self {
        Self { server, rule: Arc::new(rule) }
    }

    /// What the route asks for.
    #[must_use]
    pub fn rule(&self) -> &RouteRule {
        &self.rule
    }
}

impl<S> Layer<S> for Protect {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, protect: self.clone() }
    }
}

impl fmt::Debug for Protect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protect").field("server", &self.server).field("rule", &self.rule).finish()
    }
}
