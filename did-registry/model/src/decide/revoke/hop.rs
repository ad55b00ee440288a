//! The end of one delegation, and of all below it.

use handfast_delegation::SignedHop;
use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::{Stopped, counted};
use crate::change::Write;
use crate::limits::{MAX_WHY_BYTES, REVOCATION_MARGIN};
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, HopRecord, Loaded, Refusal,
    RevocationRecord, ShownText, StopsRecord, TaskRecord,
};

/// A hop: from the tree of its task, or shown by somebody before it was ever exchanged.
#[derive(Clone, Copy, Debug)]
pub enum KnownHop<'a> {
    /// It was exchanged.
    Recorded(&'a HopRecord),
    /// It was shown.
    Shown(&'a SignedHop),
}

impl<'a> KnownHop<'a> {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'a ContentHash {
        match self {
            Self::Recorded(record) => record.name(),
            Self::Shown(signed) => signed.name(),
        }
    }

    /// The id of its task, as it says.
    #[must_use]
    pub fn task(self) -> &'a str {
        match self {
            Self::Recorded(record) => record.task().as_str(),
            Self::Shown(signed) => &signed.hop().task,
        }
    }

    /// Who signed it.
    #[must_use]
    pub fn delegator(self) -> &'a str {
        match self {
            Self::Recorded(record) => record.delegator().as_str(),
            Self::Shown(signed) => &signed.hop().delegator,
        }
    }

    /// For whom.
    #[must_use]
    pub fn delegate(self) -> &'a str {
        self.delegate_did().as_str()
    }

    /// When it ends by itself.
    #[must_use]
    pub const fn expires_at(self) -> UnixTime {
        match self {
            Self::Recorded(record) => record.authority().expires_at,
            Self::Shown(signed) => signed.hop().authority.expires_at,
        }
    }

    const fn delegate_did(self) -> &'a DidKey {
        match self {
            Self::Recorded(record) => record.delegate(),
            Self::Shown(signed) => &signed.hop().delegate,
        }
    }
}

/// A hop that somebody wants to stop, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct HopToStop<'a> {
    /// The hop.
    pub hop: KnownHop<'a>,
    /// Its task.
    pub task: Option<&'a TaskRecord>,
    /// The agent of the task.
    pub agent: Option<&'a AgentRecord>,
    /// How much the caller stopped lately, if it is an agent.
    pub stops: Option<&'a Loaded<StopsRecord>>,
    /// Its revocation, if there was one.
    pub before: Option<&'a RevocationRecord>,
}

/// Revokes one hop: every chain that it is in, and every token made from such a chain (DEL-38). Its siblings go on.
///
/// The entry is kept until nothing below the hop can be alive: its own end, and never past its task's deadline, for a hop that
/// was only shown says of its end what it likes. Revoking it again changes nothing.
///
/// # Errors
///
/// As [`Caller::stops_hop`]; [`Refusal::InvalidEvidence`] for one that is over, or of no task here; [`Refusal::SlowDown`] for an
/// agent that stops too much.
pub fn revoke_hop(
    caller: Caller<'_>,
    case: HopToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let (hop, agent) = (case.hop, case.agent.ok_or(Refusal::InvalidEvidence)?);
    let task = case.task.filter(|task| task.id.as_str() == hop.task()).ok_or(Refusal::InvalidEvidence)?;
    let by = caller.stops_hop(hop, task, agent)?;
    if let Some(before) = case.before {
        return Ok(Stopped::Before(before.clone()));
    }
    let id = hop.name().to_string();
    let until = hop.expires_at().min(task.deadline).saturating_add(REVOCATION_MARGIN);
    let feed = FeedEntry::until(FeedKind::Hop, &id, until, now).ok_or(Refusal::InvalidEvidence)?;
    let record = RevocationRecord {
        organisation: task.organisation.clone(),
        kind: FeedKind::Hop,
        id: id.clone(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: None,
        until: Some(until),
    };
    let mut writes = vec![Write::put(Expect::Absent, record.clone())];
    writes.extend(counted(caller, case.stops, now)?);
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::Hop, id, cut: None, until: Some(until) },
        who: by,
        why,
        when: now,
        did: Some(hop.delegate_did().clone()),
    };
    Ok(Stopped::Now { change: Change { feed: vec![feed], ..Change::new(writes, event) }, record })
}
