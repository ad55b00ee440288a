//! Keeping one token fresh: renewed in time, in the same task, by one caller at once.

use std::sync::Arc;

use handfast_delegation::ResourceId;
use handfast_identity::{Seconds, UnixTime};
use tokio::sync::Mutex;

use super::{BoundToken, ExchangeRequest, TaskChoice, TokenEndpoint, TokenRequest};
use crate::clock::Clock;
use crate::delegation::SharedBundle;
use crate::error::ClientError;
use crate::key::DpopKey;
use crate::owner::OwnerGate;
use crate::registry::RegistryClient;

/// A token is renewed when this share of its life is over: three quarters.
const RENEW_AFTER: (u64, u64) = (3, 4);
/// Between two tries to renew a token that is still good.
const RENEW_PAUSE: Seconds = Seconds::new(10);

/// Hands out a token for one request, renewing it at three quarters of its life with the same task.
///
/// However many callers there are, one asks the registry and the others wait for its answer. While the old token is good, a
/// registry that cannot be reached is no error. A manager of exchanged tokens exchanges again, while the newest bundle runs.
#[derive(Debug)]
pub struct TokenManager {
    endpoint: TokenEndpoint,
    clock: Arc<dyn Clock>,
    wanted: Wanted,
    gate: Option<OwnerGate>,
    state: Mutex<State>,
}

/// What is asked for.
#[derive(Debug)]
enum Wanted {
    /// A token of the key's own.
    Own(TokenRequest),
    /// One in exchange for the newest bundle.
    Exchanged(SharedBundle, ExchangeRequest),
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    task: Option<String>,
}

#[derive(Debug)]
struct Held {
    token: Arc<BoundToken>,
    /// When it was asked for: its life began no earlier.
    since: UnixTime,
    renew_at: UnixTime,
}

impl Held {
    fn new(token: BoundToken, since: UnixTime) -> Self {
        let (part, whole) = RENEW_AFTER;
        let life = token.expires_in().get();
        let renew_at = since.saturating_add(Seconds::new(life / whole * part + life % whole * part / whole));
        Self { token: Arc::new(token), since, renew_at }
    }

    fn is_fresh(&self, now: UnixTime) -> bool {
        self.is_good(now) && now < self.renew_at
    }

    /// A clock that was set back says nothing about the token's age.
    fn is_good(&self, now: UnixTime) -> bool {
        self.since <= now && now < self.since.saturating_add(self.token.expires_in())
    }
}

impl TokenManager {
    /// A manager of tokens for `request`, at the registry and with the key of `registry`.
    #[must_use]
    pub fn new(registry: &RegistryClient, request: TokenRequest) -> Self {
        Self::guarded(registry, request, None)
    }

    pub(crate) fn guarded(registry: &RegistryClient, request: TokenRequest, gate: Option<OwnerGate>) -> Self {
        Self::of(registry, Wanted::Own(request), gate)
    }

    pub(crate) fn exchanging(registry: &RegistryClient, bundle: SharedBundle, request: ExchangeRequest) -> Self {
        Self::of(registry, Wanted::Exchanged(bundle, request), None)
    }

    fn of(registry: &RegistryClient, wanted: Wanted, gate: Option<OwnerGate>) -> Self {
        let clock = registry.clock();
        let endpoint = TokenEndpoint::new(registry.clone());
        Self { endpoint, clock, wanted, gate, state: Mutex::default() }
    }

    /// Where its tokens are for.
    pub(crate) fn resources(&self) -> Vec<ResourceId> {
        match &self.wanted {
            Wanted::Own(request) => request.resources.clone(),
            Wanted::Exchanged(_, request) if !request.resources.is_empty() => {
                request.resources.iter().cloned().collect()
            }
            Wanted::Exchanged(bundle, _) => bundle.current().authority().resources.iter().cloned().collect(),
        }
    }

    /// The scope that is asked for.
    pub(crate) fn scope(&self) -> String {
        match &self.wanted {
            Wanted::Own(request) => request.scope.to_string(),
            Wanted::Exchanged(bundle, request) => request
                .scope
                .as_ref()
                .map_or_else(|| bundle.current().authority().scope.to_string(), ToString::to_string),
        }
    }

    pub(crate) const fn registry(&self) -> &RegistryClient {
        self.endpoint.registry()
    }

