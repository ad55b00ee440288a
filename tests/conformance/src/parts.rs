//! From the setting of a vector to the values a server is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use handfast_delegation::{ResourceId, Scope};
use handfast_dpop::{
    MemoryReplay, NonceKeys, NonceRole, NonceSecret, ProofWindow, PublicBase, RefuseAll, ReplayLimits, ReplayStore,
};
use handfast_identity::{DidKey, Seconds, UnixTime, base64url};
use handfast_verifier::budget::{BudgetLimits, BudgetStore, MemoryBudgets, RefuseBudgets};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::status_list::{ListError, StatusLists, UnverifiedStatusList};
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Profile, SpeaksFor, Status, StatusSource, TrustedIssuer};
use handfast_verifier::{ChainPolicy, EvidencePolicy, RouteRule, Stop, Stops, Work};
use serde::de::DeserializeOwned;

use crate::vector::{
    BudgetSetting, Callers, Evidence, IssuerSetting, Keys, List, NonceSetting, ReplaySetting, Revocation, Setting,
    StatusSetting, Step, TrustRecord,
};

impl Setting {
    /// The resource identifier.
    #[must_use]
    pub fn resource_id(&self) -> ResourceId {
        ResourceId::parse(&self.resource).unwrap()
    }

    /// The public base.
    #[must_use]
    pub fn base(&self) -> PublicBase {
        PublicBase::parse(&self.public_base).unwrap()
    }

    /// The proof window.
    #[must_use]
    pub fn proof_window(&self) -> ProofWindow {
        ProofWindow::new(Seconds::new(self.window.past), Seconds::new(self.window.future)).unwrap()
    }

    /// A value of a closed list, by its word, as its type reads it.
    #[must_use]
    pub fn environment<T: DeserializeOwned>(&self) -> Option<T> {
        self.environment.as_deref().map(named)
    }

    /// What is asked of delegation evidence.
    #[must_use]
    pub fn chain_policy(&self) -> ChainPolicy {
        self.chain.map_or_else(ChainPolicy::default, |chain| ChainPolicy {
            evidence: match chain.evidence {
                Evidence::Required => EvidencePolicy::Required,
                Evidence::Optional => EvidencePolicy::Optional,
            },
            max_bytes: chain.max_bytes,
            max_hops: chain.max_hops,
        })
    }

    /// What the route asks for.
    #[must_use]
    pub fn route_rule(&self) -> RouteRule {
        let mut scopes = self.route.scopes.iter().map(|scope| Scope::parse(scope).unwrap());
        let first = scopes.next().expect("a route of a vector names a scope");
        let rule = match self.route.callers {
            Callers::Agents => RouteRule::agents(first),
            Callers::Owners => RouteRule::owners(first),
            Callers::AgentsAndOwners => RouteRule::agents_and_owners(first),
        };
        let rule = scopes.fold(rule, RouteRule::or);
        let rule = if self.route.bind_content { rule.bind_content() } else { rule };
        match &self.route.tool {
            Some(tool) => rule.tool(tool.route()).unwrap(),
            None => rule,
        }
    }

    /// The replay store, empty.
    #[must_use]
    pub fn replay_store(&self) -> Arc<dyn ReplayStore> {
        match self.replay {
            // more than any run of steps fills, and so little that making one for each costs nothing
            None => Arc::new(MemoryReplay::new(ReplayLimits { total: 1 << 12, per_key: 1 << 12 })),
            Some(ReplaySetting::Unavailable) => Arc::new(RefuseAll),
            Some(ReplaySetting::Bounded { total, per_key }) => {
                Arc::new(MemoryReplay::new(ReplayLimits { total, per_key }))
            }
        }
    }

    /// The budget store, empty.
    #[must_use]
    pub fn budget_store(&self) -> Arc<dyn BudgetStore> {
        match self.budgets {
            None => Arc::new(MemoryBudgets::new(BudgetLimits::default())),
            Some(BudgetSetting::Unavailable) => Arc::new(RefuseBudgets),
            Some(BudgetSetting::Bounded { total, per_owner }) => {
                Arc::new(MemoryBudgets::new(BudgetLimits { total, per_owner }))
            }
        }
    }

    /// What is known about the issuers.
    ///
    /// # Panics
    ///
    /// When the trust records cannot stand together.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let records: Vec<_> = self.issuers.iter().map(|issuer| trusted(&issuer.trust)).collect();
        TrustedIssuer::require_sound(&records).expect("the trust records of a vector are sound");
        Facts::new(self.issuers.iter().zip(records).map(|(issuer, record)| facts(issuer, record)))
    }
}

impl Stops for Setting {
    fn stop(&self, work: &Work<'_>) -> Option<Stop> {
        if self.issuers[0].trust.issuer != work.issuer {
            return None;
        }
        self.stopped.iter().find_map(|stopped| match &stopped.hop {
            None => (stopped.task == work.task).then_some(Stop::Task),
            Some(hop) => work.hops().any(|name| name.to_string() == *hop).then_some(Stop::Delegation),
        })
    }
}

