//! spec/lifecycle.md: its table, cell by cell, and what each event does to what was issued before.

use handfast_delegation::Environment;
use handfast_identity::Handle;
use handfast_registry_model::*;

use crate::life_support::is_stopped;
use crate::lifecycle_table::{STATES, cells};
use crate::support::*;

const AGENT: u8 = 1;
/// The key that is to take the place of the agent's.
const NEXT: u8 = 2;
/// The owner's.
const OWNER: u8 = 100;

/// Two owners, another one, and an admin, with one agent in some state.
struct Case {
    world: World,
    owner: OwnerRecord,
    heir: OwnerRecord,
    other: OwnerRecord,
    admin: OwnerRecord,
    claim: Option<IssuedClaim>,
}

impl Case {
    fn new(state: &str) -> Self {
        let mut world = World::new(5);
        let (owner, heir, other) = (world.owner(OWNER), world.owner(101), world.owner(102));
        let admin = world.owner_as(103, Role::Admin);
        let mut case = Self { world, owner, heir, other, admin, claim: None };
        if state != "none" {
            let agent = case.world.agent(AGENT);
            if state != "UNCLAIMED" {
                case.world.claim(&agent, &case.owner.clone());
            }
            case.claim = Some(agent.claim);
        }
        let (did, owner, heir) = (case.did(), case.owner.clone(), case.heir.clone());
        match state {
            "offered" => drop(case.world.offer(&owner, &did, &heir).unwrap()),
            "suspended" => drop(case.world.suspend(&owner, "owner:self", &did).unwrap()),
            "retired" => drop(case.world.retire(&owner, "owner:self", &did).unwrap()),
            "REVOKED" => drop(case.world.revoke(&owner, "owner:self", &did).unwrap()),
            _ => {}
        }
        assert_eq!(case.world.state(&did), state);
        case
    }

    #[allow(clippy::unused_self, reason = "the case's agent")]
    fn did(&self) -> handfast_identity::DidKey {
        key(AGENT).public().did()
    }

    /// The answer to an event: its status, and the reason of a refusal.
    fn meets(&mut self, event: &str) -> (u16, Option<&'static str>) {
        let did = self.did();
        let (owner, heir, other, admin) =
            (self.owner.clone(), self.heir.clone(), self.other.clone(), self.admin.clone());
        let world = &mut self.world;
        let wider = ceiling("echo:hello echo:read", &[ECHO]);
        let lower = ceiling("", &[ECHO]);
        let done = match event {
            "register" => {
                let name = Handle::generate(&mut world.random);
                world.register_as(&key(AGENT), &name).map(|_| 201)
            }
            "new_code" => world.new_code(&did).map(|_| 201),
            "claim" => self.claimed(),
            "token" => world.token(&key(AGENT), &[]).map(|_| 200),
            "task" => world.give_task(&owner, &did).map(|_| 201),
            "version" => world.state_version(&key(AGENT), "2.0").map(|_| 200),
            "suspend" => world.suspend(&owner, "owner:self", &did).map(|_| 200),
            "suspend_by_admin" => world.suspend(&admin, "registry:admin", &did).map(|_| 200),
            "resume" => world.resume(&owner, "owner:self", &did).map(|_| 200),
            "resume_by_admin" => world.resume(&admin, "registry:admin", &did).map(|_| 200),
            "retire" => world.retire(&owner, "owner:self", &did).map(|_| 200),
            "retire_by_admin" => world.retire(&admin, "registry:admin", &did).map(|_| 200),
            "offer" => world.offer(&owner, &did, &heir).map(|_| 200),
            "withdraw" => world.withdraw(&owner, &did).map(|_| 200),
            "decline" => world.withdraw(&heir, &did).map(|_| 200),
            "accept" => world.accept(&heir, &did).map(|_| 200),
            "wider_ceiling" => world.set_ceiling(&owner, &did, &wider).map(|_| 200),
            "lower_ceiling" => world.set_ceiling(&owner, &did, &lower).map(|_| 200),
            "environment" => world.move_to(&owner, &did, Environment::Prod).map(|_| 200),
            "revoke" => world.revoke(&owner, "owner:self", &did).map(|_| 200),
            "revoke_by_admin" => world.revoke(&admin, "registry:admin", &did).map(|_| 200),
            "rotate" => world.rotate_key(AGENT, NEXT, false).map(|()| 200),
            "approve_rotation" => self.answered(&owner, "owner:self", true),
            "approve_rotation_by_admin" => self.answered(&admin, "registry:admin", true),
            "refuse_rotation" => self.answered(&owner, "owner:self", false),
            "refuse_rotation_by_admin" => self.answered(&admin, "registry:admin", false),
            "recover" => world.recover_key((&owner, OWNER), AGENT, NEXT).map(|()| 200),
            "revoke_key" => world.stop_key(&owner, "owner:self", AGENT).map(|_| 200),
            "revoke_key_by_admin" => world.stop_key(&admin, "registry:admin", AGENT).map(|_| 200),
            "stranger" => {
                let all = [
                    world.suspend(&other, "owner:self", &did),
                    world.resume(&other, "owner:self", &did),
                    world.retire(&other, "owner:self", &did),
                    world.offer(&other, &did, &heir),
                    world.set_ceiling(&other, &did, &lower),
                    world.move_to(&other, &did, Environment::Prod),
                    world.revoke(&other, "owner:self", &did),
                    world.give_task(&other, &did).map(|_| true),
                ];
                assert!(all.iter().all(|answer| *answer == all[0]), "{all:?}");
                all[0].clone().map(|_| 200)
            }
            other => panic!("the table has an event `{other}` that nobody tries"),
        };
        match done {
            Ok(status) => (status, None),
            Err(refusal) => (refusal.answer().status, Some(refusal.answer().reason)),
        }
    }