    /// A token that is good now.
    ///
    /// # Errors
    ///
    /// [`ClientError`]: [`Owner`](ClientError::Owner) before the expected owner has claimed the agent,
    /// [`Delegation`](ClientError::Delegation) when the bundle to exchange has ended,
    /// [`Registry`](ClientError::Registry) when the registry refuses, others when it cannot be asked.
    pub async fn token(&self) -> Result<Arc<BoundToken>, ClientError> {
        if let Some(gate) = &self.gate {
            gate.pass().await?;
        }
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        // what is bound to a former key is good, and yet time to be renewed
        let is_ours = |held: &&Held| self.is_by_the_key_asked_with(held);
        if let Some(held) = state.held.as_ref().filter(|held| held.is_fresh(now)).filter(is_ours) {
            return Ok(Arc::clone(&held.token));
        }
        match self.renew(&mut state).await {
            Ok(token) => Ok(token),
            Err(error) => Self::make_do(&mut state, now, error),
        }
    }

    /// Drops `token`, which a resource refused; the next caller asks for another.
    pub(crate) async fn discard(&self, token: &BoundToken) {
        let mut state = self.state.lock().await;
        if state.held.as_ref().is_some_and(|held| held.token.expose() == token.expose()) {
            state.held = None;
        }
    }

    /// An agent's own tokens are asked for with its current key; an exchanged one with the key of its bundle.
    fn is_by_the_key_asked_with(&self, held: &Held) -> bool {
        let current = self.registry().key();
        let is_current = |key: &DpopKey| key.did() == current.did();
        matches!(self.wanted, Wanted::Exchanged(..)) || held.token.key.as_ref().is_none_or(is_current)
    }

    async fn renew(&self, state: &mut State) -> Result<Arc<BoundToken>, ClientError> {
        let since = self.clock.now();
        let token = match &self.wanted {
            Wanted::Own(request) => self.ask(request, state).await?,
            Wanted::Exchanged(bundle, request) => {
                let bundle = bundle.current();
                bundle.require_running(since)?;
                self.endpoint.exchange(&bundle, request).await?
            }
        };
        state.task = token.task().map(str::to_owned);
        let held = Held::new(token, since);
        let token = Arc::clone(&held.token);
        state.held = Some(held);
        Ok(token)
    }

    async fn ask(&self, request: &TokenRequest, state: &mut State) -> Result<BoundToken, ClientError> {
        match self.endpoint.ask(request, state.task.as_deref()).await {
            // the default task is over: the registry has another
            Err(error) if may_change_task(request, state, &error) => {
                state.task = None;
                self.endpoint.ask(request, None).await
            }
            other => other,
        }
    }

    /// The old token, while it is good and the failure is one that passes.
    fn make_do(state: &mut State, now: UnixTime, error: ClientError) -> Result<Arc<BoundToken>, ClientError> {
        match state.held.as_mut().filter(|held| held.is_good(now) && error.is_transient()) {
            Some(held) => {
                held.renew_at = now.saturating_add(RENEW_PAUSE);
                Ok(Arc::clone(&held.token))
            }
            None => {
                state.held = None;
                Err(error)
            }
        }
    }
}

fn may_change_task(request: &TokenRequest, state: &State, error: &ClientError) -> bool {
    let is_over = matches!(error, ClientError::Registry(refused) if refused.error() == Some("invalid_grant"));
    is_over && state.task.is_some() && request.task == TaskChoice::Own
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const SINCE: u64 = 1_795_262_400;

    fn check(life: u64, age: u64, fresh: bool, good: bool) {
        let text = Zeroizing::new("t".to_owned());
        let token =
            BoundToken { text, scope: None, expires_in: Seconds::new(life), task: None, evidence: None, key: None };
        let held = Held::new(token, UnixTime::from_secs(SINCE));
        let now = UnixTime::from_secs(SINCE.saturating_add(age));
        assert_eq!((held.is_fresh(now), held.is_good(now)), (fresh, good), "{life} s, {age} s old");
    }

    #[test]
    fn three_quarters_of_a_life_are_fresh_and_all_of_it_is_good() {
        check(300, 0, true, true);
        check(300, 224, true, true);
        check(300, 225, false, true);
        check(300, 299, false, true);
        check(300, 300, false, false);
        check(7, 4, true, true);
        check(7, 5, false, true);
        check(1, 0, false, true);
        check(0, 0, false, false);
        check(u64::MAX, 1 << 40, true, true);
    }

    #[test]
    fn a_clock_set_back_makes_no_token_fresh() {
        let text = Zeroizing::new("t".to_owned());
        let token =
            BoundToken { text, scope: None, expires_in: Seconds::new(300), task: None, evidence: None, key: None };
        let held = Held::new(token, UnixTime::from_secs(SINCE));
        let before = UnixTime::from_secs(SINCE - 1);
        assert!(!held.is_fresh(before) && !held.is_good(before));
    }
}
