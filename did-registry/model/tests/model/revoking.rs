//! Stopping other things than agents.

use crate::support::*;
use handfast_delegation::{Authority, Hop, SignedHop, UnverifiedAccessToken, UnverifiedHop, VerifiedAccessToken};
use handfast_identity::{ContentHash, DidKey, Seconds, UnixTime};
use handfast_registry_model::limits::REVOCATION_MARGIN;
use handfast_registry_model::*;

/// A world with an owner (seed 10), their agent (seed 1), and a token of it inside a task of its own.
fn working() -> (World, OwnerRecord, TaskId) {
    let mut world = World::new(17);
    let (agent, owner) = (world.agent(1), world.owner(10));
    world.claim(&agent, &owner);
    let task = task_of(&world.token(&key(1), &[("task_intent", "tidy up")]).unwrap());
    (world, owner, task)
}

fn task_of(grant: &TokenGrant) -> TaskId {
    TaskId::parse(&grant.token().task.as_ref().unwrap().id).unwrap()
}

#[test]
fn a_revoked_task_gives_no_more_tokens_and_another_does() {
    let (mut world, owner, task) = working();
    let own = scope("owner:self");
    let other = task_of(&world.token(&key(1), &[("task_intent", "another")]).unwrap());
    let deadline = world.task(&task).unwrap().record.deadline();
    let leaf = world.task(&task).unwrap().record.leaf();
    world.pass(7);
    let (is_news, record) = world.revoke_task(caller(&owner, &own), &task, Some("enough")).unwrap();
    let until = deadline.saturating_add(REVOCATION_MARGIN);
    assert!(is_news);
    assert_eq!((record.kind(), record.id(), record.why()), (FeedKind::Task, task.as_str(), Some("enough")));
    assert_eq!((record.at(), record.until()), (world.now, Some(until)));
    assert_eq!(record.by(), &Party::Owner(owner.id().clone()));
    let entry = FeedEntry { kind: FeedKind::Task, id: task.to_string(), cut: None, until: Some(until) };
    assert_eq!(world.feed, [entry], "without cut-off: also what is being issued now is stopped");
    assert_eq!(world.log.last().unwrap().0.kind(), "task_revoked");

    let form = [("task", task.as_str())];
    let refused = world.token(&key(1), &form).map(|_| ());
    assert_eq!(refused, Err(Refusal::InvalidGrant(GrantFault::TaskRevoked)));
    let revoked = world.task(&task).unwrap().record;
    assert_eq!((revoked.revoked_at(), revoked.leaf()), (Some(world.now), leaf), "it keeps its place in the log");
    world.token(&key(1), &[("task", other.as_str())]).unwrap();
    assert_ne!(task_of(&world.token(&key(1), &[]).unwrap()), task);
}

#[test]
fn a_revoked_default_task_is_replaced() {
    let (mut world, owner, _) = working();
    let own = scope("owner:self");
    let first = task_of(&world.token(&key(1), &[]).unwrap());
    world.revoke_task(caller(&owner, &own), &first, None).unwrap();
    assert_ne!(task_of(&world.token(&key(1), &[]).unwrap()), first);
}

#[test]
fn again_is_the_first_answer_and_writes_nothing() {
    let (mut world, owner, task) = working();
    let (own, all) = (scope("owner:self"), scope("registry:admin"));
    let admin = world.owner_as(12, Role::Admin);
    let (_, first) = world.revoke_task(caller(&owner, &own), &task, Some("first")).unwrap();
    let before = world.snapshot();
    world.pass(60);
    for again in [caller(&owner, &own), caller(&admin, &all)] {
        assert_eq!(world.revoke_task(again, &task, Some("second")), Ok((false, first.clone())));
    }
    assert_eq!(world.snapshot(), before);
}

