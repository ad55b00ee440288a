//! Three owners, three agents each, three tasks each, two sub-agents: live, with a resource server that listens.

use handfast_registry::ConfigFile;
use handfast_testkit::Agent;
use serde_json::{Value, json};

use super::cells::{Cell, Presenter, Stopped, Task, Who};
use super::site::{Presented, Site};
use crate::bench::{API, Bench, Owner, approval, claims_of, config, with};
use crate::delegation_bench::Scene;

pub(super) const OWNERS: usize = 3;
pub(super) const AGENTS: usize = 3;
pub(super) const TASKS: usize = 3;

/// Everybody, all they were ever given, and what was stopped of it.
pub(super) struct World {
    /// The registry; the owner and agents that this has for other tests are not asked.
    pub(super) scene: Scene,
    pub(super) owners: Vec<Owner>,
    pub(super) admin: Owner,
    agents: Vec<Agent>,
    /// The first and the second sub-agent of each owner.
    subs: Vec<[Agent; 2]>,
    /// The owner of each agent now.
    pub(super) owner_of: Vec<usize>,
    pub(super) works: Vec<Work>,
    pub(super) born: u32,
    pub(super) stopped: Stopped,
    pub(super) site: Site,
}

/// A root token with all that was made from it.
pub(super) struct Work {
    pub(super) owner: usize,
    pub(super) task: Task,
    pub(super) born: u32,
    /// The task's id.
    pub(super) id: String,
    pub(super) root: String,
    pub(super) first: String,
    pub(super) under: String,
    pub(super) branch: String,
    pub(super) token_of_first: String,
    pub(super) token_of_second: String,
}

/// How agents come by new credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anew {
    /// In the tasks they have.
    Renewed,
    /// In tasks of their own accord.
    NewTasks,
}

fn many() -> ConfigFile {
    let mut file = config();
    file.limits.registrations_per_source = 100;
    file
}

/// What an owner lets an agent do that is to pass on.
pub(super) fn ceiling(scope: &str) -> Value {
    json!({
        "scope": scope, "resource": [API], "max_task_seconds": 7200, "del_max_depth": 2, "delegation": "offline",
    })
}

impl World {
    pub(super) async fn new() -> Self {
        let bench = Bench::with(&many()).await;
        let admin = bench.admin(103).await;
        let (mut owners, mut agents, mut subs, mut key) = (Vec::new(), Vec::new(), Vec::new(), 1_u8..);
        for number in (100_u8..).take(OWNERS) {
            let owner = bench.owner(number).await;
            for _ in 0..AGENTS {
                let agent = Agent::numbered(key.next().unwrap());
                let claim = bench.register(&agent).await;
                let body = with(approval(&claim), json!({"ceiling": ceiling("echo:hello echo:read")}));
                bench.approve(&owner, &claim, &body).await.is(200);
                agents.push(agent);
            }
            let [first, second] = [key.next().unwrap(), key.next().unwrap()];
            subs.push([bench.claimed(first, &owner).await, bench.claimed(second, &owner).await]);
            owners.push(owner);
        }
        let site = Site::start(&bench).await;
        let owner = Owner { key: owners[0].key.clone(), id: owners[0].id.clone() };
        let [orchestrator, planner, browser] = [0, 1, 2].map(|place: usize| agents[place].clone());
        let scene = Scene { bench, owner, orchestrator, planner, browser };
        let owner_of = (0..agents.len()).map(|agent| agent / AGENTS).collect();
        let (works, stopped) = (Vec::new(), Stopped::default());
        let mut world = Self { scene, owners, admin, agents, subs, owner_of, works, born: 0, stopped, site };
        let all: Vec<_> = (0..world.agents.len()).collect();
        world.make(&all, Anew::NewTasks).await;
        world
    }

    pub(super) const fn bench(&self) -> &Bench {
        &self.scene.bench
    }

    pub(super) fn party(&self, who: Who) -> &Agent {
        match who {
            Who::Agent(agent) => &self.agents[agent],
            Who::First(owner) => &self.subs[owner][0],
            Who::Second(owner) => &self.subs[owner][1],
        }
    }

