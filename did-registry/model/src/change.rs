//! What a decision asks the store to do: all of it, or nothing.

use handfast_identity::{DidKey, UnixTime};

use crate::{Event, Record, Refusal, Slot};

/// A record as it was loaded, with the version the store gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<T> {
    /// The record.
    pub record: T,
    /// Its version in the store.
    pub version: u64,
}

/// What must be found under a key when a change is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// The version that was loaded.
    Version(u64),
}

/// One part of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Write this record, if its key is as expected.
    Put {
        /// What must be there before.
        expect: Expect,
        /// What is there afterwards.
        record: Box<Record>,
    },
    /// Remove a record, if it is still the one that was loaded.
    Delete {
        /// Its key.
        slot: Slot,
        /// The version that was loaded.
        version: u64,
    },
    /// Write an entry that only helps to find something, whatever is there: nothing is decided upon by it, so it keeps nothing from
    /// being decided.
    List {
        /// The entry.
        entry: Box<Record>,
    },
    /// Remove such an entry, if it is there.
    Unlist {
        /// Its key.
        slot: Slot,
    },
    /// Write nothing, but demand that a record the decision rests on is still the one that was loaded.
    Keep {
        /// Its key.
        slot: Slot,
        /// The version that was loaded.
        version: u64,
    },
}

impl Write {
    pub(crate) fn put(expect: Expect, record: impl Into<Record>) -> Self {
        Self::Put { expect, record: Box::new(record.into()) }
    }

    pub(crate) fn replace<T>(loaded: &Loaded<T>, record: impl Into<Record>) -> Self {
        Self::put(Expect::Version(loaded.version), record)
    }
}

/// A decided state change: what to write, its one event, and what to tell resource servers. One atomic commit (P-16).
///
/// When an expectation is not met, somebody was faster: load again and decide again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The writes; no key is written twice.
    pub writes: Vec<Write>,
    /// What happened, for the log.
    pub event: Box<Event>,
    /// What resource servers must learn, in order.
    pub feed: Vec<FeedEntry>,
}

impl Change {
    pub(crate) fn new(writes: Vec<Write>, event: Event) -> Self {
        Self { writes, event: Box::new(event), feed: Vec::new() }
    }
}

/// One entry of the revocation feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// What is named.
    pub kind: FeedKind,
    /// Its id.
    pub id: String,
    /// Tokens up to this time are stopped, later ones are not; of a key what was made later, and earlier is not. Without it all
    /// are.
    pub cut: Option<UnixTime>,
    /// When nothing it stops can be alive any more; without it the entry stays for ever.
    pub until: Option<UnixTime>,
}

impl FeedEntry {
    /// The entry that stops everything under this name until `until`; none if nothing of it can be alive at `now`.
    pub(crate) fn until(kind: FeedKind, id: &str, until: UnixTime, now: UnixTime) -> Option<Self> {
        (now <= until).then(|| Self { kind, id: id.to_owned(), cut: None, until: Some(until) })
    }

    /// The entry of a key that was replaced: what it makes after `cut` is stopped, for ever (DEL-40).
    pub(crate) fn replaced_key(did: &DidKey, cut: UnixTime) -> Self {
        Self { kind: FeedKind::Key, id: did.thumbprint().to_string(), cut: Some(cut), until: None }
    }

    /// The entry of a key that somebody else has: everything it made is stopped, for ever (DEL-40).
    pub(crate) fn compromised_key(did: &DidKey) -> Self {
        Self { kind: FeedKind::Key, id: did.thumbprint().to_string(), cut: None, until: None }
    }

    pub(crate) fn revoked_agent(did: &DidKey) -> Self {
        Self { kind: FeedKind::Agent, id: did.to_string(), cut: None, until: None }
    }
}

impl FeedEntry {
    /// The entries that stop every DID of an agent for as long as a later one does not say otherwise.
    pub(crate) fn agent_state(dids: &[DidKey]) -> Vec<Self> {
        dids.iter().map(Self::revoked_agent).collect()
    }

    /// The entries that stop what every DID of an agent was issued up to `cut`, and end a suspension that was told before.
    ///
    /// `until` is left out where there was one: a reader that knows it and comes back late has to learn that it is over.
    pub(crate) fn agent_cut(dids: &[DidKey], cut: UnixTime, until: Option<UnixTime>) -> Vec<Self> {
        dids.iter().map(|did| Self { kind: FeedKind::Agent, id: did.to_string(), cut: Some(cut), until }).collect()
    }
}

/// What a feed entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// An agent, by DID.
    Agent,
    /// A task, by its id.
    Task,
    /// An access token, by `jti`.
    Token,
    /// A hop, by its name.
    Hop,
    /// An owner, by id.
    Owner,
    /// A token key of the registry's own, by `kid`.
    IssuerKey,
    /// A key: by thumbprint on the feed, by DID everywhere else.
    Key,
}

impl FeedKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Agent, Self::Task, Self::Token, Self::Hop, Self::Owner, Self::Key, Self::IssuerKey];

    /// The kind of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Task => "task",
            Self::Token => "token",
            Self::Hop => "hop",
            Self::Owner => "owner",
            Self::IssuerKey => "issuer_key",
            Self::Key => "key",
        }
    }
}

/// A decision that may find its work done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Commit this.
    Changed(Change),
    /// It is so already: write nothing, answer as if it had just been done.
    Unchanged,
}

/// A decision behind a code: a wrong one is refused *and* counted.
#[derive(Debug)]
pub enum Attempt<T> {
    /// The code was right.
    Right(T),
    /// The code was wrong: commit the count, then refuse. Without the commit there would be no limit to tries.
    Wrong {
        /// The counted try.
        change: Change,
        /// What to answer once it is committed.
        refusal: Refusal,
    },
}