    /// The answer to a rotation that waits, where the agent can have one.
    fn answered(&mut self, who: &OwnerRecord, scopes: &str, approves: bool) -> Result<u16, Refusal> {
        drop(self.world.rotate_key(AGENT, NEXT, true));
        self.world.answer_rotation((who, scopes), (AGENT, NEXT), approves).map(|()| 200)
    }

    fn claimed(&mut self) -> Result<u16, Refusal> {
        let owner = self.owner.clone();
        let none = ClaimId::generate(&mut self.world.random);
        let (id, code) = match &self.claim {
            Some(claim) => (claim.id.clone(), claim.code.expose().to_owned()),
            None => (none, "BCDFGHJK".to_owned()),
        };
        let ceiling = ceiling("echo:read", &[ECHO]);
        let view = self.world.approve(&id, &owner, &approval(&code, &ceiling, None, None))?;
        let words = view.map(|view| view.fingerprint);
        self.world.approve(&id, &owner, &approval(&code, &ceiling, None, words)).map(|_| 200)
    }
}

#[test]
fn every_event_in_every_state_has_the_answer_of_the_table() {
    for cell in cells() {
        let mut case = Case::new(cell.state);
        let before = case.world.snapshot();
        let (status, reason) = case.meets(&cell.event);
        assert_eq!((status, reason.map(str::to_owned)), (cell.status, cell.reason.clone()), "{cell:?}");
        assert_eq!(case.world.state(&case.did()), cell.after, "{cell:?}");
        if cell.reason.is_some() {
            assert_eq!(case.world.snapshot(), before, "a refusal writes nothing: {cell:?}");
        }
    }
}

#[test]
fn every_state_is_tried_by_every_event() {
    let all = cells();
    let events: std::collections::BTreeSet<_> = all.iter().map(|cell| cell.event.as_str()).collect();
    assert_eq!(all.len(), events.len() * STATES.len(), "an event stands twice");
}

/// The DID of the one agent is stopped for what was issued so many seconds after the start.
fn stopped(case: &Case, seconds: u64) -> bool {
    is_stopped(&case.world.feed, FeedKind::Agent, case.did().as_str(), START + seconds)
}

