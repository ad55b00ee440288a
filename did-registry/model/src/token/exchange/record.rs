//! What an exchange writes: the hops nobody exchanged before, in the task's tree.

use handfast_delegation::{AccessToken, ChainError, Link, VerifiedChain};
use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::ExchangeCase;
use super::permission::{Grounds, Living};
use crate::authority::bounded;
use crate::change::Write;
use crate::limits::MAX_HOPS_PER_TASK;
use crate::{
    AgentHop, AgentRecord, Change, DelegatedHop, DelegationFault, Event, Expect, Fact, HopRecord, Loaded, Organisation,
    Party, Refusal, Slot, TaskRecord, TreeEntry, TreeRecord,
};

/// The change that records the hops nobody exchanged before; none if there are none.
pub(super) fn recorded(
    root: &AccessToken,
    chain: &VerifiedChain,
    case: &ExchangeCase,
    grounds: &Grounds<'_>,
    now: UnixTime,
) -> Result<Option<Change>, Refusal> {
    let organisation = &grounds.task.record.organisation;
    let mut places = case.tree.as_ref().map_or(0, |tree| tree.record.hops)..MAX_HOPS_PER_TASK;
    let mut parent = None;
    let (mut writes, mut hops) = (Vec::new(), Vec::new());
    for ((link, known), delegate) in chain.links().zip(&case.known).zip(&case.delegates) {
        if known.is_none() {
            let place = places.next().ok_or(DelegationFault::TooMany)?.saturating_add(1);
            let mut hop = hop_record(root, link, parent, grounds.task, now)?;
            // what is only on the way to another has no tokens yet
            hop.place = (link.name == chain.leaf().name).then_some(case.places.free);
            let entry = TreeEntry { task: hop.task.clone(), organisation: organisation.clone(), place, hop: hop.name };
            hops.push(DelegatedHop { hop: hop.name, delegate: hop.delegate.clone(), depth: hop.depth });
            if let Living::Agent(delegate) = delegate.living(now) {
                writes.push(Write::put(Expect::Absent, AgentHop::of(&delegate.record, &hop)));
            }
            writes.push(Write::put(Expect::Absent, hop));
            writes.push(Write::put(Expect::Absent, entry));
        }
        parent = Some(link.name);
    }
    if hops.is_empty() {
        return Ok(None);
    }
    writes.push(tree_write(case, &grounds.task.record, organisation, places.start));
    writes.extend(kept(case, grounds, now));
    let client = &chain.leaf().hop.delegate;
    let event = Event {
        fact: Fact::Delegated { task: grounds.task.record.id.clone(), root_token: root.token_id.to_string(), hops },
        who: Party::Agent(client.clone()),
        why: None,
        when: now,
        did: Some(client.clone()),
    };
    Ok(Some(Change::new(writes, event)))
}

fn tree_write(case: &ExchangeCase, task: &TaskRecord, organisation: &Organisation, hops: u16) -> Write {
    let tree = TreeRecord { task: task.id.clone(), organisation: organisation.clone(), hops };
    let expect = case.tree.as_ref().map_or(Expect::Absent, |tree| Expect::Version(tree.version));
    Write::put(expect, tree)
}

/// Everybody the decision rests on is still as loaded: a revocation, or the task's end, at once does not slip through.
fn kept(case: &ExchangeCase, grounds: &Grounds<'_>, now: UnixTime) -> Vec<Write> {
    let agent =
        |agent: &Loaded<AgentRecord>| Write::Keep { slot: Slot::agent(&agent.record.id), version: agent.version };
    let task = Write::Keep { slot: Slot::task(&grounds.task.record.id), version: grounds.task.version };
    let delegates = case.delegates.iter().filter_map(|holder| match holder.living(now) {
        Living::Agent(delegate) => Some(agent(delegate)),
        Living::Nobody | Living::Owner => None,
    });
    [task, agent(grounds.agent)].into_iter().chain(delegates).collect()
}

fn hop_record(
    root: &AccessToken,
    link: &Link,
    parent: Option<ContentHash>,
    task: &Loaded<TaskRecord>,
    now: UnixTime,
) -> Result<HopRecord, Refusal> {
    let hop = &link.hop;
    Ok(HopRecord {
        name: link.name,
        organisation: task.record.organisation.clone(),
        task: task.record.id.clone(),
        root_token: root.token_id.to_string(),
        parent,
        // a verified hop is by the delegate before it
        delegator: DidKey::parse(&hop.delegator).map_err(|_| ChainError::IssuerMismatch)?,
        delegate: hop.delegate.clone(),
        depth: hop.depth,
        is_instance: hop.is_instance,
        // tools may be longer in a hop than in what it narrows
        authority: bounded(hop.authority.clone()).map_err(|_| ChainError::TooLong)?,
        created: now,
        place: None,
    })
}
