//! When an agent was last given what.

use handfast_delegation::Scope;
use handfast_identity::UnixTime;

use super::wire::usage::UsageWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::AgentId;
use crate::limits::{MAX_USED_SCOPE_BYTES, MAX_USED_SCOPES};

/// When an agent was last given a token, and one with each scope. What a resource server then let it do, the registry does not see.
///
/// Of scopes only the ones used last are kept, as many as fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) seen: UnixTime,
    pub(crate) scopes: Vec<UsedScope>,
}

/// One scope token and its last use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedScope {
    /// The scope token.
    pub scope: String,
    /// When a token with it was last given.
    pub at: UnixTime,
}

impl UsageRecord {
    /// The first use of an agent.
    #[must_use]
    pub fn new(agent: AgentId, organisation: Organisation, scope: &Scope, at: UnixTime) -> Self {
        let scopes = scope.tokens().map(|token| UsedScope { scope: token.to_owned(), at }).collect();
        Self { agent, organisation, seen: at, scopes }.bounded()
    }

    /// Both together: of each scope the later use.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let seen = self.seen.max(other.seen);
        let mut scopes = self.scopes;
        for used in other.scopes {
            match scopes.iter_mut().find(|known| known.scope == used.scope) {
                Some(known) => known.at = known.at.max(used.at),
                None => scopes.push(used),
            }
        }
        Self { seen, scopes, agent: self.agent, organisation: self.organisation }.bounded()
    }

    fn bounded(mut self) -> Self {
        self.scopes.sort_by(|one, two| two.at.cmp(&one.at).then_with(|| one.scope.cmp(&two.scope)));
        self.scopes.truncate(MAX_USED_SCOPES);
        let mut bytes = 0_usize;
        self.scopes.retain(|used| {
            bytes = bytes.saturating_add(used.scope.len());
            bytes <= MAX_USED_SCOPE_BYTES
        });
        self
    }

    /// The agent.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// When it was last given anything.
    #[must_use]
    pub const fn seen(&self) -> UnixTime {
        self.seen
    }

    /// When it was last given a token with this scope token.
    #[must_use]
    pub fn last_use(&self, scope: &str) -> Option<UnixTime> {
        self.scopes.iter().find(|used| used.scope == scope).map(|used| used.at)
    }
}

impl Stored for UsageRecord {
    const KIND: RecordKind = RecordKind::Usage;

    fn slot(&self) -> Slot {
        Slot::usage(&self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&UsageWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<UsageWire, Self>(Self::KIND, bytes)
    }
}
