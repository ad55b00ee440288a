//! Tasks and tokens.

use crate::support::*;
use handfast_delegation::{Delegability, Environment, TriggerKind};
use handfast_identity::Seconds;
use handfast_registry_model::*;

const TOOLS: &str = r#"[{"type":"attenuating_agent_token","tools":{"read":{}}}]"#;

/// A world with an owner (seed 10) and their agent (seed 1), whose ceiling is `scopes` at `resources`.
fn claimed(scopes: &str, resources: &[&str]) -> (World, OwnerRecord, RegisteredAgent) {
    let mut world = World::new(7);
    let (agent, owner) = (world.agent(1), world.owner(10));
    world.claim_with(&agent, &owner, &ceiling(scopes, resources), None);
    (world, owner, agent)
}

fn excess<T>(text: &str) -> Result<T, Refusal> {
    Err(Refusal::InvalidScope { excess: scope(text) })
}

fn target(grant: &TokenGrant) -> (String, String) {
    (
        grant.token().authority.resources.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        grant.token().authority.scope.to_string(),
    )
}

fn ask(world: &mut World, form: &[(&str, &str)]) -> Result<(String, String), Refusal> {
    world.token(&key(1), form).map(|grant| target(&grant))
}

fn owner_task(world: &mut World, owner: &OwnerRecord, seed: u8, json: &str) -> Result<TaskRecord, Refusal> {
    let scopes = scope("owner:self");
    let request = TaskRequest::parse(json.as_bytes())?;
    let agent = world.agent_of(&key(seed).public().did());
    let free = world.places(None).free;
    let decided = create_owner_task(
        caller(owner, &scopes),
        agent.as_ref(),
        request,
        &world.policy,
        free,
        world.now,
        &mut world.random,
    );
    let (change, task) = decided?;
    world.commit(&change).unwrap();
    Ok(task)
}

fn complete(world: &mut World, who: Caller<'_>, task: &TaskId) -> Result<bool, Refusal> {
    let task = world.task(task);
    let agent = task.as_ref().and_then(|task| world.load::<AgentRecord>(&Slot::agent(task.record.agent())));
    let list = agent.as_ref().and_then(|agent| world.load(&Slot::self_tasks(agent.record.id())));
    let agent = agent.map(|agent| agent.record);
    match complete_task(who, task.as_ref(), agent.as_ref(), list.as_ref(), world.now)? {
        Outcome::Changed(change) => Ok(world.commit(&change).map(|_| true).unwrap()),
        Outcome::Unchanged => Ok(false),
    }
}

#[test]
fn the_token_of_a_claimed_agent_says_who_for_whom_and_why() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    let grant = world.token(&key(1), &[]).unwrap();
    let (token, did) = (grant.token(), key(1).public().did());
    assert_eq!((token.issuer.as_str(), token.subject.as_str()), (ISSUER, owner.id().as_str()));
    assert_eq!((token.client_id.as_str(), token.actors.as_ref().unwrap().current()), (did.as_str(), did.as_str()));
    assert_eq!(token.actors.as_ref().unwrap().iter().count(), 1);
    assert_eq!(target(&grant), (ECHO.into(), "echo:read".into()));
    assert_eq!(token.confirmation, Some(did.thumbprint()));
    assert_eq!((token.environment, token.delegability), (Some(Environment::Test), Some(Delegability::ROOT)));
    assert_eq!(token.handle.as_deref(), Some(agent.agent.handle().as_str()));
    assert_eq!((token.issued_at, grant.expires_in()), (world.now, Seconds::new(300)));
    assert_eq!((token.not_before, &token.chain, token.has_unreadable_restriction), (None, &None, false));
    assert!(token.token_id.starts_with("tok_"));
    let task = token.task.as_ref().unwrap();
    assert_eq!(
        (task.intent.as_str(), task.trigger.kind, task.trigger.by.as_str()),
        ("", TriggerKind::OnItsOwn, did.as_str())
    );
    let leaf = usize::try_from(task.leaf).unwrap();
    assert_eq!(world.log[leaf].0.kind(), "task_created");
}

