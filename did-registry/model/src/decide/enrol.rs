//! Enrolments: made by an owner beforehand, used by the agent that registers with one, called off.

use handfast_identity::{RandomSource, UnixTime};

use super::approve::check_ceiling;
use super::free::{DidSlot, HandleSlot};
use super::register::{Place, registered};
use crate::change::Write;
use crate::limits::MAX_WHY_BYTES;
use crate::record::{Claimed, EnrolmentEnd, Life, Tenure};
use crate::{
    AgentRecord, Caller, Change, CodeKey, EnrolmentId, EnrolmentRecord, EnrolmentRequest, EnrolmentStatus,
    EnrolmentToken, Event, Expect, Fact, FeedKind, Loaded, Outcome, OwnedAgent, OwnedEnrolment, OwnerRecord, Party,
    Refusal, RegistryPolicy, RevocationRecord, ShownText, VerifiedAgentRegistration,
};

/// An enrolment decided upon.
#[derive(Debug)]
pub struct MadeEnrolment {
    /// To commit.
    pub change: Change,
    /// The record as it will be.
    pub enrolment: EnrolmentRecord,
    /// Its token: to be told to the owner, once.
    pub token: EnrolmentToken,
}

/// Makes an enrolment: whoever registers an agent with its token has it claimed by the caller, under this ceiling.
///
/// # Errors
///
/// [`Refusal::Forbidden`] unless the caller is an owner; [`Refusal::InvalidTarget`] or [`Refusal::InvalidScope`] for a ceiling over
/// resources this registry does not know.
pub fn make_enrolment(
    caller: Caller<'_>,
    request: EnrolmentRequest,
    policy: &RegistryPolicy,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<MadeEnrolment, Refusal> {
    let owner = caller.as_owner()?;
    check_ceiling(&request.ceiling, policy)?;
    let id = EnrolmentId::generate(random);
    let token = EnrolmentToken::generate(&id, random);
    let EnrolmentRequest { ceiling, environment, label, lifetime } = request;
    let until = now.saturating_add(lifetime);
    let enrolment = EnrolmentRecord {
        id: id.clone(),
        organisation: owner.organisation.clone(),
        owner: owner.id.clone(),
        token: token.hash(code_key),
        ceiling: ceiling.clone(),
        environment,
        label,
        created: now,
        expires: until,
        end: None,
    };
    let owned =
        OwnedEnrolment { owner: owner.id.clone(), enrolment: id.clone(), organisation: owner.organisation.clone() };
    let writes = vec![Write::put(Expect::Absent, enrolment.clone()), Write::put(Expect::Absent, owned)];
    let fact = Fact::EnrolmentMade { enrolment: id, ceiling: Box::new(ceiling), environment, until };
    Ok(MadeEnrolment { change: Change::new(writes, by_owner(fact, owner, None, now)), enrolment, token })
}

/// Gives an enrolment another token in place of the one that was told: its owner asks again for what making it was answered with.
///
/// # Errors
///
/// [`Refusal::UnknownEnrolment`] for another owner's; [`Refusal::EnrolmentUsed`], [`Refusal::EnrolmentRevoked`],
/// [`Refusal::EnrolmentExpired`].
pub fn renew_enrolment(
    caller: Caller<'_>,
    enrolment: Option<&Loaded<EnrolmentRecord>>,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<MadeEnrolment, Refusal> {
    let owner = caller.as_owner()?;
    let enrolment = enrolment.filter(|it| it.record.owner == owner.id).ok_or(Refusal::UnknownEnrolment)?;
    require_open(&enrolment.record, now)?;
    let token = EnrolmentToken::generate(&enrolment.record.id, random);
    let renewed = EnrolmentRecord { token: token.hash(code_key), ..enrolment.record.clone() };
    let fact = Fact::EnrolmentRenewed { enrolment: renewed.id.clone() };
    let change = Change::new(vec![Write::replace(enrolment, renewed.clone())], by_owner(fact, owner, None, now));
    Ok(MadeEnrolment { change, enrolment: renewed, token })
}

/// Calls an enrolment off: nobody registers with it any more. One that is over in another way than by its use is called off as well;
/// again is no error.
///
/// # Errors
///
/// [`Refusal::UnknownEnrolment`] for anybody but its owner and admins; [`Refusal::EnrolmentUsed`].
pub fn revoke_enrolment(
    caller: Caller<'_>,
    enrolment: Option<&Loaded<EnrolmentRecord>>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let enrolment = enrolment.ok_or(Refusal::UnknownEnrolment)?;
    let by = caller.manages_enrolment(&enrolment.record)?;
    match &enrolment.record.end {
        Some(EnrolmentEnd::Revoked { .. }) => return Ok(Outcome::Unchanged),
        Some(EnrolmentEnd::Used { .. }) => return Err(Refusal::EnrolmentUsed),
        None => {}
    }
    let revoked = EnrolmentRecord { end: Some(EnrolmentEnd::Revoked { at: now }), ..enrolment.record.clone() };
    let fact = Fact::EnrolmentRevoked { enrolment: revoked.id.clone() };
    let change = Change::new(vec![Write::replace(enrolment, revoked)], by_owner(fact, by, why, now));
    Ok(Outcome::Changed(change))
}

/// The enrolment that a statement's token names, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct EnrolmentCase<'a> {
    /// The enrolment.
    pub enrolment: Option<&'a Loaded<EnrolmentRecord>>,
    /// The newest revocation of everything on its owner's behalf.
    pub stopped: Option<&'a RevocationRecord>,
}

/// Registers an agent that is its owner's at once: the enrolment is used up by it, in one act.
///
/// # Errors
///
/// [`Refusal::DidRegistered`], [`Refusal::KeyCompromised`]; then [`Refusal::InvalidEnrolment`]; [`Refusal::EnrolmentUsed`],
/// [`Refusal::EnrolmentRevoked`], [`Refusal::EnrolmentExpired`]; [`Refusal::OwnerClosed`]; [`Refusal::OtherOwnerExpected`];
/// [`Refusal::EnvironmentMismatch`]; [`Refusal::HandleTaken`] or [`Refusal::HandleConfusable`] when the generated handle is not free:
/// generate another.
pub fn enrol_agent(
    statement: &VerifiedAgentRegistration,
    case: EnrolmentCase<'_>,
    did: &DidSlot,
    handle: &HandleSlot,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, AgentRecord), Refusal> {
    let _ = did.free(statement.did(), now)?;
    let enrolment = usable(statement, case, code_key, now)?;
    let place = Place::of(statement, did, handle, now, random)?;
    let record = &enrolment.record;
    let life = Life::Claimed(Claimed {
        owner: record.owner.clone(),
        ceiling: record.ceiling.clone(),
        at: now,
        tenure: Tenure::default(),
    });
    let (agent, mut writes) = place.taken(record.organisation.clone(), life);
    let owned = OwnedAgent {
        owner: record.owner.clone(),
        agent: agent.id.clone(),
        organisation: agent.organisation.clone(),
        since: now,
    };
    let used = EnrolmentEnd::Used { agent: agent.id.clone(), did: agent.did.clone(), at: now };
    // replaced at the version seen, so of any number of agents one gets through (P-13)
    writes.push(Write::replace(enrolment, EnrolmentRecord { end: Some(used), ..record.clone() }));
    writes.push(Write::put(Expect::Absent, owned));
    let event = registered(Fact::AgentEnrolled { statement: statement.text().clone() }, &agent, now);
    Ok((Change::new(writes, event), agent))
}

/// The enrolment, if this agent may use it now.
fn usable<'a>(
    statement: &VerifiedAgentRegistration,
    case: EnrolmentCase<'a>,
    code_key: &CodeKey,
    now: UnixTime,
) -> Result<&'a Loaded<EnrolmentRecord>, Refusal> {
    let registration = statement.registration();
    let token = registration.enrolment.as_ref().ok_or(Refusal::InvalidEnrolment)?;
    let named = case.enrolment.filter(|found| token.id().as_ref() == Some(&found.record.id));
    let enrolment = named.filter(|found| token.matches(code_key, &found.record.token));
    let enrolment = enrolment.ok_or(Refusal::InvalidEnrolment)?;
    let record = &enrolment.record;
    require_open(record, now)?;
    let stop = case.stopped.filter(|stop| stop.kind() == FeedKind::Owner && stop.id() == record.owner.as_str());
    match stop.map(RevocationRecord::cut) {
        // off-boarded: nothing is done in that owner's name any more
        Some(None) => return Err(Refusal::OwnerClosed),
        // whoever had the owner's key then may have made it
        Some(Some(cut)) if record.created <= cut => return Err(Refusal::EnrolmentRevoked),
        Some(Some(_)) | None => {}
    }
    if registration.expected_owner.as_ref().is_some_and(|expected| *expected != record.owner) {
        return Err(Refusal::OtherOwnerExpected);
    }
    if record.environment.is_some_and(|environment| environment != registration.profile.environment) {
        return Err(Refusal::EnvironmentMismatch);
    }
    Ok(enrolment)
}

fn require_open(record: &EnrolmentRecord, now: UnixTime) -> Result<(), Refusal> {
    match record.status(now) {
        EnrolmentStatus::Open => Ok(()),
        EnrolmentStatus::Used => Err(Refusal::EnrolmentUsed),
        EnrolmentStatus::Revoked => Err(Refusal::EnrolmentRevoked),
        EnrolmentStatus::Expired => Err(Refusal::EnrolmentExpired),
    }
}

fn by_owner(fact: Fact, by: &OwnerRecord, why: Option<ShownText<MAX_WHY_BYTES>>, when: UnixTime) -> Event {
    Event { fact, who: Party::Owner(by.id.clone()), why, when, did: Some(by.did.clone()) }
}
