//! The ceiling an owner sets for an agent: the most it may ever be given.

use core::fmt;
use std::collections::BTreeSet;

use handfast_delegation::{Authority, Budget, DetailsError, MAX_HOPS, ResourceId, Scope, Tools};
use handfast_identity::{DidKey, Seconds, json};
use serde::Deserialize;
use serde_json::Value;

use crate::authority::{bounded, management_part, plain_authority};
use crate::limits::{DEFAULT_TASK_LIFETIME, MAX_DELEGATES, MAX_TASK_LIFETIME, MIN_TASK_LIFETIME};
use crate::{AuthorityError, Refusal};

/// How an agent may pass its authority on, where its ceiling lets it do so at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DelegationMode {
    /// Not at all.
    None,
    /// By exchange at the registry only.
    Exchange,
    /// Also by chains presented without the registry.
    Offline,
}

impl DelegationMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::None, Self::Exchange, Self::Offline];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Exchange => "exchange",
            Self::Offline => "offline",
        }
    }

    /// How much it allows: each mode all that those before it do.
    const fn reach(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Exchange => 1,
            Self::Offline => 2,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The most an owner lets an agent be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    authority: Authority,
    max_task: Seconds,
    delegation: DelegationMode,
    delegates: Vec<DidKey>,
    instances: bool,
}

/// Why something is no ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CeilingError {
    /// Scope or resources.
    Authority(AuthorityError),
    /// Scopes that no ceiling can hold: people's and the registry's own.
    Management(Scope),
    /// `max_task_seconds` outside its bounds (spec/limits.md, task lifetime).
    TaskLifetime,
    /// No known `delegation`.
    Delegation,
    /// Too many delegates, one twice, or one that is no `did:key`.
    Delegates,
    /// `del_max_depth` over the most hops there can be.
    Depth,
    /// `authorization_details` that are not understood.
    Details(DetailsError),
}

impl fmt::Display for CeilingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority(error) => error.fmt(f),
            Self::Management(scope) => write!(f, "a ceiling cannot hold `{scope}`"),
            Self::TaskLifetime => write!(
                f,
                "expected `max_task_seconds` from `{}` to `{}`",
                MIN_TASK_LIFETIME.get(),
                MAX_TASK_LIFETIME.get()
            ),
            Self::Delegation => f.write_str("expected `delegation` to be `none`, `exchange` or `offline`"),
            Self::Delegates => write!(f, "expected at most `{MAX_DELEGATES}` different `delegates`, each a did:key"),
            Self::Depth => write!(f, "expected `del_max_depth` from `0` to `{MAX_HOPS}`"),
            Self::Details(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CeilingError {}

impl From<CeilingError> for Refusal {
    fn from(error: CeilingError) -> Self {
        match error {
            CeilingError::Management(excess) => Self::InvalidScope { excess },
            CeilingError::Details(_) => Self::InvalidAuthorizationDetails,
            CeilingError::Authority(_)
            | CeilingError::TaskLifetime
            | CeilingError::Delegation
            | CeilingError::Delegates
            | CeilingError::Depth => Self::InvalidCeiling,
        }
    }
}

impl Ceiling {
    /// A ceiling of these parts, without leave for instances. How far the agent may pass on what it gets is the authority's
    /// depth.
    ///
    /// # Errors
    ///
    /// [`CeilingError`], never [`CeilingError::Details`].
    pub fn new(
        authority: Authority,
        max_task: Seconds,
        delegation: DelegationMode,
        delegates: Vec<DidKey>,
    ) -> Result<Self, CeilingError> {
        if let Some(part) = management_part(&authority.scope) {
            return Err(CeilingError::Management(part));
        }
        if !(MIN_TASK_LIFETIME..=MAX_TASK_LIFETIME).contains(&max_task) {
            return Err(CeilingError::TaskLifetime);
        }
        let repeated =
            delegates.iter().enumerate().any(|(place, did)| delegates.iter().skip(place + 1).any(|o| o == did));
        if repeated || delegates.len() > MAX_DELEGATES {
            return Err(CeilingError::Delegates);
        }
        if usize::from(authority.max_depth) > MAX_HOPS {
            return Err(CeilingError::Depth);
        }
        let authority = bounded(authority).map_err(CeilingError::Authority)?;
        Ok(Self { authority, max_task, delegation, delegates, instances: false })
    }

    /// The same with or without leave for instances: keys that no record names, as the delegator calls them by `inst`.
    #[must_use]
    pub fn with_instances(self, instances: bool) -> Self {
        Self { instances, ..self }
    }

    /// The ceiling that allows nothing: that of an agent which has just changed hands.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            authority: Authority::of(Scope::default(), BTreeSet::new()),
            max_task: DEFAULT_TASK_LIFETIME,
            delegation: DelegationMode::None,
            delegates: Vec::new(),
            instances: false,
        }
    }

    /// Whether this one allows all that `other` does: then nothing made under `other` is too much.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let depth = |ceiling: &Self| Authority { max_depth: ceiling.max_depth(), ..ceiling.authority.clone() };
        depth(other).narrows(&depth(self)).is_ok()
            && other.max_task <= self.max_task
            && other.delegation.reach() <= self.delegation.reach()
            && other.delegates.iter().all(|did| self.delegates.contains(did))
            && (self.instances || !other.instances)
    }

    /// What may be done, where and with which tools, how often, and how far it may be passed on.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The longest task.
    #[must_use]
    pub const fn max_task(&self) -> Seconds {
        self.max_task
    }

    /// The most hops below the agent's root tokens: none where delegation is not allowed at all.
    #[must_use]
    pub const fn max_depth(&self) -> u8 {
        match self.delegation {
            DelegationMode::None => 0,
            DelegationMode::Exchange | DelegationMode::Offline => self.authority.max_depth,
        }
    }

    /// How it may be passed on.
    #[must_use]
    pub const fn delegation(&self) -> DelegationMode {
        self.delegation
    }

    /// To whom outside the owner's own agents, in the order given.
    #[must_use]
    pub fn delegates(&self) -> &[DidKey] {
        &self.delegates
    }

    /// Whether hops to instances are exchanged.
    #[must_use]
    pub const fn instances(&self) -> bool {
        self.instances
    }
}