#[test]
fn the_token_of_an_unclaimed_agent_is_its_own() {
    let mut world = World::new(8);
    world.agent(1);
    let did = key(1).public().did();
    let grant = world.token(&key(1), &[("scope", "echo:hello"), ("resource", ECHO)]).unwrap();
    let token = grant.token();
    assert_eq!((token.subject.as_str(), token.client_id.as_str()), (did.as_str(), did.as_str()));
    assert_eq!(token.actors.as_ref().unwrap().current(), did.as_str());
    assert_eq!(token.delegability, Some(Delegability::ROOT));
    assert_eq!(ask(&mut world, &[("scope", "agent:self")]), Ok((ISSUER.into(), "agent:self".into())));
    assert_eq!(ask(&mut world, &[]), Ok((ECHO.into(), "echo:hello".into())));
    // not what it will be allowed once claimed, nor what it asked for at registration
    assert_eq!(ask(&mut world, &[("scope", "echo:read"), ("resource", ECHO)]), excess("echo:read"));
    assert_eq!(ask(&mut world, &[("resource", FILES)]), Err(Refusal::InvalidTarget));
}

#[test]
fn claiming_ends_what_the_agent_began_before() {
    let mut world = World::new(9);
    let (agent, owner) = (world.agent(1), world.owner(10));
    let before = world.token(&key(1), &[]).unwrap();
    let old = before.token().task.as_ref().unwrap().id.clone();
    for _ in 0..9 {
        world.token(&key(1), &[("task_intent", "x")]).unwrap();
    }
    assert_eq!(ask(&mut world, &[("task_intent", "x")]), Err(Refusal::TooManyTasks));
    world.claim(&agent, &owner);
    // those tasks count no more either
    assert!(ask(&mut world, &[("task_intent", "x")]).is_ok());
    let after = world.token(&key(1), &[("scope", "echo:read")]).unwrap();
    assert_eq!(after.token().subject, owner.id().as_str());
    assert_ne!(after.token().task.as_ref().unwrap().id, old);
    assert_eq!(ask(&mut world, &[("task", &old)]), Err(Refusal::InvalidGrant(GrantFault::TaskEnded)));
}

#[test]
fn scope_and_resource_stay_below_the_ceiling() {
    let (mut world, ..) = claimed("echo:read files:read", &[ECHO, FILES]);
    let at_echo = Ok((ECHO.to_owned(), "echo:read".to_owned()));
    assert_eq!(ask(&mut world, &[("scope", "echo:read")]), at_echo);
    assert_eq!(ask(&mut world, &[("resource", ECHO)]), at_echo);
    assert_eq!(ask(&mut world, &[("resource", ECHO), ("scope", "echo:read")]), at_echo);
    // TH36: no silent partial grant
    assert_eq!(ask(&mut world, &[("resource", ECHO), ("scope", "echo:read echo:hello")]), excess("echo:hello"));
    assert_eq!(ask(&mut world, &[("resource", FILES), ("scope", "files:read files:write")]), excess("files:write"));
    assert_eq!(ask(&mut world, &[("scope", "files:write")]), excess("files:write"));
    assert_eq!(ask(&mut world, &[("resource", ECHO), ("scope", "files:read")]), excess("files:read"));
    assert_eq!(ask(&mut world, &[("scope", "echo:read files:read")]), excess("echo:read files:read"));
    assert_eq!(
        ask(&mut world, &[("resource", "https://echo.example/"), ("scope", "echo:read")]),
        Err(Refusal::InvalidTarget)
    );
    assert_eq!(ask(&mut world, &[("resource", ECHO), ("resource", FILES)]), Err(Refusal::InvalidTarget));
    assert_eq!(ask(&mut world, &[]), Err(Refusal::InvalidTarget));
    assert_eq!(ask(&mut world, &[("authorization_details", "[]")]), Err(Refusal::InvalidAuthorizationDetails));
    for management in ["owner:self", "registry:read", "registry:admin"] {
        assert_eq!(ask(&mut world, &[("resource", ISSUER), ("scope", management)]), excess(management));
    }
    assert_eq!(ask(&mut world, &[("resource", ISSUER)]), Ok((ISSUER.into(), "agent:self".into())));
}

