//! Drift: a caller in good standing asks for what its task was not given. What a server stops because of it, it stops here.

use core::fmt;

use handfast_delegation::{AccessToken, ActorChain, MAX_INTENT_BYTES, TriggerKind, VerifiedChain};
use handfast_dpop::{Receipt, ReplayEntry};
use handfast_identity::ContentHash;

use crate::check::Standing;
use crate::{Attribution, Rejection};

/// Why a request was turned away at the route, and whether that was drift.
#[derive(Debug)]
pub struct Denial {
    /// The reason.
    pub rejection: Rejection,
    /// Who asked, where chain, token and proof were good.
    pub by: Option<Box<Attribution>>,
    /// The wish, where chain, token and proof were good: to be counted once the proof is used up.
    pub drift: Option<Box<Drift>>,
}

impl From<Rejection> for Denial {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, by: None, drift: None }
    }
}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        denial.rejection
    }
}

/// A wish that a task was not given, by somebody who may act in the task. Not counted yet: the same proof may come again.
#[derive(Debug)]
pub struct Drift {
    entry: ReplayEntry,
    wish: Wish,
}

/// Who wished for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The issuer that the task's id is unique at.
    pub issuer: String,
    /// The task's id.
    pub task: String,
    /// What the task was declared for, its first 512 bytes: text of the agent's or the owner's, which nobody verified.
    pub intent: String,
    /// The agent whose own idea the task is (trigger `self`): the root's client.
    pub own_agent: Option<String>,
    /// The name of the last hop; none for the root's agent itself.
    pub hop: Option<ContentHash>,
    /// Who acted.
    pub client_id: String,
    /// The stable reason of the refusal.
    pub reason: &'static str,
}

impl Drift {
    /// The drift of `rejection`, if it is one: what was asked for is more than the caller was given.
    pub(crate) fn of(rejection: &Rejection, by: &Attribution, entry: &ReplayEntry) -> Option<Self> {
        if !rejection.is_drift() {
            return None;
        }
        let task = by.task()?;
        let work = Work::of(by.claims(), &by.standing)?;
        let wish = Wish {
            issuer: by.issuer().to_owned(),
            task: task.id.to_string(),
            intent: shown(&task.intent),
            own_agent: work.own_agent.map(str::to_owned),
            hop: work.hops().last(),
            client_id: by.client_id().to_owned(),
            reason: rejection.reason(),
        };
        Some(Self { entry: entry.clone(), wish })
    }

    /// What the replay store has to remember before the wish counts.
    #[must_use]
    pub const fn replay_entry(&self) -> &ReplayEntry {
        &self.entry
    }

    /// The wish, with the store's receipt for exactly its proof: each proof counts once.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // a receipt is for one wish and is spent
    pub fn prove(self, receipt: Receipt) -> Option<ProvenDrift> {
        receipt.covers(&self.entry).then_some(ProvenDrift(self.wish))
    }
}

/// As much of an intent as our own registry lets one have.
fn shown(intent: &str) -> String {
    let end = intent.floor_char_boundary(MAX_INTENT_BYTES);
    intent.get(..end).unwrap_or_default().to_owned()
}

/// A wish whose proof was never used before.
#[derive(Debug)]
pub struct ProvenDrift(Wish);

impl ProvenDrift {
    /// Who wished for what.
    #[must_use]
    pub const fn wish(&self) -> &Wish {
        &self.0
    }
}

/// What a request is part of: its task, and the hops it was passed on by.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The task's id.
    pub task: &'a str,
    /// The root's agent, in tasks that are its own idea.
    pub own_agent: Option<&'a str>,
    hops: Hops<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Hops<'a> {
    Verified(&'a VerifiedChain),
    /// The token's own list, also where there is none.
    Named(&'a [ContentHash]),
}

impl<'a> Work<'a> {
    pub(crate) fn of(token: &'a AccessToken, standing: &'a Standing) -> Option<Self> {
        let task = token.task.as_ref()?;
        let is_own = task.trigger.kind == TriggerKind::OnItsOwn;
        // the outermost actor is the current one: whose root it is stands at the end
        let root_agent = token.actors.iter().flat_map(ActorChain::iter).last().unwrap_or(&token.client_id);
        let named = token.chain.as_ref().map_or(&[][..], |chain| &chain.hops);
        Some(Self {
            issuer: &token.issuer,
            task: &task.id,
            own_agent: is_own.then_some(root_agent),
            hops: standing.chain().map_or(Hops::Named(named), Hops::Verified),
        })
    }

    /// The names of its hops, root first.
    pub fn hops(&self) -> impl Iterator<Item = ContentHash> + use<'a> {
        let (verified, named) = match self.hops {
            Hops::Verified(chain) => (Some(chain.links().map(|link| link.name)), [].iter()),
            Hops::Named(names) => (None, names.iter()),
        };
        verified.into_iter().flatten().chain(named.copied())
    }
}

/// What a server stopped by itself, until somebody releases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Everything in the task.
    Task,
    /// A hop, and everything below it.
    Delegation,
}

/// Where a server looks up what it stopped. Asked for every request with a good token, so it must not block.
pub trait Stops: fmt::Debug + Send + Sync {
    /// What of `work` is stopped.
    fn stop(&self, work: &Work<'_>) -> Option<Stop>;
}

/// Nothing is stopped.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStops;

impl Stops for NoStops {
    fn stop(&self, _: &Work<'_>) -> Option<Stop> {
        None
    }
}
