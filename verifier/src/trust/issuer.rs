//! The trust record of one issuer: who it is, what it may speak for, and how its revocations reach us.

use core::fmt;

use handfast_delegation::{ResourceId, Scope};
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
    /// The issuer runs in this process and its own state is asked (a registry's management routes).
    InProcess,
    /// Not at all; its tokens may live [`MAX_LIFETIME_WITHOUT_STATUS`].
    None,
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
    /// One key for the feed and for its recovery: whoever has stolen the one has the other.
    RecoveryKey(String),
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
            Self::AgentStatus(issuer) => write!(f, "`agent_status` names `{issuer}`, whose status is not followed"),
            Self::RecoveryKey(issuer) => {
                write!(f, "`feed_recovery_key` of `{issuer}` is its feed key: whoever steals one has both")
            }
            Self::Lifetime(issuer) => {
                write!(f, "without a status source tokens of `{issuer}` may live {MAX_LIFETIME_WITHOUT_STATUS} at most")
            }
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
        }
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
            if matches!(&record.status, StatusSource::Feed { key, recovery_key: Some(recovery) } if key == recovery) {
                return Err(TrustError::RecoveryKey(name()));
            }
            let followed = |issuer: &&String| {
                records.iter().any(|other| other.issuer == **issuer && other.status != StatusSource::None)
            };
            if let Some(unknown) = record.agent_status.iter().find(|issuer| !followed(issuer)) {
                return Err(TrustError::AgentStatus(unknown.clone()));
            }
        }
        Ok(())
    }
}
