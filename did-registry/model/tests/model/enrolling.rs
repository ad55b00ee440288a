//! Enrolments: what an owner says beforehand, and the one agent that has it.

use handfast_delegation::Environment;
use handfast_identity::{Handle, Seconds, SigningKey};
use handfast_registry_model::*;

use crate::support::*;

fn request(scopes: &str) -> EnrolmentRequest {
    EnrolmentRequest {
        ceiling: ceiling(scopes, &[ECHO]),
        environment: Some(Environment::Test),
        label: None,
        lifetime: Seconds::new(3600),
    }
}

fn made(world: &mut World, owner: &OwnerRecord, request: EnrolmentRequest) -> MadeEnrolment {
    let scopes = scope("owner:self");
    let (policy, now) = (world.policy.clone(), world.now);
    let made = make_enrolment(caller(owner, &scopes), request, &policy, &world.code_key, now, &mut world.random);
    let made = made.unwrap();
    world.commit(&made.change).unwrap();
    made
}

fn statement(world: &World, key: &SigningKey, token: &str) -> AgentRegistration {
    AgentRegistration { enrolment: EnrolmentToken::new(token), ..world.statement(key) }
}

fn decide(
    world: &mut World,
    registration: &AgentRegistration,
    key: &SigningKey,
) -> Result<(Change, AgentRecord), Refusal> {
    let statement = world.verified(registration, key);
    let id = statement.registration().enrolment.as_ref().and_then(EnrolmentToken::id);
    let enrolment: Option<Loaded<EnrolmentRecord>> = id.and_then(|id| world.load(&Slot::enrolment(&id)));
    let stop = enrolment.as_ref().map(|it| Slot::revocation(FeedKind::Owner, it.record.owner().as_str()));
    let stopped: Option<Loaded<RevocationRecord>> = stop.and_then(|slot| world.load(&slot));
    let case = EnrolmentCase { enrolment: enrolment.as_ref(), stopped: stopped.as_ref().map(|stop| &stop.record) };
    let name = Handle::generate(&mut world.random);
    let (did, name) = (world.did_slot(statement.did()), world.handle_slot(&name));
    enrol_agent(&statement, case, &did, &name, &world.code_key, world.now, &mut world.random)
}

fn enrolled(world: &mut World, registration: &AgentRegistration, key: &SigningKey) -> Result<AgentRecord, Refusal> {
    let before = world.snapshot();
    match decide(world, registration, key) {
        Ok((change, agent)) => {
            world.commit(&change).unwrap();
            Ok(agent)
        }
        Err(refusal) => {
            assert_eq!(world.snapshot(), before, "a refusal writes nothing");
            Err(refusal)
        }
    }
}

#[test]
fn the_agent_is_its_owners_at_once() {
    let mut world = World::new(1);
    let owner = world.owner(9);
    let made = made(&mut world, &owner, request("echo:read"));
    assert_eq!(world.log.last().unwrap().0.kind(), "enrolment_made");
    assert_eq!(made.enrolment.status(world.now), EnrolmentStatus::Open);
    let registration = statement(&world, &key(1), made.token.expose());
    let leaves = world.log.len();
    let agent = enrolled(&mut world, &registration, &key(1)).unwrap();
    assert_eq!((agent.status(), agent.owner()), (Status::Claimed, Some(owner.id())));
    assert_eq!((agent.ceiling(), agent.claimed_at()), (Some(made.enrolment.ceiling()), Some(world.now)));
    let (leaf, opening) = world.log.last().unwrap();
    assert_eq!((world.log.len(), leaf.kind()), (leaves + 1, "agent_enrolled"));
    // the statement as received, which names the enrolment
    assert_eq!(opening.statement(), registration.sign(&key(1)).unwrap().as_bytes());
    let handle: Loaded<HandleRecord> = world.load(&Slot::handle(agent.handle())).unwrap();
    assert!(handle.record.is_claimed(), "its handle is never given to anybody else");
    assert!(world.load::<OwnedAgent>(&Slot::owned_agent(owner.id(), agent.id())).is_some());
    let used: Loaded<EnrolmentRecord> = world.load(&Slot::enrolment(made.enrolment.id())).unwrap();
    assert_eq!(used.record.used(), Some((agent.did(), world.now)));
    assert_eq!(world.agent_of(&key(1).public().did()).unwrap().record, agent);
}