#[test]
fn a_task_is_its_owners_and_the_admins_to_stop() {
    let (mut world, owner, task) = working();
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    world.agent(2);
    let (own, read, all, this) =
        (scope("owner:self"), scope("registry:read"), scope("registry:admin"), scope("agent:self"));
    let records = [1, 2].map(|seed| world.agent_of(&key(seed).public().did()).unwrap().record);
    let [agent, other] = &records;
    let as_agent = |record| Caller::agent(Some(record), AgentRecord::did(record).as_str(), &this, at(0)).unwrap();
    let before = world.snapshot();
    for (who, expected) in [
        (caller(&stranger, &own), Refusal::UnknownTask),
        (caller(&stranger, &all), Refusal::UnknownTask),
        (caller(&admin, &own), Refusal::UnknownTask),
        (caller(&admin, &read), Refusal::UnknownTask),
        (caller(&owner, &read), Refusal::UnknownTask),
        (as_agent(other), Refusal::UnknownTask),
        (as_agent(agent), Refusal::Forbidden),
    ] {
        assert_eq!(world.revoke_task(who, &task, None), Err(expected), "{who:?}");
    }
    let nobody = TaskId::parse("task_0123456789abcdefghjkmnpqrs").unwrap();
    assert_eq!(world.revoke_task(caller(&owner, &own), &nobody, None), Err(Refusal::UnknownTask));
    assert_eq!(world.snapshot(), before);
    assert!(world.revoke_task(caller(&admin, &all), &task, None).unwrap().0);
}

#[test]
fn what_is_over_gets_no_entry_once_nothing_of_it_lives() {
    for (behind, entries) in [(0, 1), (60, 1), (61, 0)] {
        let (mut world, owner, task) = working();
        let own = scope("owner:self");
        world.now = world.task(&task).unwrap().record.deadline().saturating_add(Seconds::new(behind));
        let (is_news, record) = world.revoke_task(caller(&owner, &own), &task, None).unwrap();
        assert_eq!((is_news, world.feed.len()), (true, entries), "{behind}");
        assert_eq!(world.revoke_task(caller(&owner, &own), &task, None), Ok((false, record)));
    }
}

#[test]
fn completing_does_not_undo_it() {
    let (mut world, owner, task) = working();
    let own = scope("owner:self");
    world.revoke_task(caller(&owner, &own), &task, None).unwrap();
    let loaded = world.task(&task);
    let agent = world.agent_of(&key(1).public().did()).map(|agent| agent.record);
    let done = complete_task(caller(&owner, &own), loaded.as_ref(), agent.as_ref(), None, world.now);
    assert_eq!(done, Ok(Outcome::Unchanged));
}

// ---- tokens ----

/// The record of a token's client, if it is an agent.
fn client_of(world: &World, token: &VerifiedAccessToken) -> Option<AgentRecord> {
    let did = DidKey::parse(&token.claims().client_id).unwrap();
    world.load::<DidRecord>(&Slot::did(&did)).and_then(|_| world.agent_of(&did)).map(|agent| agent.record)
}

fn stop_token(
    world: &mut World,
    who: Caller<'_>,
    token: &VerifiedAccessToken,
) -> Result<(bool, RevocationRecord), Refusal> {
    let agent = client_of(world, token);
    let stops = who.as_agent().and_then(|agent| world.load(&Slot::stops(agent.id())));
    let before = world.load::<RevocationRecord>(&Slot::revocation(FeedKind::Token, &token.claims().token_id));
    let before = before.map(|before| before.record);
    let case = TokenToStop { token, agent: agent.as_ref(), stops: stops.as_ref(), before: before.as_ref() };
    let stopped = revoke_token(who, case, None, world.now)?;
    Ok(world.stop(stopped))
}

fn signed(grant: &TokenGrant) -> VerifiedAccessToken {
    let issuer = key(200);
    let text = grant.token().sign("k", &issuer).unwrap();
    UnverifiedAccessToken::parse(&text).unwrap().verify(issuer.public()).unwrap()
}