#[test]
fn suspend_resume_old_token_dead() {
    let mut case = Case::new("CLAIMED");
    let (did, owner) = (case.did(), case.owner.clone());
    let old = case.world.token(&key(AGENT), &[]).unwrap();
    let task = old.token().task.as_ref().unwrap().id.clone();
    case.world.pass(10);
    assert_eq!(case.world.suspend(&owner, "owner:self", &did), Ok(true));
    assert!(stopped(&case, 0) && stopped(&case, 99), "a state stops everything");
    let suspended = Err(Refusal::InvalidGrant(GrantFault::AgentSuspended));
    assert_eq!(case.world.token(&key(AGENT), &[("task", &task)]), suspended);
    case.world.pass(10);
    assert_eq!(case.world.resume(&owner, "owner:self", &did), Ok(true));
    assert!(stopped(&case, 0) && stopped(&case, 10) && stopped(&case, 20), "what was issued up to now stays dead");
    assert!(!stopped(&case, 21));
    // the registry issues only what is later
    let wait = Err(Refusal::SlowDown { retry_after: handfast_identity::Seconds::new(1) });
    assert_eq!(case.world.token(&key(AGENT), &[("task", &task)]), wait);
    case.world.pass(1);
    let new = case.world.token(&key(AGENT), &[("task", &task)]).unwrap();
    assert!(!stopped(&case, new.token().issued_at.as_secs() - START), "and in the task from before");
}

#[test]
fn a_clock_that_was_set_back_brings_nothing_back() {
    let mut case = Case::new("CLAIMED");
    let (did, owner) = (case.did(), case.owner.clone());
    case.world.pass(100);
    case.world.suspend(&owner, "owner:self", &did).unwrap();
    case.world.now = at(50);
    case.world.resume(&owner, "owner:self", &did).unwrap();
    assert!(stopped(&case, 100));
    assert!(matches!(case.world.token(&key(AGENT), &[]), Err(Refusal::SlowDown { .. })));
}

#[test]
fn what_an_admin_suspended_an_admin_resumes() {
    let mut case = Case::new("CLAIMED");
    let (did, owner, admin) = (case.did(), case.owner.clone(), case.admin.clone());
    case.world.suspend(&owner, "owner:self", &did).unwrap();
    let entries = case.world.feed.len();
    assert_eq!(case.world.suspend(&admin, "registry:admin", &did), Ok(true), "it is the admin's from now on");
    assert_eq!(case.world.feed.len(), entries, "and on the feed already");
    assert_eq!(case.world.suspend(&owner, "owner:self", &did), Ok(false));
    assert_eq!(case.world.resume(&owner, "owner:self", &did), Err(Refusal::Forbidden));
    assert_eq!(case.world.resume(&admin, "registry:admin", &did), Ok(true));
    assert_eq!(case.world.suspend(&owner, "owner:self", &did), Ok(true));
    assert_eq!(case.world.resume(&owner, "owner:self", &did), Ok(true));
}

#[test]
fn a_lower_ceiling_ends_tasks_and_tokens_and_a_wider_one_nothing() {
    let mut case = Case::new("CLAIMED");
    let (did, owner) = (case.did(), case.owner.clone());
    let task = case.world.give_task(&owner, &did).unwrap();
    let entries = case.world.feed.len();
    let wider = ceiling("echo:hello echo:read", &[ECHO]);
    assert_eq!(case.world.set_ceiling(&owner, &did, &wider), Ok(true));
    assert_eq!(case.world.set_ceiling(&owner, &did, &wider), Ok(false));
    assert_eq!(case.world.feed.len(), entries);
    assert!(case.world.token(&key(AGENT), &[("task", task.id().as_str())]).is_ok());
    // the same again is lower: it lacks a scope
    let lower = ceiling("echo:read", &[ECHO]);
    assert_eq!(case.world.set_ceiling(&owner, &did, &lower), Ok(true));
    assert!(stopped(&case, 0) && stopped(&case, 5) && !stopped(&case, 6), "up to five seconds ahead");
    assert!(matches!(case.world.token(&key(AGENT), &[]), Err(Refusal::SlowDown { .. })));
    case.world.pass(6);
    let ended = Err(Refusal::InvalidGrant(GrantFault::TaskEnded));
    assert_eq!(case.world.token(&key(AGENT), &[("task", task.id().as_str())]), ended);
    assert!(case.world.token(&key(AGENT), &[]).is_ok(), "with a new task");
    let entry = case.world.feed.last().unwrap();
    let until = at(5).as_secs() + 3600 + 60;
    assert_eq!((entry.cut, entry.until.map(handfast_identity::UnixTime::as_secs)), (Some(at(5)), Some(until)));
}

