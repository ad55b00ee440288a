//! The end of a task.

use handfast_identity::UnixTime;
use handfast_registry_model::{
    Caller, FeedKind, Loaded, Refusal, RevocationRecord, SelfTasks, Slot, TaskToStop, revoke_task,
};

use super::{Wanted, committed, revocation};
use crate::http::{App, tasks};
use crate::state::ATTEMPTS;

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    wanted: &Wanted,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = revocation(app, FeedKind::Task, &wanted.id).await?;
        let case = tasks::load(app, &wanted.id).await?;
        let self_tasks: Option<Loaded<SelfTasks>> = match &case.agent {
            Some(agent) => app.state.load(&Slot::self_tasks(agent.id())).await?,
            None => None,
        };
        let case = TaskToStop {
            task: case.task.as_ref(),
            agent: case.agent.as_ref(),
            self_tasks: self_tasks.as_ref(),
            before: before.as_ref(),
        };
        if let Some(record) = committed(app, &caller, revoke_task(caller, case, wanted.why.clone(), now)?).await? {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}