/// The ceiling as a request writes it (spec/registry.md, claiming).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CeilingRequestWire {
    scope: Scope,
    resource: Vec<ResourceId>,
    #[serde(default, deserialize_with = "json::optional")]
    authorization_details: Option<Value>,
    #[serde(default, deserialize_with = "json::optional_object")]
    budget: Option<Budget>,
    #[serde(default)]
    max_task_seconds: Option<u64>,
    #[serde(default)]
    delegation: Option<String>,
    #[serde(default)]
    del_max_depth: u64,
    #[serde(default)]
    delegates: Vec<String>,
    #[serde(default)]
    instances: bool,
}

impl TryFrom<CeilingRequestWire> for Ceiling {
    type Error = CeilingError;

    fn try_from(wire: CeilingRequestWire) -> Result<Self, CeilingError> {
        let tools = wire.authorization_details.as_ref().map(Tools::from_details).transpose();
        let delegation = match wire.delegation.as_deref() {
            None => DelegationMode::Exchange,
            Some(word) => DelegationMode::parse(word).ok_or(CeilingError::Delegation)?,
        };
        let delegates: Result<Vec<_>, _> = wire.delegates.iter().map(|did| DidKey::parse(did)).collect();
        let authority = Authority {
            tools: tools.map_err(CeilingError::Details)?,
            budget: wire.budget,
            max_depth: u8::try_from(wire.del_max_depth).map_err(|_| CeilingError::Depth)?,
            ..plain_authority(wire.scope, wire.resource).map_err(CeilingError::Authority)?
        };
        let max_task = wire.max_task_seconds.map_or(DEFAULT_TASK_LIFETIME, Seconds::new);
        let delegates = delegates.map_err(|_| CeilingError::Delegates)?;
        Ok(Self::new(authority, max_task, delegation, delegates)?.with_instances(wire.instances))
    }
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::Limits;

    use super::*;

    const DID: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";

