//! The trust record of one issuer: who it is, what it may speak for, and how its revocations reach us.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use handfast_delegation::{ResourceId, Scope};
use handfast_dpop::Target;
use handfast_identity::{DidKey, Seconds};

/// Longest token lifetime accepted without saying otherwise: an hour, the most a handfast registry gives (spec/limits.md).
pub const DEFAULT_MAX_LIFETIME: Seconds = Seconds::new(3600);
/// Longest token lifetime accepted of an issuer whose revocations are not followed (spec/limits.md).
pub const MAX_LIFETIME_WITHOUT_STATUS: Seconds = Seconds::new(300);

/// Which claims an issuer's tokens owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A handfast registry: tasks, actors and DIDs are demanded.
    Handfast,
    /// Any RFC 9068 issuer with DPoP-bound tokens.
    Rfc9068,
}

/// How revocations of an issuer become known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one per issuer and process
pub enum StatusSource {
    /// Its signed feed, by this pinned key.
    Feed {
        /// The feed key, from the operator, never from the network.
        key: DidKey,
        /// The key whose statement alone can put another in its place (spec/revocation-feed.md, another feed key); `None`: nothing
        /// can.
        recovery_key: Option<DidKey>,
    },
    /// Its Token Status Lists, named by its tokens (spec/status-lists.md).
    StatusList {
        /// The one key that signs them, from the operator. Without it the issuer's token keys do, by `kid` (TSL-28).
        key: Option<DidKey>,
        /// Origins they may live at beside the issuer's own (TSL-30).
        origins: Vec<String>,
    },
    /// It is asked about each token that is presented (RFC 7662, spec/introspection.md).
    Introspection {
        /// As whom it is asked.
        caller: IntrospectionCaller,
        /// Where, if not where its metadata says.
        endpoint: Option<String>,
    },
    /// The issuer runs in this process and its own state is asked (a registry's management routes).
    InProcess,
    /// Not at all; its tokens may live [`MAX_LIFETIME_WITHOUT_STATUS`].
    None,
}

/// As whom a resource server asks an issuer about tokens. What it proves that with is in a file, which the shell reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntrospectionCaller {
    /// As a client of a foreign issuer, by its secret (RFC 6749 2.3.1, HTTP Basic).
    Client {
        /// Its `client_id`.
        id: String,
        /// The file that holds the secret.
        secret_file: PathBuf,
    },
    /// As a client of a foreign issuer, by assertions that its key signs (RFC 7523, `private_key_jwt`).
    SigningClient {
        /// Its `client_id`.
        id: String,
        /// Its key file.
        key_file: PathBuf,
    },
    /// As an agent of a handfast registry with the scope `introspect`, by its key.
    Agent {
        /// Its key file.
        key_file: PathBuf,
    },
}

/// What an issuer may speak for in one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeaksFor<T> {
    /// Everything. Only where it is the single trusted issuer.
    Everything,
    /// These.
    Only(T),
}

/// Trust in one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// Its identifier, compared as exact text.
    pub issuer: String,
    /// Which claims its tokens owe.
    pub profile: Profile,
    /// How its revocations become known.
    pub status: StatusSource,
    /// The resources it issues tokens for.
    pub resources: SpeaksFor<Vec<ResourceId>>,
    /// The scopes it may give.
    pub scopes: SpeaksFor<Scope>,
    /// Prefixes of the subjects it may name.
    pub subjects: SpeaksFor<Vec<String>>,
    /// Other trusted issuers whose entries about agents and keys count for this issuer's tokens too.
    pub agent_status: Vec<String>,
    /// Longest `exp − iat` accepted.
    pub max_lifetime: Seconds,
    /// What its scopes are called here, for profile `rfc9068`: its word, then ours. If there is anything in it, words that are not in
    /// it mean nothing here.
    pub scope_map: BTreeMap<String, String>,
    /// Hosts beside its own, with their port if they have one, whose key set it may name as its own.
    pub key_hosts: Vec<String>,
}

