//! The ceiling an owner sets for an agent: the most it may ever be given.

use core::fmt;

use handfast_delegation::{ResourceId, Scope};
use handfast_identity::{DidKey, Seconds, json};
use serde::Deserialize;

use crate::authority::management_part;
use crate::limits::{DEFAULT_TASK_LIFETIME, MAX_DELEGATES, MAX_TASK_LIFETIME, MIN_TASK_LIFETIME};
use crate::{Authority, AuthorityError, Feature, Refusal};

/// How an agent may pass its authority on. Nothing uses it before delegation exists; it is kept because the owner said it.
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
    /// Something this version cannot apply, and therefore does not take.
    NotSupported(Feature),
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
            Self::NotSupported(feature) => feature.fmt(f),
        }
    }
}

impl core::error::Error for CeilingError {}

impl From<CeilingError> for Refusal {
    fn from(error: CeilingError) -> Self {
        match error {
            CeilingError::Management(excess) => Self::InvalidScope { excess },
            CeilingError::NotSupported(feature) => Self::NotSupported(feature),
            CeilingError::Authority(_)
            | CeilingError::TaskLifetime
            | CeilingError::Delegation
            | CeilingError::Delegates => Self::InvalidCeiling,
        }
    }
}

impl Ceiling {
    /// A ceiling of these parts.
    ///
    /// # Errors
    ///
    /// [`CeilingError`], never [`CeilingError::NotSupported`].
    pub fn new(
        authority: Authority,
        max_task: Seconds,
        delegation: DelegationMode,
        delegates: Vec<DidKey>,
    ) -> Result<Self, CeilingError> {
        if let Some(part) = management_part(authority.scope()) {
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
        Ok(Self { authority, max_task, delegation, delegates })
    }

    /// What may be done, and where.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The longest task.
    #[must_use]
    pub const fn max_task(&self) -> Seconds {
        self.max_task
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
}

/// The ceiling as a request writes it (spec/registry.md, claiming).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CeilingRequestWire {
    scope: Scope,
    resource: Vec<ResourceId>,
    #[serde(default, deserialize_with = "json::present")]
    authorization_details: bool,
    #[serde(default)]
    max_task_seconds: Option<u64>,
    #[serde(default)]
    delegation: Option<String>,
    #[serde(default)]
    del_max_depth: u64,
    #[serde(default)]
    delegates: Vec<String>,
}

impl TryFrom<CeilingRequestWire> for Ceiling {
    type Error = CeilingError;

    fn try_from(wire: CeilingRequestWire) -> Result<Self, CeilingError> {
        // nothing can use either yet, and a ceiling that is not applied would be a promise broken
        if wire.authorization_details {
            return Err(CeilingError::NotSupported(Feature::AuthorizationDetails));
        }
        if wire.del_max_depth > 0 {
            return Err(CeilingError::NotSupported(Feature::DelegationDepth));
        }
        let delegation = match wire.delegation.as_deref() {
            None => DelegationMode::Exchange,
            Some(word) => DelegationMode::parse(word).ok_or(CeilingError::Delegation)?,
        };
        let delegates: Result<Vec<_>, _> = wire.delegates.iter().map(|did| DidKey::parse(did)).collect();
        Self::new(
            Authority::new(wire.scope, wire.resource).map_err(CeilingError::Authority)?,
            wire.max_task_seconds.map_or(DEFAULT_TASK_LIFETIME, Seconds::new),
            delegation,
            delegates.map_err(|_| CeilingError::Delegates)?,
        )
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
            Ok(Ok(Ceiling { max_task: DEFAULT_TASK_LIFETIME, delegation: DelegationMode::Exchange, .. }))
        ));
    }

    #[test]
    fn what_cannot_be_applied_yet_is_refused() {
        let refused = |feature| Err(CeilingError::NotSupported(feature));
        check(r#","del_max_depth":0"#, Ok(()));
        check(r#","del_max_depth":1"#, refused(Feature::DelegationDepth));
        for details in ["[]", "null", r#"[{"type":"x"}]"#] {
            check(&format!(r#","authorization_details":{details}"#), refused(Feature::AuthorizationDetails));
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
        for text in
            [r#"{"scope":"a","resource":[],"max_depth":1}"#, r#"{"resource":[]}"#, r#"{"scope":["a"],"resource":[]}"#]
        {
            assert!(json::read_object::<CeilingRequestWire>(text.as_bytes(), &Limits::plain(4096)).is_err(), "{text}");
        }
    }
}