#[test]
fn tasks_that_a_lower_ceiling_ended_do_not_count_as_open() {
    let mut case = Case::new("CLAIMED");
    let (did, owner) = (case.did(), case.owner.clone());
    for _ in 0..10 {
        case.world.token(&key(AGENT), &[("task_intent", "x")]).unwrap();
    }
    assert_eq!(case.world.token(&key(AGENT), &[("task_intent", "x")]), Err(Refusal::TooManyTasks));
    case.world.set_ceiling(&owner, &did, &ceiling("", &[ECHO])).unwrap();
    case.world.pass(6);
    assert!(case.world.token(&key(AGENT), &[("task_intent", "x")]).is_ok());
}

#[test]
fn every_part_of_a_ceiling_can_be_lower() {
    use handfast_identity::Seconds;
    let most = || plain_authority(scope("echo:read files:read"), vec![resource(ECHO), resource(FILES)]).unwrap();
    let of =
        |authority, seconds, mode, delegates| Ceiling::new(authority, Seconds::new(seconds), mode, delegates).unwrap();
    let deep = |depth| handfast_delegation::Authority { max_depth: depth, ..most() };
    let did = key(9).public().did();
    let wide = of(deep(2), 7200, DelegationMode::Offline, vec![did.clone()]).with_instances(true);
    let budget = handfast_delegation::Budget::new(Some(1), None).ok();
    let lower = [
        of(deep(1), 7200, DelegationMode::Offline, vec![did.clone()]).with_instances(true),
        of(deep(2), 3600, DelegationMode::Offline, vec![did.clone()]).with_instances(true),
        of(deep(2), 7200, DelegationMode::Exchange, vec![did.clone()]).with_instances(true),
        of(deep(2), 7200, DelegationMode::Offline, vec![]).with_instances(true),
        of(deep(2), 7200, DelegationMode::Offline, vec![did.clone()]),
        of(handfast_delegation::Authority { budget, ..deep(2) }, 7200, DelegationMode::Offline, vec![did])
            .with_instances(true),
        Ceiling::nothing(),
    ];
    for lower in lower {
        assert!(wide.covers(&lower) && !lower.covers(&wide), "{lower:?}");
    }
    assert!(wide.covers(&wide));
}

#[test]
fn a_transfer_takes_two_and_leaves_nothing_behind() {
    let mut case = Case::new("CLAIMED");
    let (did, owner, heir, other) = (case.did(), case.owner.clone(), case.heir.clone(), case.other.clone());
    let task = case.world.give_task(&owner, &did).unwrap();
    assert_eq!(case.world.offer(&owner, &did, &owner), Err(Refusal::InvalidRequest), "not to oneself");
    assert_eq!(case.world.offer(&owner, &did, &heir), Ok(true));
    assert!(case.world.token(&key(AGENT), &[]).is_ok(), "an offer changes nothing yet");
    assert_eq!(case.world.accept(&other, &did), Err(Refusal::UnknownTransfer));
    assert_eq!(case.world.accept(&heir, &did), Ok(true));
    assert_eq!(case.world.accept(&heir, &did), Ok(false), "a lost answer is asked for again");
    let agent = case.world.agent_of(&did).unwrap().record;
    assert_eq!((agent.owner(), agent.ceiling()), (Some(heir.id()), Some(&Ceiling::nothing())));
    assert!(case.world.load::<OwnedAgent>(&Slot::owned_agent(owner.id(), agent.id())).is_none());
    assert!(case.world.load::<OwnedAgent>(&Slot::owned_agent(heir.id(), agent.id())).is_some());
    assert!(stopped(&case, 0) && stopped(&case, 5) && !stopped(&case, 6));
    case.world.pass(6);
    let own = case.world.token(&key(AGENT), &[]).unwrap();
    assert_eq!(
        (own.token().subject.as_str(), own.token().authority.scope.to_string().as_str()),
        (heir.id().as_str(), "agent:self")
    );
    assert!(case.world.token(&key(AGENT), &[("scope", "echo:read"), ("resource", ECHO)]).is_err());
    let ended = Err(Refusal::InvalidGrant(GrantFault::TaskEnded));
    assert_eq!(case.world.token(&key(AGENT), &[("task", task.id().as_str())]), ended);
    assert_eq!(case.world.suspend(&owner, "owner:self", &did), Err(Refusal::Forbidden), "it is the other's now");
    // and back again: the task from before stays over
    case.world.offer(&heir, &did, &owner).unwrap();
    case.world.accept(&owner, &did).unwrap();
    case.world.pass(6);
    assert_eq!(case.world.token(&key(AGENT), &[("task", task.id().as_str())]), ended);
}

