//! Three owners, three agents each, three tasks each, two sub-agents: every kind of stop ends exactly what is predicted.
//!
//! | file | |
//! |---|---|
//! | `cells` | what may be presented, and which of it has to be dead |
//! | `world` | everybody, their credentials, and restarts |
//! | `stops` | each kind of stop over HTTP |
//! | `site` | resource servers that follow the feed |
//! | `compare` | the matrix against the prediction |
//! | `long_run` | many stops in one registry, and its whole further life |

mod cells;
mod compare;
mod long_run;
mod site;
mod stops;
mod world;

use self::cells::{Task, Who};
use self::compare::Graves;
use self::world::{AGENTS, OWNERS, TASKS, World};

/// Cells of one task: the ways to present its root token.
const WAYS: usize = cells::Presenter::ALL.len();
const ALL: usize = OWNERS * AGENTS * TASKS * WAYS;
/// In the middle of everything: what lies before it lives on as well as what lies behind it.
const TASK: Task = Task { agent: 4, number: 1 };
const AGENT: Who = Who::Agent(4);

/// Stops something in a world of its own: `dead` cells are refused, each for the predicted reason, and all others are taken, at
/// a server that followed, and behind every cut-off at one that starts after the registry was restarted. The registry exchanges
/// what is alive and nothing else.
async fn check(kind: &str, dead: usize, stop: impl AsyncFnOnce(&mut World)) {
    let mut world = World::new().await;
    let mut graves = Graves::default();
    assert_eq!(world.compare(&mut graves, "before").await, 0);
    stop(&mut world).await;
    assert_eq!(world.compare(&mut graves, kind).await, dead, "{kind}");
    world.bench().clock.advance(6);
    world.compare_exchanges(kind).await;
    world.restart().await;
    assert_eq!(world.compare_late(&mut graves, kind).await, dead, "{kind}, restarted");
}

#[tokio::test]
async fn p11_a_root_token_stops_with_all_below_it() {
    check("root token", WAYS, async |world| world.revoke_root(TASK).await).await;
}

#[tokio::test]
async fn p11_an_exchanged_token_stops_alone() {
    check("token given up", 2, async |world| world.give_up_token_of_first(TASK).await).await;
    check("token below", 2, async |world| world.revoke_token_of_second(TASK).await).await;
}

#[tokio::test]
async fn p11_del_38_a_hop_stops_with_all_below_it() {
    check("first hop", 5, async |world| world.revoke_first(TASK).await).await;
    check("hop under it", 3, async |world| world.revoke_under(TASK).await).await;
    check("hop beside it", 1, async |world| world.revoke_branch(TASK).await).await;
}

#[tokio::test]
async fn p11_a_task_stops() {
    check("task", WAYS, async |world| world.revoke_task(TASK).await).await;
}

#[tokio::test]
async fn p11_del_39_an_agent_stops_wherever_it_is_in_a_chain() {
    check("agent", TASKS * WAYS, async |world| world.revoke_party(AGENT).await).await;
    check("first sub-agent", AGENTS * TASKS * 5, async |world| world.revoke_party(Who::First(1)).await).await;
    check("second sub-agent", AGENTS * TASKS * 4, async |world| world.revoke_party(Who::Second(1)).await).await;
}

#[tokio::test]
async fn p11_del_40_a_key_stops_wherever_it_is_in_a_chain() {
    check("key", TASKS * WAYS, async |world| world.revoke_key(AGENT).await).await;
    check("key of the first sub-agent", AGENTS * TASKS * 5, async |world| world.revoke_key(Who::First(1)).await).await;
    check("key of the second sub-agent", AGENTS * TASKS * 4, async |world| world.revoke_key(Who::Second(1)).await)
        .await;
}

#[tokio::test]
async fn del_40_a_key_that_another_replaced_stops_nothing_of_before_and_a_recovered_one_all() {
    check("rotated", 0, async |world| world.rotate(AGENT, 90).await).await;
    check("recovered", TASKS * WAYS, async |world| world.recover(AGENT, 90).await).await;
    check("recovered sub-agent", AGENTS * TASKS * 5, async |world| world.recover(Who::First(1), 90).await).await;
}

#[tokio::test]
async fn p11_everything_of_an_owner_stops() {
    let dead = AGENTS * TASKS * WAYS;
    check("owner", dead, async |world| world.cut_owner(1).await).await;
    check("off-boarding", dead, async |world| world.offboard(1).await).await;
}

#[tokio::test]
async fn p11_a_suspended_agent_stops_and_what_it_had_stays_dead() {
    check("suspended", TASKS * WAYS, async |world| world.suspend(AGENT).await).await;
    check("suspended sub-agent", AGENTS * TASKS * 5, async |world| world.suspend(Who::First(1)).await).await;
    let resumed = async |world: &mut World| {
        world.suspend(AGENT).await;
        world.resume(AGENT).await;
    };
    check("resumed", TASKS * WAYS, resumed).await;
}

#[tokio::test]
async fn p11_a_retired_agent_stops() {
    check("retired", TASKS * WAYS, async |world| world.retire(AGENT).await).await;
    check("retired sub-agent", AGENTS * TASKS * 4, async |world| world.retire(Who::Second(1)).await).await;
}

#[tokio::test]
async fn p11_changes_of_an_agent_end_what_it_had() {
    check("transfer", TASKS * WAYS, async |world| world.transfer(4, 2).await).await;
    check("lower ceiling", TASKS * WAYS, async |world| world.lower(AGENT).await).await;
    check("environment", TASKS * WAYS, async |world| world.move_environment(AGENT).await).await;
}

#[tokio::test]
async fn p11_jwks_06_everything_of_a_stolen_key_stops() {
    check("issuer key", ALL, async |world| world.revoke_issuer_key().await).await;
}
