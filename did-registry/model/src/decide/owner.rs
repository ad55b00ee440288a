//! Owners: the codes that make them, and their registration.

use handfast_identity::{RandomSource, UnixTime};

use super::free::DidSlot;
use crate::change::Write;
use crate::limits::OWNER_CODE_LIFETIME;
use crate::record::Organisation;
use crate::{
    Caller, Change, DidHolder, DidRecord, Event, Expect, Fact, Loaded, OwnerCode, OwnerCodeRecord, OwnerCodeRequest,
    OwnerId, OwnerRecord, Party, Refusal, Stored, VerifiedOwnerRegistration,
};

/// Who makes an enrolment code.
#[derive(Clone, Copy, Debug)]
pub enum CodeMaker<'a> {
    /// An admin, by a management call.
    Admin(Caller<'a>),
    /// Whoever sets the registry up, at the machine itself.
    Operator,
}

/// Makes an enrolment code: single use, good for 24 hours, shown this once.
///
/// # Errors
///
/// [`Refusal::Forbidden`] unless the caller is an admin with `registry:admin`.
pub fn make_owner_code(
    maker: CodeMaker<'_>,
    request: OwnerCodeRequest,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, OwnerCode), Refusal> {
    let admin = match maker {
        CodeMaker::Admin(caller) => Some(caller.as_admin()?),
        CodeMaker::Operator => None,
    };
    let OwnerCodeRequest { role, name } = request;
    let code = OwnerCode::generate(random);
    let record = OwnerCodeRecord {
        digest: code.digest(),
        organisation: admin.map_or_else(Organisation::default, |admin| admin.organisation.clone()),
        role,
        name,
        expires: now.saturating_add(OWNER_CODE_LIFETIME),
        used_by: None,
    };
    let event = Event {
        fact: Fact::OwnerCodeMade { role },
        who: admin.map_or(Party::Operator, |admin| Party::Owner(admin.id.clone())),
        why: None,
        when: now,
        did: admin.map(|admin| admin.did.clone()),
    };
    Ok((Change::new(vec![Write::put(Expect::Absent, record)], event), code))
}

/// Makes an enrolment code in the place of one that nobody used: whoever made it asks again for what that was answered with.
///
/// # Errors
///
/// As [`make_owner_code`]; [`Refusal::CodeUsed`].
pub fn replace_owner_code(
    maker: CodeMaker<'_>,
    replaced: &Loaded<OwnerCodeRecord>,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, OwnerCode), Refusal> {
    let before = &replaced.record;
    if before.used_by.is_some() {
        return Err(Refusal::CodeUsed);
    }
    let request = OwnerCodeRequest { role: before.role, name: before.name.clone() };
    let (mut change, code) = make_owner_code(maker, request, now, random)?;
    change.writes.push(Write::Delete { slot: before.slot(), version: replaced.version });
    Ok((change, code))
}

/// Registers an owner who has a code and proved a key. `code` is the record at the statement's `code_slot`.
///
/// # Errors
///
/// [`Refusal::WrongCode`], [`Refusal::CodeUsed`], [`Refusal::CodeExpired`]; [`Refusal::DidRegistered`] also for the DID
/// of an agent: a client is one or the other.
pub fn register_owner(
    statement: &VerifiedOwnerRegistration,
    code: Option<&Loaded<OwnerCodeRecord>>,
    did: &DidSlot,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, OwnerRecord), Refusal> {
    let code = code.ok_or(Refusal::WrongCode)?;
    if code.record.used_by.is_some() {
        return Err(Refusal::CodeUsed);
    }
    if now >= code.record.expires {
        return Err(Refusal::CodeExpired);
    }
    let free = did.free(statement.did(), now)?;
    let owner = OwnerRecord {
        id: OwnerId::generate(random),
        organisation: code.record.organisation.clone(),
        did: statement.did().clone(),
        name: code.record.name.clone(),
        role: code.record.role,
        created: now,
    };
    let did_record = DidRecord {
        did: owner.did.clone(),
        organisation: owner.organisation.clone(),
        holder: DidHolder::Owner(owner.id.clone()),
    };
    let used = OwnerCodeRecord { used_by: Some(owner.id.clone()), ..code.record.clone() };
    let mut writes = free.clear;
    writes.extend([
        Write::put(Expect::Absent, owner.clone()),
        Write::put(free.expect, did_record),
        Write::replace(code, used),
    ]);
    let event = Event {
        fact: Fact::OwnerRegistered { statement: statement.text().clone() },
        who: Party::Owner(owner.id.clone()),
        why: None,
        when: now,
        did: Some(owner.did.clone()),
    };
    Ok((Change::new(writes, event), owner))
}
