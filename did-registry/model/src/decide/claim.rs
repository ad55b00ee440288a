//! Claim codes: making one, judging one, and refusing with one.

use handfast_identity::{RandomSource, Seconds, UnixTime};

use crate::change::Write;
use crate::limits::{CLAIM_CODE_LIFETIME, MAX_CODES_PER_HOUR, POLL_INTERVAL};
use crate::record::{ClaimState, Life, Organisation, Rate, Unclaimed};
use crate::{
    AgentId, AgentRecord, Attempt, Change, ClaimId, ClaimRecord, CodeKey, Event, Expect, Fact, Loaded, OwnerRecord,
    Party, PresentedCode, Refusal, RefuseRequest, Slot, Stored, UserCode,
};

/// A claim code to tell the agent. It is shown this once.
#[derive(Debug)]
pub struct IssuedClaim {
    /// The public id, part of the claim's address.
    pub id: ClaimId,
    /// The code, which is not public.
    pub code: UserCode,
    /// How long the code is good.
    pub expires_in: Seconds,
    /// How long to wait between polls.
    pub interval: Seconds,
}

/// A claim and its agent, as loaded; either may be missing.
#[derive(Clone, Copy, Debug)]
pub struct ClaimCase<'a> {
    /// The claim with the id in the address.
    pub claim: Option<&'a Loaded<ClaimRecord>>,
    /// The agent that claim names.
    pub agent: Option<&'a Loaded<AgentRecord>>,
}

/// Both parts of a claim case, found and belonging together.
#[derive(Clone, Copy)]
pub(super) struct FoundCase<'a> {
    pub(super) claim: &'a Loaded<ClaimRecord>,
    pub(super) agent: &'a Loaded<AgentRecord>,
}

/// A case whose code may still be tried, with the facts only an UNCLAIMED agent has.
#[derive(Clone, Copy)]
pub(super) struct OpenCase<'a> {
    pub(super) claim: &'a Loaded<ClaimRecord>,
    pub(super) agent: &'a Loaded<AgentRecord>,
    pub(super) unclaimed: &'a Unclaimed,
}

impl<'a> ClaimCase<'a> {
    pub(super) fn found(&self, now: UnixTime) -> Result<FoundCase<'a>, Refusal> {
        match (self.claim, self.agent) {
            (Some(claim), Some(agent)) if claim.record.agent == agent.record.id && !agent.record.is_expired(now) => {
                Ok(FoundCase { claim, agent })
            }
            _ => Err(Refusal::UnknownClaim),
        }
    }
}

impl<'a> FoundCase<'a> {
    /// Everything that rules a claim out before its code is looked at. `confirms` tells the second step from the first.
    ///
    /// Once an agent has an owner, the code that gave it away is used up; whoever stood at the confirm stage, or comes
    /// with another code, hears that somebody was faster (TH59).
    pub(super) fn open_for(self, owner: &OwnerRecord, confirms: bool, now: UnixTime) -> Result<OpenCase<'a>, Refusal> {
        let (claim, agent) = (&self.claim.record, &self.agent.record);
        if agent.organisation != owner.organisation {
            return Err(Refusal::UnknownClaim);
        }
        let unclaimed = match (&agent.life, &claim.state) {
            (Life::Revoked(_), _) => return Err(Refusal::AgentRevoked),
            (Life::Claimed(_), ClaimState::Claimed(by)) if *by == owner.id || !confirms => {
                return Err(Refusal::CodeUsed);
            }
            (Life::Claimed(_), _) => return Err(Refusal::AlreadyClaimed),
            (Life::Unclaimed(_), ClaimState::Claimed(_) | ClaimState::Refused(_)) => return Err(Refusal::CodeUsed),
            (Life::Unclaimed(unclaimed), ClaimState::Pending(_)) => unclaimed,
        };
        if unclaimed.claim != claim.id || claim.state.is_void() {
            return Err(Refusal::CodeVoid);
        }
        if now >= claim.expires {
            return Err(Refusal::CodeExpired);
        }
        if claim.state.is_locked_for(&owner.id) {
            return Err(Refusal::SlowDown { retry_after: claim.expires.since(now) });
        }
        Ok(OpenCase { claim: self.claim, agent: self.agent, unclaimed })
    }
}

