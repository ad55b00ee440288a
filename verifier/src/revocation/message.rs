//! The signed messages of a revocation feed: snapshot, increment and heartbeat are one form.

use core::fmt;

use handfast_identity::json::{self, JsonError, Limits};
use handfast_identity::jws::{self, JwsError, UnverifiedJws};
use handfast_identity::{DidKey, SignatureValid, SigningKey, UnixTime, base64url};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{RevocationKind, RevocationName};

/// The `typ` of feed messages; the feed key signs nothing else, and nothing else is taken for a feed message.
pub const FEED_TYPE: &str = "revocation-feed+jwt";
/// Longest feed message read (spec/limits.md).
pub const MAX_FEED_BYTES: usize = 16 * 1024 * 1024;
/// Most events in one message (spec/limits.md); at some 80 bytes each they fit [`MAX_FEED_BYTES`].
pub const MAX_FEED_EVENTS: usize = 100_000;
/// Most earlier epochs that a snapshot names (spec/limits.md).
pub const MAX_FORMER_EPOCHS: usize = 16;
/// Longest id of an epoch, in bytes (spec/limits.md).
pub const MAX_EPOCH_BYTES: usize = 64;

/// One revocation, as the feed tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEvent {
    /// Its number; the first of an epoch is 1 and none is left out.
    pub seq: u64,
    /// The kind of thing.
    pub kind: RevocationKind,
    /// Its hashed name.
    pub name: RevocationName,
    /// Only what was issued up to here is stopped (for a key: only what was signed after).
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub cut: Option<UnixTime>,
    /// When the last thing it stops has expired, and the event may be forgotten. Absent: never.
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixTime>,
}

/// The running hash over all events of an epoch: h(0) = SHA-256(`iss` ‖ 0 ‖ `epoch`), h(n) = SHA-256(h(n−1) ‖ SHA-256(JCS of n)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head([u8; 32]);

impl Head {
    /// The head before the first event.
    #[must_use]
    pub fn start(issuer: &str, epoch: &str) -> Self {
        Self(Sha256::new().chain_update(issuer).chain_update([0]).chain_update(epoch).finalize().into())
    }

    /// The head after `event`.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the event has no canonical form, which no value of its type causes.
    pub fn after(&self, event: &FeedEvent) -> Result<Self, JsonError> {
        Ok(self.after_canonical(&json::to_jcs(event)?))
    }

    /// The head after the event whose canonical form this is.
    #[must_use]
    pub fn after_canonical(&self, event: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(Sha256::digest(event)).finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 32 bytes kept by a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        base64url::decode_array(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A number of the feed and the head after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedBase {
    /// The number.
    pub seq: u64,
    /// h(`seq`).
    pub head: Head,
}

/// A place in the feed. Kept across restarts by a reader, it is what makes a roll-back visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPosition {
    /// The epoch.
    pub epoch: String,
    /// The number of the last event; 0 before the first.
    pub seq: u64,
    /// The head after it.
    pub head: Head,
}

/// What a feed message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedMessage {
    /// Whose feed.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// When it was signed. Freshness counts from here. The epoch in a part, which does not reach the end of the feed.
    #[serde(rename = "iat")]
    pub issued_at: UnixTime,
    /// The epoch; numbers start over in a new one.
    pub epoch: String,
    /// The number after which `events` begin; 0 in a snapshot.
    pub from: u64,
    /// The number up to which this message brings its reader.
    pub to: u64,
    /// h(`from`); a snapshot has none.
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub prev: Option<Head>,
    /// h(`to`).
    pub head: Head,
    /// In a snapshot that left events out: from where on it left none out.
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub base: Option<FeedBase>,
    /// In a snapshot: how far earlier epochs came, the newest first, as far as the operator vouches for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<FeedPosition>,
    /// The events from `from` + 1 to `to`; a snapshot may leave out those no longer kept.
    pub events: Vec<FeedEvent>,
}

impl FeedMessage {
    /// Signs the message with the feed key.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        jws::sign(FEED_TYPE, Some(&key.public().did().key_id()), self, key)
    }

    /// Whether it is a snapshot, which starts a reader, rather than an increment, which continues one.
    #[must_use]
    pub const fn is_snapshot(&self) -> bool {
        self.prev.is_none()
    }

    /// Whether it is only a part of what there is to tell, and so says nothing of how far the feed has come.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.issued_at == UnixTime::EPOCH
    }
}

/// A feed message that was read and not believed.
#[derive(Debug)]
pub struct UnverifiedFeedMessage {
    jws: UnverifiedJws,
    message: FeedMessage,
}

impl UnverifiedFeedMessage {
    /// Reads the form of a feed message.
    ///
    /// # Errors
    ///
    /// [`JwsError`], by rule broken; another `typ` is [`JwsError::Form`].
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let limits = Limits { max_bytes: MAX_FEED_BYTES, max_depth: Limits::MAX_DEPTH, max_members: MAX_FEED_EVENTS };
        let jws = UnverifiedJws::parse(text, &limits)?;
        if jws.typ() != Some(FEED_TYPE) {
            return Err(JwsError::Form);
        }
        Ok(Self { message: jws.unverified_claims()?, jws })
    }

    /// Verifies that the holder of the pinned `feed_key` signed it.
    ///
    /// # Errors
    ///
    /// [`JwsError::Algorithm`] or [`JwsError::Signature`].
    pub fn verify(self, feed_key: &DidKey) -> Result<VerifiedFeedMessage, JwsError> {
        let signature = self.jws.verify(feed_key.public_key())?;
        Ok(VerifiedFeedMessage { message: self.message, _signature: signature })
    }
}

/// A feed message by the pinned feed key. Whether it continues what is known is [`FeedState`](super::FeedState)'s to say.
#[derive(Debug)]
pub struct VerifiedFeedMessage {
    pub(super) message: FeedMessage,
    _signature: SignatureValid,
}
