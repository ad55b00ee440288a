//! The third act: one thing after another is stopped alone, and what stands beside it goes on.

use std::time::Instant;

use handfast_client::{DpopKey, Revocable};

use super::super::attack::{PATIENCE, PAUSE};
use super::super::{Cast, Seen, missing};
use super::{Message, SecondAct};
use crate::exit::{Exit, Failure};

/// Two tokens of one task: the one that is stopped, and its sibling.
pub(super) struct Siblings {
    stopped: String,
    other: String,
    task: String,
}

impl SecondAct<'_> {
    pub(crate) async fn revoke_token(&mut self, cast: &Cast<'_>) -> Result<Seen, Failure> {
        let token = self.tokens(&self.orchestrator)?.1.token().await?;
        let other = self.tokens(&self.orchestrator)?.1.token().await?;
        let task = token.task().ok_or_else(|| missing("a task"))?.to_owned();
        if other.task() != Some(&task) {
            return Err(missing("two tokens of one task"));
        }
        let what = Revocable::token(token.expose());
        let what = what.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        self.siblings = Some(Siblings { stopped: token.expose().to_owned(), other: other.expose().to_owned(), task });
        stop(cast, &what).await
    }

    pub(crate) async fn call_with_revoked_token(&self) -> Result<Seen, Failure> {
        self.until_refused(&self.orchestrator, &Message::call(&self.siblings()?.stopped, None)).await
    }

    /// The same agent in the same task, with its other token.
    pub(crate) async fn sibling_token_works(&self) -> Result<Seen, Failure> {
        self.by_hand(&self.orchestrator).send(&Message::call(&self.siblings()?.other, None)).await
    }

    /// The hop to the sub-agent, and whatever hangs on it.
    pub(crate) async fn revoke_hop(&self, cast: &Cast<'_>) -> Result<Seen, Failure> {
        stop(cast, &Revocable::hop(&self.bundle()?)).await
    }

    pub(crate) async fn subagent_after_revoke(&self) -> Result<Seen, Failure> {
        let token = self.exchanged.as_deref().ok_or_else(|| missing("an exchanged token"))?;
        let bundle = self.bundle()?;
        self.until_refused(&self.worker, &Message::call(token, Some(bundle.expose()))).await
    }

    pub(crate) async fn revoke_task(&self, cast: &Cast<'_>) -> Result<Seen, Failure> {
        stop(cast, &Revocable::Task(self.siblings()?.task.clone())).await
    }

    pub(crate) async fn call_in_revoked_task(&self) -> Result<Seen, Failure> {
        self.until_refused(&self.orchestrator, &Message::call(&self.siblings()?.other, None)).await
    }

    fn siblings(&self) -> Result<&Siblings, Failure> {
        self.siblings.as_ref().ok_or_else(|| missing("a token to revoke"))
    }

    /// The refusal, once the revocation has come to the API; the last acceptance if it does not.
    async fn until_refused(&self, key: &DpopKey, message: &Message<'_>) -> Result<Seen, Failure> {
        let began = Instant::now();
        loop {
            let seen = self.by_hand(key).send(message).await?;
            if seen.reason.is_some() || began.elapsed() > PATIENCE {
                return Ok(seen);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn stop(cast: &Cast<'_>, what: &Revocable) -> Result<Seen, Failure> {
    let revoked = cast.owner().revoke(what, Some("the demo shows it")).await;
    Ok(Seen::of(200, revoked)?.0)
}
