//! Replacing the pinned feed key by a statement of the offline recovery key (spec/revocation-feed.md, another feed key).

use core::fmt;
use std::sync::Arc;

use handfast_identity::json::Limits;
use handfast_identity::jws::{self, JwsError, UnverifiedJws};
use handfast_identity::{DidKey, SignatureValid, SigningKey, UnixTime};
use serde::{Deserialize, Serialize};

use super::feed::MAX_AHEAD;
use super::{MAX_EPOCH_BYTES, UnverifiedFeedMessage, VerifiedFeedMessage};

/// The `typ` of the statement; the recovery key signs nothing else.
pub const FEED_KEY_TYPE: &str = "feed-key+jwt";
/// Longest statement read (spec/limits.md).
pub const MAX_FEED_KEY_BYTES: usize = 3072;
/// Most feed keys that one registry can have behind it (spec/limits.md).
pub const MAX_REPLACED_KEYS: usize = 24;

/// What the recovery key says about the feed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedKeyStatement {
    /// Whose feed.
    pub issuer: String,
    /// When it was signed.
    pub issued_at: UnixTime,
    /// Its number, from 1: the highest counts.
    pub seq: u64,
    /// Every feed key that is over, the newest last.
    pub replaces: Vec<DidKey>,
    /// The feed key from now on.
    pub key: DidKey,
    /// The epoch that begins with it.
    pub epoch: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    iss: String,
    iat: UnixTime,
    seq: u64,
    replaces: Vec<String>,
    key: String,
    epoch: String,
}

/// Why a statement was not taken. None of them changes what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKeyError {
    /// No such statement, or one that breaks a rule of its form.
    Malformed,
    /// Of another issuer.
    Issuer,
    /// Not signed by the pinned recovery key, or none is pinned.
    Forged,
    /// Signed further ahead of our clock than the leeway.
    FromTheFuture,
    /// A later statement is known, or another one of the same number.
    Stale,
    /// It is about other feed keys than the one that is followed.
    OtherKey,
}

impl fmt::Display for FeedKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no statement about a feed key",
            Self::Issuer => "it is of another issuer",
            Self::Forged => "it is not signed by the pinned recovery key",
            Self::FromTheFuture => "it is signed ahead of this clock",
            Self::Stale => "a later one is known",
            Self::OtherKey => "it is not about the feed key that is followed",
        })
    }
}

impl core::error::Error for FeedKeyError {}

impl FeedKeyStatement {
    /// Signs the statement with the recovery key.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes; [`JwsError::TooLong`] where nobody would
    /// read it.
    pub fn sign(&self, recovery: &SigningKey) -> Result<String, JwsError> {
        let wire = Wire {
            iss: self.issuer.clone(),
            iat: self.issued_at,
            seq: self.seq,
            replaces: self.replaces.iter().map(ToString::to_string).collect(),
            key: self.key.to_string(),
            epoch: self.epoch.clone(),
        };
        let text = jws::sign(FEED_KEY_TYPE, Some(&recovery.public().did().key_id()), &wire, recovery)?;
        if text.len() <= MAX_FEED_KEY_BYTES { Ok(text) } else { Err(JwsError::TooLong) }
    }

    /// Reads what a statement says, without believing it: for a registry's own, which it kept itself.
    ///
    /// # Errors
    ///
    /// [`FeedKeyError::Malformed`].
    pub fn read_unverified(text: &str) -> Result<Self, FeedKeyError> {
        read(text).map(|(_, statement)| statement)
    }
}

/// The feed key of one issuer, as a reader follows it.
#[derive(Clone, Debug)]
pub struct FeedKeys {
    issuer: String,
    pinned: DidKey,
    recovery: Option<DidKey>,
    newest: Option<Arc<Known>>,
}

#[derive(Debug)]
struct Known {
    text: String,
    statement: FeedKeyStatement,
    _signature: SignatureValid,
}

impl FeedKeys {
    /// The feed key and, where there is one, the recovery key that the operator pinned for `issuer`.
    #[must_use]
    pub fn pinned(issuer: &str, key: DidKey, recovery: Option<DidKey>) -> Self {
        Self { issuer: issuer.to_owned(), pinned: key, recovery, newest: None }
    }

    /// The same, with the statement that was kept from before a restart. It was taken once, so that only what the operator has
    /// pinned since can be at odds with it.
    ///
    /// # Errors
    ///
    /// [`FeedKeyError`], but not [`FeedKeyError::FromTheFuture`]: a clock that was set back forgets nothing.
    pub fn resume(self, kept: &str) -> Result<Self, FeedKeyError> {
        Ok(Self { newest: Some(Arc::new(self.verify(kept)?)), ..self })
    }

