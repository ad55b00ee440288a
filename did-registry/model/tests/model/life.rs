//! Random sequences of actions against a reference model of a few lines (P-12, P-13, P-14).

use handfast_identity::{DidKey, Handle, SigningKey, fingerprint};
use handfast_registry_model::*;
use proptest::prelude::*;

use crate::support::*;

const AGENTS: usize = 2;
const OWNERS: usize = 2;
const NAMES: [&str; 3] = ["billing", "bi11ing", "shipping"];

#[derive(Clone, Debug)]
enum Action {
    Register { agent: usize },
    NewCode { agent: usize },
    First { agent: usize, owner: usize, name: Option<usize>, right: bool },
    Second { agent: usize, owner: usize, name: Option<usize>, right: bool },
    Guess { agent: usize, owner: usize, times: usize },
    Refuse { agent: usize, owner: usize },
    Revoke { agent: usize, owner: Option<usize> },
    Token { agent: usize },
    Pass { seconds: u64 },
}

fn action() -> impl Strategy<Value = Action> {
    let (agent, owner) = (0..AGENTS, 0..OWNERS);
    let name = prop::option::weighted(0.3, 0..NAMES.len());
    let right = prop::bool::weighted(0.8);
    let step = (agent.clone(), owner.clone(), name, right);
    prop_oneof![
        2 => agent.clone().prop_map(|agent| Action::Register { agent }),
        2 => agent.clone().prop_map(|agent| Action::NewCode { agent }),
        4 => step.clone().prop_map(|(agent, owner, name, right)| Action::First { agent, owner, name, right }),
        6 => step.prop_map(|(agent, owner, name, right)| Action::Second { agent, owner, name, right }),
        1 => (agent.clone(), owner.clone(), 2..6_usize).prop_map(|(agent, owner, times)| Action::Guess { agent, owner, times }),
        1 => (agent.clone(), owner.clone()).prop_map(|(agent, owner)| Action::Refuse { agent, owner }),
        1 => (agent.clone(), prop::option::of(owner)).prop_map(|(agent, owner)| Action::Revoke { agent, owner }),
        2 => agent.prop_map(|agent| Action::Token { agent }),
        2 => prop_oneof![Just(1_u64), Just(300), Just(901), Just(15 * 24 * 3600), Just(31 * 24 * 3600)]
            .prop_map(|seconds| Action::Pass { seconds }),
    ]
}

/// All that the rules say, and nothing of how.
#[derive(Clone, Debug, Default)]
struct Reference {
    status: Option<Status>,
    owner: Option<usize>,
    last_used: u64,
    /// When its default task began, while it is UNCLAIMED.
    task_from: Option<u64>,
    code_from: u64,
    /// When it asked for its newest code; the first one came with its registration.
    asked: Option<u64>,
    code_spent: bool,
    wrong: [u32; OWNERS],
    confirming: [Option<Option<usize>>; OWNERS],
}

impl Reference {
    fn is_there(&self, now: u64) -> bool {
        match self.status {
            None => false,
            Some(Status::Unclaimed) => now < self.last_used + 30 * 24 * 3600,
            Some(Status::Claimed | Status::Revoked) => true,
        }
    }

    fn new_code(&mut self, now: u64) {
        let Self { status, owner, task_from, .. } = *self;
        *self = Self { status, owner, task_from, last_used: now, code_from: now, ..Self::default() };
    }

    /// Whether `owner` may try a code now.
    fn code_is_open(&self, owner: usize, now: u64) -> bool {
        self.status == Some(Status::Unclaimed)
            && self.is_there(now)
            && !self.code_spent
            && now < self.code_from + 900
            && self.wrong[owner] < 5
    }
}

struct Run {
    world: World,
    owners: Vec<OwnerRecord>,
    admin: OwnerRecord,
    claims: Vec<Option<(ClaimId, String)>>,
    reference: Vec<Reference>,
    /// Who claimed each look, if anybody: never given to another.
    looks: [Option<usize>; 2],
    passed: u64,
}

