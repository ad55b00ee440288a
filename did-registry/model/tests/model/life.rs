//! Random sequences of actions against a reference model of a few lines (P-12, P-13, P-14).

use handfast_delegation::Environment;
use handfast_identity::{DidKey, Handle, SigningKey, fingerprint};
use handfast_registry_model::*;
use proptest::prelude::*;

use crate::life_support::is_stopped;
use crate::support::*;

const AGENTS: usize = 2;
const OWNERS: usize = 2;
const NAMES: [&str; 3] = ["billing", "bi11ing", "shipping"];

#[derive(Clone, Debug)]
enum Action {
    Register {
        agent: usize,
    },
    NewCode {
        agent: usize,
    },
    First {
        agent: usize,
        owner: usize,
        name: Option<usize>,
        right: bool,
    },
    Second {
        agent: usize,
        owner: usize,
        name: Option<usize>,
        right: bool,
    },
    Guess {
        agent: usize,
        owner: usize,
        times: usize,
    },
    Refuse {
        agent: usize,
        owner: usize,
    },
    Revoke {
        agent: usize,
        owner: Option<usize>,
    },
    Token {
        agent: usize,
    },
    /// A task of the owner's, then a token in the one before.
    Work {
        agent: usize,
    },
    Suspend {
        agent: usize,
        owner: Option<usize>,
    },
    Resume {
        agent: usize,
        owner: Option<usize>,
    },
    Retire {
        agent: usize,
        owner: usize,
    },
    Offer {
        agent: usize,
        owner: usize,
    },
    Accept {
        agent: usize,
        owner: usize,
    },
    Withdraw {
        agent: usize,
        owner: usize,
    },
    Ceiling {
        agent: usize,
        owner: usize,
        wide: bool,
    },
    Move {
        agent: usize,
        owner: usize,
        prod: bool,
    },
    Pass {
        seconds: u64,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let (agent, owner) = (0..AGENTS, 0..OWNERS);
    let name = prop::option::weighted(0.3, 0..NAMES.len());
    let right = prop::bool::weighted(0.8);
    let step = (agent.clone(), owner.clone(), name, right);
    let both = (agent.clone(), owner.clone());
    let manager = (agent.clone(), prop::option::weighted(0.7, owner.clone()));
    let flag = (agent.clone(), owner.clone(), any::<bool>());
    prop_oneof![
        2 => agent.clone().prop_map(|agent| Action::Register { agent }),
        2 => agent.clone().prop_map(|agent| Action::NewCode { agent }),
        4 => step.clone().prop_map(|(agent, owner, name, right)| Action::First { agent, owner, name, right }),
        6 => step.prop_map(|(agent, owner, name, right)| Action::Second { agent, owner, name, right }),
        1 => (agent.clone(), owner.clone(), 2..6_usize).prop_map(|(agent, owner, times)| Action::Guess { agent, owner, times }),
        1 => (agent.clone(), owner.clone()).prop_map(|(agent, owner)| Action::Refuse { agent, owner }),
        1 => (agent.clone(), prop::option::of(owner)).prop_map(|(agent, owner)| Action::Revoke { agent, owner }),
        2 => agent.clone().prop_map(|agent| Action::Token { agent }),
        2 => agent.prop_map(|agent| Action::Work { agent }),
        2 => manager.clone().prop_map(|(agent, owner)| Action::Suspend { agent, owner }),
        2 => manager.prop_map(|(agent, owner)| Action::Resume { agent, owner }),
        1 => both.clone().prop_map(|(agent, owner)| Action::Retire { agent, owner }),
        2 => both.clone().prop_map(|(agent, owner)| Action::Offer { agent, owner }),
        3 => both.clone().prop_map(|(agent, owner)| Action::Accept { agent, owner }),
        1 => both.prop_map(|(agent, owner)| Action::Withdraw { agent, owner }),
        2 => flag.clone().prop_map(|(agent, owner, wide)| Action::Ceiling { agent, owner, wide }),
        1 => flag.prop_map(|(agent, owner, prod)| Action::Move { agent, owner, prod }),
        2 => prop_oneof![Just(1_u64), Just(6), Just(300), Just(901), Just(15 * 24 * 3600), Just(31 * 24 * 3600)]
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
    suspended: Option<Suspended>,
    retired: bool,
    /// To whom, and since when.
    offer: Option<(usize, u64)>,
    /// The latest cut-off.
    cut: Option<u64>,
    wide: Option<bool>,
    prod: bool,
    /// The newest task of its owner's, and whether it goes on.
    task: Option<(TaskId, u64, bool)>,
    /// When its living and dead tokens were issued.
    tokens: Vec<(u64, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Suspended {
    by_admin: bool,
}

impl Reference {
    fn is_there(&self, now: u64) -> bool {
        match self.status {
            None => false,
            Some(Status::Unclaimed) => now < self.last_used + 30 * 24 * 3600,
            Some(Status::Claimed | Status::Revoked) => true,
        }
    }

    /// Whether `owner`, or an admin, may change its life.
    fn is_managed_by(&self, owner: Option<usize>) -> bool {
        owner.is_none() || self.is_of(owner)
    }

    fn is_of(&self, owner: Option<usize>) -> bool {
        self.owner.is_some() && self.owner == owner
    }

    /// CLAIMED and not retired: what can still change.
    fn is_held(&self) -> bool {
        self.status == Some(Status::Claimed) && !self.retired
    }

    fn open_offer(&self, now: u64) -> Option<usize> {
        self.offer.filter(|(_, since)| self.is_held() && now < since + 7 * 24 * 3600).map(|(to, _)| to)
    }

    /// Everything that was issued is dead, and so is what comes up to `cut`.
    fn ends(&mut self, cut: u64) {
        self.cut = self.cut.max(Some(cut));
        self.tokens.iter_mut().for_each(|(_, lives)| *lives = false);
    }

    fn ends_tasks(&mut self) {
        if let Some((_, _, goes_on)) = &mut self.task {
            *goes_on = false;
        }
        self.task_from = None;
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
                let stopped = model.suspended.is_some() || model.retired || model.cut.is_some_and(|cut| now <= cut);
                let allowed = model.is_there(now) && model.status != Some(Status::Revoked) && !stopped;
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
                    model.tokens.push((now, true));
                }
            }
            Action::Work { agent } => self.work(agent),
            Action::Suspend { agent, owner } => {
                let result = self.manage(agent, owner, World::suspend);
                let model = &mut self.reference[agent];
                let by_admin = owner.is_none();
                let allowed = model.is_there(now) && model.is_managed_by(owner) && model.is_held();
                let news = model.suspended.is_none_or(|before| by_admin && !before.by_admin);
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed {
                    let by_admin = by_admin || model.suspended.is_some_and(|before| before.by_admin);
                    model.suspended = Some(Suspended { by_admin });
                }
            }
            Action::Resume { agent, owner } => {
                let result = self.manage(agent, owner, World::resume);
                let model = &mut self.reference[agent];
                let allowed = model.is_there(now) && model.is_managed_by(owner) && model.is_held();
                let allowed = allowed && !(owner.is_some() && model.suspended.is_some_and(|before| before.by_admin));
                let news = model.suspended.is_some();
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed && news {
                    model.suspended = None;
                    model.ends(now);
                }
            }
            Action::Retire { agent, owner } => {
                let result = self.manage(agent, Some(owner), World::retire);
                let model = &mut self.reference[agent];
                let allowed = model.is_of(Some(owner)) && model.status == Some(Status::Claimed);
                let news = !model.retired;
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed {
                    (model.retired, model.suspended, model.offer) = (true, None, None);
                    model.tokens.iter_mut().for_each(|(_, lives)| *lives = false);
                    model.ends_tasks();
                }
            }
            Action::Offer { agent, owner } => {
                let (who, to) = (self.owners[owner].clone(), self.owners[1 - owner].clone());
                let result = self.world.offer(&who, &Self::did(agent), &to);
                let model = &mut self.reference[agent];
                let allowed = model.is_of(Some(owner)) && model.is_held();
                let news = model.open_offer(now).is_none();
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed && news {
                    model.offer = Some((1 - owner, now));
                }
            }
            Action::Accept { agent, owner } => {
                let result = self.world.accept(&self.owners[owner].clone(), &Self::did(agent));
                let model = &mut self.reference[agent];
                let is_theirs = model.is_held() && model.is_of(Some(owner));
                let news = model.open_offer(now) == Some(owner);
                assert_eq!(result.as_ref().ok(), (is_theirs || news).then_some(&news), "{result:?}");
                if news {
                    (model.owner, model.offer, model.wide) = (Some(owner), None, None);
                    model.ends(now + 5);
                    model.ends_tasks();
                }
            }
            Action::Withdraw { agent, owner } => {
                let result = self.world.withdraw(&self.owners[owner].clone(), &Self::did(agent));
                let model = &mut self.reference[agent];
                let open = model.open_offer(now);
                let allowed = open.is_some() && (open == Some(owner) || model.is_of(Some(owner)));
                assert_eq!(result.as_ref().ok(), allowed.then_some(&true), "{result:?}");
                if allowed {
                    model.offer = None;
                }
            }
            Action::Ceiling { agent, owner, wide } => {
                let new = ceiling(if wide { "echo:hello echo:read" } else { "echo:read" }, &[ECHO]);
                let result = self.world.set_ceiling(&self.owners[owner].clone(), &Self::did(agent), &new);
                let model = &mut self.reference[agent];
                let allowed = model.is_of(Some(owner)) && model.is_held();
                let news = model.wide != Some(wide);
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed && news {
                    if model.wide == Some(true) {
                        model.ends(now + 5);
                        model.ends_tasks();
                    }
                    model.wide = Some(wide);
                }
            }
            Action::Move { agent, owner, prod } => {
                let place = if prod { Environment::Prod } else { Environment::Test };
                let result = self.world.move_to(&self.owners[owner].clone(), &Self::did(agent), place);
                let model = &mut self.reference[agent];
                let allowed = model.is_of(Some(owner)) && model.is_held();
                let news = model.prod != prod;
                assert_eq!(result.as_ref().ok(), allowed.then_some(&news), "{result:?}");
                if allowed && news {
                    model.prod = prod;
                    model.ends(now + 5);
                }
            }
            Action::Pass { seconds } => {
                self.passed += seconds;
                self.world.pass(seconds);
            }
        }
    }

    fn manage(
        &mut self,
        agent: usize,
        owner: Option<usize>,
        act: fn(&mut World, &OwnerRecord, &str, &DidKey) -> Result<bool, Refusal>,
    ) -> Result<bool, Refusal> {
        let (who, scopes) = match owner {
            Some(owner) => (self.owners[owner].clone(), "owner:self"),
            None => (self.admin.clone(), "registry:admin"),
        };
        act(&mut self.world, &who, scopes, &Self::did(agent))
    }

    /// A token in the owner's task from before, if it goes on; then another task.
    fn work(&mut self, agent: usize) {
        let now = self.passed;
        let model = self.reference[agent].clone();
        let stopped = model.suspended.is_some() || model.retired;
        if let Some((task, since, goes_on)) = &model.task {
            let is_living = model.is_there(now) && model.status == Some(Status::Claimed) && !stopped;
            let allowed = is_living && model.cut.is_none_or(|cut| now > cut) && *goes_on && now < since + 3600;
            let form = [("task", task.as_str()), ("scope", "agent:self")];
            let result = self.world.token(&Self::key(agent), &form);
            assert_eq!(result.is_ok(), allowed, "{result:?}");
            if allowed {
                self.reference[agent].tokens.push((now, true));
            }
        }
        let owner = self.owners[model.owner.unwrap_or(0)].clone();
        let result = self.world.give_task(&owner, &Self::did(agent));
        let allowed = model.is_held() && !stopped && model.wide.is_some();
        assert_eq!(result.is_ok(), allowed, "{result:?}");
        if let Ok(task) = result {
            self.reference[agent].task = Some((task.id().clone(), now, true));
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
            (model.status, model.owner, model.wide) = (Some(Status::Claimed), Some(owner), Some(false));
            // what it did for nobody is over: tokens of its own name live on until they end, tasks do not
            (model.task_from, model.task) = (None, None);
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
            (model.suspended, model.retired, model.offer) = (None, false, None);
            model.tokens.iter_mut().for_each(|(_, lives)| *lives = false);
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
        for (agent, model) in self.reference.iter().enumerate() {
            let did = Self::did(agent);
            // what is dead stays dead, whatever came after it, and what lives is not stopped by what came before
            for (issued, lives) in &model.tokens {
                let lives = *lives && model.suspended.is_none();
                let stopped = is_stopped(&self.world.feed, FeedKind::Agent, did.as_str(), START + issued);
                assert_eq!(stopped, !lives, "issued at {issued}: {model:?}");
            }
        }
        for (look, name) in [(0, NAMES[0]), (1, NAMES[2])] {
            let holder = self.world.load::<HandleRecord>(&Slot::handle(&handle(name))).map(|entry| entry.record);
            let expected = self.looks[look].and_then(|agent| self.world.agent_of(&Self::did(agent)));
            assert_eq!(holder.as_ref().map(HandleRecord::agent), expected.as_ref().map(|agent| agent.record.id()));
        }
    }
}

/// What happens between claiming and the end, without claims: by chance that comes late.
fn later_action() -> impl Strategy<Value = Action> {
    let both = (0..AGENTS, 0..OWNERS);
    let manager = (0..AGENTS, prop::option::weighted(0.7, 0..OWNERS));
    let flag = (0..AGENTS, 0..OWNERS, any::<bool>());
    prop_oneof![
        6 => (0..AGENTS).prop_map(|agent| Action::Token { agent }),
        5 => (0..AGENTS).prop_map(|agent| Action::Work { agent }),
        3 => manager.clone().prop_map(|(agent, owner)| Action::Suspend { agent, owner }),
        4 => manager.clone().prop_map(|(agent, owner)| Action::Resume { agent, owner }),
        2 => both.clone().prop_map(|(agent, owner)| Action::Offer { agent, owner }),
        3 => both.clone().prop_map(|(agent, owner)| Action::Accept { agent, owner }),
        1 => both.prop_map(|(agent, owner)| Action::Withdraw { agent, owner }),
        4 => flag.clone().prop_map(|(agent, owner, wide)| Action::Ceiling { agent, owner, wide }),
        1 => flag.prop_map(|(agent, owner, prod)| Action::Move { agent, owner, prod }),
        6 => prop_oneof![Just(1_u64), Just(6), Just(300)].prop_map(|seconds| Action::Pass { seconds }),
    ]
}

/// Both agents are CLAIMED, and have a token.
fn claims() -> impl Iterator<Item = Action> {
    (0..AGENTS).flat_map(|agent| {
        let (owner, name, right) = (agent % OWNERS, None, true);
        let first = Action::First { agent, owner, name, right };
        [Action::Register { agent }, first, Action::Second { agent, owner, name, right }, Action::Token { agent }]
    })
}

fn follow(actions: impl Iterator<Item = Action>) {
    let mut run = Run::new();
    for action in actions {
        run.act(&action);
        run.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_actions_follows_the_reference(actions in prop::collection::vec(action(), 1..80)) {
        follow(actions.into_iter());
    }

    #[test]
    fn any_life_after_claiming_follows_the_reference(
        actions in prop::collection::vec(later_action(), 1..80),
        end in prop::collection::vec(action(), 0..10),
    ) {
        follow(claims().chain(actions).chain(end));
    }
}
