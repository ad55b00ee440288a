//! Names of revocable things, hashed so that a feed tells strangers nothing.

use core::fmt;
use core::hash::{Hash, Hasher};

use handfast_identity::base64url::{self, Base64Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// What kind of thing a revocation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationKind {
    /// One access token, by `jti`.
    Token,
    /// One delegation hop, by hop name.
    Hop,
    /// A task, by id.
    Task,
    /// An agent, by DID.
    Agent,
    /// Everything for an owner, by `sub`.
    Owner,
    /// A key, by thumbprint.
    Key,
    /// A token key of the issuer, by `kid`.
    IssuerKey,
}

impl RevocationKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Hop => "hop",
            Self::Task => "task",
            Self::Agent => "agent",
            Self::Owner => "owner",
            Self::Key => "key",
            Self::IssuerKey => "issuer_key",
        }
    }
}

/// The first 16 bytes of SHA-256(`iss` ‖ 0 ‖ kind ‖ 0 ‖ id). One id has another name at every issuer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevocationName([u8; 16]);

impl Hash for RevocationName {
    /// By half of its bytes: it is a hash already, and nobody finds many with the same half.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let half = self.0.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_le_bytes(half));
    }
}

impl RevocationName {
    /// The name under which `issuer` revokes the `kind` of thing called `id`.
    #[must_use]
    pub fn of(issuer: &str, kind: RevocationKind, id: impl AsRef<[u8]>) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(issuer)
            .chain_update([0])
            .chain_update(kind.as_str())
            .chain_update([0])
            .chain_update(id)
            .finalize()
            .into();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// A byte that is spread evenly, for dividing names into parts.
    pub(super) const fn first_byte(self) -> u8 {
        let [first, ..] = self.0;
        first
    }

    /// Reads 22 characters of base64url.
    ///
    /// # Errors
    ///
    /// Anything but canonical base64url of 16 bytes.
    pub fn parse(text: &str) -> Result<Self, Base64Error> {
        base64url::decode_array(text).map(Self)
    }
}

impl fmt::Display for RevocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for RevocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationName({self})")
    }
}

impl Serialize for RevocationName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RevocationName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
