//! Saying what is passed on, to whom and for how long.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::time::Duration;

use handfast_delegation::{Arguments, Authority, Budget, DETAILS_TYPE, MAX_HOP_LIFETIME, ResourceId, Scope, Tools};
use handfast_identity::{DidKey, Seconds, UnixTime};
use serde_json::{Map, Value, json};

use super::parent::Parent;
use super::{Delegation, DelegationError, DelegationSource};
use crate::error::ClientError;
use crate::registry::RegistryClient;

/// A hop under construction. What was wrong with a part is said by [`Self::sign`].
///
/// | left out | then |
/// |---|---|
/// | [`to`](Self::to), [`scope`](Self::scope) | refused: absent never means everything |
/// | [`resource`](Self::resource) | the parent's one resource; refused where it has several |
/// | tools, budget | the parent's own, which no hop may drop |
/// | [`ttl`](Self::ttl) | as long as the parent |
/// | [`max_depth`](Self::max_depth) | the delegate cannot pass it on |
#[derive(Debug)]
#[must_use = "nothing is signed before `sign`"]
pub struct DelegationBuilder {
    registry: RegistryClient,
    source: DelegationSource,
    fault: Option<DelegationError>,
    delegate: Option<DidKey>,
    scope: Scope,
    resources: BTreeSet<ResourceId>,
    tools: Option<Tools>,
    budget: Option<Budget>,
    ttl: Option<Seconds>,
    max_depth: Option<u8>,
    is_instance: bool,
}

/// What every hop of one delegation says, whatever its parent is.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) delegate: DidKey,
    pub(super) is_instance: bool,
    scope: Scope,
    resources: BTreeSet<ResourceId>,
    tools: Option<Tools>,
    budget: Option<Budget>,
    max_depth: Option<u8>,
}

impl DelegationBuilder {
    pub(crate) fn new(registry: RegistryClient, source: DelegationSource) -> Self {
        Self {
            registry,
            source,
            fault: None,
            delegate: None,
            scope: Scope::default(),
            resources: BTreeSet::new(),
            tools: None,
            budget: None,
            ttl: None,
            max_depth: None,
            is_instance: false,
        }
    }

    /// To whom: the one key that can use it.
    pub fn to(mut self, delegate: impl Borrow<DidKey>) -> Self {
        self.delegate = Some(delegate.borrow().clone());
        self
    }

    /// What may be done: scope tokens between single blanks, added to those said before.
    pub fn scope(mut self, scope: &str) -> Self {
        match Scope::parse(scope) {
            Ok(scope) => self.scope = self.scope.union(&scope),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Where; may be said several times.
    pub fn resource(mut self, resource: &str) -> Self {
        match ResourceId::parse(resource) {
            Ok(resource) => self.resources.extend([resource]),
            Err(error) => self.fail(error),
        }
        self
    }

    /// With this tool, and others said before: `arguments` as in `authorization_details`, `{}` for any.
    pub fn tool(mut self, name: &str, arguments: Value) -> Self {
        match with_tool(self.tools.as_ref(), name, arguments) {
            Ok(tools) => self.tools = Some(tools),
            Err(error) => self.fail(error),
        }
        self
    }

    /// With exactly these tools.
    pub fn tools(mut self, tools: Tools) -> Self {
        self.tools = Some(tools);
        self
    }

    /// How often.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How often in total; instead of a budget said before.
    pub fn max_uses(mut self, uses: u64) -> Self {
        match Budget::new(Some(uses), None) {
            Ok(budget) => self.budget = Some(budget),
            Err(error) => self.fail(error),
        }
        self
    }

    /// How long, from [`Self::sign`] on: from 1 to 3600 seconds, refreshed hops included. A hop never outlives its parent.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        let ttl = Seconds::new(ttl.as_secs());
        if ttl == Seconds::new(0) || ttl > MAX_HOP_LIFETIME {
            self.fail(DelegationError::Lifetime);
        }
        self.ttl = Some(ttl);
        self
    }

    /// How far it may be passed on: the depth, counted from the root, that no hop below this one may exceed.
    pub fn max_depth(mut self, depth: u8) -> Self {
        self.max_depth = Some(depth);
        self
    }

    /// To an instance key: one that needs no record at the registry and cannot pass anything on.
    pub fn instance(mut self) -> Self {
        self.is_instance = true;
        self
    }

    /// Signs the hop below the newest token or bundle of the source.
    ///
    /// # Errors
    ///
    /// [`ClientError::Delegation`] for what is missing, unreadable, or wider than the parent: it is refused here as it would be
    /// at every server, and nothing is signed. Others when no token can be had.
    pub async fn sign(self) -> Result<Delegation, ClientError> {
        let Self { registry, source, fault, delegate, ttl, .. } = self;
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        let delegate = delegate.ok_or(DelegationError::Incomplete("to whom: `to` and the delegate's DID"))?;
        if self.scope.is_empty() {
            return Err(DelegationError::Incomplete("what is passed on: `scope`, and nothing is implied").into());
        }
        let terms = Terms {
            delegate,
            is_instance: self.is_instance,
            scope: self.scope,
            resources: self.resources,
            tools: self.tools,
            budget: self.budget,
            max_depth: self.max_depth,
        };
        let until = ttl.map(|ttl| registry.clock().now().saturating_add(ttl));
        Delegation::sign(registry, source, terms, until).await
    }

    fn fail(&mut self, error: impl Into<DelegationError>) {
        self.fault.get_or_insert(error.into());
    }
}

impl Terms {
    /// What a hop under `parent` passes on, until `expires_at`.
    pub(super) fn authority(&self, parent: &Parent, expires_at: UnixTime) -> Result<Authority, DelegationError> {
        let own_depth = parent.depth.saturating_add(1);
        if parent.is_instance {
            return Err(DelegationError::Instance);
        }
        if own_depth > parent.authority.max_depth {
            return Err(DelegationError::TooDeep { wanted: own_depth, allowed: parent.authority.max_depth });
        }
        let resources = if self.resources.is_empty() { &parent.authority.resources } else { &self.resources };
        if self.resources.is_empty() && resources.len() > 1 {
            return Err(DelegationError::Incomplete("where: `resource`, for the parent has several"));
        }
        let child = Authority {
            scope: self.scope.clone(),
            resources: resources.clone(),
            tools: self.tools.as_ref().or(parent.authority.tools.as_ref()).cloned(),
            budget: self.budget.or(parent.authority.budget),
            expires_at,
            max_depth: if self.is_instance { own_depth } else { self.max_depth.unwrap_or(own_depth) },
        };
        // P-08: the same comparison as at every server, before anything is signed
        child.narrows(&parent.authority).map_err(DelegationError::Widened)?;
        Ok(child)
    }
}

/// `tools` and one more, read as the claim would be.
fn with_tool(tools: Option<&Tools>, name: &str, arguments: Value) -> Result<Tools, DelegationError> {
    let entry: Map<String, Value> = [(name.to_owned(), arguments)].into_iter().collect();
    let one = json!([{"type": DETAILS_TYPE, "tools": entry}]);
    let one = Tools::from_details(&one)?;
    let entries = |tools: &Tools| -> Vec<(String, Arguments)> {
        let entry = |name: &str| Some((name.to_owned(), tools.arguments(name)?.clone()));
        tools.names().filter_map(entry).collect()
    };
    let before = tools.map(entries).unwrap_or_default();
    Ok(Tools::new(before.into_iter().chain(entries(&one)))?)
}
