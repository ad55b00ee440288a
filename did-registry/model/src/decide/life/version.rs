//! An agent says which version of its software it is.

use handfast_identity::{Seconds, UnixTime};

use super::{Held, found, require_active};
use crate::change::Write;
use crate::limits::{MAX_VERSIONS, MAX_VERSIONS_PER_HOUR};
use crate::record::Rate;
use crate::{
    AgentRecord, Change, Event, Expect, Fact, KnownVersion, Loaded, Outcome, Party, Profile, Refusal, VerifiedVersion,
    VersionsRecord,
};

/// Takes the statement of a new version. The one before joins the history, of which [`MAX_VERSIONS`] are kept. Tokens and tasks are
/// not touched. The version it has already changes nothing.
///
/// `agent` is the agent that holds the statement's DID, `versions` its history.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`], also for a DID that is not its present one; [`Refusal::AgentRevoked`], [`Refusal::NotClaimed`],
/// [`Refusal::AgentRetired`], [`Refusal::AgentSuspended`]; [`Refusal::StaleStatement`] for one that is not later than the last;
/// [`Refusal::SlowDown`] after too many (P-18).
pub fn state_version(
    statement: &VerifiedVersion,
    agent: Option<&Loaded<AgentRecord>>,
    versions: Option<&Loaded<VersionsRecord>>,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    if agent.record.did != *statement.did() {
        return Err(Refusal::UnknownAgent);
    }
    let held = Held::of(agent)?;
    require_active(&agent.record)?;
    let version = statement.version();
    if agent.record.profile.version == *version {
        return Ok(Outcome::Unchanged);
    }
    let before = versions.filter(|versions| versions.record.agent == agent.record.id);
    if before.is_some_and(|before| statement.issued_at() <= before.record.stated) {
        return Err(Refusal::StaleStatement);
    }
    let made = before.map(|before| before.record.made);
    let made = Rate::more(made, MAX_VERSIONS_PER_HOUR, Seconds::new(0), now)?;
    let registered =
        || vec![KnownVersion { version: agent.record.profile.version.clone(), since: agent.record.created }];
    let known = before.map_or_else(registered, |before| before.record.known.clone());
    let newest = KnownVersion { version: version.clone(), since: now };
    let history = VersionsRecord {
        agent: agent.record.id.clone(),
        organisation: agent.record.organisation.clone(),
        stated: statement.issued_at(),
        made,
        known: [newest].into_iter().chain(known).take(MAX_VERSIONS).collect(),
    };
    let profile = Profile { version: version.clone(), ..held.agent().profile.clone() };
    let after = AgentRecord { profile, ..agent.record.clone() };
    let event = Event {
        fact: Fact::VersionStated { statement: statement.text().clone() },
        who: Party::Agent(after.did.clone()),
        why: None,
        when: now,
        did: Some(after.did.clone()),
    };
    let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
    Ok(Outcome::Changed(Change::new(vec![Write::replace(agent, after), Write::put(expect, history)], event)))
}