#[test]
fn a_token_is_stopped_by_those_it_concerns() {
    let (mut world, owner, _) = working();
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    let sister = world.agent(2);
    world.claim(&sister, &owner);
    let (own, read, all, this) =
        (scope("owner:self"), scope("registry:read"), scope("registry:admin"), scope("agent:self"));
    let records = [1, 2].map(|seed| world.agent_of(&key(seed).public().did()).unwrap().record);
    let [agent, other] = &records;
    let as_agent = |record| Caller::agent(Some(record), AgentRecord::did(record).as_str(), &this, at(0)).unwrap();
    for (who, by) in [
        (as_agent(agent), Some(Party::Agent(agent.did().clone()))),
        (as_agent(other), None),
        (caller(&owner, &own), Some(Party::Owner(owner.id().clone()))),
        (caller(&owner, &read), None),
        (caller(&stranger, &own), None),
        (caller(&stranger, &all), None),
        (caller(&admin, &own), None),
        (caller(&admin, &read), None),
        (caller(&admin, &all), Some(Party::Owner(admin.id().clone()))),
    ] {
        let token = signed(&world.token(&key(1), &[]).unwrap());
        let until = token.claims().authority.expires_at.saturating_add(REVOCATION_MARGIN);
        let before = world.snapshot();
        let stopped = stop_token(&mut world, who, &token);
        let Some(by) = by else {
            assert_eq!((stopped, world.snapshot()), (Err(Refusal::Forbidden), before), "{who:?}");
            continue;
        };
        let (is_news, record) = stopped.unwrap();
        assert_eq!((is_news, record.by(), record.until()), (true, &by, Some(until)));
        let id = token.claims().token_id.clone();
        assert_eq!(
            world.feed.last(),
            Some(&FeedEntry { kind: FeedKind::Token, id: id.to_string(), cut: None, until: Some(until) })
        );
        assert_eq!(stop_token(&mut world, who, &token), Ok((false, record)));
        assert_eq!(world.log.last().unwrap().0.kind(), "token_revoked");
    }
}

#[test]
fn a_token_of_before_the_claim_is_the_owners_to_stop_too() {
    let mut world = World::new(18);
    let (agent, owner) = (world.agent(1), world.owner(10));
    let token = signed(&world.token(&key(1), &[]).unwrap());
    let own = scope("owner:self");
    assert_eq!(stop_token(&mut world, caller(&owner, &own), &token), Err(Refusal::Forbidden));
    world.claim(&agent, &owner);
    assert!(stop_token(&mut world, caller(&owner, &own), &token).unwrap().0);
}

#[test]
fn a_token_that_is_over_is_not_stopped_any_more() {
    for (behind, expected) in [(60, None), (61, Some(Refusal::InvalidEvidence))] {
        let (mut world, owner, _) = working();
        let own = scope("owner:self");
        let token = signed(&world.token(&key(1), &[]).unwrap());
        world.now = token.claims().authority.expires_at.saturating_add(Seconds::new(behind));
        assert_eq!(stop_token(&mut world, caller(&owner, &own), &token).err(), expected, "{behind}");
    }
}

// ---- hops ----

/// A hop of `task` by the agent of seed 1, ending then, that nobody exchanged.
fn shown_hop(task: &TaskId, expires_at: UnixTime) -> SignedHop {
    let authority = plain_authority(scope("echo:read"), vec![resource(ECHO)]).unwrap();
    let hop = Hop {
        delegator: key(1).public().did().text(),
        delegate: key(2).public().did(),
        subject: "owner".into(),
        task: task.to_string().into(),
        authority: Authority { expires_at, ..authority },
        issued_at: UnixTime::from_secs(expires_at.as_secs() - 600),
        not_before: None,
        hop_id: "hop_1".into(),
        depth: 1,
        is_instance: false,
        parent: ContentHash::of(b"root"),
    };
    UnverifiedHop::parse(&hop.sign(&key(1)).unwrap()).unwrap().verify().unwrap()
}

fn stop_hop(
    world: &mut World,
    who: Caller<'_>,
    hop: &SignedHop,
    task: &TaskId,
) -> Result<(bool, RevocationRecord), Refusal> {
    let task = world.task(task).map(|task| task.record);
    let agent = task.as_ref().and_then(|task| world.load::<AgentRecord>(&Slot::agent(task.agent())));
    let stops = who.as_agent().and_then(|agent| world.load(&Slot::stops(agent.id())));
    let before = world.load::<RevocationRecord>(&Slot::revocation(FeedKind::Hop, &hop.name().to_string()));
    let case = HopToStop {
        hop: KnownHop::Shown(hop),
        task: task.as_ref(),
        agent: agent.as_ref().map(|agent| &agent.record),
        stops: stops.as_ref(),
        before: before.as_ref().map(|before| &before.record),
    };
    let stopped = revoke_hop(who, case, None, world.now)?;
    Ok(world.stop(stopped))
}

