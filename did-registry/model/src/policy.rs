//! What the registry's operator decided: whom it issues for, for how long, and what an unclaimed agent may do.

use core::fmt;
use std::collections::BTreeSet;

use handfast_delegation::{Authority, Environment, ResourceId, Scope};
use handfast_identity::Seconds;

use crate::authority::{management_part, plain_authority};
use crate::limits::{
    DEFAULT_DELEGABLE_LIFETIME, DEFAULT_STATEMENT_FUTURE, DEFAULT_STATEMENT_PAST, DEFAULT_TOKEN_LIFETIME,
    MAX_DELEGABLE_LIFETIME, MAX_ISSUER_BYTES, MAX_TOKEN_LIFETIME, MAX_TOKEN_LIFETIME_DEVELOPMENT, MIN_TOKEN_LIFETIME,
};

/// Whether stricter or looser bounds hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The default anywhere but on a developer's own machine.
    Production,
    /// Loopback only; tokens may live an hour.
    Development,
}

/// A resource the registry issues tokens for, with the scopes that mean something there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownResource {
    /// Its identifier, the `aud` of its tokens.
    pub id: ResourceId,
    /// Its scopes.
    pub scopes: Scope,
    /// Whether it applies tools and budgets: it registered [`DETAILS_TYPE`](handfast_delegation::DETAILS_TYPE). Tokens that
    /// carry either are issued for such resources only, for others would ignore them.
    pub applies_details: bool,
}

/// The registry's policy, checked as a whole.
#[derive(Clone, Debug)]
pub struct RegistryPolicy {
    issuer: String,
    registry: ResourceId,
    resources: Vec<KnownResource>,
    pre_claim: Authority,
    token_lifetime: Seconds,
    delegable_lifetime: Seconds,
    statement_past: Seconds,
    statement_future: Seconds,
    approved_rotations: Vec<Environment>,
}

/// Why a policy is refused (P-24).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The issuer is no absolute URI of at most 256 characters.
    Issuer,
    /// One resource twice, or the registry among them.
    DuplicateResource(ResourceId),
    /// A resource that lists a scope of people or of the registry itself.
    Management(Scope),
    /// `pre_claim_scopes` that no resource knows.
    PreClaimUnknown(Scope),
    /// `pre_claim_scopes` that reach more than one authority holds.
    PreClaimTooLong,
    /// A token lifetime outside its bounds.
    TokenLifetime {
        /// The most this mode allows.
        max: Seconds,
    },
    /// The lifetime of root tokens that may be passed on, outside its bounds.
    DelegableLifetime,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer => f.write_str("`issuer` is not an absolute uri of at most 256 characters"),
            Self::DuplicateResource(id) => write!(f, "resource `{id}` is listed twice, or is the registry itself"),
            Self::Management(scope) => write!(f, "`{scope}` is not for agents, so no resource can list it"),
            Self::PreClaimUnknown(scope) => write!(f, "`pre_claim_scopes` names `{scope}`, which no resource lists"),
            Self::PreClaimTooLong => f.write_str("`pre_claim_scopes` reaches more resources than one authority holds"),
            Self::TokenLifetime { max } => {
                write!(f, "expected a token lifetime from `{}` to `{}` seconds", MIN_TOKEN_LIFETIME.get(), max.get())
            }
            Self::DelegableLifetime => write!(
                f,
                "expected a lifetime of delegable tokens from `{}` to `{}` seconds",
                MIN_TOKEN_LIFETIME.get(),
                MAX_DELEGABLE_LIFETIME.get()
            ),
        }
    }
}

impl core::error::Error for PolicyError {}