/// `billing` and `bi11ing` are one look.
fn look(name: usize) -> usize {
    usize::from(name == 2)
}

impl Run {
    fn new() -> Self {
        let mut world = World::new(11);
        let owners = (0_u8..).take(OWNERS).map(|n| world.owner(100 + n)).collect();
        let admin = world.owner_as(200, Role::Admin);
        Self {
            world,
            owners,
            admin,
            claims: vec![None; AGENTS],
            reference: vec![Reference::default(); AGENTS],
            looks: [None; 2],
            passed: 0,
        }
    }

    fn key(agent: usize) -> SigningKey {
        key(u8::try_from(agent).unwrap() + 1)
    }

    fn did(agent: usize) -> DidKey {
        Self::key(agent).public().did()
    }

    fn approve(
        &mut self,
        agent: usize,
        owner: usize,
        name: Option<usize>,
        code: &str,
        words: Option<String>,
    ) -> Result<bool, Refusal> {
        let Some((claim, _)) = self.claims[agent].clone() else { return Err(Refusal::UnknownClaim) };
        let request = approval(code, &ceiling("echo:read", &[ECHO]), name.map(|name| handle(NAMES[name])), words);
        self.world.approve(&claim, &self.owners[owner].clone(), &request).map(|view| view.is_none())
    }

    fn code(&self, agent: usize, right: bool) -> String {
        let code = self.claims[agent].as_ref().map_or("BCDFGHJK", |(_, code)| code);
        if right { code.to_owned() } else { wrong(code) }
    }

    fn name_is_free(&self, agent: usize, name: Option<usize>) -> bool {
        name.is_none_or(|name| self.looks[look(name)].is_none_or(|holder| holder == agent))
    }

    fn act(&mut self, action: &Action) {
        let now = self.passed;
        match *action {
            Action::Register { agent } => {
                let free = !self.reference[agent].is_there(now);
                let name = Handle::generate(&mut self.world.random);
                let result = self.world.register_as(&Self::key(agent), &name);
                assert_eq!(result.is_ok(), free, "{result:?}");
                if let Ok(done) = result {
                    self.claims[agent] = Some((done.claim.id.clone(), done.claim.code.expose().to_owned()));
                    self.reference[agent] = Reference { status: Some(Status::Unclaimed), ..Reference::default() };
                    self.reference[agent].new_code(now);
                }
            }
            Action::NewCode { agent } => {
                let allowed =
                    self.reference[agent].is_there(now) && self.reference[agent].status == Some(Status::Unclaimed);
                let allowed = allowed && self.reference[agent].asked.is_none_or(|asked| now >= asked + 5);
                let result = self.world.new_code(&Self::did(agent));
                assert_eq!(result.is_ok(), allowed, "{result:?}");
                if let Ok(claim) = result {
                    self.claims[agent] = Some((claim.id.clone(), claim.code.expose().to_owned()));
                    self.reference[agent].new_code(now);
                    self.reference[agent].asked = Some(now);
                }
            }
            Action::First { agent, owner, name, right } => self.step(agent, owner, name, right, None),
            Action::Second { agent, owner, name, right } => {
                self.step(agent, owner, name, right, Some(fingerprint(&Self::did(agent))));
            }
            Action::Guess { agent, owner, times } => {
                (0..times).for_each(|_| self.step(agent, owner, None, false, None));
            }
            Action::Refuse { agent, owner } => {
                let Some((claim, code)) = self.claims[agent].clone() else { return };
                let open = self.reference[agent].code_is_open(owner, now);
                let result = self.world.refuse(&claim, &self.owners[owner].clone(), &code);
                assert_eq!(result.is_ok(), open, "{result:?}");
                self.reference[agent].code_spent |= open;
            }
            Action::Revoke { agent, owner } => self.revoke(agent, owner),
            Action::Token { agent } => {
                let model = &mut self.reference[agent];
                let allowed = model.is_there(now) && model.status != Some(Status::Revoked);
                let result = self.world.token(&Self::key(agent), &[]);
                assert_eq!(result.is_ok(), allowed, "{result:?}");
                if let Ok(grant) = result {
                    let did = Self::did(agent).to_string();
                    let subject = model.owner.map_or(did, |owner| self.owners[owner].id().to_string());
                    assert_eq!(grant.token().subject, subject);
                    // beginning a task is use; within one there was use less than an hour ago
                    if model.task_from.is_none_or(|from| now + 60 > from + 3600) {
                        (model.task_from, model.last_used) = (Some(now), now);
                    }
                }
            }
            Action::Pass { seconds } => {
                self.passed += seconds;
                self.world.pass(seconds);
            }
        }
    }

