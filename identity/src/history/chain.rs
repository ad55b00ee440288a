//! A whole history: that the last key descends from the first.

use core::fmt;

use super::statement::{KeyChange, KeyChangeError, KeyChangeKind, UnverifiedKeyChange};
use super::wire::{EntryWire, HistoryWire};
use crate::json::{self, JsonError, Limits};
use crate::{ContentHash, DidError, DidKey};

/// Most keys of one agent, former ones included: one a week for five years. A registry takes no more.
pub const MAX_KEYS_PER_AGENT: u16 = 256;
/// Longest history read: 256 statements of 3072 bytes, and what stands around each.
pub const MAX_HISTORY_BYTES: usize = 1024 * 1024;

/// Why a history does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// Not a history.
    Json(JsonError),
    /// A DID that is none; the number it stands under.
    Did(u16, DidError),
    /// No keys, more than there may be, or numbers that are not 1, 2, 3 and so on.
    Numbers,
    /// The hash of the registration is missing or is none.
    Hash,
    /// A key behind the first without a statement; its number.
    Unsigned(u16),
    /// A statement that does not hold in itself; its number.
    Statement(u16, KeyChangeError),
    /// A good statement that is not for this registry, this key or this place; its number.
    Misplaced(u16),
    /// One key twice; the second number.
    Repeated(u16),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not a history of keys: {error}"),
            Self::Did(number, error) => write!(f, "key {number}: {error}"),
            Self::Numbers => f.write_str("the keys are not numbered 1, 2, 3 and so on"),
            Self::Hash => f.write_str("key 1: the hash of the registration is missing or malformed"),
            Self::Unsigned(number) => write!(f, "key {number}: nobody signed that it follows"),
            Self::Statement(number, error) => write!(f, "key {number}: {error}"),
            Self::Misplaced(number) => write!(f, "key {number}: the statement is for another place, key or registry"),
            Self::Repeated(number) => write!(f, "key {number} was there before"),
        }
    }
}

impl core::error::Error for HistoryError {}

/// A history that was read and not believed.
#[derive(Debug)]
pub struct UnverifiedHistory(HistoryWire);

/// What a key rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one of a kind in each link: a history has 256 at most
pub enum Ground {
    /// The registry says that the agent registered with it. Nothing here proves that.
    Registered,
    /// The key before it signed.
    Rotated,
    /// This owner's key signed, in the place of every key after `last_good`.
    Recovered {
        /// The owner's DID. Whether it is the owner's, the reader has to know.
        by: DidKey,
        /// The last number that was good; 0 if none was.
        last_good: u16,
    },
}

/// One key of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLink {
    /// The key.
    pub did: DidKey,
    /// What it rests on.
    pub ground: Ground,
    /// Whether a later recovery says that it was never good.
    pub is_void: bool,
    hash: ContentHash,
}

/// A history whose every statement is signed by both parties and stands in its place. Made by [`UnverifiedHistory::verify`] only.
#[derive(Clone, Debug)]
pub struct VerifiedHistory {
    issuer: String,
    first: DidKey,
    current: DidKey,
    links: Vec<KeyLink>,
}

impl UnverifiedHistory {
    /// Reads the JSON of `GET /agents/{…}/keys`; members it does not need are skipped.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Json`].
    pub fn parse(bytes: &[u8]) -> Result<Self, HistoryError> {
        let max_members = usize::from(MAX_KEYS_PER_AGENT);
        let limits = Limits { max_bytes: MAX_HISTORY_BYTES, max_members, ..Limits::plain(MAX_HISTORY_BYTES) };
        json::read_object(bytes, &limits).map(Self).map_err(HistoryError::Json)
    }

