//! Many stops in one registry, then restarts, resumption, transfer, expiry and pruning: nothing dead comes back.

use super::cells::{Task, Who};
use super::compare::Graves;
use super::world::{Anew, TASKS, World};
use super::{ALL, WAYS};

const fn task(agent: usize, number: usize) -> Task {
    Task { agent, number }
}

/// At a server that heard of it before the registry was restarted, and at one that starts afterwards.
async fn everywhere(world: &mut World, graves: &mut Graves, step: &str) -> usize {
    world.hear().await;
    world.restart().await;
    let dead = world.compare(graves, step).await;
    assert_eq!(world.compare_late(graves, step).await, dead);
    dead
}

#[tokio::test]
async fn p12_nothing_dead_comes_back_over_restart_resumption_transfer_and_pruning() {
    let mut world = World::new().await;
    let mut graves = Graves::default();
    let graves = &mut graves;
    let began = world.bench().now();

    // stops of every kind, on top of each other
    world.revoke_root(task(0, 0)).await;
    world.give_up_token_of_first(task(0, 1)).await;
    world.revoke_token_of_second(task(0, 2)).await;
    world.revoke_first(task(1, 0)).await;
    world.revoke_under(task(1, 1)).await;
    world.revoke_branch(task(1, 2)).await;
    world.revoke_task(task(2, 0)).await;
    let of_tasks = WAYS + 2 + 2 + 5 + 3 + 1 + WAYS;
    assert_eq!(world.compare(graves, "tokens, hops, a task").await, of_tasks);
    world.suspend(Who::Agent(3)).await;
    world.retire(Who::Agent(4)).await;
    world.revoke_party(Who::Agent(5)).await;
    world.cut_owner(2).await;
    let dead = of_tasks + 6 * TASKS * WAYS;
    assert_eq!(everywhere(&mut world, graves, "agents, an owner").await, dead);
    world.bench().clock.advance(6);
    world.compare_exchanges("all that was stopped").await;

    // who may go on does, with new credentials
    world.resume(Who::Agent(3)).await;
    assert_eq!(world.compare(graves, "resumed").await, dead);
    world.bench().clock.advance(1);
    world.make(&[3, 6, 7, 8], Anew::Renewed).await;
    assert_eq!(everywhere(&mut world, graves, "resumed, and the owner goes on").await, dead);

    // a change of hands ends what was alive of the agent, and the task that was dead stays so
    world.transfer(2, 1).await;
    let dead = dead + (TASKS - 1) * WAYS;
    assert_eq!(world.compare(graves, "transferred").await, dead);
    world.bench().clock.advance(6);
    for number in 0..TASKS {
        let refused = world.root(task(2, number), Anew::Renewed).await;
        assert_eq!(refused.status, 400, "a task of before: {refused:?}");
    }
    world.make(&[2], Anew::NewTasks).await;
    assert_eq!(everywhere(&mut world, graves, "transferred").await, dead);

    // a sub-agent of three agents is stopped for a while
    world.suspend(Who::First(2)).await;
    let dead = dead + 3 * TASKS * 5;
    assert_eq!(everywhere(&mut world, graves, "sub-agent suspended").await, dead);
    world.resume(Who::First(2)).await;
    world.bench().clock.advance(1);
    world.make(&[6, 7, 8], Anew::Renewed).await;
    assert_eq!(everywhere(&mut world, graves, "sub-agent resumed").await, dead);
    world.compare_exchanges("before the ends").await;

    // exchanged tokens end after 300 s, roots after 900; each entry goes a minute later
    let mut pruned = 0;
    for end in [300, 900] {
        for (after, step) in [(30, "the last second"), (31, "expired"), (60, "before pruning"), (61, "pruned")] {
            world.bench().clock.advance(began + end + after - world.bench().now());
            pruned += world.bench().registry.forget_expired().await;
            everywhere(&mut world, graves, &format!("{end} s, {step}")).await;
        }
    }
    assert_eq!(pruned, 8, "two tokens, one root, three hops, and two suspensions that are over");

    // behind tasks and cut-offs nothing is left but what is for good
    let renewed: Vec<_> = [0, 1, 2, 3, 6, 7, 8].into();
    world.make(&renewed, Anew::NewTasks).await;
    let fresh = renewed.len() * TASKS * WAYS;
    world.bench().clock.advance(began + 3700 - world.bench().now());
    pruned += world.bench().registry.forget_expired().await;
    assert_eq!(pruned, 11, "the task, the owner's cut-off and the transfer's");
    let made = world.cells().len();
    assert_eq!(everywhere(&mut world, graves, "after an hour").await, made, "all of it has expired");
    world.make(&renewed, Anew::NewTasks).await;
    assert_eq!(everywhere(&mut world, graves, "and on").await, made);
    assert_eq!(world.cells().len() - made, fresh);
    for agent in [4, 5] {
        let refused = world.root(task(agent, 9), Anew::NewTasks).await;
        assert!(matches!(refused.status, 400 | 401), "{refused:?}");
    }
    assert!(made > 2 * ALL);
    world.compare_exchanges("the end").await;
}
