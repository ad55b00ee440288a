//! Why a resource server does not start. Each names the setting to change.

use std::path::PathBuf;

use handfast_delegation::ResourceError;
use handfast_dpop::{PeriodError, TargetError};
use handfast_fetch::{Mode, SetupError};
use handfast_verifier::trust::TrustError;
use thiserror::Error;

use super::TrustFileError;
use crate::keeper::{CallerError, StateError};

/// Why a resource server does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The resource identifier is none.
    #[error("`resource`: {0}")]
    Resource(#[source] ResourceError),
    /// A setting without which requests cannot be told apart from relayed ones.
    #[error("`{setting}` is missing")]
    Missing {
        /// The setting.
        setting: &'static str,
    },
    /// A URL that is none, or that the mode does not allow.
    #[error("`{setting}` `{url}` cannot be used in {mode}: {cause}")]
    Url {
        /// The setting.
        setting: &'static str,
        /// Its value.
        url: String,
        /// The mode.
        mode: Mode,
        /// What is wrong with it.
        #[source]
        cause: TargetError,
    },
    /// Metadata that nobody could find: the identifier is no address of this server.
    #[error("`publish_metadata`: `{resource}` is not below the origin of `public_base`, or has a query")]
    Metadata {
        /// The resource identifier.
        resource: String,
    },
    /// The trust records cannot stand together.
    #[error("`trusted_issuers`: {0}")]
    Trust(#[source] TrustError),
    /// A file of trust records that cannot be used.
    #[error("`{}`: {cause}", path.display())]
    TrustFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: TrustFileError,
    },
    /// An issuer named by a DID that names no whole host.
    #[error("`trusted_issuers.issuer` `{did}`: {why}")]
    Did {
        /// The DID.
        did: String,
        /// What is wrong with it.
        why: String,
    },
    /// Both ways to get facts at once.
    #[error("`facts` and `trusted_issuers` are both set: a facts source says itself whom it trusts")]
    FactsAndTrust,
    /// Two memories at once.
    #[error("`shared_store` is set beside `replay_store` or `budget_store`: it remembers both")]
    TwoStores,
    /// An issuer in this process, without its facts.
    #[error("`trusted_issuers`: the status of `{issuer}` is in this process, so its `facts` have to be given")]
    InProcess {
        /// The issuer.
        issuer: String,
    },
    /// A feed key or recovery key whose secret half is public, in production.
    #[error("`{member}` of `{issuer}` is a published test key ({origin}): production refuses it")]
    TestKey {
        /// Which one.
        member: &'static str,
        /// The issuer.
        issuer: String,
        /// Where the key was published.
        origin: &'static str,
    },
    /// Who asks an issuer about tokens cannot.
    #[error("`trusted_issuers`: to ask `{issuer}` about tokens: {cause}")]
    Caller {
        /// The issuer.
        issuer: String,
        /// What is wrong.
        #[source]
        cause: CallerError,
    },
    /// Staleness outside its bounds.
    #[error("`staleness` is 10 to 300 seconds")]
    Staleness,
    /// Production without nonces, where a restart would let proofs in again.
    #[error("`nonces` cannot be off in production: after a restart used proofs would be accepted again")]
    NoncesOff,
    /// The nonce period is outside its bounds.
    #[error("`nonces`: {0}")]
    NoncePeriod(#[source] PeriodError),
    /// What is kept across restarts cannot be used.
    #[error("`state_directory`: {0}")]
    State(#[source] StateError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Fetch(SetupError),
}
