//! `handfast demo`: the main job, end to end, against real servers on this machine.
//!
//! Two servers are started on loopback: a registry and an API that knows nothing of it but its URL and feed key. Then an
//! agent is registered, claimed and called for, and everybody who is not that agent is turned away.

mod attack;
mod cast;
mod delegation;
mod keys;
mod life;
mod story;

use crate::exit::{Exit, Failure};
use crate::local::{Local, Ports};
use crate::ui::Ui;

use attack::Forgery;
use cast::Cast;
use delegation::SecondAct;
use keys::Keys;
use life::Life;
use story::{Expect, Story};

pub(crate) async fn run(ui: Ui) -> Result<(), Failure> {
    let local = Local::start(Ports::default()).await?;
    let mut story = Story::new(ui);
    story.opening(&local)?;
    let told = tell(&local, &mut story).await;
    local.stop().await;
    told?;
    story.ending()
}

async fn tell(local: &Local, story: &mut Story) -> Result<(), Failure> {
    let mut cast = Cast::new(local).await?;

    story.step("register", Expect::Accepted, cast.register()).await?;
    story.step("register_without_proof", Expect::Refused("proof_required"), cast.register_for_somebody_else()).await?;
    story.step("pre_claim_call", Expect::Refused("insufficient_scope"), cast.call_before_claim()).await?;
    story.step("claim", Expect::Accepted, cast.claim()).await?;
    story.step("claim_code_reused", Expect::Refused("code_used"), cast.claim_again()).await?;
    story.step("token", Expect::Accepted, cast.take_token()).await?;
    story.step("call", Expect::Accepted, cast.call()).await?;

    let scene = cast.scene().await?;
    let echo = local.echo_url();
    story.step("replayed_proof", Expect::Refused("proof_replayed"), scene.replay(&echo)).await?;
    story.step("stolen_token", Expect::Refused("holder_mismatch"), scene.send(&echo, Forgery::OtherKey)).await?;
    story.step("wrong_method", Expect::Refused("method_mismatch"), scene.send(&echo, Forgery::OtherMethod)).await?;
    story.step("wrong_target", Expect::Refused("target_mismatch"), scene.send(&echo, Forgery::OtherTarget)).await?;
    story.step("bearer_downgrade", Expect::Refused("bearer_downgrade"), scene.send(&echo, Forgery::Bearer)).await?;
    let foreign = cast.token_for_another_resource().await?;
    story
        .step("wrong_audience", Expect::Refused("audience_mismatch"), scene.with(foreign).send(&echo, Forgery::None))
        .await?;
    let expired = cast.expired_token()?;
    story
        .step("expired_token", Expect::Refused("token_expired"), scene.with(expired).send(&echo, Forgery::None))
        .await?;
    let other = local.other_url();
    story.step("missing_scope", Expect::Refused("insufficient_scope"), scene.send(&other, Forgery::None)).await?;

    delegate(&cast, story).await?;
    live(&cast, story).await?;
    keep(&cast, story).await?;

    // the task of its first token is revoked by now
    cast.take_token().await?;
    let scene = cast.scene().await?;
    story.step("revoke_agent", Expect::Accepted, cast.revoke()).await?;
    story.step("call_after_revoke", Expect::Refused("agent_revoked"), scene.send_until_refused(&echo)).await?;
    Ok(())
}

/// The second act, while the agent still lives.
async fn delegate(cast: &Cast<'_>, story: &mut Story) -> Result<(), Failure> {
    let mut act = SecondAct::new(cast).await?;
    story.step("delegate", Expect::Accepted, act.delegate()).await?;
    story.step("exchange", Expect::Accepted, act.exchange()).await?;
    story.step("subagent_call", Expect::Accepted, act.call()).await?;
    story.step("offline_refused_by_default", Expect::Refused("offline_not_permitted"), act.offline_refused()).await?;
    story.step("offline_call", Expect::Accepted, act.offline_call(cast)).await?;
    story.step("widen_scope", Expect::Refused("scope_widened"), act.widen_scope()).await?;
    story.step("widen_expiry", Expect::Refused("expiry_widened"), act.widen_expiry()).await?;
    story.step("splice", Expect::Refused("parent_hash_mismatch"), act.splice()).await?;
    story.step("tool_argument_refused", Expect::Refused("tool_refused"), act.tool_argument_refused()).await?;
    story.step("dropped_constraint", Expect::Refused("details_widened"), act.dropped_constraint()).await?;
    story.step("budget_spent", Expect::Refused("budget_spent"), act.budget_spent()).await?;
    story.step("stripped_chain", Expect::Refused("evidence_required"), act.stripped_chain()).await?;
    stop(cast, &mut act, story).await
}