    /// Verifies every link.
    ///
    /// Success says: whoever held the first key, and after it each key or owner's key that is named as a ground, signed for the
    /// next one, up to the current one. It does not say that the list is complete (a registry can leave out the newest end),
    /// that the agent is not revoked, or that an owner's key is the owner's.
    ///
    /// # Errors
    ///
    /// [`HistoryError`], with the number of the first link that does not hold.
    pub fn verify(self) -> Result<VerifiedHistory, HistoryError> {
        let HistoryWire { issuer, keys } = self.0;
        if keys.is_empty() || keys.len() > usize::from(MAX_KEYS_PER_AGENT) {
            return Err(HistoryError::Numbers);
        }
        let mut links: Vec<KeyLink> = Vec::with_capacity(keys.len());
        for (entry, number) in keys.iter().zip(1_u16..) {
            if entry.seq != number {
                return Err(HistoryError::Numbers);
            }
            let did = DidKey::parse(&entry.did).map_err(|error| HistoryError::Did(number, error))?;
            if links.iter().any(|link| link.did == did) {
                return Err(HistoryError::Repeated(number));
            }
            let link = match number {
                1 => registered(entry, did)?,
                _ => followed(entry, did, number, &issuer, &mut links)?,
            };
            links.push(link);
        }
        let (Some(first), Some(last)) = (links.first(), links.last()) else { return Err(HistoryError::Numbers) };
        let (first, current) = (first.did.clone(), last.did.clone());
        Ok(VerifiedHistory { issuer, first, current, links })
    }
}

fn registered(entry: &EntryWire, did: DidKey) -> Result<KeyLink, HistoryError> {
    let hash = entry.statement_hash.as_deref().and_then(ContentHash::from_claim).ok_or(HistoryError::Hash)?;
    Ok(KeyLink { did, ground: Ground::Registered, is_void: false, hash })
}

fn followed(
    entry: &EntryWire,
    did: DidKey,
    number: u16,
    issuer: &str,
    links: &mut [KeyLink],
) -> Result<KeyLink, HistoryError> {
    let text = entry.statement.as_deref().ok_or(HistoryError::Unsigned(number))?;
    let change = UnverifiedKeyChange::parse(text).and_then(UnverifiedKeyChange::verify);
    let change = change.map_err(|error| HistoryError::Statement(number, error))?.into_change();
    if change.key != did || change.audience != issuer || !is_in_place(&change, number, links) {
        return Err(HistoryError::Misplaced(number));
    }
    let ground = match change.kind {
        KeyChangeKind::Rotation => Ground::Rotated,
        KeyChangeKind::Recovery => {
            links.iter_mut().skip(usize::from(change.after)).for_each(|link| link.is_void = true);
            Ground::Recovered { by: change.signer, last_good: change.after }
        }
    };
    Ok(KeyLink { did, ground, is_void: false, hash: change.hash })
}

/// A rotation follows the newest statement, a recovery any that is still good, or none.
fn is_in_place(change: &KeyChange, number: u16, links: &[KeyLink]) -> bool {
    if change.kind == KeyChangeKind::Rotation && change.after.checked_add(1) != Some(number) {
        return false;
    }
    match change.after.checked_sub(1) {
        None => links.first().is_some_and(|first| first.did == change.predecessor),
        Some(index) => links
            .get(usize::from(index))
            .is_some_and(|link| !link.is_void && link.did == change.predecessor && change.previous == Some(link.hash)),
    }
}

impl VerifiedHistory {
    /// The registry it is of, as every statement in it says.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key the agent registered with.
    #[must_use]
    pub const fn first(&self) -> &DidKey {
        &self.first
    }

    /// The key that is good now, if nothing was left out.
    #[must_use]
    pub const fn current(&self) -> &DidKey {
        &self.current
    }

    /// The keys in their order, the first one first.
    #[must_use]
    pub fn links(&self) -> &[KeyLink] {
        &self.links
    }

    /// The number of the current key.
    #[must_use]
    pub fn number(&self) -> u16 {
        u16::try_from(self.links.len()).unwrap_or(u16::MAX)
    }

    /// The hash of the newest statement: what the next one follows.
    #[must_use]
    pub fn newest(&self) -> Option<ContentHash> {
        self.links.last().map(|link| link.hash)
    }

    /// The hash of the statement with this number.
    #[must_use]
    pub fn hash_of(&self, number: u16) -> Option<ContentHash> {
        let index = usize::from(number).checked_sub(1)?;
        self.links.get(index).map(|link| link.hash)
    }

    /// The owners' keys that the current key rests on: whoever does not know them knows only what came before.
    pub fn vouching_owners(&self) -> impl Iterator<Item = &DidKey> {
        self.links.iter().filter_map(|link| match &link.ground {
            Ground::Recovered { by, .. } if !link.is_void => Some(by),
            Ground::Recovered { .. } | Ground::Registered | Ground::Rotated => None,
        })
    }
}