#[test]
fn a_hop_is_stopped_until_it_or_its_task_has_ended() {
    for (past_deadline, kept) in [(-300_i64, -300), (0, 0), (600, 0)] {
        let (mut world, owner, task) = working();
        let own = scope("owner:self");
        let deadline = world.task(&task).unwrap().record.deadline();
        let at = |shift: i64| UnixTime::from_secs(deadline.as_secs().saturating_add_signed(shift));
        let hop = shown_hop(&task, at(past_deadline));
        world.now = at(-600);
        let (is_news, record) = stop_hop(&mut world, caller(&owner, &own), &hop, &task).unwrap();
        let until = at(kept).saturating_add(REVOCATION_MARGIN);
        assert_eq!((is_news, record.until()), (true, Some(until)), "{past_deadline}");
        let id = hop.name().to_string();
        assert_eq!(world.feed, [FeedEntry { kind: FeedKind::Hop, id, cut: None, until: Some(until) }]);
        assert_eq!(world.log.last().unwrap().0.kind(), "hop_revoked");
        world.now = until;
        assert_eq!(stop_hop(&mut world, caller(&owner, &own), &hop, &task), Ok((false, record)));
    }
}

#[test]
fn a_hop_that_is_over_or_of_another_task_is_not_stopped() {
    let (mut world, owner, task) = working();
    let own = scope("owner:self");
    let other = task_of(&world.token(&key(1), &[("task_intent", "another")]).unwrap());
    let hop = shown_hop(&task, at(600));
    let before = world.snapshot();
    for wrong in [&other, &TaskId::parse("task_0123456789abcdefghjkmnpqrs").unwrap()] {
        assert_eq!(stop_hop(&mut world, caller(&owner, &own), &hop, wrong), Err(Refusal::InvalidEvidence));
    }
    world.now = at(661);
    assert_eq!(stop_hop(&mut world, caller(&owner, &own), &hop, &task), Err(Refusal::InvalidEvidence));
    assert_eq!(world.snapshot(), before);
    world.now = at(660);
    assert!(stop_hop(&mut world, caller(&owner, &own), &hop, &task).unwrap().0);
}

#[test]
fn a_hop_is_stopped_by_its_delegator_its_owner_and_admins() {
    let (mut world, owner, task) = working();
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    let delegate = world.agent(2);
    world.claim(&delegate, &owner);
    let (own, read, all, this) =
        (scope("owner:self"), scope("registry:read"), scope("registry:admin"), scope("agent:self"));
    let records = [1, 2].map(|seed| world.agent_of(&key(seed).public().did()).unwrap().record);
    let [delegator, delegate] = &records;
    let as_agent = |record| Caller::agent(Some(record), AgentRecord::did(record).as_str(), &this, at(0)).unwrap();
    for (seconds, (who, is_allowed)) in (600..).zip([
        (as_agent(delegator), true),
        (as_agent(delegate), false),
        (caller(&owner, &own), true),
        (caller(&owner, &read), false),
        (caller(&stranger, &own), false),
        (caller(&stranger, &all), false),
        (caller(&admin, &own), false),
        (caller(&admin, &read), false),
        (caller(&admin, &all), true),
    ]) {
        let hop = shown_hop(&task, at(seconds));
        let found = stop_hop(&mut world, who, &hop, &task).map(|(is_news, _)| is_news);
        assert_eq!(found, if is_allowed { Ok(true) } else { Err(Refusal::Forbidden) }, "{who:?}");
    }
}

// ---- owners ----

fn stop_owner(world: &mut World, who: Caller<'_>, id: &OwnerId) -> Result<(bool, RevocationRecord), Refusal> {
    let owner = world.load::<OwnerRecord>(&Slot::owner(id)).map(|owner| owner.record);
    let before = world.load::<RevocationRecord>(&Slot::revocation(FeedKind::Owner, id.as_str()));
    let case = OwnerToStop { owner: owner.as_ref(), before: before.as_ref() };
    let stopped = revoke_owner(who, case, None, world.now)?;
    Ok(world.stop(stopped))
}

