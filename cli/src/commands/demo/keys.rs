//! The fifth act: keys come and go, one of them to a thief, and the agent stays who it is.

use handfast_client::{ClientError, DelegationMode, DpopKey, Rotated};

use super::attack::Scene;
use super::{Cast, Forgery, Seen, missing};
use crate::exit::Failure;

/// The number of the last key that was the robbed agent's own doing: the one it registered with.
const LAST_GOOD: u16 = 1;

/// An agent with one key after another, and one that is robbed of its key.
pub(crate) struct Keys<'a> {
    cast: &'a Cast<'a>,
    handle: String,
    first: DpopKey,
    second: DpopKey,
    robbed: DpopKey,
    thiefs: DpopKey,
    recovered: DpopKey,
    thiefs_token: Option<String>,
}

impl<'a> Keys<'a> {
    pub(crate) async fn new(cast: &'a Cast<'a>) -> Result<Self, Failure> {
        let [first, second, robbed, thiefs, recovered] = std::array::from_fn(|_| DpopKey::generate());
        for (name, key) in [("steady", &first), ("robbed", &robbed)] {
            cast.enrol_for(cast.owner(), name, key, DelegationMode::None).await?;
        }
        let handle = cast.owner().agent(first.did().as_str()).await?.handle().to_owned();
        Ok(Self { cast, handle, first, second, robbed, thiefs, recovered, thiefs_token: None })
    }

    pub(crate) async fn rotate(&self) -> Result<Seen, Failure> {
        self.change(&self.first, &self.second).await
    }

    pub(crate) async fn old_key(&self) -> Result<Seen, Failure> {
        Ok(Seen::of(200, self.cast.try_token(&self.first).await)?.0)
    }

    /// The record under the new key bears the old name.
    pub(crate) async fn handle(&self) -> Result<Seen, Failure> {
        let record = self.cast.owner().agent(self.second.did().as_str()).await?;
        let is_same = record.handle() == self.handle;
        Ok(if is_same { Seen::accepted(200) } else { Seen::refused(200, "handle_changed") })
    }

    pub(crate) async fn new_key(&self) -> Result<Seen, Failure> {
        self.call(&self.second).await
    }

    /// Whoever has the key can do what it can: the thief makes the agent his, and acts as it.
    pub(crate) async fn steal(&mut self) -> Result<Seen, Failure> {
        let taken = self.change(&self.robbed, &self.thiefs).await?;
        if taken.reason.is_some() {
            return Ok(taken);
        }
        self.thiefs_token = Some(self.cast.token_of(&self.thiefs).await?);
        self.thief()?.send(&self.cast.local().echo_url(), Forgery::None).await
    }

    pub(crate) async fn recover(&self) -> Result<Seen, Failure> {
        let reason = Some("the key was stolen");
        let agent = self.robbed.did().as_str();
        let recovered = self.cast.owner().recover_agent(agent, &self.recovered, LAST_GOOD, reason).await;
        Ok(Seen::of(200, recovered)?.0)
    }

    /// What the thief holds is dead as soon as the API has heard.
    pub(crate) async fn thief_is_out(&self) -> Result<Seen, Failure> {
        self.thief()?.send_until_refused(&self.cast.local().echo_url()).await
    }

    pub(crate) async fn recovered_key(&self) -> Result<Seen, Failure> {
        self.call(&self.recovered).await
    }

    async fn change(&self, from: &DpopKey, to: &DpopKey) -> Result<Seen, Failure> {
        let rotated = self.cast.local().registry(from.clone())?.rotate(to).await;
        let done = rotated.and_then(|rotated| match rotated {
            Rotated::Done => Ok(()),
            Rotated::Waiting { .. } => Err(ClientError::Middleware("the rotation waits for its owner".to_owned())),
        });
        Ok(Seen::of(200, done)?.0)
    }

    async fn call(&self, key: &DpopKey) -> Result<Seen, Failure> {
        let token = self.cast.token_of(key).await?;
        Scene::new(self.cast.plain_http(), token, key)?.send(&self.cast.local().echo_url(), Forgery::None).await
    }

    fn thief(&self) -> Result<Scene, Failure> {
        let token = self.thiefs_token.clone().ok_or_else(|| missing("the thief's token"))?;
        Scene::new(self.cast.plain_http(), token, &self.thiefs)
    }
}
