//! What may be presented, and which of it has to be dead: a prediction from pages alone, which asks nothing of the product.

use std::collections::BTreeMap;

/// The tolerance of the check (spec/access-tokens.md): good while `now <= exp + 30`.
const LEEWAY: u64 = 30;

/// A unit of work: the number of its agent, and its own among that agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    pub(super) agent: usize,
    pub(super) number: usize,
}

/// Somebody with a DID: an agent that tasks are given to, or one of the two sub-agents of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Agent(usize),
    First(usize),
    Second(usize),
}

/// How the authority of one root token reaches a resource server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presenter {
    /// The agent, with its root token.
    Own,
    /// The second sub-agent, with the root token and the one hop *branch*.
    Offline,
    /// The second sub-agent, with the root token and the hops *first* and *under*.
    OfflineBelow,
    /// The first sub-agent, with its own token from *first*, and evidence.
    Exchanged,
    /// The same without evidence.
    OnWord,
    /// The second sub-agent, with its own token from *first* and *under*, and evidence.
    ExchangedBelow,
    /// The same without evidence.
    OnWordBelow,
}

impl Presenter {
    pub(super) const ALL: [Self; 7] = [
        Self::Own,
        Self::Offline,
        Self::OfflineBelow,
        Self::Exchanged,
        Self::OnWord,
        Self::ExchangedBelow,
        Self::OnWordBelow,
    ];
}

/// One way to present one root token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) owner: usize,
    pub(super) task: Task,
    /// Which making of credentials it is from: those of one are all younger than those of the one before.
    pub(super) born: u32,
    pub(super) presenter: Presenter,
}

/// What can be stopped. Tokens and hops are of one making, the rest outlives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    IssuerKey,
    Root(Task, u32),
    /// The token of the first sub-agent.
    TokenOfFirst(Task, u32),
    /// The token of the second sub-agent, which came by the first.
    TokenOfSecond(Task, u32),
    Task(Task),
    Owner(usize),
    Party(Who),
    /// The one key that somebody has.
    Key(Who),
    /// The hop from the agent to the first sub-agent.
    First(Task, u32),
    /// The hop from the first sub-agent to the second.
    Under(Task, u32),
    /// The hop from the agent to the second sub-agent.
    Branch(Task, u32),
}

impl Name {
    const fn reason(self) -> &'static str {
        match self {
            Self::IssuerKey => "issuer_key_revoked",
            Self::Root(..) | Self::TokenOfFirst(..) | Self::TokenOfSecond(..) => "token_revoked",
            Self::Task(_) => "task_revoked",
            Self::Owner(_) => "principal_revoked",
            Self::Party(_) => "agent_revoked",
            Self::Key(_) => "key_compromised",
            Self::First(..) | Self::Under(..) | Self::Branch(..) => "hop_revoked",
        }
    }
}

impl Cell {
    /// All that it stands on, in the order in which spec/reasons.md and spec/delegation.md ask: the presented token's names, then
    /// those of its chain.
    fn stands_on(self) -> Vec<Name> {
        let Self { owner, task, born, presenter } = self;
        let (agent, first, second) = (Who::Agent(task.agent), Who::First(owner), Who::Second(owner));
        let root = Name::Root(task, born);
        // the keys that signed in the chain, and the one it was made for; without evidence those of `act`
        let chain_keys: &[Who] = match presenter {
            Presenter::Own => &[],
            Presenter::Offline => &[agent, second],
            Presenter::Exchanged | Presenter::OnWord => &[agent, first],
            Presenter::OfflineBelow | Presenter::ExchangedBelow | Presenter::OnWordBelow => &[agent, first, second],
        };
        let named = |token: Name, actors: &[Who]| {
            // a token is bound to the key of whoever acts
            let key = actors.first().map(|who| Name::Key(*who));
            let actors = actors.iter().map(|who| Name::Party(*who));
            let before = [Name::IssuerKey, token, Name::Task(task), Name::Owner(owner)];
            before.into_iter().chain(actors).chain(key).collect::<Vec<_>>()
        };
        let (mut names, chain): (_, &[Name]) = match presenter {
            Presenter::Own => (named(root, &[agent]), &[]),
            Presenter::Offline => (named(root, &[agent]), &[Name::Branch(task, born), Name::Party(second)]),
            Presenter::OfflineBelow => (
                named(root, &[agent]),
                &[Name::First(task, born), Name::Under(task, born), Name::Party(first), Name::Party(second)],
            ),
            Presenter::Exchanged | Presenter::OnWord => {
                (named(Name::TokenOfFirst(task, born), &[first, agent]), &[root, Name::First(task, born)])
            }
            Presenter::ExchangedBelow | Presenter::OnWordBelow => (
                named(Name::TokenOfSecond(task, born), &[second, first, agent]),
                &[root, Name::First(task, born), Name::Under(task, born)],
            ),
        };
        names.extend(chain);
        names.extend(chain_keys.iter().map(|who| Name::Key(*who)));
        names
    }
}

/// What was stopped so far: each name with the newest making that died by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopped(BTreeMap<Name, u32>);

impl Stopped {
    /// Whatever bears the name is dead, and whatever will.
    pub(super) fn for_good(&mut self, name: Name) {
        self.0.insert(name, u32::MAX);
    }

    /// What bears the name is dead up to this making; later ones live.
    pub(super) fn up_to(&mut self, name: Name, born: u32) {
        self.0.insert(name, born);
    }

    /// Why `cell`, whose token ends at `expires_at`, is refused at `now`; `None` if it is taken.
    pub(super) fn predict(&self, cell: Cell, expires_at: u64, now: u64) -> Option<&'static str> {
        if now > expires_at + LEEWAY {
            return Some("token_expired");
        }
        let is_stopped = |name: &Name| self.0.get(name).is_some_and(|born| cell.born <= *born);
        cell.stands_on().into_iter().find(is_stopped).map(Name::reason)
    }

    /// Whether the chain of `cell` may still be exchanged, whatever became of the token that was made from it.
    pub(super) fn is_exchanged(&self, cell: Cell, expires_at: u64, now: u64) -> bool {
        let mut without = self.clone();
        without.0.retain(|name, _| !matches!(name, Name::TokenOfFirst(..) | Name::TokenOfSecond(..)));
        without.predict(cell, expires_at, now).is_none()
    }
}