/// Why a set of trust records cannot stand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// No issuer at all: nothing could ever be accepted.
    Empty,
    /// One issuer twice.
    Repeated(String),
    /// Several issuers, and one of them may speak for everything.
    Implied(String),
    /// `agent_status` names an issuer without a record or without a status source.
    AgentStatus(String),
    /// Longer lives than an issuer without status may give.
    Lifetime(String),
    /// Words are mapped to what is no scope, or for a handfast registry, whose chains are checked in their own words.
    ScopeMap(String),
    /// One key for the feed and for its recovery: whoever has stolen the one has the other.
    RecoveryKey(String),
    /// An origin of an issuer's status lists is none.
    StatusOrigin {
        /// The issuer.
        issuer: String,
        /// What is configured.
        origin: String,
    },
    /// A handfast registry is asked about tokens by an agent of it, any other issuer by a client.
    IntrospectionCaller(String),
    /// A handfast registry signs its lists with its feed key, which is not among its token keys, and none is pinned.
    StatusKey(String),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no trusted issuer is configured"),
            Self::Repeated(issuer) => write!(f, "issuer `{issuer}` is configured twice"),
            Self::Implied(issuer) => write!(
                f,
                "with several issuers each needs its resources, scopes and subjects: `{issuer}` leaves one open"
            ),
            Self::AgentStatus(issuer) => write!(f, "`agent_status` names `{issuer}`, whose feed is not followed"),
            Self::ScopeMap(issuer) => {
                write!(f, "`scope_map` of `{issuer}`: single scopes, and for profile `rfc9068` only")
            }
            Self::RecoveryKey(issuer) => {
                write!(f, "`feed_recovery_key` of `{issuer}` is its feed key: whoever steals one has both")
            }
            Self::Lifetime(issuer) => {
                write!(f, "without a status source tokens of `{issuer}` may live {MAX_LIFETIME_WITHOUT_STATUS} at most")
            }
            Self::StatusOrigin { issuer, origin } => {
                write!(f, "`status_origins` of `{issuer}` wants origins like `https://host`, not `{origin}`")
            }
            Self::IntrospectionCaller(issuer) => write!(
                f,
                "`{issuer}` is asked about tokens with `introspection_key_file` alone if it is a handfast registry, else with \
                 `introspection_client` and its `introspection_secret_file` or `introspection_key_file`"
            ),
            Self::StatusKey(issuer) => write!(f, "the status lists of `{issuer}` need its `status_key`"),
        }
    }
}

impl core::error::Error for TrustError {}

impl TrustedIssuer {
    /// Trust in the one handfast registry of a resource server, followed through its feed.
    #[must_use]
    pub fn single(issuer: &str, feed_key: DidKey) -> Self {
        Self {
            issuer: issuer.to_owned(),
            profile: Profile::Handfast,
            status: StatusSource::Feed { key: feed_key, recovery_key: None },
            resources: SpeaksFor::Everything,
            scopes: SpeaksFor::Everything,
            subjects: SpeaksFor::Everything,
            agent_status: Vec::new(),
            max_lifetime: DEFAULT_MAX_LIFETIME,
            scope_map: BTreeMap::new(),
            key_hosts: Vec::new(),
        }
    }

    /// The same, whose feed key the holder of `recovery_key` can replace.
    #[must_use]
    pub fn recovered_by(mut self, recovery_key: DidKey) -> Self {
        if let StatusSource::Feed { recovery_key: pinned, .. } = &mut self.status {
            *pinned = Some(recovery_key);
        }
        self
    }

