//! The end of an agent.

use handfast_identity::UnixTime;
use handfast_registry_model::{AgentRecord, Caller, Outcome, Refusal, revoke_agent};

use super::Wanted;
use crate::http::App;
use crate::state::{ATTEMPTS, Commit};

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    wanted: &Wanted,
    now: UnixTime,
) -> Result<AgentRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named_with_history(&wanted.id).await?;
        let pending = app.state.rotation_of(agent.as_ref()).await?;
        match revoke_agent(caller, agent.as_ref(), pending.as_ref(), wanted.why.clone(), now)? {
            Outcome::Unchanged => return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    // shown as it is kept
                    let agent = app.state.agent_named(&wanted.id).await?;
                    return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent);
                }
            }
        }
    }
    Err(Refusal::Overloaded)
}