    pub(super) fn owner_of(&self, who: Who) -> &Owner {
        match who {
            Who::Agent(agent) => &self.owners[self.owner_of[agent]],
            Who::First(owner) | Who::Second(owner) => &self.owners[owner],
        }
    }

    /// The newest credentials of a task.
    pub(super) fn work(&self, task: Task) -> &Work {
        self.works.iter().rev().find(|work| work.task == task).unwrap()
    }

    /// New credentials for these agents, of a new making: three root tokens for each, and all below them.
    pub(super) async fn make(&mut self, agents: &[usize], anew: Anew) {
        self.born += 1;
        for agent in agents {
            let known = self.works.iter().filter(|work| work.task.agent == *agent).map(|work| work.task.number);
            let next = known.max().map_or(0, |number| number + 1);
            let numbers = match anew {
                Anew::Renewed => next - TASKS..next,
                Anew::NewTasks => next..next + TASKS,
            };
            for number in numbers {
                let task = Task { agent: *agent, number };
                let root = self.root(task, anew).await.is(200).str("access_token");
                let work = self.below(task, root).await;
                self.works.push(work);
            }
        }
    }

    /// The token endpoint's answer to an agent that asks for a root token.
    pub(super) async fn root(&self, task: Task, anew: Anew) -> crate::bench::Answer {
        let named = match anew {
            Anew::Renewed => ("task", self.work(task).id.clone()),
            Anew::NewTasks => ("task_intent", format!("task {}", task.number)),
        };
        let form = [("scope", "echo:read"), ("resource", API), (named.0, named.1.as_str())];
        self.bench().token_answer(self.party(Who::Agent(task.agent)), &form).await
    }

    async fn below(&self, task: Task, root: String) -> Work {
        let owner = self.owner_of[task.agent];
        let scene = &self.scene;
        let [agent, one, two] = [Who::Agent(task.agent), Who::First(owner), Who::Second(owner)].map(|w| self.party(w));
        let first = scene.hop(agent, &root, one).sign();
        let under = scene.hop(one, &first, two).sign();
        let branch = scene.hop(agent, &root, two).sign();
        let token_of_first = scene.exchange(one, &root, &[&first]).await.is(200).str("access_token");
        let token_of_second = scene.exchange(two, &root, &[&first, &under]).await.is(200).str("access_token");
        let id = claims_of(&root)["task"]["id"].as_str().unwrap().to_owned();
        Work { owner, task, born: self.born, id, root, first, under, branch, token_of_first, token_of_second }
    }

    /// The registry's process ends, and another one goes on with its disk. The resource server stays.
    pub(super) async fn restart(&mut self) {
        let (disk, clock) = (self.bench().disk.clone(), self.bench().clock.clone());
        self.scene.bench = Bench::on(disk, clock, &many()).await;
    }

    /// Every cell there ever was, with what is presented in it.
    pub(super) fn cells(&self) -> Vec<(Cell, Presented)> {
        let of = |work| Presenter::ALL.map(|presenter| self.cell(work, presenter));
        self.works.iter().flat_map(of).collect()
    }

    fn cell(&self, work: &Work, presenter: Presenter) -> (Cell, Presented) {
        let Work { owner, task, born, root, first, under, branch, token_of_first, token_of_second, .. } = work;
        let [agent, one, two] = [Who::Agent(task.agent), Who::First(*owner), Who::Second(*owner)];
        let (by, token, evidence) = match presenter {
            Presenter::Own => (agent, root, None),
            Presenter::Offline => (two, root, Some(branch.clone())),
            Presenter::OfflineBelow => (two, root, Some(format!("{first},{under}"))),
            Presenter::Exchanged => (one, token_of_first, Some(format!("{root},{first}"))),
            Presenter::OnWord => (one, token_of_first, None),
            Presenter::ExchangedBelow => (two, token_of_second, Some(format!("{root},{first},{under}"))),
            Presenter::OnWordBelow => (two, token_of_second, None),
        };
        let on_word = matches!(presenter, Presenter::OnWord | Presenter::OnWordBelow);
        let cell = Cell { owner: *owner, task: *task, born: *born, presenter };
        (cell, Presented { by: self.party(by).clone(), token: token.clone(), evidence, on_word })
    }
}