#[test]
fn an_empty_ceiling_leaves_the_agent_its_own_record() {
    let (mut world, ..) = claimed("", &[]);
    assert_eq!(ask(&mut world, &[]), Ok((ISSUER.into(), "agent:self".into())));
    assert_eq!(ask(&mut world, &[("scope", "echo:hello")]), excess("echo:hello"));
}

#[test]
fn a_refused_request_writes_nothing() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let before = world.snapshot();
    for form in [
        &[("scope", "echo:hello")][..],
        &[("resource", FILES)],
        &[("task_seconds", "7201")],
        &[("task_seconds", "59")],
        &[("task", "task_0123456789abcdefghjkmnpqrs")],
    ] {
        assert!(world.token(&key(1), form).is_err(), "{form:?}");
    }
    assert_eq!(world.snapshot(), before);
}

#[test]
fn only_the_key_of_the_record_gets_tokens() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    world.agent(2);
    let victim = key(1).public().did();
    let request =
        |client: &str| TokenRequest::from_form([("grant_type", "client_credentials"), ("client_id", client)]).unwrap();
    let agent = world.agent_of(&victim).unwrap();
    let places = world.places(None);
    let client = AgentClient { agent: &agent, self_tasks: None, task: None, places };
    let mut decide = |request: &TokenRequest, seed: u8| {
        let prover = key(seed).public().thumbprint();
        agent_token(client, &prover, request, &world.policy, world.now, &mut world.random).map(|_| ())
    };
    assert_eq!(decide(&request(victim.as_str()), 1), Ok(()));
    assert_eq!(decide(&request(victim.as_str()), 2), Err(Refusal::InvalidClient));
    assert_eq!(decide(&request(key(2).public().did().as_str()), 2), Err(Refusal::InvalidClient));
    assert_eq!(decide(&request(key(2).public().did().as_str()), 1), Err(Refusal::InvalidClient));
    assert_eq!(world.token(&key(3), &[]), Err(Refusal::InvalidClient));
    assert_eq!(Refusal::InvalidClient.answer().status, 401);
}

#[test]
fn a_revoked_agent_gets_no_token() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    assert!(world.token(&key(1), &[]).is_ok());
    world.revoke(&owner, "owner:self", agent.agent.did()).unwrap();
    let refused = Refusal::InvalidGrant(GrantFault::AgentRevoked);
    assert_eq!(world.token(&key(1), &[]), Err(refused.clone()));
    let answer = refused.answer();
    assert_eq!((answer.status, answer.error, answer.reason), (400, Some(OauthError::InvalidGrant), "agent_revoked"));
}

#[test]
fn a_task_and_a_revocation_at_once_do_not_both_happen() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    let Ok(TokenDecision::NewTask { change, .. }) = world.decide_token(&key(1), &[]) else {
        panic!("the first token begins a task");
    };
    world.revoke(&owner, "owner:self", agent.agent.did()).unwrap();
    assert!(world.commit(&change).is_err());
}

#[test]
fn the_default_task_is_reused_until_it_is_too_short_for_a_token() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let first = world.token(&key(1), &[]).unwrap();
    let task = first.token().task.clone().unwrap();
    world.pass(3540);
    let writes = world.snapshot();
    let last = world.token(&key(1), &[]).unwrap();
    assert_eq!((last.token().task.as_ref(), last.expires_in()), (Some(&task), Seconds::new(60)));
    assert_eq!(world.snapshot(), writes, "renewing writes nothing");
    world.pass(1);
    let next = world.token(&key(1), &[]).unwrap();
    assert_ne!(next.token().task.as_ref().unwrap().id, task.id);
    assert_eq!(next.expires_in(), Seconds::new(300));
    // by its id the old one is good to its very end
    let old = world.token(&key(1), &[("task", &task.id)]).unwrap();
    assert_eq!(old.expires_in(), Seconds::new(59));
    world.pass(59);
    assert_eq!(ask(&mut world, &[("task", &task.id)]), Err(Refusal::InvalidGrant(GrantFault::TaskEnded)));
}

#[test]
fn two_first_tokens_at_once_agree_on_one_default_task() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let (Ok(TokenDecision::NewTask { change: a, .. }), Ok(TokenDecision::NewTask { change: b, .. })) =
        (world.decide_token(&key(1), &[]), world.decide_token(&key(1), &[]))
    else {
        panic!("both were about to begin a task");
    };
    assert!(world.commit(&a).is_ok());
    assert!(world.commit(&b).is_err());
    assert!(matches!(world.decide_token(&key(1), &[]), Ok(TokenDecision::Ready(_))));
}