    fn step(&mut self, agent: usize, owner: usize, name: Option<usize>, right: bool, words: Option<String>) {
        let now = self.passed;
        let open = self.reference[agent].code_is_open(owner, now);
        let confirms = words.is_some();
        let free = self.name_is_free(agent, name);
        let result = self.approve(agent, owner, name, &self.code(agent, right), words);
        let model = &mut self.reference[agent];
        if !open {
            assert!(result.is_err() && result != Err(Refusal::WrongCode), "{result:?}");
        } else if !right {
            assert_eq!(result, Err(Refusal::WrongCode));
            model.wrong[owner] += 1;
        } else if !free {
            assert!(matches!(result, Err(Refusal::HandleTaken | Refusal::HandleConfusable)), "{result:?}");
        } else if confirms && model.confirming[owner] == Some(name) {
            assert_eq!(result, Ok(true));
            (model.status, model.owner) = (Some(Status::Claimed), Some(owner));
            if let Some(name) = name {
                self.looks[look(name)] = Some(agent);
            }
        } else {
            assert_eq!(result, Ok(false));
            model.confirming[owner] = Some(name);
        }
    }

    fn revoke(&mut self, agent: usize, owner: Option<usize>) {
        let model = &mut self.reference[agent];
        let (who, scopes) = match owner {
            Some(owner) => (self.owners[owner].clone(), "owner:self"),
            None => (self.admin.clone(), "registry:admin"),
        };
        let allowed =
            model.is_there(self.passed) && (owner.is_none() || (model.owner.is_some() && model.owner == owner));
        let fresh = model.status != Some(Status::Revoked);
        let result = self.world.revoke(&who, scopes, &Self::did(agent));
        assert_eq!(result.as_ref().ok(), allowed.then_some(&fresh), "{result:?}");
        if allowed {
            model.status = Some(Status::Revoked);
        }
    }

    /// What must hold after every action.
    fn check(&self) {
        for (agent, model) in self.reference.iter().enumerate() {
            let record = self.world.agent_of(&Self::did(agent)).map(|agent| agent.record);
            let record = record.filter(|record| !record.is_expired(self.world.now));
            let expected = model.status.filter(|_| model.is_there(self.passed));
            assert_eq!(record.as_ref().map(AgentRecord::status), expected);
            let owner = record.as_ref().and_then(AgentRecord::owner);
            let expected = model.owner.filter(|_| expected.is_some()).map(|owner| self.owners[owner].id());
            assert_eq!(owner, expected);
        }
        let revoked = self.reference.iter().filter(|model| model.status == Some(Status::Revoked)).count();
        assert_eq!(self.world.feed.len(), revoked, "one entry for each revoked agent, and none taken back");
        for (look, name) in [(0, NAMES[0]), (1, NAMES[2])] {
            let holder = self.world.load::<HandleRecord>(&Slot::handle(&handle(name))).map(|entry| entry.record);
            let expected = self.looks[look].and_then(|agent| self.world.agent_of(&Self::did(agent)));
            assert_eq!(holder.as_ref().map(HandleRecord::agent), expected.as_ref().map(|agent| agent.record.id()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_actions_follows_the_reference(actions in prop::collection::vec(action(), 1..80)) {
        let mut run = Run::new();
        for action in &actions {
            run.act(action);
            run.check();
        }
    }
}
