//! Describing a resource server, and refusing descriptions that would weaken it (P-24).

mod error;

use std::fmt;
use std::sync::Arc;

use handfast_delegation::{Environment, ResourceId};
use handfast_dpop::{
    MemoryReplay, NONCE_PERIOD, NonceKeys, NoncePolicy, NonceRole, NonceSecret, NonceSource, ProofWindow, PublicBase,
    ReplayLimits, ReplayStore, RestartRule, Target,
};
use handfast_fetch::Mode;
use handfast_identity::{OsRandom, Seconds};
use handfast_verifier::budget::{BudgetLimits, BudgetStore, MemoryBudgets};
use handfast_verifier::trust::{StatusSource, TrustedIssuer};
use handfast_verifier::{ChainPolicy, DEFAULT_STALENESS};

use crate::drift::{DriftBook, DriftNotice, DriftPolicy, OnDrift};
use crate::guard::{RememberedVerdicts, Shared};
use crate::keeper::Keeper;
use crate::test_keys::publicly_known;
use crate::{Clock, Decisions, FactsSource, Pace, ResourceServer, SystemClock};

pub use error::ConfigError;

/// How old an issuer's last word on revocations may at most be allowed to get, both included (spec/limits.md): below the
/// heartbeat of 10 s nothing would ever be fresh, and five minutes is what an issuer without any feed gets.
pub const STALENESS_BOUNDS: (Seconds, Seconds) = (Seconds::new(10), Seconds::new(300));

/// Longest content that is read to see whether a proof covers it, unless set otherwise (spec/limits.md).
const DEFAULT_CONTENT_BYTES: usize = 64 * 1024;

/// What a resource does with nonces. After a start every one but `Off` demands them for the length of the proof window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceUse {
    /// None are handed out, and none are looked at. A restart then opens a hole for replays: refused in production.
    Off,
    /// Checked when sent, demanded after a start. The default.
    #[default]
    WhenSent,
    /// No proof passes without one.
    Always,
    /// As `WhenSent`, and a good one makes up for a wrong clock of the client (DPOP-54).
    ReplacesClock,
}

impl NonceUse {
    pub(crate) const fn policy(self, source: &dyn NonceSource) -> NoncePolicy<'_> {
        match self {
            Self::Off => NoncePolicy::Off,
            Self::WhenSent => NoncePolicy::adds(source),
            Self::Always => NoncePolicy::required(source),
            Self::ReplacesClock => NoncePolicy::replaces_clock(source),
        }
    }
}

/// A resource server being described; [`Self::start`] makes it. Every setting has a safe default but whom to trust.
#[must_use = "a description protects nothing until it is started"]
pub struct Builder {
    resource: String,
    public_base: String,
    mode: Mode,
    trust: Vec<TrustedIssuer>,
    facts: Option<Arc<dyn FactsSource>>,
    environment: Option<Environment>,
    resource_metadata: Option<String>,
    window: ProofWindow,
    staleness: Seconds,
    nonce_use: NonceUse,
    nonces: Option<Arc<dyn NonceSource>>,
    replay_limits: ReplayLimits,
    replay: Option<Arc<dyn ReplayStore>>,
    budget_limits: BudgetLimits,
    budgets: Option<Arc<dyn BudgetStore>>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    chain: ChainPolicy,
    drift: DriftPolicy,
    on_drift: Option<OnDrift>,
    binds_content: bool,
    content_limit: usize,
}