#[test]
fn p18_an_agent_begins_at_most_sixty_tasks_of_its_own_an_hour() {
    let mut world = World::new(9);
    let (agent, owner) = (world.agent(1), world.owner(10));
    let begin = |world: &mut World| world.token(&key(1), &[("task_intent", "x"), ("task_seconds", "60")]);
    let over = |world: &mut World, grant: &TokenGrant| {
        let id = TaskId::parse(&grant.token().task.as_ref().unwrap().id).unwrap();
        let (record, scopes) = (world.agent_of(&key(1).public().did()).unwrap().record, scope("agent:self"));
        let agent = Caller::agent(Some(&record), record.did().as_str(), &scopes, world.now).unwrap();
        assert_eq!(complete(world, agent, &id), Ok(true));
    };
    let kept = begin(&mut world).unwrap();
    for _ in 1..60 {
        let grant = begin(&mut world).unwrap();
        over(&mut world, &grant);
        world.pass(1);
    }
    let before = world.snapshot();
    let slow_down = |seconds| Some(Refusal::SlowDown { retry_after: Seconds::new(seconds) });
    assert_eq!(begin(&mut world).err(), slow_down(3600 - 59));
    assert_eq!(ask(&mut world, &[]).err(), slow_down(3600 - 59), "a default task is one too");
    assert_eq!(world.snapshot(), before);
    // what is begun goes on
    assert!(ask(&mut world, &[("task", &kept.token().task.as_ref().unwrap().id)]).is_ok());
    // and claiming does not begin a new hour
    world.claim(&agent, &owner);
    assert_eq!(begin(&mut world).err(), slow_down(3600 - 59));
    world.pass(3600 - 59 - 1);
    assert_eq!(begin(&mut world).err(), slow_down(1));
    world.pass(1);
    assert!(begin(&mut world).is_ok());
}

#[test]
fn an_agent_has_at_most_ten_open_tasks_of_its_own() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let mut ids = Vec::new();
    for _ in 0..10 {
        let grant = world.token(&key(1), &[("task_intent", "x"), ("task_seconds", "600")]).unwrap();
        ids.push(TaskId::parse(&grant.token().task.as_ref().unwrap().id).unwrap());
    }
    let more = [("task_intent", "x")];
    assert_eq!(ask(&mut world, &more), Err(Refusal::TooManyTasks));
    assert_eq!(ask(&mut world, &[]), Err(Refusal::TooManyTasks));
    // known ones still work, and a completed one makes room
    assert!(ask(&mut world, &[("task", ids[3].as_str())]).is_ok());
    let (record, scopes) = (world.agent_of(&key(1).public().did()).unwrap().record, scope("agent:self"));
    let agent = Caller::agent(Some(&record), record.did().as_str(), &scopes, world.now).unwrap();
    assert_eq!(complete(&mut world, agent, &ids[3]), Ok(true));
    assert!(ask(&mut world, &more).is_ok());
    assert_eq!(ask(&mut world, &more), Err(Refusal::TooManyTasks));
    // and so do deadlines
    world.pass(600);
    assert!(ask(&mut world, &more).is_ok());
}

#[test]
fn a_task_of_its_own_lasts_as_long_as_the_ceiling_lets_it() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let with = |seconds: &'static str| [("task_intent", "x"), ("task_seconds", seconds)];
    assert!(ask(&mut world, &with("60")).is_ok() && ask(&mut world, &with("7200")).is_ok());
    assert_eq!(ask(&mut world, &with("7201")), Err(Refusal::TaskTooLong));
    assert_eq!(ask(&mut world, &with("59")), Err(Refusal::InvalidRequest));
    let mut world = World::new(3);
    world.agent(1);
    assert!(ask(&mut world, &with("3600")).is_ok());
    assert_eq!(ask(&mut world, &with("3601")), Err(Refusal::TaskTooLong));
}