#[test]
fn an_offer_ends_by_itself_and_another_takes_its_place() {
    let mut case = Case::new("offered");
    let (did, owner, heir, other) = (case.did(), case.owner.clone(), case.heir.clone(), case.other.clone());
    assert_eq!(case.world.offer(&owner, &did, &other), Ok(true));
    assert_eq!(case.world.accept(&heir, &did), Err(Refusal::UnknownTransfer));
    case.world.pass(7 * 24 * 3600 - 1);
    assert_eq!(case.world.state(&did), "offered");
    case.world.pass(1);
    assert_eq!(case.world.accept(&other, &did), Err(Refusal::UnknownTransfer));
    assert_eq!(case.world.withdraw(&owner, &did), Err(Refusal::UnknownTransfer));
    assert_eq!(case.world.offer(&owner, &did, &other), Ok(true), "offered anew");
    assert_eq!(case.world.accept(&other, &did), Ok(true));
}

#[test]
fn a_change_while_suspended_does_not_end_the_suspension() {
    let mut case = Case::new("offered");
    let (did, owner, heir) = (case.did(), case.owner.clone(), case.heir.clone());
    case.world.suspend(&owner, "owner:self", &did).unwrap();
    let entries = case.world.feed.len();
    case.world.set_ceiling(&owner, &did, &ceiling("", &[ECHO])).unwrap();
    case.world.move_to(&owner, &did, Environment::Prod).unwrap();
    case.world.accept(&heir, &did).unwrap();
    assert_eq!(case.world.feed.len(), entries, "an entry with a cut-off would end it");
    assert_eq!(case.world.state(&did), "suspended");
    assert!(stopped(&case, 99));
    case.world.resume(&heir, "owner:self", &did).unwrap();
    assert!(stopped(&case, 5) && !stopped(&case, 6), "the cut-offs of all of them count now");
}

#[test]
fn retired_is_for_ever_and_so_is_its_handle() {
    let mut case = Case::new("retired");
    let (did, owner) = (case.did(), case.owner.clone());
    let agent = case.world.agent_of(&did).unwrap().record;
    assert_eq!((agent.status(), agent.owner()), (Status::Claimed, Some(owner.id())));
    assert!(stopped(&case, 999_999));
    let handle = agent.handle().clone();
    let next = case.world.agent(2);
    let first = approval(next.claim.code.expose(), &ceiling("echo:read", &[ECHO]), Some(handle), None);
    assert_eq!(case.world.approve(&next.claim.id, &owner, &first), Err(Refusal::HandleTaken));
    case.world.revoke(&owner, "owner:self", &did).unwrap();
    assert_eq!(case.world.state(&did), "REVOKED");
}

