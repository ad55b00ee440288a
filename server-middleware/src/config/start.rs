//! From a description to a server: what it lacks is made, and what would weaken it is refused (P-24).

use std::sync::Arc;

use handfast_delegation::ResourceId;
use handfast_dpop::{MemoryReplay, NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret, PublicBase, RestartRule, Target};
use handfast_fetch::Mode;
use handfast_identity::{DidWeb, OsRandom, PublicKey, UnixTime};
use handfast_verifier::budget::MemoryBudgets;
use handfast_verifier::trust::{StatusSource, TrustedIssuer};

use super::{Builder, ConfigError, NonceUse, STALENESS_BOUNDS, trust_file};
use crate::drift::DriftBook;
use crate::guard::{RememberedVerdicts, Shared};
use crate::keeper::{Caller, Followed, Keeper, KeeperError};
use crate::metadata::NotHere;
use crate::store::Stores;
use crate::test_keys::publicly_known;
use crate::{Decisions, FactsSource, ResourceServer};

impl Builder {
    /// Starts the server, and the keeper of its facts on the current tokio runtime.
    ///
    /// It waits until each issuer answered once or [`Pace::patience`](crate::Pace::patience) is over, and starts whether they did or not: while an
    /// issuer is away its tokens are answered with 503, and the keeper goes on asking.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming the setting.
    pub async fn start(mut self) -> Result<ResourceServer, ConfigError> {
        self.read_trust_files()?;
        let resource = ResourceId::parse(&self.resource).map_err(ConfigError::Resource)?;
        let base = self.base(&self.public_base, "public_base")?;
        self.require_safe_settings()?;
        let (facts, keeper) = match &self.facts {
            Some(source) if self.trust.is_empty() => (Arc::clone(source), None),
            Some(_) => return Err(ConfigError::FactsAndTrust),
            None => {
                let keeper = Arc::new(self.keeper(&resource)?);
                let source: Arc<dyn FactsSource> = keeper.clone();
                (source, Some(keeper))
            }
        };
        if let Some(keeper) = &keeper {
            keeper.asked_once(self.pace.patience).await;
        }
        let metadata = match self.metadata {
            None => None,
            Some(metadata) => {
                let known = facts.facts(self.clock.now());
                let issuers = known.issuers().map(|facts| facts.trust.issuer.clone()).collect();
                let published = metadata.publish(&resource, &base, issuers);
                Some(published.map_err(|NotHere| ConfigError::Metadata { resource: resource.to_string() })?)
            }
        };
        let nonces = match self.nonces {
            Some(source) => source,
            None => Arc::new(process_nonces()?),
        };
        // a shared memory has forgotten nothing at this start
        let forgot_at = if self.shared.is_some() { UnixTime::EPOCH } else { self.clock.now() };
        let stores = match self.shared {
            Some(_) if self.replay.is_some() || self.budgets.is_some() => return Err(ConfigError::TwoStores),
            Some(store) => Stores::Shared(store),
            None => Stores::Own {
                replay: self.replay.unwrap_or_else(|| Arc::new(MemoryReplay::new(self.replay_limits))),
                budgets: self.budgets.unwrap_or_else(|| Arc::new(MemoryBudgets::new(self.budget_limits))),
            },
        };
        Ok(ResourceServer {
            shared: Arc::new(Shared {
                resource,
                base,
                resource_metadata: self.resource_metadata.or_else(|| metadata.as_ref().map(|known| known.url.clone())),
                metadata,
                environment: self.environment,
                window: self.window,
                staleness: self.staleness,
                nonce_use: self.nonce_use,
                nonces,
                restart: RestartRule::new(forgot_at, self.window),
                stores,
                clock: Arc::clone(&self.clock),
                facts,
                keeper,
                decisions: Decisions::default(),
                chain: self.chain,
                verdicts: RememberedVerdicts::new(),
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

    fn read_trust_files(&mut self) -> Result<(), ConfigError> {
        for path in core::mem::take(&mut self.trust_files) {
            let records = trust_file::load(&path).map_err(|cause| ConfigError::TrustFile { path, cause })?;
            self.trust.extend(records);
        }
        Ok(())
    }

    fn keeper(&self, resource: &ResourceId) -> Result<Keeper, ConfigError> {
        let (mut records, mut dids) = (self.trust.clone(), Vec::new());
        for record in &mut records {
            dids.push(self.by_url(&mut record.issuer)?);
            for listing in &mut record.agent_status {
                self.by_url(listing)?;
            }
        }
        TrustedIssuer::require_sound(&records).map_err(ConfigError::Trust)?;
        let mut issuers = Vec::new();
        for (trust, did) in records.into_iter().zip(dids) {
            let base = self.base(&trust.issuer, "trusted_issuers.issuer")?;
            let caller = self.introspection_caller(&trust, resource)?;
            self.require_followable(&trust, caller.as_ref())?;
            issuers.push(Followed { trust, base, did, caller });
        }
        let goes_back =
            |status: &StatusSource| matches!(status, StatusSource::Feed { .. } | StatusSource::StatusList { .. });
        let follows = self.trust.iter().any(|trust| goes_back(&trust.status));
        let state = self.state_directory.as_deref().filter(|_| follows);
        if follows && state.is_none() && self.mode == Mode::Production {
            tracing::warn!(
                "no `state_directory`: a revocation feed or list that goes back while this server is not running is believed"
            );
        }
        Keeper::start(issuers, self.mode, &self.clock, self.pace, self.revoked_names, state).map_err(
            |error| match error {
                KeeperError::Fetch(error) => ConfigError::Fetch(error),
                KeeperError::State(error) => ConfigError::State(error),
            },
        )
    }

    /// Puts the URL of its host in the place of a `did:web`, which it gives back. One with a path proves control of a file (DW-12).
    fn by_url(&self, issuer: &mut String) -> Result<Option<DidWeb>, ConfigError> {
        if !issuer.starts_with("did:") {
            return Ok(None);
        }
        let refused = |why: String| ConfigError::Did { did: issuer.clone(), why };
        let did = DidWeb::parse(issuer).map_err(|error| refused(error.to_string()))?;
        if !did.is_origin() {
            return Err(refused("an issuer is a whole host, and this is a path there".to_owned()));
        }
        let is_here = self.mode == Mode::Development && did.host() == "localhost";
        *issuer = format!("{}://{}", if is_here { "http" } else { "https" }, did.authority());
        Ok(Some(did))
    }

    /// Who asks `trust` about tokens, and whether it is asked where the mode allows.
    fn introspection_caller(
        &self,
        trust: &TrustedIssuer,
        resource: &ResourceId,
    ) -> Result<Option<Caller>, ConfigError> {
        let StatusSource::Introspection { caller, endpoint } = &trust.status else { return Ok(None) };
        if let Some(endpoint) = endpoint {
            self.base(endpoint, "introspection_endpoint")?;
        }
        let caller = Caller::read(caller, &trust.issuer, resource);
        caller.map(Some).map_err(|cause| ConfigError::Caller { issuer: trust.issuer.clone(), cause })
    }

    fn require_followable(&self, trust: &TrustedIssuer, caller: Option<&Caller>) -> Result<(), ConfigError> {
        let issuer = || trust.issuer.clone();
        let pinned: Vec<(_, &PublicKey)> = match &trust.status {
            StatusSource::InProcess => return Err(ConfigError::InProcess { issuer: issuer() }),
            StatusSource::None => Vec::new(),
            StatusSource::StatusList { key, .. } => key.iter().map(|key| ("status_key", key.public_key())).collect(),
            StatusSource::Introspection { .. } => {
                caller.and_then(Caller::key).map(|key| ("introspection_key_file", key)).into_iter().collect()
            }
            StatusSource::Feed { key, recovery_key } => {
                let recovery = recovery_key.iter().map(|key| ("feed_recovery_key", key.public_key()));
                core::iter::once(("feed_key", key.public_key())).chain(recovery).collect()
            }
        };
        let published = pinned.iter().find_map(|(member, key)| publicly_known(key).map(|origin| (*member, origin)));
        match published.filter(|_| self.mode == Mode::Production) {
            Some((member, origin)) => Err(ConfigError::TestKey { member, issuer: issuer(), origin }),
            None => Ok(()),
        }
    }
}

/// Nonces that only this process knows: what the rule after a start rests on.
fn process_nonces() -> Result<NonceKeys, ConfigError> {
    let secret = NonceSecret::generate(&mut OsRandom);
    NonceKeys::new(&secret, NonceRole::ResourceServer, NONCE_PERIOD).map_err(ConfigError::NoncePeriod)
}
