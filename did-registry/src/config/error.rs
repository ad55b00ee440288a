//! Which setting cannot stand, and why.

use core::fmt;

use handfast_registry_model::PolicyError;
use thiserror::Error;

/// A setting of `registry.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// `mode`
    Mode,
    /// `issuer`
    Issuer,
    /// `listen`
    Listen,
    /// `resources`
    Resources,
    /// `pre_claim_scopes`
    PreClaimScopes,
    /// `limits.registrations_per_source`
    RegistrationsPerSource,
    /// `limits.registrations_in_total`
    RegistrationsInTotal,
    /// `limits.waiting_polls`
    WaitingPolls,
    /// `limits.connections_per_peer`
    ConnectionsPerPeer,
    /// The key that signs tokens: `keys/token.jwk`.
    TokenKey,
    /// The key that signs the feed: `keys/feed.jwk`.
    FeedKey,
    /// `feed_recovery_key`
    FeedRecoveryKey,
}

impl Setting {
    pub(crate) fn because(self, why: impl fmt::Display) -> ConfigError {
        ConfigError::Setting { setting: self, why: why.to_string() }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mode => "mode",
            Self::Issuer => "issuer",
            Self::Listen => "listen",
            Self::Resources => "resources",
            Self::PreClaimScopes => "pre_claim_scopes",
            Self::RegistrationsPerSource => "limits.registrations_per_source",
            Self::RegistrationsInTotal => "limits.registrations_in_total",
            Self::WaitingPolls => "limits.waiting_polls",
            Self::ConnectionsPerPeer => "limits.connections_per_peer",
            Self::TokenKey => "keys/token.jwk",
            Self::FeedKey => "keys/feed.jwk",
            Self::FeedRecoveryKey => "feed_recovery_key",
        })
    }
}

/// Why a registry does not start with this configuration (P-24).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is no configuration at all: the message says where.
    #[error("the configuration cannot be read: {0}")]
    Syntax(String),
    /// One setting.
    #[error("setting `{setting}`: {why}")]
    Setting {
        /// Which.
        setting: Setting,
        /// What is wrong with it.
        why: String,
    },
    /// Settings that cannot stand together, or a bound of the model's.
    #[error("{0}")]
    Policy(PolicyError),
}

impl ConfigError {
    /// The setting it is about, where it is about one.
    #[must_use]
    pub const fn setting(&self) -> Option<Setting> {
        match self {
            Self::Setting { setting, .. } => Some(*setting),
            Self::Syntax(_) | Self::Policy(_) => None,
        }
    }
}