#[test]
fn versions_are_stated_in_order_and_kept_in_bounds() {
    let mut case = Case::new("CLAIMED");
    let did = case.did();
    let first = case.world.version_statement(&key(AGENT), "2.0");
    assert_eq!(case.world.take_version(&first), Ok(true));
    assert_eq!(case.world.take_version(&first), Ok(false), "the version it has");
    assert_eq!(case.world.state_version(&key(AGENT), "3.0"), Err(Refusal::StaleStatement), "in the same second");
    case.world.pass(1);
    assert_eq!(case.world.state_version(&key(AGENT), "3.0"), Ok(true));
    assert_eq!(case.world.take_version(&first), Err(Refusal::StaleStatement), "an old one cannot be repeated");
    for number in 4..22 {
        case.world.pass(1);
        assert_eq!(case.world.state_version(&key(AGENT), &format!("{number}.0")), Ok(true));
    }
    case.world.pass(1);
    assert!(matches!(case.world.state_version(&key(AGENT), "22.0"), Err(Refusal::SlowDown { .. })));
    case.world.pass(3600);
    for number in 22..28 {
        case.world.pass(1);
        case.world.state_version(&key(AGENT), &format!("{number}.0")).unwrap();
    }
    let agent = case.world.agent_of(&did).unwrap().record;
    assert_eq!(agent.profile().version.as_str(), "27.0");
    let history = case.world.load::<VersionsRecord>(&Slot::versions(agent.id())).unwrap().record;
    let known: Vec<_> = history.known().iter().map(|known| known.version.as_str()).collect();
    assert_eq!((known.len(), known[0], known[23]), (24, "27.0", "4.0"));
    let other = case.world.version_statement(&key(2), "9.0");
    let agent = case.world.agent_of(&did);
    let taken = state_version(&other, agent.as_ref(), None, case.world.now);
    assert_eq!(taken.err(), Some(Refusal::UnknownAgent), "another's word");
}

#[test]
fn a_version_statement_is_read_strictly() {
    let case = Case::new("CLAIMED");
    let text = |version: &str, audience: &str| {
        let statement = VersionStatement {
            audience: audience.into(),
            issued_at: case.world.now,
            proof_id: "v".into(),
            version: ShownText::parse(version).unwrap(),
        };
        statement.sign(&key(AGENT)).unwrap()
    };
    let read = |text: &str| {
        let statement = UnverifiedVersion::parse(text).and_then(|v| v.verify(&case.world.policy, case.world.now));
        statement.map(|_| ()).map_err(VerifiedVersion::refusal)
    };
    assert_eq!(read(&text("2.0", ISSUER)), Ok(()));
    assert_eq!(read(&text("", ISSUER)), Err(Refusal::InvalidVersion));
    assert_eq!(read(&text("2.0", "https://other.example")), Err(Refusal::InvalidVersion));
    let registration = case.world.statement(&key(AGENT)).sign(&key(AGENT)).unwrap();
    assert_eq!(read(&registration), Err(Refusal::InvalidVersion), "another kind of statement");
    let signed = text("2.0", ISSUER);
    let (rest, _) = signed.rsplit_once('.').unwrap();
    assert_eq!(read(&format!("{rest}.{}", "A".repeat(86))), Err(Refusal::ProofRequired));
}

#[test]
fn a_late_cut_off_is_set_again() {
    let mut case = Case::new("CLAIMED");
    let (did, owner) = (case.did(), case.owner.clone());
    case.world.set_ceiling(&owner, &did, &ceiling("", &[ECHO])).unwrap();
    case.world.pass(60);
    let (agent, scopes) = (case.world.agent_of(&did), scope("owner:self"));
    let again = cut_again(caller(&owner, &scopes), agent.as_ref(), case.world.now).unwrap();
    case.world.commit(&again).unwrap();
    assert!(stopped(&case, 65) && !stopped(&case, 66));
}

