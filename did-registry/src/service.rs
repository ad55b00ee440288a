//! The registry as one value: what it was configured with, what it keeps, and what its routes share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use handfast_delegation::{UnverifiedAccessToken, VerifiedAccessToken};
use handfast_dpop::{MemoryReplay, NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret, PeriodError, ReplayLimits};
use handfast_identity::{DidKey, Seconds, UnixTime};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Clock, FactsSource, Mode, NonceUse, ResourceServer};
use handfast_registry_model::{
    CodeKey, CodeMaker, IssuerKeysRecord, OwnerCode, OwnerCodeRequest, Refusal, Role, Slot, make_owner_code,
    note_issuer_keys,
};
use handfast_verifier::budget::MemoryBudgets;
use handfast_verifier::revocation::{RevocationKind, RevocationName};
use handfast_verifier::trust::{
    DEFAULT_MAX_LIFETIME, Facts, IssuerFacts, KeySet, Profile, SpeaksFor, Status, StatusSource, TrustedIssuer,
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior};

use crate::config::{ConfigError, RegistryConfig};
use crate::feed::{Feed, FeedBook, NamedFeedKey};
use crate::http;
use crate::http::body::{BodyRoom, MAX_BODIES_BYTES};
use crate::http::once::Running;
use crate::http::rates::Rates;
use crate::keys::{RegistryKeys, TokenKey};
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::state::{ATTEMPTS, Commit, State};
use crate::store::{Store, StoreError};
use crate::usage::{FLUSH_PERIOD, Usage};

/// How often expired revocations are forgotten: as often as they are a minute old at least.
const TIDY_PERIOD: Duration = Duration::from_secs(60);

/// How far the clock may get ahead of what has passed since the start before tidying follows it no longer: what is forgotten stays
/// forgotten, and a clock that jumped comes back.
const TIDY_CLOCK_AHEAD: Seconds = Seconds::new(60);

/// What a registry is made of. [`open`](crate::open) puts these together for a directory; tests do so themselves.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub config: RegistryConfig,
    /// The store, its feed chained by [`feed_link`](crate::feed_link).
    pub store: Arc<dyn Store>,
    /// The keys.
    pub keys: RegistryKeys,
    /// The time.
    pub clock: SharedClock,
    /// Random bytes.
    pub random: SharedRandom,
}

/// The one clock of a service.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// Shares a clock.
    #[must_use]
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }
}

impl Clock for SharedClock {
    fn now(&self) -> UnixTime {
        self.0.now()
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedClock")
    }
}

/// Why a registry does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting, or a key that does not protect.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store, or the feed in it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guard of the management routes.
    #[error("the management routes cannot be guarded: {0}")]
    Guard(#[from] handfast_middleware::ConfigError),
    /// The lists of agents by status, which a store from before there were any lacks.
    #[error("the lists of agents cannot be made: {0}")]
    Index(Refusal),
    /// The nonces.
    #[error(transparent)]
    Nonces(#[from] PeriodError),
    /// The log could not be told which keys sign.
    #[error("the keys could not be noted in the log: {0}")]
    Keys(Refusal),
}

/// The registry service. Clones are the same registry.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = handfast_registry::open("/var/lib/registry").await?;
/// let listener = tokio::net::TcpListener::bind(registry.config().listen()).await?;
/// registry.serve(listener, std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

/// What the routes share.
pub(crate) struct Shared {
    pub(crate) config: RegistryConfig,
    pub(crate) keys: Arc<RegistryKeys>,
    pub(crate) code_key: CodeKey,
    pub(crate) state: State,
    pub(crate) book: Arc<FeedBook>,
    pub(crate) facts: Arc<OwnFacts>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) nonces: Arc<NonceKeys>,
    pub(crate) replay: Arc<MemoryReplay>,
    pub(crate) rates: Rates,
    pub(crate) bodies: BodyRoom,
    pub(crate) metrics: Metrics,
    pub(crate) guard: ResourceServer,
    pub(crate) introspections: MemoryBudgets,
    pub(crate) usage: Usage,
    pub(crate) running: Running,
    /// The document of the routes, written once.
    pub(crate) openapi: Bytes,
    /// What the recovery key said about the feed key.
    pub(crate) feed_key: Option<Arc<str>>,
}