    /// Trust in the one RFC 9068 issuer of a resource server, which need not know handfast. Nobody tells what it revokes, so its
    /// tokens may live [`MAX_LIFETIME_WITHOUT_STATUS`].
    #[must_use]
    pub fn rfc9068(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            profile: Profile::Rfc9068,
            status: StatusSource::None,
            resources: SpeaksFor::Everything,
            scopes: SpeaksFor::Everything,
            subjects: SpeaksFor::Everything,
            agent_status: Vec::new(),
            max_lifetime: MAX_LIFETIME_WITHOUT_STATUS,
            scope_map: BTreeMap::new(),
            key_hosts: Vec::new(),
        }
    }

    /// Whether a status list of the issuer may live at `uri`: at its own origin, or one that the record names (TSL-30). Never where
    /// lists are not what is asked.
    #[must_use]
    pub fn may_list_at(&self, uri: &str) -> bool {
        let StatusSource::StatusList { origins, .. } = &self.status else { return false };
        let (Ok(target), Ok(own)) = (Target::parse(uri), Target::parse(&self.issuer)) else { return false };
        target.origin() == own.origin() || origins.iter().any(|origin| origin == target.origin())
    }

    pub(crate) fn speaks_for(&self, resource: &ResourceId, scope: &Scope, subject: &str) -> bool {
        let resource = match &self.resources {
            SpeaksFor::Everything => true,
            SpeaksFor::Only(resources) => resources.contains(resource),
        };
        let scope = match &self.scopes {
            SpeaksFor::Everything => true,
            SpeaksFor::Only(scopes) => scope.is_within(scopes),
        };
        let subject = match &self.subjects {
            SpeaksFor::Everything => true,
            SpeaksFor::Only(prefixes) => prefixes.iter().any(|prefix| subject.starts_with(prefix)),
        };
        resource && scope && subject
    }

    /// What `scope` of this issuer means here; none if its words are ours.
    pub(crate) fn meaning_of(&self, scope: &Scope) -> Option<Scope> {
        if self.scope_map.is_empty() {
            return None;
        }
        let ours: BTreeSet<_> =
            scope.tokens().filter_map(|word| self.scope_map.get(word)).map(String::as_str).collect();
        // sound records map to single scopes, each of which is one; were one not, the token would mean nothing
        Some(Scope::parse(&ours.into_iter().collect::<Vec<_>>().join(" ")).unwrap_or_default())
    }

    fn maps_scopes_soundly(&self) -> bool {
        let is_one = |word: &String| Scope::parse(word).is_ok_and(|scope| scope.tokens().count() == 1);
        let are_single = self.scope_map.iter().all(|(theirs, ours)| is_one(theirs) && is_one(ours));
        self.scope_map.is_empty() || (self.profile == Profile::Rfc9068 && are_single)
    }

    const fn leaves_something_open(&self) -> bool {
        matches!(self.resources, SpeaksFor::Everything)
            || matches!(self.scopes, SpeaksFor::Everything)
            || matches!(self.subjects, SpeaksFor::Everything)
    }

    /// Refuses records that would trust more than their writer can have meant.
    ///
    /// # Errors
    ///
    /// The first [`TrustError`].
    pub fn require_sound(records: &[Self]) -> Result<(), TrustError> {
        if records.is_empty() {
            return Err(TrustError::Empty);
        }
        for (place, record) in records.iter().enumerate() {
            let name = || record.issuer.clone();
            if records.iter().skip(place + 1).any(|other| other.issuer == record.issuer) {
                return Err(TrustError::Repeated(name()));
            }
            if records.len() > 1 && record.leaves_something_open() {
                return Err(TrustError::Implied(name()));
            }
            if record.status == StatusSource::None && record.max_lifetime > MAX_LIFETIME_WITHOUT_STATUS {
                return Err(TrustError::Lifetime(name()));
            }
            if !record.maps_scopes_soundly() {
                return Err(TrustError::ScopeMap(name()));
            }
            if matches!(&record.status, StatusSource::Feed { key, recovery_key: Some(recovery) } if key == recovery) {
                return Err(TrustError::RecoveryKey(name()));
            }
            // a list says nothing of names
            let is_feed = |other: &Self| matches!(other.status, StatusSource::Feed { .. } | StatusSource::InProcess);
            let followed = |issuer: &&String| records.iter().any(|other| other.issuer == **issuer && is_feed(other));
            if let Some(unknown) = record.agent_status.iter().find(|issuer| !followed(issuer)) {
                return Err(TrustError::AgentStatus(unknown.clone()));
            }
            if let StatusSource::Introspection { caller, .. } = &record.status {
                let is_agent = matches!(caller, IntrospectionCaller::Agent { .. });
                if is_agent != (record.profile == Profile::Handfast) {
                    return Err(TrustError::IntrospectionCaller(name()));
                }
            }
            if let StatusSource::StatusList { key, origins } = &record.status {
                let is_origin = |text: &&String| Target::parse(text).is_ok_and(|target| target.origin() == **text);
                if let Some(wrong) = origins.iter().find(|text| !is_origin(text)) {
                    return Err(TrustError::StatusOrigin { issuer: name(), origin: wrong.clone() });
                }
                if key.is_none() && record.profile == Profile::Handfast {
                    return Err(TrustError::StatusKey(name()));
                }
            }
        }
        Ok(())
    }
}