#[test]
fn an_owner_is_cut_off_a_little_ahead_and_again_only_behind_that() {
    let (mut world, owner, _) = working();
    let own = scope("owner:self");
    let (is_news, first) = stop_owner(&mut world, caller(&owner, &own), owner.id()).unwrap();
    let (cut, until) = (at(5), at(5 + 3600 + 60));
    assert_eq!((is_news, first.at(), first.cut(), first.until()), (true, at(0), Some(cut), Some(until)));
    let entry = |cut, until| FeedEntry {
        kind: FeedKind::Owner,
        id: owner.id().to_string(),
        cut: Some(cut),
        until: Some(until),
    };
    assert_eq!(world.feed, [entry(cut, until)]);
    assert_eq!(world.log.last().unwrap().0.kind(), "owner_revoked");
    world.pass(5);
    assert_eq!(stop_owner(&mut world, caller(&owner, &own), owner.id()), Ok((false, first)));
    world.pass(1);
    let (is_news, second) = stop_owner(&mut world, caller(&owner, &own), owner.id()).unwrap();
    assert_eq!((is_news, second.cut()), (true, Some(at(11))));
    assert_eq!(world.feed, [entry(cut, until), entry(at(11), at(11 + 3660))]);
}

#[test]
fn an_owner_is_stopped_by_themselves_and_admins() {
    let (mut world, owner, _) = working();
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    let (own, read, all, this) =
        (scope("owner:self"), scope("registry:read"), scope("registry:admin"), scope("agent:self"));
    let agent = world.agent_of(&key(1).public().did()).unwrap().record;
    let as_agent = Caller::agent(Some(&agent), agent.did().as_str(), &this, at(0)).unwrap();
    let nobody = OwnerId::parse("owner:0123456789abcdefghjkmnpqrs").unwrap();
    let before = world.snapshot();
    for who in [
        caller(&owner, &read),
        caller(&stranger, &own),
        caller(&stranger, &all),
        caller(&admin, &own),
        caller(&admin, &read),
        as_agent,
    ] {
        for id in [owner.id(), &nobody] {
            assert_eq!(stop_owner(&mut world, who, id), Err(Refusal::Forbidden), "{who:?}");
        }
    }
    assert_eq!(stop_owner(&mut world, caller(&admin, &all), &nobody), Err(Refusal::InvalidRequest));
    assert_eq!(world.snapshot(), before);
    assert!(stop_owner(&mut world, caller(&admin, &all), owner.id()).unwrap().0);
}

#[test]
fn a_token_key_is_stopped_by_admins_for_ever() {
    let (mut world, owner, _) = working();
    let admin = world.owner_as(12, Role::Admin);
    let (own, read, all) = (scope("owner:self"), scope("registry:read"), scope("registry:admin"));
    let stop = |who: Caller<'_>, id, before: Option<&RevocationRecord>, now| {
        revoke_issuer_key(who, IssuerKeyToStop { id, before }, None, now)
    };
    for who in [caller(&owner, &own), caller(&owner, &all), caller(&admin, &own), caller(&admin, &read)] {
        assert_eq!(stop(who, Some("kid"), None, at(0)).err(), Some(Refusal::Forbidden), "{who:?}");
    }
    let admin = caller(&admin, &all);
    assert_eq!(stop(admin, None, None, at(0)).err(), Some(Refusal::InvalidRequest));
    let (is_news, record) = world.stop(stop(admin, Some("kid"), None, at(0)).unwrap());
    assert_eq!((is_news, record.id(), record.at(), record.cut(), record.until()), (true, "kid", at(0), None, None));
    assert_eq!(world.feed, [FeedEntry { kind: FeedKind::IssuerKey, id: "kid".to_owned(), cut: None, until: None }]);
    assert_eq!(world.log.last().unwrap().0.kind(), "issuer_key_revoked");
    // also when the key is published no more
    assert_eq!(stop(admin, None, Some(&record), at(9)).unwrap(), Stopped::Before(record));
}