impl RegistryPolicy {
    /// A policy with the default lifetimes.
    ///
    /// `registry` is the registry as a resource: the audience of `agent:self`, `owner:self` and `registry:*`.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], by rule broken.
    pub fn new(
        issuer: &str,
        registry: ResourceId,
        resources: Vec<KnownResource>,
        pre_claim_scopes: &Scope,
    ) -> Result<Self, PolicyError> {
        if issuer.len() > MAX_ISSUER_BYTES || ResourceId::parse(issuer).is_err() {
            return Err(PolicyError::Issuer);
        }
        check_resources(&registry, &resources)?;
        let pre_claim = pre_claim_authority(&resources, pre_claim_scopes)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            registry,
            resources,
            pre_claim,
            token_lifetime: DEFAULT_TOKEN_LIFETIME,
            delegable_lifetime: DEFAULT_DELEGABLE_LIFETIME,
            statement_past: DEFAULT_STATEMENT_PAST,
            statement_future: DEFAULT_STATEMENT_FUTURE,
            approved_rotations: vec![Environment::Prod],
        })
    }

    /// The same policy with another token lifetime.
    ///
    /// # Errors
    ///
    /// [`PolicyError::TokenLifetime`] outside 1 to 15 minutes, or 1 to 60 in development (both included).
    pub fn with_token_lifetime(mut self, lifetime: Seconds, mode: Mode) -> Result<Self, PolicyError> {
        let max = match mode {
            Mode::Production => MAX_TOKEN_LIFETIME,
            Mode::Development => MAX_TOKEN_LIFETIME_DEVELOPMENT,
        };
        if !(MIN_TOKEN_LIFETIME..=max).contains(&lifetime) {
            return Err(PolicyError::TokenLifetime { max });
        }
        self.token_lifetime = lifetime;
        Ok(self)
    }

    /// The same policy with another lifetime of root tokens that may be passed on.
    ///
    /// # Errors
    ///
    /// [`PolicyError::DelegableLifetime`] outside 1 to 60 minutes (both included).
    pub fn with_delegable_lifetime(mut self, lifetime: Seconds) -> Result<Self, PolicyError> {
        if !(MIN_TOKEN_LIFETIME..=MAX_DELEGABLE_LIFETIME).contains(&lifetime) {
            return Err(PolicyError::DelegableLifetime);
        }
        self.delegable_lifetime = lifetime;
        Ok(self)
    }

    /// The same policy with the window of the proofs, which registration statements share.
    #[must_use]
    pub const fn with_statement_window(mut self, past: Seconds, future: Seconds) -> Self {
        self.statement_past = past;
        self.statement_future = future;
        self
    }

    /// The same policy with the environments whose agents rotate only with their owner's approval; by default `prod`.
    #[must_use]
    pub fn with_approved_rotations(mut self, environments: Vec<Environment>) -> Self {
        self.approved_rotations = environments;
        self
    }

    /// Whether a rotation of an agent of `environment` waits for its owner.
    #[must_use]
    pub fn rotation_waits(&self, environment: Environment) -> bool {
        self.approved_rotations.contains(&environment)
    }

    /// The issuer identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The registry as a resource.
    #[must_use]
    pub const fn registry(&self) -> &ResourceId {
        &self.registry
    }

    /// The resources tokens are issued for, the registry not among them.
    #[must_use]
    pub fn resources(&self) -> &[KnownResource] {
        &self.resources
    }

    /// How long a token lives, if its task lives as long.
    #[must_use]
    pub const fn token_lifetime(&self) -> Seconds {
        self.token_lifetime
    }

    /// How long a root token lives that may be passed on over `max_depth` hops, if its task lives as long.
    #[must_use]
    pub const fn root_lifetime(&self, max_depth: u8) -> Seconds {
        if max_depth == 0 { self.token_lifetime } else { self.delegable_lifetime }
    }

    /// Whether `resource` applies tools and budgets.
    #[must_use]
    pub fn applies_details(&self, resource: &ResourceId) -> bool {
        self.resources.iter().any(|known| known.id == *resource && known.applies_details)
    }

    /// Which of `scope` does not mean something at exactly one of `resources`.
    pub(crate) fn ambiguous_at(&self, resources: &BTreeSet<ResourceId>, scope: &Scope) -> Scope {
        let chosen = || self.resources.iter().filter(|known| resources.contains(&known.id));
        let (once, several) = chosen().fold((Scope::default(), Scope::default()), |(once, several), known| {
            let again = once.intersection(&known.scopes);
            (once.union(&known.scopes), several.union(&again))
        });
        scope.excess_over(&once.excess_over(&several))
    }

    pub(crate) const fn pre_claim(&self) -> &Authority {
        &self.pre_claim
    }

    pub(crate) const fn statement_window(&self) -> (Seconds, Seconds) {
        (self.statement_past, self.statement_future)
    }

    pub(crate) fn scopes_of(&self, resource: &ResourceId) -> Option<&Scope> {
        self.resources.iter().find(|known| known.id == *resource).map(|known| &known.scopes)
    }

    /// What the resources that `authority` names know at all; `None` if it names one that is foreign.
    pub(crate) fn scopes_known_to(&self, authority: &Authority) -> Option<Scope> {
        authority
            .resources
            .iter()
            .map(|resource| self.scopes_of(resource))
            .try_fold(Scope::default(), |known, scopes| Some(known.union(scopes?)))
    }
}

fn check_resources(registry: &ResourceId, resources: &[KnownResource]) -> Result<(), PolicyError> {
    for (place, known) in resources.iter().enumerate() {
        if known.id == *registry || resources.iter().skip(place + 1).any(|other| other.id == known.id) {
            return Err(PolicyError::DuplicateResource(known.id.clone()));
        }
        if let Some(part) = management_part(&known.scopes) {
            return Err(PolicyError::Management(part));
        }
    }
    Ok(())
}