impl Builder {
    pub(crate) fn new(resource: &str, public_base: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            public_base: public_base.to_owned(),
            mode: Mode::Production,
            trust: Vec::new(),
            facts: None,
            environment: None,
            resource_metadata: None,
            window: ProofWindow::default(),
            staleness: DEFAULT_STALENESS,
            nonce_use: NonceUse::default(),
            nonces: None,
            replay_limits: ReplayLimits::default(),
            replay: None,
            budget_limits: BudgetLimits::default(),
            budgets: None,
            clock: Arc::new(SystemClock),
            pace: Pace::default(),
            chain: ChainPolicy::default(),
            drift: DriftPolicy::default(),
            on_drift: None,
            binds_content: false,
            content_limit: DEFAULT_CONTENT_BYTES,
        }
    }

    /// Trusts one more issuer. With two or more each record has to say for what: nothing is implied.
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.trust.push(issuer);
        self
    }

    /// Takes facts from `source` and follows nobody over the network. In place of [`Self::trust`].
    pub fn facts(mut self, source: Arc<dyn FactsSource>) -> Self {
        self.facts = Some(source);
        self
    }

    /// Production, which is the default, or development, which allows `http` on loopback and test keys.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The environment of this server: agents' tokens for another one are refused.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The URL of this resource's metadata (RFC 9728), named in challenges (MD-24).
    pub fn resource_metadata(mut self, url: &str) -> Self {
        self.resource_metadata = Some(url.to_owned());
        self
    }

    /// How old a proof may be. 60 s past and 30 s future by default.
    pub fn window(mut self, window: ProofWindow) -> Self {
        self.window = window;
        self
    }

    /// How old an issuer's last word on revocations may be, within [`STALENESS_BOUNDS`]. 30 s by default.
    pub fn staleness(mut self, staleness: Seconds) -> Self {
        self.staleness = staleness;
        self
    }

    /// What to do with nonces.
    pub fn nonces(mut self, nonce_use: NonceUse) -> Self {
        self.nonce_use = nonce_use;
        self
    }

    /// Nonces of `source` in place of this process's own. For a server whose origin hands out nonces elsewhere too (clients
    /// keep one per origin, DPOP-10). A source whose nonces outlive the process opens the restart hole, unless the replay
    /// store outlives it as well.
    pub fn nonce_source(mut self, source: Arc<dyn NonceSource>) -> Self {
        self.nonces = Some(source);
        self
    }

    /// How many proofs are remembered, in all and of one key.
    pub fn replay_limits(mut self, limits: ReplayLimits) -> Self {
        self.replay_limits = limits;
        self
    }

    /// Proofs are remembered by `store` in place of this process's memory.
    pub fn replay_store(mut self, store: Arc<dyn ReplayStore>) -> Self {
        self.replay = Some(store);
        self
    }

    /// How many uses of budgets are counted at once, in all and for one task.
    pub fn budget_limits(mut self, limits: BudgetLimits) -> Self {
        self.budget_limits = limits;
        self
    }

    /// Uses of budgets are counted in `store` in place of this process's memory, whose counts end with the process. Servers of
    /// one resource that share a store count together; give them one that outlives them where a restart must not renew budgets.
    pub fn budget_store(mut self, store: Arc<dyn BudgetStore>) -> Self {
        self.budgets = Some(store);
        self
    }

    /// The clock. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What is asked of delegation evidence: it is required by default, up to five hops in 8 KiB.
    pub fn delegation(mut self, policy: ChainPolicy) -> Self {
        self.chain = policy;
        self
    }

    /// What happens when callers ask for more than their task was given. It is counted and logged by default.
    pub fn drift(mut self, policy: DriftPolicy) -> Self {
        self.drift = policy;
        self
    }

    /// Calls `tell` with every such wish. It runs before the refusal is sent and must not block.
    pub fn on_drift(mut self, tell: impl Fn(&DriftNotice) + Send + Sync + 'static) -> Self {
        self.on_drift = Some(OnDrift(Arc::new(tell)));
        self
    }

    /// Asks on every route that proofs cover the content ([`RouteRule::bind_content`](crate::RouteRule::bind_content) asks on
    /// one). Bodies are then read whole before the check. Off by default.
    pub fn bind_content(mut self) -> Self {
        self.binds_content = true;
        self
    }

    /// The longest content of routes whose proofs cover it; more is answered with 413. 64 KiB by default. Each request of
    /// such a route can take so much memory, and has ten seconds to send it.
    pub fn content_limit(mut self, bytes: usize) -> Self {
        self.content_limit = bytes;
        self
    }

    /// How often issuers are asked.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Starts the server, and the keeper of its facts on the current tokio runtime.
    ///
    /// It waits until each issuer answered once or [`Pace::patience`] is over, and starts whether they did or not: while an
    /// issuer is away its tokens are answered with 503, and the keeper goes on asking.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming the setting.
    pub async fn start(self) -> Result<ResourceServer, ConfigError> {
        let resource = ResourceId::parse(&self.resource).map_err(ConfigError::Resource)?;
        let base = self.base(&self.public_base, "public_base")?;
        self.require_safe_settings()?;
        let (facts, keeper) = match &self.facts {
            Some(source) if self.trust.is_empty() => (Arc::clone(source), None),
            Some(_) => return Err(ConfigError::FactsAndTrust),
            None => {
                let keeper = Arc::new(self.keeper()?);
                let source: Arc<dyn FactsSource> = keeper.clone();
                (source, Some(keeper))
            }
        };
        if let Some(keeper) = &keeper {
            keeper.asked_once(self.pace.patience).await;
        }
        let nonces = match self.nonces {
            Some(source) => source,
            None => Arc::new(process_nonces()?),
        };
        Ok(ResourceServer {
            shared: Arc::new(Shared {
                resource,
                base,
                resource_metadata: self.resource_metadata,
                environment: self.environment,
                window: self.window,
                staleness: self.staleness,
                nonce_use: self.nonce_use,
                nonces,
                restart: RestartRule::new(self.clock.now(), self.window),
                replay: self.replay.unwrap_or_else(|| Arc::new(MemoryReplay::new(self.replay_limits))),
                budgets: self.budgets.unwrap_or_else(|| Arc::new(MemoryBudgets::new(self.budget_limits))),
                clock: Arc::clone(&self.clock),
                facts,
                keeper,
                decisions: Decisions::default(),
                chain: self.chain,
                verdicts: Arc::new(RememberedVerdicts::new()),
                drift: DriftBook::new(self.drift, self.on_drift, Arc::clone(&self.clock)),
                binds_content: self.binds_content,
                content_limit: self.content_limit,
            }),
        })
    }

    /// A base URL as the mode allows it: `https`, or in development `http` on loopback.
    fn base(&self, url: &str, setting: &'static str) -> Result<PublicBase, ConfigError> {
        if url.is_empty() {
            return Err(ConfigError::Missing { setting });
        }
        let https = PublicBase::parse(url);
        let base = match self.mode {
            Mode::Development if https.is_err() => PublicBase::danger_loopback_http(url),
            Mode::Production | Mode::Development => https,
        };
        base.map_err(|cause| ConfigError::Url { setting, url: url.to_owned(), mode: self.mode, cause })
    }

    fn require_safe_settings(&self) -> Result<(), ConfigError> {
        let (least, most) = STALENESS_BOUNDS;
        if !(least..=most).contains(&self.staleness) {
            return Err(ConfigError::Staleness);
        }
        if self.nonce_use == NonceUse::Off && self.mode == Mode::Production {
            return Err(ConfigError::NoncesOff);
        }
        let Some(url) = &self.resource_metadata else { return Ok(()) };
        // it stands inside a quoted string of the challenge, and so has to be of a uri's characters
        let refused =
            |cause| ConfigError::Url { setting: "resource_metadata", url: url.clone(), mode: self.mode, cause };
        let is_uri = ResourceId::parse(url).is_ok();
        let target = Target::parse(url).map_err(refused)?;
        let is_protected = target.is_protected() && (self.mode == Mode::Development || url.starts_with("https://"));
        match (is_uri, is_protected) {
            (true, true) => Ok(()),
            (false, _) => Err(refused(handfast_dpop::TargetError::Character)),
            (true, false) => Err(refused(handfast_dpop::TargetError::Scheme)),
        }
    }

    fn keeper(&self) -> Result<Keeper, ConfigError> {
        TrustedIssuer::require_sound(&self.trust).map_err(ConfigError::Trust)?;
        let mut issuers = Vec::new();
        for trust in &self.trust {
            let base = self.base(&trust.issuer, "trusted_issuers.issuer")?;
            self.require_followable(trust)?;
            issuers.push((trust.clone(), base));
        }
        Keeper::start(issuers, self.mode, &self.clock, self.pace).map_err(ConfigError::Fetch)
    }

    fn require_followable(&self, trust: &TrustedIssuer) -> Result<(), ConfigError> {
        let issuer = || trust.issuer.clone();
        match &trust.status {
            StatusSource::InProcess => Err(ConfigError::InProcess { issuer: issuer() }),
            StatusSource::None => Ok(()),
            StatusSource::Feed { key } => match publicly_known(key.public_key()) {
                Some(origin) if self.mode == Mode::Production => Err(ConfigError::TestKey { issuer: issuer(), origin }),
                Some(_) | None => Ok(()),
            },
        }
    }
}

/// Nonces that only this process knows: what the rule after a start rests on.
fn process_nonces() -> Result<NonceKeys, ConfigError> {
    let secret = NonceSecret::generate(&mut OsRandom);
    NonceKeys::new(&secret, NonceRole::ResourceServer, NONCE_PERIOD).map_err(ConfigError::NoncePeriod)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("resource", &self.resource)
            .field("public_base", &self.public_base)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
