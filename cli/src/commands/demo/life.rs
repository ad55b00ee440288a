//! The fourth act: an agent is stopped for a while and goes on, and an owner stops everything done for him.

use std::time::Instant;

use handfast_client::{DelegationMode, DpopKey, Management, Revocable};

use super::attack::{PATIENCE, PAUSE, Scene};
use super::{Cast, Seen, missing};
use crate::exit::Failure;

const REASON: Option<&str> = Some("the demo shows it");

/// The players of the act: an agent, and somebody else's.
pub(crate) struct Life<'a> {
    cast: &'a Cast<'a>,
    agent: Player,
    neighbour: Player,
    neighbours_owner: Management,
    neighbours_owner_id: String,
}

struct Player {
    key: DpopKey,
    /// A token from before anything happened.
    old: Option<String>,
}

impl Player {
    fn new() -> Self {
        Self { key: DpopKey::generate(), old: None }
    }
}

impl<'a> Life<'a> {
    /// Two agents of two owners, each with a token.
    pub(crate) async fn new(cast: &'a Cast<'a>) -> Result<Self, Failure> {
        let (neighbours_owner, neighbours_owner_id) = cast.another_owner().await?;
        let (agent, neighbour) = (Player::new(), Player::new());
        let mut life = Self { cast, agent, neighbour, neighbours_owner, neighbours_owner_id };
        cast.enrol_for(cast.owner(), "worker", &life.agent.key, DelegationMode::None).await?;
        cast.enrol_for(&life.neighbours_owner, "neighbour", &life.neighbour.key, DelegationMode::None).await?;
        life.agent.old = Some(life.take(&life.agent).await?);
        life.neighbour.old = Some(life.take(&life.neighbour).await?);
        Ok(life)
    }

    pub(crate) async fn suspend(&self) -> Result<Seen, Failure> {
        let did = self.agent.key.did().to_string();
        Ok(Seen::of(200, self.cast.owner().suspend_agent(&did, REASON).await)?.0)
    }

    pub(crate) async fn call_while_suspended(&self) -> Result<Seen, Failure> {
        self.until_refused(&self.agent).await
    }

    pub(crate) async fn resume(&self) -> Result<Seen, Failure> {
        let did = self.agent.key.did().to_string();
        Ok(Seen::of(200, self.cast.owner().resume_agent(&did, REASON).await)?.0)
    }

    /// What was issued before the suspension stays dead.
    pub(crate) async fn old_token(&self) -> Result<Seen, Failure> {
        self.scene(&self.agent)?.send(&self.cast.local().echo_url(), super::Forgery::None).await
    }

    /// A new token works, once the API has heard that the agent goes on.
    pub(crate) async fn new_token(&self) -> Result<Seen, Failure> {
        let scene = Scene::new(self.cast.plain_http(), self.take(&self.agent).await?, &self.agent.key)?;
        let began = Instant::now();
        loop {
            let seen = scene.send(&self.cast.local().echo_url(), super::Forgery::None).await?;
            if seen.reason.is_none() || began.elapsed() > PATIENCE {
                return Ok(seen);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn sibling(&self) -> Result<Seen, Failure> {
        self.scene(&self.neighbour)?.send(&self.cast.local().echo_url(), super::Forgery::None).await
    }

    /// Everything that was ever issued for the neighbour's owner.
    pub(crate) async fn revoke_owner(&self) -> Result<Seen, Failure> {
        let owner = Revocable::Owner(self.neighbours_owner_id.clone());
        Ok(Seen::of(200, self.neighbours_owner.revoke(&owner, REASON).await)?.0)
    }

    pub(crate) async fn call_for_stopped_owner(&self) -> Result<Seen, Failure> {
        self.until_refused(&self.neighbour).await
    }

    async fn until_refused(&self, player: &Player) -> Result<Seen, Failure> {
        self.scene(player)?.send_until_refused(&self.cast.local().echo_url()).await
    }

    fn scene(&self, player: &Player) -> Result<Scene, Failure> {
        let token = player.old.clone().ok_or_else(|| missing("an access token"))?;
        Scene::new(self.cast.plain_http(), token, &player.key)
    }

    /// A new token. Within the second of a cut-off none is to be had; a client tries again.
    async fn take(&self, player: &Player) -> Result<String, Failure> {
        let began = Instant::now();
        loop {
            match self.cast.token_of(&player.key).await {
                Err(failure) if failure.reason() == Some("slow_down") && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE * 20).await;
                }
                token => return token,
            }
        }
    }
}