impl Registry {
    /// Puts a registry together and reads its feed.
    ///
    /// # Errors
    ///
    /// [`StartError`]: in production also for keys whose secret half is published (TH68).
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { config, store, keys, clock, mut random } = parts;
        keys.require_sound(config.mode(), config.feed_recovery_key())?;
        let named_feed_key = NamedFeedKey::load(&*store).await?;
        if let Some(named) = &named_feed_key {
            named.require(&keys.feed_did())?;
        }
        let metrics = Metrics::new();
        let book = Arc::new(FeedBook::open(Arc::clone(&store), config.issuer()).await?);
        // fresh for this process: no proof from before its start carries one, which closes the hole a restart leaves in a
        // replay store in memory (P-02)
        let secret = NonceSecret::generate(&mut random);
        let nonces = Arc::new(NonceKeys::new(&secret, NonceRole::AuthorizationServer, NONCE_PERIOD)?);
        let replay = Arc::new(MemoryReplay::new(ReplayLimits::default()));
        let facts = Arc::new(OwnFacts::new(&config, &keys, &book));
        let guard = guard(&config, Arc::clone(&facts), &nonces, &replay, &clock).await?;
        let keys = Arc::new(keys);
        let limits = config.limits();
        let state = State::new(store, config.issuer(), random.clone(), metrics.clone());
        state.index_statuses().await.map_err(StartError::Index)?;
        let told_by = Arc::new(clock.clone());
        let openapi = http::openapi::document(config.issuer()).to_string().into();
        let shared = Shared {
            code_key: keys.code_key(),
            state,
            feed: Arc::new(Feed::new(Arc::clone(&book), Arc::clone(&keys), told_by, limits.waiting_polls)),
            bodies: BodyRoom::new(MAX_BODIES_BYTES),
            rates: Rates::new(limits.registrations_per_source, limits.registrations_in_total),
            config,
            keys,
            book,
            facts,
            clock,
            random,
            nonces,
            replay,
            metrics,
            guard,
            introspections: http::introspect::counted(),
            usage: Usage::default(),
            running: Running::default(),
            openapi,
            feed_key: named_feed_key.map(|named| named.text.into()),
        };
        let registry = Self { shared: Arc::new(shared) };
        registry.note_keys().await.map_err(StartError::Keys)?;
        Ok(registry)
    }

    /// Has the log say which keys sign from now on, if they are others than before: nothing is signed by a key that it does not
    /// know.
    async fn note_keys(&self) -> Result<(), Refusal> {
        let keys = &self.shared.keys;
        let token: Vec<_> = keys.token().map(|key| key.id.clone()).collect();
        for _ in 0..ATTEMPTS {
            let before = self.shared.state.load(&Slot::issuer_keys()).await?;
            let current = IssuerKeysRecord::new(token.clone(), keys.feed_did());
            let Some(change) = note_issuer_keys(before.as_ref(), current, self.shared.clock.now()) else {
                return Ok(());
            };
            if let Commit::Done { .. } = self.shared.state.commit(&change).await? {
                return Ok(());
            }
        }
        Err(Refusal::Overloaded)
    }

    /// All routes of the registry.
    ///
    /// Source addresses for the registration rates come from `ConnectInfo<SocketAddr>`, as [`Self::serve`] sets it; without
    /// it all requests count as one source.
    pub fn router(&self) -> Router {
        http::router(&self.shared)
    }

    /// Every route, by method and path as `/openapi.json` writes them.
    #[must_use]
    pub fn routes(&self) -> Vec<(&'static str, &'static str)> {
        http::known(&self.shared)
    }

    /// Serves the routes on `listener` until `stop` is done, with time-outs for everything a stranger can hold open (C15).
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        if self.shared.config.mode() == Mode::Development {
            tracing::warn!(
                issuer = self.shared.config.issuer(),
                "development mode: http and loopback only, not for production"
            );
        }
        let share = usize::try_from(self.shared.config.limits().connections_per_peer).unwrap_or(1);
        let limits = ServerLimits { connections_per_peer: share, ..ServerLimits::default() };
        let tidying = tokio::spawn(self.clone().tidy());
        let flushing = tokio::spawn(self.clone().flush_uses());
        let stop = async {
            stop.await;
            self.shared.feed.stop();
        };
        serve(listener, self.router(), limits, stop).await;
        tidying.abort();
        flushing.abort();
        self.note_uses().await;
    }

    /// Writes down what agents were given, again and again.
    async fn flush_uses(self) {
        loop {
            tokio::time::sleep(FLUSH_PERIOD).await;
            self.note_uses().await;
        }
    }

    /// Writes down what agents were given since the last time: hourly and at the end while [`Self::serve`] runs. Whoever serves the
    /// router by other means calls it now and then.
    pub async fn note_uses(&self) {
        if let Err(refusal) = self.shared.usage.flush(&self.shared.state).await {
            tracing::warn!(reason = refusal.answer().reason, "last uses could not be written down; they wait");
        }
    }

    /// Forgets what only stops things that have expired, again and again.
    async fn tidy(self) {
        let mut times = tokio::time::interval(TIDY_PERIOD);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (start, since) = (self.shared.clock.now(), Instant::now());
        loop {
            times.tick().await;
            let now = believed(self.shared.clock.now(), start, since.elapsed());
            self.forget_until(now).await;
            self.forget_answers_until(now).await;
        }
    }

    /// Forgets entries of the revocation feed that only stop what has expired, and says how many went. [`Self::serve`] does so
    /// once a minute, by a clock that cannot jump ahead. What could not be forgotten is kept for the next time: it does no harm.
    pub async fn forget_expired(&self) -> usize {
        self.forget_until(self.shared.clock.now()).await
    }

    /// Forgets answers that were kept for repeated requests and are past their time, and says how many went. [`Self::serve`] does so
    /// once a minute; those that are past their time count for nothing before they are forgotten, too.
    pub async fn forget_answers(&self) -> usize {
        self.forget_answers_until(self.shared.clock.now()).await
    }

    async fn forget_answers_until(&self, now: UnixTime) -> usize {
        match self.shared.state.forget_answers(now).await {
            Ok(forgotten) => forgotten,
            Err(refusal) => {
                tracing::warn!(reason = refusal.answer().reason, "answers past their time stay for now");
                0
            }
        }
    }

    async fn forget_until(&self, now: UnixTime) -> usize {
        match self.shared.book.forget_expired(now).await {
            Ok(forgotten) => forgotten,
            Err(error) => {
                tracing::warn!(%error, "expired revocations stay on the feed for now");
                0
            }
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &RegistryConfig {
        &self.shared.config
    }

    /// The key of the revocation feed, for resource servers to pin.
    #[must_use]
    pub fn feed_key(&self) -> DidKey {
        self.shared.keys.feed_did()
    }

    /// Makes a one-time code for a new owner in the operator's name: the first admin has nobody else to ask.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] or [`Refusal::Overloaded`].
    pub async fn operator_code(&self, role: Role) -> Result<OwnerCode, Refusal> {
        for _ in 0..ATTEMPTS {
            let request = OwnerCodeRequest { role, name: None };
            let now = self.shared.clock.now();
            let (change, code) = make_owner_code(CodeMaker::Operator, request, now, &mut self.shared.random.clone())?;
            if let Commit::Done { .. } = self.shared.state.commit(&change).await? {
                return Ok(code);
            }
        }
        Err(Refusal::Overloaded)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("issuer", &self.shared.config.issuer()).finish_non_exhaustive()
    }
}

/// What time it is for tidying: what the clock says, unless it is ahead of `start` by more than has passed since then.
fn believed(clock: UnixTime, start: UnixTime, passed: Duration) -> UnixTime {
    let reckoned = start.saturating_add(Seconds::new(passed.as_secs())).saturating_add(TIDY_CLOCK_AHEAD);
    if clock <= reckoned {
        return clock;
    }
    tracing::warn!(%clock, %reckoned, "the clock jumped ahead; expired revocations are forgotten by the time that passed");
    reckoned
}

/// The guard in front of the management routes: our own middleware, with facts of this process.
async fn guard(
    config: &RegistryConfig,
    facts: Arc<OwnFacts>,
    nonces: &Arc<NonceKeys>,
    replay: &Arc<MemoryReplay>,
    clock: &SharedClock,
) -> Result<ResourceServer, handfast_middleware::ConfigError> {
    let clock = clock.clone();
    ResourceServer::builder(config.registry().as_str(), config.issuer())
        .facts(facts)
        .mode(config.mode())
        .window(config.window())
        // one origin has one kind of nonce: clients keep the newest of each origin (DPOP-10)
        .nonce_source(nonces.clone())
        // DPOP-60, as at the token endpoint
        .nonces(NonceUse::Always)
        .replay_store(replay.clone())
        .clock(move || clock.now())
        .start()
        .await
}

/// What this registry knows about itself as an issuer.
///
/// The book of revocations is brought up to date before each guarded request, so it says as of now what is durable now.
pub(crate) struct OwnFacts {
    trust: Arc<TrustedIssuer>,
    keys: Arc<KeySet>,
    book: Arc<FeedBook>,
}

impl OwnFacts {
    fn new(config: &RegistryConfig, keys: &RegistryKeys, book: &Arc<FeedBook>) -> Self {
        let trust = TrustedIssuer {
            issuer: config.issuer().to_owned(),
            profile: Profile::Handfast,
            status: StatusSource::InProcess,
            resources: SpeaksFor::Only(vec![config.registry().clone()]),
            scopes: SpeaksFor::Everything,
            subjects: SpeaksFor::Everything,
            agent_status: Vec::new(),
            max_lifetime: DEFAULT_MAX_LIFETIME,
        };
        Self { trust: Arc::new(trust), keys: Arc::new(keys.key_set()), book: Arc::clone(book) }
    }
}

impl OwnFacts {
    /// What is known about ourselves as the issuer of root tokens.
    pub(crate) fn issuer(&self, now: UnixTime) -> IssuerFacts {
        let status = Status::Known { set: self.book.set(), as_of: now };
        IssuerFacts { trust: Arc::clone(&self.trust), keys: Arc::clone(&self.keys), status }
    }

    /// The same, about whatever resource it issues tokens for.
    pub(crate) fn issuer_for_all(&self, now: UnixTime) -> IssuerFacts {
        let trust = TrustedIssuer { resources: SpeaksFor::Everything, ..TrustedIssuer::clone(&self.trust) };
        IssuerFacts { trust: Arc::new(trust), ..self.issuer(now) }
    }

    /// Whether one of our token keys was revoked.
    pub(crate) fn has_revoked_key(&self, id: &str) -> bool {
        let name = RevocationName::of(&self.trust.issuer, RevocationKind::IssuerKey, id);
        self.book.set().covers(name, UnixTime::EPOCH).is_some()
    }

    /// The key to sign tokens with: the first that was not revoked.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] if there is none: what it signed would be refused everywhere.
    pub(crate) fn signing_key<'k>(&self, keys: &'k RegistryKeys) -> Result<&'k TokenKey, Refusal> {
        keys.token().find(|key| !self.has_revoked_key(&key.id)).ok_or_else(|| {
            tracing::error!("every token key was revoked: `handfast registry rotate-key token`, and start again");
            Refusal::StoreUnavailable
        })
    }

    /// An access token that this registry signed, whatever it is for and however old.
    pub(crate) fn own_token(&self, text: &str) -> Option<VerifiedAccessToken> {
        let token = UnverifiedAccessToken::parse(text).ok()?;
        let key = self.keys.find(token.kid()?).filter(|_| token.unverified_claims().issuer == self.trust.issuer)?;
        token.verify(key).ok()
    }
}

impl FactsSource for OwnFacts {
    fn facts(&self, now: UnixTime) -> Arc<Facts> {
        Arc::new(Facts::new([self.issuer(now)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidying_does_not_follow_a_clock_that_jumps_ahead() {
        let at = UnixTime::from_secs;
        let hour = Duration::from_secs(3600);
        for (clock, passed, expected) in [
            (1000, Duration::ZERO, 1000),
            (4600, hour, 4600),
            (4660, hour, 4660),
            (4661, hour, 4660),
            (u64::MAX, hour, 4660),
            (900, hour, 900),
        ] {
            assert_eq!(believed(at(clock), at(1000), passed), at(expected), "{clock}");
        }
    }
}