/// The third act: what is stopped alone, and what goes on beside it.
async fn stop(cast: &Cast<'_>, act: &mut SecondAct<'_>, story: &mut Story) -> Result<(), Failure> {
    story.step("revoke_token", Expect::Accepted, act.revoke_token(cast)).await?;
    let token_revoked = Expect::Refused("token_revoked");
    story.step("call_with_revoked_token", token_revoked, act.call_with_revoked_token()).await?;
    story.step("sibling_token_still_works", Expect::Accepted, act.sibling_token_works()).await?;
    story.step("revoke_hop_subtree", Expect::Accepted, act.revoke_hop(cast)).await?;
    story.step("subagent_after_revoke", Expect::Refused("hop_revoked"), act.subagent_after_revoke()).await?;
    story.step("delegator_still_works", Expect::Accepted, act.sibling_token_works()).await?;
    story.step("revoke_task", Expect::Accepted, act.revoke_task(cast)).await?;
    story.step("call_in_revoked_task", Expect::Refused("task_revoked"), act.call_in_revoked_task()).await?;
    story.step("other_task_still_works", Expect::Accepted, cast.call()).await
}

/// The fourth act: stopped for a while, and everything for an owner.
async fn live(cast: &Cast<'_>, story: &mut Story) -> Result<(), Failure> {
    let act = Life::new(cast).await?;
    let agent_revoked = Expect::Refused("agent_revoked");
    story.step("suspend", Expect::Accepted, act.suspend()).await?;
    story.step("call_while_suspended", agent_revoked, act.call_while_suspended()).await?;
    story.step("sibling_still_works", Expect::Accepted, act.sibling()).await?;
    story.step("resume", Expect::Accepted, act.resume()).await?;
    story.step("call_after_resume", Expect::Accepted, act.new_token()).await?;
    story.step("suspend_resume_old_token_dead", agent_revoked, act.old_token()).await?;
    story.step("revoke_owner", Expect::Accepted, act.revoke_owner()).await?;
    let principal_revoked = Expect::Refused("principal_revoked");
    story.step("call_for_stopped_owner", principal_revoked, act.call_for_stopped_owner()).await?;
    story.step("other_owner_still_works", Expect::Accepted, act.new_token()).await
}

/// The fifth act: the agent outlives its keys, and a thief with one of them.
async fn keep(cast: &Cast<'_>, story: &mut Story) -> Result<(), Failure> {
    let mut act = Keys::new(cast).await?;
    story.step("rotate_key", Expect::Accepted, act.rotate()).await?;
    story.step("old_key_refused", Expect::Refused("invalid_client"), act.old_key()).await?;
    story.step("handle_unchanged", Expect::Accepted, act.handle()).await?;
    story.step("new_key_call", Expect::Accepted, act.new_key()).await?;
    story.step("thief_takes_over", Expect::Accepted, act.steal()).await?;
    story.step("recover", Expect::Accepted, act.recover()).await?;
    story.step("recovery_beats_thief", Expect::Refused("key_compromised"), act.thief_is_out()).await?;
    story.step("recovered_key_call", Expect::Accepted, act.recovered_key()).await
}

/// What one step met: an HTTP status, and the stable reason if it was a refusal.
#[derive(Debug)]
pub(crate) struct Seen {
    status: Option<u16>,
    reason: Option<String>,
}

impl Seen {
    const fn accepted(status: u16) -> Self {
        Self { status: Some(status), reason: None }
    }

    fn refused(status: u16, reason: &str) -> Self {
        Self { status: Some(status), reason: Some(reason.to_owned()) }
    }

    /// A registry's answer through the client: refusals are what the story is about, anything else ends it.
    fn of<T>(status: u16, result: Result<T, handfast_client::ClientError>) -> Result<(Self, Option<T>), Failure> {
        match result {
            Ok(value) => Ok((Self::accepted(status), Some(value))),
            Err(handfast_client::ClientError::Registry(refusal)) => {
                Ok((Self::refused(refusal.status(), refusal.reason()), None))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn missing(what: &str) -> Failure {
    Failure::new(Exit::Failed, format!("the story cannot go on without {what}"))
}