    /// The key whose messages count.
    #[must_use]
    pub fn current(&self) -> &DidKey {
        match self.newest.as_deref() {
            Some(Known { statement, .. }) if statement.replaces.contains(&self.pinned) => &statement.key,
            // the operator pinned the new key, or one from after it
            Some(_) | None => &self.pinned,
        }
    }

    /// Whether a statement could replace the key at all.
    #[must_use]
    pub const fn can_be_replaced(&self) -> bool {
        self.recovery.is_some()
    }

    /// The newest statement: what has to outlive the process.
    #[must_use]
    pub fn statement(&self) -> Option<&str> {
        self.newest.as_ref().map(|known| known.text.as_str())
    }

    /// The newest statement's number, and the epoch that it says the feed goes on in.
    #[must_use]
    pub fn replacement(&self) -> Option<(u64, &str)> {
        self.newest.as_ref().map(|known| (known.statement.seq, known.statement.epoch.as_str()))
    }

    /// Takes a statement, and says whether it is news. What the former keys signed counts no more.
    ///
    /// # Errors
    ///
    /// [`FeedKeyError`], by rule broken.
    pub fn take(&mut self, text: &str, now: UnixTime) -> Result<bool, FeedKeyError> {
        let new = self.verify(text)?;
        let statement = &new.statement;
        if statement.issued_at > now.saturating_add(MAX_AHEAD) {
            return Err(FeedKeyError::FromTheFuture);
        }
        if let Some(known) = &self.newest {
            if known.statement == *statement {
                return Ok(false);
            }
            if statement.seq <= known.statement.seq {
                return Err(FeedKeyError::Stale);
            }
        }
        let current = self.current();
        if statement.key != *current && !statement.replaces.contains(current) {
            return Err(FeedKeyError::OtherKey);
        }
        self.newest = Some(Arc::new(new));
        Ok(true)
    }

    /// Verifies that the holder of the current key signed a message.
    ///
    /// # Errors
    ///
    /// [`JwsError::Algorithm`] or [`JwsError::Signature`].
    pub fn verify_message(&self, message: UnverifiedFeedMessage) -> Result<VerifiedFeedMessage, JwsError> {
        message.verify(self.current())
    }

    fn verify(&self, text: &str) -> Result<Known, FeedKeyError> {
        let (jws, statement) = read(text)?;
        if statement.issuer != self.issuer {
            return Err(FeedKeyError::Issuer);
        }
        let recovery = self.recovery.as_ref().ok_or(FeedKeyError::Forged)?;
        let signature = jws.verify(recovery.public_key()).map_err(|_| FeedKeyError::Forged)?;
        Ok(Known { text: text.to_owned(), statement, _signature: signature })
    }
}

fn read(text: &str) -> Result<(UnverifiedJws, FeedKeyStatement), FeedKeyError> {
    let malformed = |_: JwsError| FeedKeyError::Malformed;
    let jws = UnverifiedJws::parse(text, &Limits::plain(MAX_FEED_KEY_BYTES)).map_err(malformed)?;
    if jws.typ() != Some(FEED_KEY_TYPE) {
        return Err(FeedKeyError::Malformed);
    }
    let Wire { iss, iat, seq, replaces, key, epoch } = jws.unverified_claims().map_err(malformed)?;
    let did = |text: &String| DidKey::parse(text).map_err(|_| FeedKeyError::Malformed);
    let statement = FeedKeyStatement {
        issuer: iss,
        issued_at: iat,
        seq,
        replaces: replaces.iter().map(did).collect::<Result<_, _>>()?,
        key: did(&key)?,
        epoch,
    };
    if has_good_form(&statement) { Ok((jws, statement)) } else { Err(FeedKeyError::Malformed) }
}

fn has_good_form(statement: &FeedKeyStatement) -> bool {
    let FeedKeyStatement { seq, replaces, key, epoch, .. } = statement;
    let is_distinct =
        replaces.iter().enumerate().all(|(place, did)| !replaces.iter().skip(place + 1).any(|o| o == did));
    *seq > 0
        && (1..=MAX_REPLACED_KEYS).contains(&replaces.len())
        && is_distinct
        && !replaces.contains(key)
        && (1..=MAX_EPOCH_BYTES).contains(&epoch.len())
        && epoch.bytes().all(|byte| byte.is_ascii_graphic())
}
