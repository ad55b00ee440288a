//! What happens in an agent's life between claiming and its end.

use handfast_delegation::Environment;
use handfast_identity::{DidKey, UnixTime};

use super::{StatementWire, listed};
use crate::{AgentId, Ceiling, OwnerId};

/// One change in an agent's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeFact {
    /// The agent.
    pub agent: AgentId,
    /// What was done.
    pub change: LifeChange,
    /// Every DID of the agent that the feed now names; none where it names none.
    pub dids: Vec<DidKey>,
    /// Up to when everything it was given is dead, where there is a new cut-off.
    pub cut: Option<UnixTime>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LifeChange {
    /// It was suspended.
    Suspended,
    /// It goes on.
    Resumed,
    /// It was put out of use, for ever.
    Retired,
    /// Its owner offered it to another.
    TransferOffered {
        /// To whom.
        to: OwnerId,
        /// The first second at which the offer is no longer good.
        until: UnixTime,
    },
    /// The offer is no more.
    TransferWithdrawn {
        /// To whom it had been made.
        to: OwnerId,
    },
    /// It has another owner, and an empty ceiling.
    Transferred {
        /// Whose it was.
        from: OwnerId,
        /// Whose it is.
        to: OwnerId,
    },
    /// It has another ceiling.
    CeilingChanged {
        /// The new one.
        ceiling: Box<Ceiling>,
    },
    /// Its cut-off was set again: the one before was past when it became durable.
    CutAgain,
    /// It runs elsewhere.
    EnvironmentChanged {
        /// Where.
        environment: Environment,
    },
}

impl LifeChange {
    /// The kind, as leaves name it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Suspended => "agent_suspended",
            Self::Resumed => "agent_resumed",
            Self::Retired => "agent_retired",
            Self::TransferOffered { .. } => "transfer_offered",
            Self::TransferWithdrawn { .. } => "transfer_withdrawn",
            Self::Transferred { .. } => "agent_transferred",
            Self::CeilingChanged { .. } => "ceiling_changed",
            Self::CutAgain => "agent_cut",
            Self::EnvironmentChanged { .. } => "environment_changed",
        }
    }
}

impl LifeFact {
    pub(super) fn written<'a>(&'a self, common: StatementWire<'a>) -> StatementWire<'a> {
        let (dids, keys) = listed(&self.dids);
        let cut = self.cut.map(UnixTime::as_secs);
        let common = StatementWire { agent: Some(&self.agent), cut, dids, keys, ..common };
        match &self.change {
            LifeChange::Suspended | LifeChange::Resumed | LifeChange::Retired | LifeChange::CutAgain => common,
            LifeChange::TransferOffered { to, until } => {
                StatementWire { to: Some(to), until: Some(until.as_secs()), ..common }
            }
            LifeChange::TransferWithdrawn { to } => StatementWire { to: Some(to), ..common },
            LifeChange::Transferred { from, to } => StatementWire { from: Some(from), to: Some(to), ..common },
            LifeChange::CeilingChanged { ceiling } => StatementWire { ceiling: Some((&**ceiling).into()), ..common },
            LifeChange::EnvironmentChanged { environment } => {
                StatementWire { environment: Some(*environment), ..common }
            }
        }
    }
}