impl NonceSetting {
    /// Where nonces come from, if there are any.
    #[must_use]
    pub const fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Off => None,
            Self::Adds(keys) | Self::Required(keys) | Self::ReplacesClock(keys) => Some(keys),
        }
    }
}

impl Keys {
    /// The source of nonces at a resource.
    #[must_use]
    pub fn source(&self) -> NonceKeys {
        let secret = NonceSecret::from_shared(&base64url::decode_array(&self.secret).unwrap());
        NonceKeys::new(&secret, NonceRole::ResourceServer, Seconds::new(self.period)).unwrap()
    }
}

impl Step {
    /// The values of all lines of the field called `name`, as bytes.
    #[must_use]
    pub fn field(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| bytes(value)).collect()
    }

    /// Whether `access_token` stands in the query, or in a form body (RFC 6750 2.2, 2.3).
    #[must_use]
    pub fn has_misplaced_token(&self) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let is_form = |value: &Vec<u8>| value.starts_with(b"application/x-www-form-urlencoded");
        let body = if self.field("content-type").iter().any(is_form) { self.body.as_deref() } else { None };
        query.split('&').chain(body.unwrap_or("").split('&')).any(|pair| pair.split('=').next() == Some("access_token"))
    }
}

/// The bytes of a field value: one for each character.
///
/// # Panics
///
/// On a character above U+00FF.
#[must_use]
pub fn bytes(value: &str) -> Vec<u8> {
    value.chars().map(|c| u8::try_from(u32::from(c)).expect("each character of a field value is one byte")).collect()
}

fn facts(issuer: &IssuerSetting, record: TrustedIssuer) -> IssuerFacts {
    let status = match &issuer.status {
        StatusSetting::NotFollowed => Status::NotFollowed,
        StatusSetting::Unknown => Status::Unknown,
        StatusSetting::RolledBack => Status::RolledBack,
        StatusSetting::Listed { lists } => Status::Lists(Arc::new(held(&record, lists))),
        StatusSetting::Known { as_of, revoked } => {
            Status::Known { set: Arc::new(revocations(&record.issuer, revoked)), as_of: UnixTime::from_secs(*as_of) }
        }
    };
    let keys = KeySet::parse(&serde_json::to_vec(&issuer.keys).unwrap()).unwrap();
    IssuerFacts { trust: Arc::new(record), keys: Arc::new(keys), status }
}

/// The lists of a record with a key of its own, as a server holds them that fetched them in this order. An older one is among them
/// where it says so.
fn held(record: &TrustedIssuer, lists: &[List]) -> StatusLists {
    let StatusSource::StatusList { key: Some(key), .. } = &record.status else { panic!("lists without a key") };
    let mut held = StatusLists::default();
    for List { uri, fetched_at, text } in lists {
        let list = UnverifiedStatusList::parse(text).unwrap().verify(key.public_key()).unwrap();
        match held.apply(uri, &list, UnixTime::from_secs(*fetched_at)) {
            Ok(()) | Err(ListError::Older) => {}
            Err(error) => panic!("{uri}: {error}"),
        }
    }
    held
}

fn revocations(issuer: &str, revoked: &[Revocation]) -> RevocationSet {
    let set = RevocationSet::default();
    for (entry, seq) in revoked.iter().zip(1..) {
        let kind: RevocationKind = named(&entry.kind);
        let name = RevocationName::of(issuer, kind, &entry.id);
        set.insert(&FeedEvent { seq, kind, name, cut: entry.cut.map(UnixTime::from_secs), until: None });
    }
    set
}

fn trusted(record: &TrustRecord) -> TrustedIssuer {
    let did = |key: &String| DidKey::parse(key).unwrap();
    let status = match (record.status.as_str(), record.feed_key.as_deref()) {
        ("feed", Some(key)) => StatusSource::Feed { key: DidKey::parse(key).unwrap(), recovery_key: None },
        ("none", None) => StatusSource::None,
        ("status_list", None) => StatusSource::StatusList {
            key: record.status_key.as_ref().map(did),
            origins: record.status_origins.clone(),
        },
        other => panic!("no status source: {other:?}"),
    };
    let resource = |text: &String| ResourceId::parse(text).unwrap();
    TrustedIssuer {
        issuer: record.issuer.clone(),
        profile: match record.profile.as_str() {
            "handfast" => Profile::Handfast,
            "rfc9068" => Profile::Rfc9068,
            other => panic!("no profile: {other}"),
        },
        status,
        resources: speaks_for(record.resources.as_ref().map(|list| list.iter().map(resource).collect())),
        scopes: speaks_for(record.scopes.as_deref().map(|scope| Scope::parse(scope).unwrap())),
        subjects: speaks_for(record.subjects.clone()),
        agent_status: record.agent_status.clone(),
        max_lifetime: Seconds::new(record.max_lifetime),
        scope_map: BTreeMap::new(),
        key_hosts: Vec::new(),
    }
}

fn speaks_for<T>(limit: Option<T>) -> SpeaksFor<T> {
    limit.map_or(SpeaksFor::Everything, SpeaksFor::Only)
}

/// A word of a closed list, as its type reads it from JSON.
fn named<T: DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(word.into()).unwrap_or_else(|error| panic!("`{word}`: {error}"))
}