#[test]
fn every_way_in_which_it_is_not() {
    let mut world = World::new(2);
    let (owner, other) = (world.owner(9), world.owner(8));
    let good = made(&mut world, &owner, request("echo:read"));
    let twin = made(&mut world, &owner, request("echo:read"));
    let (text, foreign) = (good.token.expose().to_owned(), twin.token.expose().to_owned());
    let (id, _) = text.split_once('.').unwrap();
    let (_, secret) = foreign.split_once('.').unwrap();
    for wrong in ["", "junk", id, &format!("{id}.{secret}"), &format!("{text}0"), "enrol_0123456789abcdefghjkmnpqrs"] {
        let registration = statement(&world, &key(1), wrong);
        assert_eq!(enrolled(&mut world, &registration, &key(1)), Err(Refusal::InvalidEnrolment), "{wrong}");
    }
    let registration = statement(&world, &key(1), &text);
    let expecting = AgentRegistration { expected_owner: Some(other.id().clone()), ..registration.clone() };
    assert_eq!(enrolled(&mut world, &expecting, &key(1)), Err(Refusal::OtherOwnerExpected));
    let profile = Profile { environment: Environment::Prod, ..registration.profile.clone() };
    let elsewhere = AgentRegistration { profile, ..registration.clone() };
    assert_eq!(enrolled(&mut world, &elsewhere, &key(1)), Err(Refusal::EnvironmentMismatch));
    // a DID that is known is refused as ever, and costs no enrolment
    world.agent(3);
    let known = statement(&world, &key(3), &text);
    assert_eq!(enrolled(&mut world, &known, &key(3)), Err(Refusal::DidRegistered));
    let expecting = AgentRegistration { expected_owner: Some(owner.id().clone()), ..registration };
    assert!(enrolled(&mut world, &expecting, &key(1)).is_ok());
    let second = statement(&world, &key(2), &text);
    assert_eq!(enrolled(&mut world, &second, &key(2)), Err(Refusal::EnrolmentUsed));
    // the last second, and the first that is too late
    world.pass(3599);
    let late = statement(&world, &key(2), &foreign);
    assert!(decide(&mut world, &late, &key(2)).is_ok());
    world.pass(1);
    let late = statement(&world, &key(2), &foreign);
    assert_eq!(enrolled(&mut world, &late, &key(2)), Err(Refusal::EnrolmentExpired));
}

#[test]
fn of_any_number_of_agents_one_has_it() {
    // P-13
    let mut world = World::new(3);
    let owner = world.owner(9);
    let made = made(&mut world, &owner, request("echo:read"));
    let (first, second) =
        (statement(&world, &key(1), made.token.expose()), statement(&world, &key(2), made.token.expose()));
    let (one, _) = decide(&mut world, &first, &key(1)).unwrap();
    let (two, _) = decide(&mut world, &second, &key(2)).unwrap();
    world.commit(&two).unwrap();
    assert_eq!(world.commit(&one), Err(Conflict(Slot::enrolment(made.enrolment.id()))));
    assert_eq!(enrolled(&mut world, &first, &key(1)), Err(Refusal::EnrolmentUsed));
}

fn call_off(world: &mut World, by: &OwnerRecord, scopes: &str, id: &EnrolmentId) -> Result<bool, Refusal> {
    let scopes = scope(scopes);
    let loaded: Option<Loaded<EnrolmentRecord>> = world.load(&Slot::enrolment(id));
    match revoke_enrolment(caller(by, &scopes), loaded.as_ref(), None, world.now)? {
        Outcome::Unchanged => Ok(false),
        Outcome::Changed(change) => {
            world.commit(&change).unwrap();
            Ok(true)
        }
    }
}

#[test]
fn an_enrolment_is_called_off_by_whoever_may() {
    let mut world = World::new(4);
    let (owner, other, admin) = (world.owner(9), world.owner(8), world.owner_as(7, Role::Admin));
    let made_one = made(&mut world, &owner, request("echo:read"));
    let id = made_one.enrolment.id().clone();
    for (who, scopes) in [(&other, "owner:self"), (&admin, "registry:read"), (&admin, "owner:self"), (&owner, "")] {
        assert_eq!(call_off(&mut world, who, scopes, &id), Err(Refusal::UnknownEnrolment), "{scopes}");
    }
    assert_eq!(call_off(&mut world, &owner, "owner:self", &id), Ok(true));
    assert_eq!(world.log.last().unwrap().0.kind(), "enrolment_revoked");
    assert_eq!(call_off(&mut world, &owner, "owner:self", &id), Ok(false));
    let registration = statement(&world, &key(1), made_one.token.expose());
    assert_eq!(enrolled(&mut world, &registration, &key(1)), Err(Refusal::EnrolmentRevoked));
    let second = made(&mut world, &owner, request("echo:read"));
    assert_eq!(call_off(&mut world, &admin, "registry:admin", second.enrolment.id()), Ok(true));
    let third = made(&mut world, &owner, request("echo:read"));
    let registration = statement(&world, &key(1), third.token.expose());
    enrolled(&mut world, &registration, &key(1)).unwrap();
    assert_eq!(call_off(&mut world, &owner, "owner:self", third.enrolment.id()), Err(Refusal::EnrolmentUsed));
}