fn pre_claim_authority(resources: &[KnownResource], scopes: &Scope) -> Result<Authority, PolicyError> {
    let known = resources.iter().fold(Scope::default(), |all, resource| all.union(&resource.scopes));
    let unknown = scopes.excess_over(&known);
    if !unknown.is_empty() {
        return Err(PolicyError::PreClaimUnknown(unknown));
    }
    let reached = resources.iter().filter(|resource| !resource.scopes.intersection(scopes).is_empty());
    plain_authority(scopes.clone(), reached.map(|resource| resource.id.clone()).collect())
        .map_err(|_| PolicyError::PreClaimTooLong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    fn resource(id: &str, scopes: &str) -> KnownResource {
        KnownResource {
            id: ResourceId::parse(id).unwrap(),
            scopes: Scope::parse(scopes).unwrap(),
            applies_details: false,
        }
    }

    fn policy(resources: Vec<KnownResource>, pre_claim: &str) -> Result<RegistryPolicy, PolicyError> {
        let registry = ResourceId::parse("https://id.example").unwrap();
        RegistryPolicy::new("https://id.example", registry, resources, &Scope::parse(pre_claim).unwrap())
    }

    #[test]
    fn mistakes_of_configuration_are_named() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let check = |resources, pre_claim, expected: PolicyError| {
            assert_eq!(policy(resources, pre_claim).map(|_| ()), Err(expected));
        };
        let twice = vec![resource("urn:a", "x"), resource("urn:a", "y")];
        check(twice, "", PolicyError::DuplicateResource(ResourceId::parse("urn:a").unwrap()));
        let itself = ResourceId::parse("https://id.example").unwrap();
        check(vec![resource("https://id.example", "x")], "", PolicyError::DuplicateResource(itself));
        check(vec![resource("urn:a", "x owner:self")], "", PolicyError::Management(scope("owner:self")));
        check(vec![resource("urn:a", "x")], "x y", PolicyError::PreClaimUnknown(scope("y")));
        let many = |count: usize| (0..count).map(|n| resource(&format!("urn:{n}"), "x")).collect::<Vec<_>>();
        check(many(9), "x", PolicyError::PreClaimTooLong);
        assert!(policy(many(8), "x").is_ok() && policy(many(9), "").is_ok());
        let registry = ResourceId::parse("https://id.example").unwrap();
        assert_eq!(RegistryPolicy::new("id", registry, vec![], &scope("")).map(|_| ()), Err(PolicyError::Issuer));
    }

    #[test]
    fn lifetimes_of_delegable_roots_are_bounded() {
        let check = |seconds, good| {
            let result = policy(vec![], "").unwrap().with_delegable_lifetime(Seconds::new(seconds));
            assert_eq!(result.map(|policy| policy.root_lifetime(1)).ok(), good, "{seconds}");
        };
        for seconds in [60, 3600] {
            check(seconds, Some(Seconds::new(seconds)));
        }
        check(59, None);
        check(3601, None);
        let default = policy(vec![], "").unwrap();
        assert_eq!((default.root_lifetime(0), default.root_lifetime(1)), (Seconds::new(300), Seconds::new(900)));
    }

    #[test]
    fn a_scope_means_something_at_one_resource_or_is_ambiguous() {
        let policy =
            policy(vec![resource("urn:a", "r w"), resource("urn:b", "r x"), resource("urn:c", "r z")], "").unwrap();
        let check = |resources: &[&str], scope: &str, expected: &str| {
            let resources = resources.iter().map(|id| ResourceId::parse(id).unwrap()).collect();
            assert_eq!(policy.ambiguous_at(&resources, &Scope::parse(scope).unwrap()).to_string(), expected);
        };
        check(&["urn:a"], "r w", "");
        check(&["urn:a"], "r x", "x");
        check(&["urn:a", "urn:b"], "w x", "");
        check(&["urn:a", "urn:b"], "r w x", "r");
        check(&["urn:a", "urn:b", "urn:c"], "r z y", "r y");
    }

    #[test]
    fn token_lifetimes_are_bounded_by_mode() {
        let check = |seconds, mode, good: bool| {
            let result = policy(vec![], "").unwrap().with_token_lifetime(Seconds::new(seconds), mode);
            assert_eq!(result.is_ok(), good, "{seconds} {mode:?}");
        };
        for (seconds, production, development) in [
            (59, false, false),
            (60, true, true),
            (900, true, true),
            (901, false, true),
            (3600, false, true),
            (3601, false, false),
        ] {
            check(seconds, Mode::Production, production);
            check(seconds, Mode::Development, development);
        }
        assert_eq!(policy(vec![], "").unwrap().token_lifetime(), Seconds::new(300));
    }
}