#[test]
fn an_owners_task_is_for_one_agent_and_says_who_asked() {
    let (mut world, owner, _) = claimed("echo:read files:read", &[ECHO, FILES]);
    let second = world.agent(2);
    world.claim_with(&second, &owner, &ceiling("echo:read", &[ECHO]), None);
    let json = r#"{"agent":"x","intent":"pay the bills","scope":"files:read","ref":"T-7","task_seconds":600}"#;
    let task = owner_task(&mut world, &owner, 1, json).unwrap();
    let grant = world.token(&key(1), &[("task", task.id().as_str())]).unwrap();
    let claim = grant.token().task.as_ref().unwrap();
    assert_eq!((claim.intent.as_str(), claim.trigger.kind), ("pay the bills", TriggerKind::Owner));
    assert_eq!((claim.trigger.by.as_str(), claim.trigger.reference.as_deref()), (owner.id().as_str(), Some("T-7")));
    assert_eq!(target(&grant), (FILES.into(), "files:read".into()));
    // the task narrows the ceiling
    let form = [("task", task.id().as_str()), ("scope", "echo:read")];
    assert_eq!(ask(&mut world, &form), excess("echo:read"));
    // nobody else's, though of the same owner
    let refused = world.token(&key(2), &[("task", task.id().as_str())]);
    assert_eq!(refused, Err(Refusal::InvalidGrant(GrantFault::UnknownTask)));
    // never past the deadline
    world.pass(500);
    assert_eq!(world.token(&key(1), &[("task", task.id().as_str())]).unwrap().expires_in(), Seconds::new(100));
}

