//! Describing a resource server, and refusing descriptions that would weaken it (P-24).

mod error;
mod nonce_use;
mod profile;
mod start;
mod trust_file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use handfast_delegation::Environment;
use handfast_dpop::{NonceSource, ProofWindow, ReplayLimits, ReplayStore};
use handfast_fetch::Mode;
use handfast_identity::Seconds;
use handfast_verifier::budget::{BudgetLimits, BudgetStore};
use handfast_verifier::revocation::MAX_REVOKED_NAMES;
use handfast_verifier::trust::TrustedIssuer;
use handfast_verifier::{ChainPolicy, DEFAULT_STALENESS};

use crate::drift::{DriftNotice, DriftPolicy, OnDrift};
use crate::store::SharedStore;
use crate::{Clock, FactsSource, Pace, ResourceMetadata, SystemClock};

pub use error::ConfigError;
pub use nonce_use::NonceUse;
pub use profile::Profile;
pub use trust_file::TrustFileError;

/// How old an issuer's last word on revocations may at most be allowed to get, both included (spec/limits.md): below the
/// heartbeat of 10 s nothing would ever be fresh, and five minutes is what an issuer without any feed gets.
pub const STALENESS_BOUNDS: (Seconds, Seconds) = (Seconds::new(10), Seconds::new(300));

/// Longest content that is read to see whether a proof covers it, unless set otherwise (spec/limits.md).
const DEFAULT_CONTENT_BYTES: usize = 64 * 1024;

/// A resource server being described; [`Self::start`] makes it. Every setting has a safe default but whom to trust.
#[must_use = "a description protects nothing until it is started"]
pub struct Builder {
    resource: String,
    public_base: String,
    mode: Mode,
    trust: Vec<TrustedIssuer>,
    trust_files: Vec<PathBuf>,
    facts: Option<Arc<dyn FactsSource>>,
    environment: Option<Environment>,
    resource_metadata: Option<String>,
    metadata: Option<ResourceMetadata>,
    window: ProofWindow,
    staleness: Seconds,
    nonce_use: NonceUse,
    nonces: Option<Arc<dyn NonceSource>>,
    replay_limits: ReplayLimits,
    replay: Option<Arc<dyn ReplayStore>>,
    budget_limits: BudgetLimits,
    budgets: Option<Arc<dyn BudgetStore>>,
    shared: Option<Arc<dyn SharedStore>>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    revoked_names: usize,
    state_directory: Option<PathBuf>,
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
            trust_files: Vec::new(),
            facts: None,
            environment: None,
            resource_metadata: None,
            metadata: None,
            window: Profile::default().window(),
            staleness: DEFAULT_STALENESS,
            nonce_use: NonceUse::default(),
            nonces: None,
            replay_limits: ReplayLimits::default(),
            replay: None,
            budget_limits: BudgetLimits::default(),
            budgets: None,
            shared: None,
            clock: Arc::new(SystemClock),
            pace: Pace::default(),
            revoked_names: MAX_REVOKED_NAMES,
            state_directory: None,
            chain: ChainPolicy::default(),
            drift: DriftPolicy::default(),
            on_drift: None,
            binds_content: false,
            content_limit: DEFAULT_CONTENT_BYTES,
        }
    }

    /// Trusts one more issuer. With two or more each record has to say for what: nothing is implied.
    ///
    /// An issuer may be named by its `did:web`, which stands for the URL of its host: `did:web:registry.example` for
    /// `https://registry.example`. Its document is then asked as well whether it says the same, before its keys are taken.
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.trust.push(issuer);
        self
    }

    /// Trusts the issuers of a file as well: one `[[issuers]]` in TOML for each. It is read when the server starts.
    ///
    /// ```toml
    /// [[issuers]]
    /// issuer = "https://registry.example"
    /// status = "feed"
    /// feed_key = "did:key:z6Mk…"
    /// resources = ["https://api.example"]
    /// scopes = ["files:read"]
    /// subjects = ["owner:"]
    /// ```
    pub fn trust_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust_files.push(path.into());
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

    /// Has the server publish this resource's metadata (RFC 9728, MD-20), and name it in challenges unless
    /// [`Self::resource_metadata`] names another. Merge [`ResourceServer::metadata_routes`](crate::ResourceServer::metadata_routes)
    /// into the outermost router, unguarded: it is served at the root of the origin, whatever prefix a proxy strips elsewhere.
    pub fn publish_metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// The settings of a kind of clients, in the place of those of HTTP APIs. It sets the [`Self::window`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.window = profile.window();
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

    /// Proofs are remembered and uses counted in `store`, together with the other servers of the resource, which have to have the same
    /// resource identifier. In place of [`Self::replay_store`] and [`Self::budget_store`]. It outlives this process, so that no proof needs
    /// a nonce of this process after a start.
    pub fn shared_store(mut self, store: Arc<dyn SharedStore>) -> Self {
        self.shared = Some(store);
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

    /// Where it is kept across restarts how far each issuer's feed has come and how new its lists were, so that one that went back
    /// meanwhile is noticed.
    /// The directory is made if it is missing, and is this server's alone. Without one a start believes what it hears first.
    pub fn state_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_directory = Some(path.into());
        self
    }

    /// How many revoked names of one issuer's feed are held at most, in place of [`MAX_REVOKED_NAMES`] of the verifier; each takes 100 to
    /// 220 bytes. While a feed has more of them that count, its issuer's tokens are answered 503 `status_unknown`:
    /// [`FeedLag::is_full`](crate::FeedLag::is_full).
    pub fn revoked_names(mut self, most: usize) -> Self {
        self.revoked_names = most;
        self
    }

    /// How often issuers are asked.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
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