#[test]
fn what_an_owner_made_before_being_stopped_is_void() {
    let mut world = World::new(5);
    let owner = world.owner(9);
    let before = made(&mut world, &owner, request("echo:read"));
    let scopes = scope("owner:self");
    let case = OwnerToStop { owner: Some(&owner), before: None };
    let stopped = revoke_owner(caller(&owner, &scopes), case, None, world.now).unwrap();
    let (_, record) = world.stop(stopped);
    let registration = statement(&world, &key(1), before.token.expose());
    assert_eq!(enrolled(&mut world, &registration, &key(1)), Err(Refusal::EnrolmentRevoked));
    while Some(world.now) <= record.cut() {
        world.pass(1);
    }
    let after = made(&mut world, &owner, request("echo:read"));
    let registration = statement(&world, &key(1), after.token.expose());
    assert!(enrolled(&mut world, &registration, &key(1)).is_ok());
}

#[test]
fn a_token_that_is_asked_for_again_takes_the_place_of_the_first() {
    let mut world = World::new(6);
    let (owner, other) = (world.owner(9), world.owner(8));
    let first = made(&mut world, &owner, request("echo:read"));
    let scopes = scope("owner:self");
    let renew = |world: &mut World, by: &OwnerRecord| {
        let loaded: Option<Loaded<EnrolmentRecord>> = world.load(&Slot::enrolment(first.enrolment.id()));
        renew_enrolment(caller(by, &scopes), loaded.as_ref(), &world.code_key, world.now, &mut world.random)
    };
    assert_eq!(renew(&mut world, &other).err(), Some(Refusal::UnknownEnrolment));
    let second = renew(&mut world, &owner).unwrap();
    world.commit(&second.change).unwrap();
    assert_eq!(second.enrolment.id(), first.enrolment.id());
    let old = statement(&world, &key(1), first.token.expose());
    assert_eq!(enrolled(&mut world, &old, &key(1)), Err(Refusal::InvalidEnrolment));
    let new = statement(&world, &key(1), second.token.expose());
    assert!(enrolled(&mut world, &new, &key(1)).is_ok());
    assert_eq!(renew(&mut world, &owner).err(), Some(Refusal::EnrolmentUsed));
}

#[test]
fn a_ceiling_is_of_what_the_registry_knows() {
    let mut world = World::new(7);
    let (owner, policy) = (world.owner(9), world.policy.clone());
    let scopes = scope("owner:self");
    let mut refused = |request: EnrolmentRequest| {
        make_enrolment(caller(&owner, &scopes), request, &policy, &world.code_key, world.now, &mut world.random).err()
    };
    let unknown = EnrolmentRequest { ceiling: ceiling("echo:read", &["urn:nowhere"]), ..request("echo:read") };
    assert_eq!(refused(unknown), Some(Refusal::InvalidTarget));
    assert_eq!(refused(request("echo:fly")), Some(Refusal::InvalidScope { excess: scope("echo:fly") }));
    let none = scope("registry:read");
    let no_owner = make_enrolment(
        caller(&owner, &none),
        request("echo:read"),
        &policy,
        &world.code_key,
        world.now,
        &mut world.random,
    );
    assert_eq!(no_owner.err(), Some(Refusal::Forbidden));
}

#[test]
fn agents_are_listed_by_where_they_stand() {
    let mut world = World::new(8);
    let owner = world.owner(9);
    let listed = |world: &World, status: Status, agent: &AgentId| {
        world.load::<StatusEntry>(&Slot::status_entry(status, agent)).is_some()
    };
    let done = world.agent(1);
    let id = done.agent.id().clone();
    let all =
        |world: &World| [Status::Unclaimed, Status::Claimed, Status::Revoked].map(|status| listed(world, status, &id));
    assert_eq!(all(&world), [true, false, false]);
    world.claim(&done, &owner);
    assert_eq!(all(&world), [false, true, false]);
    world.revoke(&owner, "owner:self", done.agent.did()).unwrap();
    assert_eq!(all(&world), [false, false, true]);
    // one that expired goes when its DID is given again
    let unused = world.agent(2).agent.id().clone();
    world.pass(limits::UNCLAIMED_LIFETIME.get());
    world.agent(2);
    assert!(!listed(&world, Status::Unclaimed, &unused));
}