/// Off-boards `who` in steps of a page each, until it says that it is done.
fn offboard(case: &mut Case, who: &OwnerRecord, to: Option<&OwnerRecord>, agents: &[u8]) -> Result<u32, Refusal> {
    let (admin, scopes) = (case.admin.clone(), scope("registry:admin"));
    let by = caller(&admin, &scopes);
    let slot = Slot::revocation(FeedKind::Owner, who.id().as_str());
    let stopped = case.world.load::<RevocationRecord>(&slot);
    let before = case.world.load::<OffboardingRecord>(&Slot::offboarding(who.id()));
    let leaving = Leaving {
        owner: Some(who),
        to: to.map(|to| Recipient { owner: Some(to), stopped: None }),
        stopped: stopped.as_ref(),
        before: before.as_ref(),
        named: None,
    };
    if let Offboarding::Begins { change, .. } = begin_offboarding(by, leaving, None, case.world.now)? {
        case.world.commit(&change).unwrap();
    }
    let record = case.world.load::<OffboardingRecord>(&Slot::offboarding(who.id())).unwrap();
    let mut dealt = 0;
    for seed in agents {
        let agent = case.world.agent_of(&key(*seed).public().did());
        let owned = case.world.owned(agent.as_ref());
        let pending = case.world.pending(agent.as_ref());
        let left = OfferedAgent { agent: agent.as_ref(), owned: owned.as_ref(), pending: pending.as_ref() };
        let outcome = offboard_agent(by, &record.record, left, to, case.world.now)?;
        dealt += u32::from(case.world.lived(outcome));
    }
    Ok(dealt)
}

#[test]
fn an_owner_who_leaves_gets_nothing_more_and_the_agents_go_to_somebody_or_nobody() {
    for retires in [true, false] {
        let mut case = Case::new("CLAIMED");
        let second = case.world.agent(2);
        let (owner, heir, other) = (case.owner.clone(), case.heir.clone(), case.other.clone());
        case.world.claim(&second, &owner);
        let to = (!retires).then_some(&heir);
        assert_eq!(offboard(&mut case, &owner, to, &[1]), Ok(1), "one, and then it crashed");
        assert_eq!(offboard(&mut case, &owner, to, &[1, 2]), Ok(1), "what is done is done");
        assert_eq!(offboard(&mut case, &owner, to, &[1, 2]), Ok(0));
        let states = [1, 2].map(|seed| case.world.state(&key(seed).public().did()));
        assert_eq!(states, if retires { ["retired"; 2] } else { ["CLAIMED"; 2] });
        let agent = case.world.agent_of(&case.did()).unwrap().record;
        assert_eq!(agent.owner(), Some(if retires { owner.id() } else { heir.id() }));
        assert!(is_stopped(&case.world.feed, FeedKind::Owner, owner.id().as_str(), START + 999));
        let stop = case.world.load::<RevocationRecord>(&Slot::revocation(FeedKind::Owner, owner.id().as_str()));
        assert!(stop.is_some_and(|stop| stop.record.is_final()));
        // another wish, another recipient who left, the admin
        let otherwise = if retires { Some(&heir) } else { None };
        assert_eq!(offboard(&mut case, &owner, otherwise, &[]), Err(Refusal::OwnerClosed));
        let admin = case.admin.clone();
        assert_eq!(offboard(&mut case, &admin, None, &[]), Err(Refusal::InvalidRequest));
        let third = case.world.agent(3);
        case.world.claim(&third, &other);
        let did = key(3).public().did();
        assert_eq!(case.world.offer(&other, &did, &owner), Err(Refusal::OwnerClosed));
        let scopes = scope("owner:self");
        let leaving = Leaving { owner: Some(&other), to: None, stopped: None, before: None, named: None };
        let by = caller(&heir, &scopes);
        assert_eq!(begin_offboarding(by, leaving, None, case.world.now).err(), Some(Refusal::Forbidden));
    }
}

#[test]
fn an_off_boarding_is_through_when_a_pass_found_nothing_and_nothing_can_come() {
    let mut case = Case::new("CLAIMED");
    let owner = case.owner.clone();
    offboard(&mut case, &owner, None, &[1]).unwrap();
    let record = case.world.load::<OffboardingRecord>(&Slot::offboarding(owner.id())).unwrap().record;
    let id = case.world.agent_of(&case.did()).unwrap().record.id().clone();
    assert!(!record.after_part(1, None).is_through(at(60)), "it found something");
    assert!(!record.after_part(0, Some(id)).is_through(at(60)), "the list goes on");
    assert!(!record.after_part(0, None).is_through(at(5)), "something may join the list");
    assert!(record.after_part(0, None).is_through(at(6)));
    let next = record.after_part(1, None).next_pass();
    assert!(next.after_part(0, None).is_through(at(6)));
    assert_eq!(next.agents(), 1);
}