impl OpenCase<'_> {
    /// Compares the code; a wrong one is a change of its own: the count.
    pub(super) fn try_code(
        self,
        owner: &OwnerRecord,
        code: &PresentedCode,
        code_key: &CodeKey,
        now: UnixTime,
    ) -> Attempt<Self> {
        let claim = &self.claim.record;
        if code_key.matches(&claim.id, code, &claim.code) {
            return Attempt::Right(self);
        }
        let counted = ClaimRecord { state: claim.state.with_wrong_code(&owner.id), ..claim.clone() };
        let event = self.event(Fact::ClaimCodeWrong { claim: claim.id.clone() }, owner, now);
        let change = Change::new(vec![Write::replace(self.claim, counted)], event);
        Attempt::Wrong { change, refusal: Refusal::WrongCode }
    }

    pub(super) fn event(&self, fact: Fact, owner: &OwnerRecord, now: UnixTime) -> Event {
        let did = Some(self.agent.record.did.clone());
        Event { fact, who: Party::Owner(owner.id.clone()), why: None, when: now, did }
    }

    /// The demand that the agent is still as it was, for changes that write the claim only.
    pub(super) fn keep_agent(&self) -> Write {
        Write::Keep { slot: Slot::agent(&self.agent.record.id), version: self.agent.version }
    }
}

pub(super) fn open_claim(
    agent: &AgentId,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> (ClaimRecord, IssuedClaim) {
    let id = ClaimId::generate(random);
    let code = UserCode::generate(random);
    let record = ClaimRecord {
        id: id.clone(),
        organisation: Organisation::default(),
        agent: agent.clone(),
        code: code_key.hash(&id, code.expose()),
        expires: now.saturating_add(CLAIM_CODE_LIFETIME),
        state: ClaimState::Pending(Vec::new()),
    };
    (record, IssuedClaim { id, code, expires_in: CLAIM_CODE_LIFETIME, interval: POLL_INTERVAL })
}

/// Gives an UNCLAIMED agent a new claim and code; the one before is gone from then on. The agent itself asks.
///
/// `replaced` is the record of the agent's present claim. It is deleted, so that asking again and again leaves one.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`] for none or an expired one, [`Refusal::AlreadyClaimed`], [`Refusal::AgentRevoked`];
/// [`Refusal::SlowDown`] less than [`POLL_INTERVAL`] after the last one, and after [`MAX_CODES_PER_HOUR`] (P-18).
pub fn new_claim_code(
    agent: Option<&Loaded<AgentRecord>>,
    replaced: Option<&Loaded<ClaimRecord>>,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, IssuedClaim), Refusal> {
    let agent = agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
    let unclaimed = match &agent.record.life {
        Life::Unclaimed(unclaimed) => unclaimed.clone(),
        Life::Claimed(_) => return Err(Refusal::AlreadyClaimed),
        Life::Revoked(_) => return Err(Refusal::AgentRevoked),
    };
    let codes = Rate::more(unclaimed.codes, MAX_CODES_PER_HOUR, POLL_INTERVAL, now)?;
    let (claim_record, claim) = open_claim(&agent.record.id, code_key, now, random);
    let replaced = replaced.filter(|replaced| replaced.record.id == unclaimed.claim);
    let life = Life::Unclaimed(Unclaimed { claim: claim.id.clone(), last_used: now, codes: Some(codes), ..unclaimed });
    let mut writes = vec![
        Write::replace(agent, AgentRecord { life, ..agent.record.clone() }),
        Write::put(Expect::Absent, claim_record),
    ];
    writes.extend(replaced.map(|old| Write::Delete { slot: old.record.slot(), version: old.version }));
    let event = Event {
        fact: Fact::ClaimCodeIssued { agent: agent.record.id.clone(), claim: claim.id.clone() },
        who: Party::Agent(agent.record.did.clone()),
        why: None,
        when: now,
        did: Some(agent.record.did.clone()),
    };
    Ok((Change::new(writes, event), claim))
}

/// Refuses a claim: its agent hears so at its next poll, and the code is used up.
///
/// # Errors
///
/// As [`approve`](super::approve()), as far as they concern claim and code.
pub fn refuse_claim(
    case: ClaimCase<'_>,
    owner: &OwnerRecord,
    request: &RefuseRequest,
    code_key: &CodeKey,
    now: UnixTime,
) -> Result<Attempt<Change>, Refusal> {
    let open = case.found(now)?.open_for(owner, false, now)?;
    Ok(match open.try_code(owner, &request.code, code_key, now) {
        Attempt::Wrong { change, refusal } => Attempt::Wrong { change, refusal },
        Attempt::Right(open) => {
            let claim = &open.claim.record;
            let refused = ClaimRecord { state: ClaimState::Refused(owner.id.clone()), ..claim.clone() };
            let event = open.event(Fact::ClaimRefused { claim: claim.id.clone() }, owner, now);
            Attempt::Right(Change::new(vec![Write::replace(open.claim, refused), open.keep_agent()], event))
        }
    })
}
