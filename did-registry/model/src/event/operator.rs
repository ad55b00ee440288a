//! What whoever runs the registry does to the registry itself, at the machine.

use handfast_identity::{DidKey, UnixTime};
use serde::Serialize;

use super::{Event, Fact, Party, StatementWire};
use crate::ShownText;
use crate::limits::MAX_WHY_BYTES;

/// A change of the registry's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorFact {
    /// It signs with these keys from now on.
    IssuerKeys {
        /// The `kid` of each key that signs tokens, the first that may first.
        token: Vec<String>,
        /// The key of the feed.
        feed: DidKey,
    },
    /// The feed goes on in a new epoch: a backup was restored.
    EpochBegun {
        /// The new epoch.
        epoch: String,
        /// Where the one before it ended.
        follows: EpochEnd,
    },
    /// The recovery key put another feed key in the place of the one before, and the feed goes on in a new epoch.
    FeedKeyReplaced {
        /// What the recovery key signed.
        statement: String,
        /// Where the epoch before ended.
        follows: EpochEnd,
    },
}

/// Where an epoch of the feed ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: String,
    /// Its last number.
    pub seq: u64,
    /// The head after it, as the feed shows it.
    pub head: String,
}

impl Event {
    /// The event of something that the operator did.
    #[must_use]
    pub const fn by_operator(fact: OperatorFact, why: Option<ShownText<MAX_WHY_BYTES>>, now: UnixTime) -> Self {
        Self { fact: Fact::Operator(fact), who: Party::Operator, why, when: now, did: None }
    }
}

impl OperatorFact {
    /// The kind, as leaves name it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::IssuerKeys { .. } => "issuer_keys",
            Self::EpochBegun { .. } => "epoch_begun",
            Self::FeedKeyReplaced { .. } => "feed_key_replaced",
        }
    }

    pub(super) fn written<'a>(&'a self, common: StatementWire<'a>) -> StatementWire<'a> {
        match self {
            Self::IssuerKeys { token, feed } => StatementWire { did: Some(feed), kids: Some(token), ..common },
            Self::EpochBegun { epoch, follows } => StatementWire { id: Some(epoch), follows: Some(follows), ..common },
            Self::FeedKeyReplaced { statement, follows } => {
                StatementWire { statement: Some(statement), follows: Some(follows), ..common }
            }
        }
    }
}