#[test]
fn a_task_narrows_the_ceiling_at_one_resource_too() {
    let (mut world, owner, _) = claimed("echo:hello echo:read", &[ECHO]);
    let task = owner_task(&mut world, &owner, 1, r#"{"agent":"x","intent":"y","scope":"echo:read"}"#).unwrap();
    let within = |asked: &'static str| [("task", task.id().as_str().to_owned()), ("scope", asked.to_owned())];
    let mut ask_within = |asked| {
        let form = within(asked);
        ask(&mut world, &form.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    assert_eq!(ask_within("echo:read"), Ok((ECHO.into(), "echo:read".into())));
    assert_eq!(ask_within("echo:hello"), excess("echo:hello"));
    assert_eq!(ask_within("agent:self"), Ok((ISSUER.into(), "agent:self".into())));
}

#[test]
fn an_owners_task_and_a_revocation_at_once_do_not_both_happen() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    let request = TaskRequest::parse(br#"{"agent":"x","intent":"y","scope":"echo:read"}"#).unwrap();
    let (scopes, before) = (scope("owner:self"), world.agent_of(agent.agent.did()));
    let who = caller(&owner, &scopes);
    let decided = create_owner_task(
        who,
        before.as_ref(),
        request,
        &world.policy,
        StatusPlace::FIRST,
        world.now,
        &mut world.random,
    );
    world.revoke(&owner, "owner:self", agent.agent.did()).unwrap();
    assert_eq!(world.commit(&decided.unwrap().0), Err(Conflict(Slot::agent(agent.agent.id()))));
}

#[test]
fn an_owners_task_is_below_the_ceiling() {
    let (mut world, owner, agent) = claimed("echo:read files:read", &[ECHO, FILES]);
    let (other, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    world.agent(2);
    let json = |members: &str| format!(r#"{{"agent":"x","intent":"y",{members}}}"#);
    for (members, expected) in [
        (r#""scope":"echo:read""#, Ok(())),
        (r#""scope":"echo:read files:read""#, Ok(())),
        (r#""scope":"echo:read echo:hello""#, excess("echo:hello")),
        (r#""scope":"echo:read","resource":["https://echo.example"]"#, Ok(())),
        (r#""scope":"echo:read","resource":["https://files.example"]"#, excess("echo:read")),
        (r#""scope":"echo:read","resource":["https://foreign.example"]"#, Err(Refusal::InvalidTarget)),
        (r#""scope":"echo:read","resource":[]"#, excess("echo:read")),
        (r#""scope":"echo:read","task_seconds":7200"#, Ok(())),
        (r#""scope":"echo:read","task_seconds":7201"#, Err(Refusal::TaskTooLong)),
        (r#""scope":"echo:read","task_seconds":59"#, Err(Refusal::InvalidRequest)),
    ] {
        assert_eq!(owner_task(&mut world, &owner, 1, &json(members)).map(|_| ()), expected, "{members}");
    }
    let plain = json(r#""scope":"echo:read""#);
    for (who, seed, expected) in [
        (&other, 1, Refusal::Forbidden),
        (&admin, 1, Refusal::Forbidden),
        (&owner, 2, Refusal::Forbidden),
        (&owner, 3, Refusal::UnknownAgent),
    ] {
        assert_eq!(owner_task(&mut world, who, seed, &plain).map(|_| ()), Err(expected), "{seed}");
    }
    world.revoke(&owner, "owner:self", agent.agent.did()).unwrap();
    assert_eq!(owner_task(&mut world, &owner, 1, &plain).map(|_| ()), Err(Refusal::AgentRevoked));
}

#[test]
fn a_completed_task_gives_no_more_tokens() {
    let (mut world, owner, _) = claimed("echo:read", &[ECHO]);
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    let json = r#"{"agent":"x","intent":"y","scope":"echo:read"}"#;
    let task = owner_task(&mut world, &owner, 1, json).unwrap();
    let (own, all, read) = (scope("owner:self"), scope("registry:admin"), scope("registry:read"));
    for refused in [caller(&stranger, &own), caller(&admin, &own), caller(&admin, &read), caller(&stranger, &all)] {
        assert_eq!(complete(&mut world, refused, task.id()), Err(Refusal::UnknownTask));
    }
    let leaf = world.task(task.id()).unwrap().record.leaf();
    assert_eq!(complete(&mut world, caller(&owner, &own), task.id()), Ok(true));
    let form = [("task", task.id().as_str())];
    assert_eq!(ask(&mut world, &form), Err(Refusal::InvalidGrant(GrantFault::TaskEnded)));
    let done = world.task(task.id()).unwrap().record;
    assert_eq!((done.completed_at(), done.leaf()), (Some(world.now), leaf), "it keeps its place in the log");
    assert_eq!(complete(&mut world, caller(&admin, &all), task.id()), Ok(false));
    let unknown = TaskId::parse("task_0123456789abcdefghjkmnpqrs").unwrap();
    assert_eq!(complete(&mut world, caller(&owner, &own), &unknown), Err(Refusal::UnknownTask));
}

#[test]
fn tasks_are_seen_by_their_parties_and_readers() {
    let (mut world, owner, _) = claimed("echo:read", &[ECHO]);
    let (stranger, admin) = (world.owner(11), world.owner_as(12, Role::Admin));
    world.agent(2);
    let task = owner_task(&mut world, &owner, 1, r#"{"agent":"x","intent":"y","scope":"echo:read"}"#).unwrap();
    let records = [1, 2].map(|seed| world.agent_of(&key(seed).public().did()).unwrap().record);
    let [agent, other] = &records;
    let (own, read, this) = (scope("owner:self"), scope("registry:read"), scope("agent:self"));
    let as_agent = |record| Caller::agent(Some(record), AgentRecord::did(record).as_str(), &this, world.now).unwrap();
    let sees = |who: Caller<'_>| who.sees_task(&task, agent);
    for good in [caller(&owner, &own), caller(&admin, &read), as_agent(agent)] {
        assert_eq!(sees(good), Ok(()), "{good:?}");
    }
    for bad in [caller(&stranger, &own), caller(&stranger, &read), caller(&admin, &own), as_agent(other)] {
        assert_eq!(sees(bad), Err(Refusal::UnknownTask));
    }
}

#[test]
fn an_owners_token_is_for_the_registry_alone() {
    let mut world = World::new(5);
    let (owner, admin) = (world.owner(10), world.owner_as(11, Role::Admin));
    let mut ask = |who: &OwnerRecord, seed: u8, form: &[(&str, &str)]| {
        let did = who.did().clone();
        let base = [("grant_type", "client_credentials"), ("client_id", did.as_str())];
        let request = TokenRequest::from_form(base.into_iter().chain(form.iter().copied())).unwrap();
        let prover = key(seed).public().thumbprint();
        owner_token(who, &prover, &request, &world.policy, world.now, &mut world.random)
    };
    let grant = ask(&owner, 10, &[]).unwrap();
    let token = grant.token();
    assert_eq!((token.subject.as_str(), token.client_id.as_str()), (owner.id().as_str(), owner.did().as_str()));
    assert_eq!(target(&grant), (ISSUER.into(), "owner:self".into()));
    assert!(token.is_of_owner() && token.handle.is_none() && token.environment.is_none());
    assert_eq!((token.confirmation, grant.expires_in()), (Some(owner.did().thumbprint()), Seconds::new(300)));
    let all = "owner:self registry:admin registry:read";
    assert_eq!(ask(&admin, 11, &[("scope", all)]).map(|grant| target(&grant)), Ok((ISSUER.into(), all.into())));
    assert_eq!(ask(&admin, 11, &[]).map(|grant| target(&grant).1), Ok("owner:self".into()));
    for (who, seed, form, expected) in [
        (&owner, 11, &[][..], Refusal::InvalidClient),
        (&owner, 10, &[("scope", "registry:read")], Refusal::InvalidScope { excess: scope("registry:read") }),
        (&owner, 10, &[("scope", "agent:self")], Refusal::InvalidScope { excess: scope("agent:self") }),
        (&owner, 10, &[("resource", ECHO)], Refusal::InvalidTarget),
        (&owner, 10, &[("task_intent", "x")], Refusal::InvalidRequest),
        (&owner, 10, &[("authorization_details", TOOLS)], Refusal::InvalidAuthorizationDetails),
        (&owner, 10, &[("del_max_depth", "1")], Refusal::InvalidRequest),
    ] {
        assert_eq!(ask(who, seed, form), Err(expected), "{form:?}");
    }
}

#[test]
fn callers_are_made_of_tokens_and_their_records() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    let other = world.owner(11);
    let scopes = scope("owner:self");
    let of = |record, subject: &OwnerRecord, client: &OwnerRecord| {
        Caller::owner(record, subject.id().as_str(), client.did().as_str(), &scopes).map(|_| ())
    };
    assert_eq!(of(Some(&owner), &owner, &owner), Ok(()));
    assert_eq!(of(None, &owner, &owner), Err(Refusal::UnknownOwner));
    assert_eq!(of(Some(&owner), &other, &owner), Err(Refusal::UnknownOwner));
    assert_eq!(of(Some(&owner), &owner, &other), Err(Refusal::UnknownOwner));
    let now = world.now;
    let by_agent = |world: &World, scopes: &str| {
        let record = world.agent_of(agent.agent.did()).map(|agent| agent.record);
        Caller::agent(record.as_ref(), agent.agent.did().as_str(), &scope(scopes), now).map(|_| ())
    };
    assert_eq!(by_agent(&world, "agent:self"), Ok(()));
    assert_eq!(by_agent(&world, "echo:read"), Err(Refusal::Forbidden));
    // an agent manages nothing, whatever its token says
    let record = world.agent_of(agent.agent.did()).unwrap().record;
    let everything = scope("agent:self owner:self registry:admin registry:read");
    let caller = Caller::agent(Some(&record), record.did().as_str(), &everything, now).unwrap();
    assert_eq!(caller.as_owner(), Err(Refusal::Forbidden));
    assert_eq!(caller.as_admin(), Err(Refusal::Forbidden));
    assert_eq!(caller.as_reader(), Err(Refusal::Forbidden));
    assert_eq!(caller.as_manager_of(&record), Err(Refusal::Forbidden));
    world.revoke(&owner, "owner:self", agent.agent.did()).unwrap();
    assert_eq!(by_agent(&world, "agent:self"), Err(Refusal::AgentRevoked));
    assert_eq!(Caller::agent(None, "did", &scope("agent:self"), now).map(|_| ()), Err(Refusal::UnknownAgent));
}

#[test]
fn another_organisations_agent_is_unknown() {
    // TH66, P-21
    let (mut world, owner, _) = claimed("echo:read", &[ECHO]);
    let admin = world.owner_as(12, Role::Admin);
    let mine = world.agent_of(&key(1).public().did()).unwrap();
    let bytes = String::from_utf8(mine.record.to_bytes().unwrap()).unwrap();
    let bytes = bytes.replace(r#""organisation":"default""#, r#""organisation":"elsewhere""#);
    let foreign = Loaded { record: AgentRecord::from_bytes(bytes.as_bytes()).unwrap(), version: mine.version };
    let (own, all) = (scope("owner:self"), scope("registry:admin"));
    for who in [caller(&owner, &own), caller(&admin, &all)] {
        assert!(who.as_manager_of(&mine.record).is_ok());
        assert_eq!(who.as_manager_of(&foreign.record), Err(Refusal::UnknownAgent));
        assert_eq!(revoke_agent(who, Some(&foreign), None, None, world.now), Err(Refusal::UnknownAgent));
    }
    let request = TaskRequest::parse(br#"{"agent":"x","intent":"y","scope":"echo:read"}"#).unwrap();
    let who = caller(&owner, &own);
    let task = create_owner_task(
        who,
        Some(&foreign),
        request,
        &world.policy,
        StatusPlace::FIRST,
        world.now,
        &mut world.random,
    );
    assert_eq!(task.map(|_| ()), Err(Refusal::UnknownAgent));
}

/// What the place of a task's status is: (list, index), from the token.
fn place(grant: &TokenGrant) -> StatusPlace {
    StatusPlace::of_reference(grant.token().status.as_ref().unwrap(), ISSUER).unwrap()
}

#[test]
fn tokens_of_a_task_share_a_place_until_it_is_no_good() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let first = place(&world.token(&key(1), &[]).unwrap());
    let writes = world.snapshot();
    assert_eq!(place(&world.token(&key(1), &[]).unwrap()), first);
    assert_eq!(world.snapshot(), writes, "renewing writes nothing");
    let other = place(&world.token(&key(1), &[("task_intent", "x")]).unwrap());
    assert_ne!(other, first, "another task is another delegation");
    let entry: PlaceRecord = world.load(&Slot::place(first)).unwrap().record;
    let did = key(1).public().did();
    assert_eq!((entry.agents(), entry.begun(), entry.until()), (&[did.clone()][..], at(0), at(3600 + 360)));
    let names: Vec<_> = entry.names().map(|(kind, _)| kind).collect();
    assert_eq!(names, [FeedKind::Task, FeedKind::Owner, FeedKind::Agent, FeedKind::Key]);
    // said to be stopped: one write, no event, and from then on the new one
    world.bad_places = true;
    world.pass(7);
    let (log, events) = (world.log.len(), world.feed.len());
    let moved = place(&world.token(&key(1), &[]).unwrap());
    assert!(![first, other].contains(&moved));
    assert_eq!((world.log.len(), world.feed.len()), (log, events));
    assert_eq!(world.load::<PlaceRecord>(&Slot::place(moved)).unwrap().record.begun(), at(7));
    world.bad_places = false;
    assert_eq!(place(&world.token(&key(1), &[]).unwrap()), moved);
}

#[test]
fn a_place_is_given_once_whoever_offers_it() {
    let (mut world, ..) = claimed("echo:read", &[ECHO]);
    let Ok(TokenDecision::NewTask { change, .. }) = world.decide_token(&key(1), &[("task_intent", "x")]) else {
        panic!("it begins a task");
    };
    // somebody else's task came to the place that was offered
    let taken = place(&world.token(&key(1), &[]).unwrap());
    let writes = |write: &Write| matches!(write, Write::Put { record, .. } if record.slot() == Slot::place(taken));
    assert!(change.writes.iter().any(writes));
    assert!(world.commit(&change).is_err());
}

#[test]
fn an_owners_task_has_its_place_before_the_first_token() {
    let (mut world, owner, agent) = claimed("echo:read", &[ECHO]);
    let json = format!(r#"{{"agent":"{}","intent":"x","scope":"echo:read"}}"#, agent.agent.did());
    let task = owner_task(&mut world, &owner, 1, &json).unwrap();
    let writes = world.snapshot();
    let grant = world.token(&key(1), &[("task", task.id().as_str())]).unwrap();
    assert_eq!(world.snapshot(), writes, "issuing inside a known task writes nothing");
    assert_eq!(Some(place(&grant)), task.place_for(&world.agent_of(&key(1).public().did()).unwrap().record));
}