    /// `rest` are the members behind a good scope and resource.
    fn check(rest: &str, expected: Result<(), CeilingError>) {
        let text = format!(r#"{{"scope":"echo:read","resource":["urn:echo"]{rest}}}"#);
        let wire = json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096));
        assert_eq!(wire.map(Ceiling::try_from).map(|ceiling| ceiling.map(|_| ())), Ok(expected), "{text}");
    }

    #[test]
    fn members_left_out_take_their_defaults() {
        let wire = json::read_object::<CeilingRequestWire>(br#"{"scope":"","resource":[]}"#, &Limits::plain(4096));
        let ceiling = wire.map(Ceiling::try_from);
        assert!(matches!(
            ceiling,
            Ok(Ok(Ceiling {
                max_task: DEFAULT_TASK_LIFETIME,
                delegation: DelegationMode::Exchange,
                instances: false,
                ..
            }))
        ));
    }

    #[test]
    fn tools_are_of_the_one_type() {
        let details = |value: &str| format!(r#","authorization_details":{value}"#);
        check(&details(r#"[{"type":"attenuating_agent_token","tools":{"read":{}}}]"#), Ok(()));
        check(&details(r#"[{"type":"x","tools":{}}]"#), Err(CeilingError::Details(DetailsError::Unsupported)));
        for malformed in ["[]", "null", "{}"] {
            check(&details(malformed), Err(CeilingError::Details(DetailsError::Malformed)));
        }
        let long = "x".repeat(250);
        let tools: Vec<_> = (0..6).map(|n| format!(r#""{n}{long}":{{}}"#)).collect();
        let long = format!(r#"[{{"type":"attenuating_agent_token","tools":{{{}}}}}]"#, tools.join(","));
        check(&details(&long), Err(CeilingError::Authority(AuthorityError::TooLong)));
        check(r#","budget":{"max_uses":5}"#, Ok(()));
    }

    #[test]
    fn how_far_it_may_be_passed_on_is_bounded_and_nothing_without_delegation() {
        for (depth, expected) in
            [(0, Ok(())), (8, Ok(())), (9, Err(CeilingError::Depth)), (256, Err(CeilingError::Depth))]
        {
            check(&format!(r#","del_max_depth":{depth}"#), expected);
        }
        for (mode, expected) in [("none", 0), ("exchange", 2), ("offline", 2)] {
            let text = format!(r#"{{"scope":"","resource":[],"del_max_depth":2,"delegation":"{mode}"}}"#);
            let wire = json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096));
            let depth = wire.map(|wire| Ceiling::try_from(wire).map(|ceiling| ceiling.max_depth()));
            assert_eq!(depth, Ok(Ok(expected)), "{mode}");
        }
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        check(r#","max_task_seconds":60"#, Ok(()));
        check(r#","max_task_seconds":59"#, Err(CeilingError::TaskLifetime));
        check(r#","max_task_seconds":86400"#, Ok(()));
        check(r#","max_task_seconds":86401"#, Err(CeilingError::TaskLifetime));
        for mode in DelegationMode::ALL {
            check(&format!(r#","delegation":"{}""#, mode.as_str()), Ok(()));
        }
        check(r#","delegation":"Exchange""#, Err(CeilingError::Delegation));
        check(&format!(r#","delegates":["{DID}"]"#), Ok(()));
        check(&format!(r#","delegates":["{DID}","{DID}"]"#), Err(CeilingError::Delegates));
        check(r#","delegates":["did:web:example.com"]"#, Err(CeilingError::Delegates));
    }

    #[test]
    fn instances_are_let_in_by_true_alone() {
        for (word, expected) in
            [("true", Some(true)), ("false", Some(false)), ("null", None), ("1", None), ("\"true\"", None)]
        {
            let text = format!(r#"{{"scope":"","resource":[],"instances":{word}}}"#);
            let wire = json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096));
            let read = wire.ok().map(|wire| Ceiling::try_from(wire).map(|ceiling| ceiling.instances()));
            assert_eq!(read, expected.map(Ok), "{word}");
        }
    }

    #[test]
    fn management_scopes_have_no_place_in_it() {
        for token in ["agent:self", "owner:self", "registry:read", "registry:admin", "owner:anything"] {
            let text = format!(r#"{{"scope":"echo:read {token}","resource":["urn:echo"]}}"#);
            let wire = json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096));
            let excess = Scope::parse(token).unwrap_or_default();
            assert_eq!(wire.map(Ceiling::try_from), Ok(Err(CeilingError::Management(excess))), "{token}");
        }
    }

    #[test]
    fn unknown_members_are_refused() {
        for text in [
            r#"{"scope":"a","resource":[],"max_depth":1}"#,
            r#"{"resource":[]}"#,
            r#"{"scope":["a"],"resource":[]}"#,
            r#"{"scope":"a","resource":[],"budget":null}"#,
            r#"{"scope":"a","resource":[],"budget":{}}"#,
            r#"{"scope":"a","resource":[],"budget":[5]}"#,
        ] {
            assert!(json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096)).is_err(), "{text}");
        }
    }
}
