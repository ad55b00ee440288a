//! A new epoch of the feed, for a registry that is not running: after a restore, and with another feed key.

use std::path::Path;

use handfast_identity::{DidKey, OsRandom, UnixTime};
use handfast_registry_model::limits::MAX_WHY_BYTES;
use handfast_registry_model::{EpochEnd, Event, OperatorFact, ShownText};
use handfast_verifier::revocation::{FeedKeyStatement, FeedPosition, Head, MAX_REPLACED_KEYS};

use crate::config::RegistryConfig;
use crate::feed::{FEED_KEY, FeedChain, NEWEST, NamedFeedKey};
use crate::keys::{RecoveryKey, feed_key, next_feed_key, settle_feed_key};
use crate::setup::{SetupError, read_config, store_options};
use crate::state::log;
use crate::store::{Batch, BetweenEpochs, FormerEpoch, begin_epoch_sled};

/// A new epoch of a registry's feed, and where the one before it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochBegun {
    /// Its id.
    pub epoch: String,
    /// Where the epoch before it ended: what the operator vouches for from now on.
    pub follows: FeedPosition,
}

/// Another feed key, and the epoch that begins with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedKeyReplaced {
    /// The number of the recovery key's statement.
    pub seq: u64,
    /// The key that signs the feed from the next start on.
    pub key: DidKey,
    /// Every key that is over, the newest last.
    pub replaces: Vec<DidKey>,
    /// The epoch that begins with it.
    pub begun: EpochBegun,
}

/// Begins a new epoch of the feed of the registry in `directory`, which must not be running: for one that was restored from a
/// backup (spec/revocation-feed.md, a restored registry). The log keeps `why`.
///
/// # Errors
///
/// [`SetupError`]; the registry is then as it was.
pub fn begin_epoch(directory: impl AsRef<Path>, why: Option<&str>, now: UnixTime) -> Result<EpochBegun, SetupError> {
    let directory = directory.as_ref();
    let config = RegistryConfig::new(&read_config(directory)?)?;
    let (options, why) = (store_options(directory), reason(why)?);
    let ended = begin_epoch_sled(&options, &FeedChain::new(config.issuer()), |between| {
        let fact = OperatorFact::EpochBegun { epoch: between.epoch().to_owned(), follows: end(between) };
        logged(&Event::by_operator(fact, why, now))
    })?;
    Ok(EpochBegun { epoch: options.new_epoch, follows: position(ended) })
}

/// Puts another feed key in the place of the one of the registry in `directory`, which must not be running, by the word of its
/// recovery key, and begins a new epoch with it (spec/revocation-feed.md, another feed key). `former` are feed keys that a restored
/// directory no longer knows of. The log keeps `why`.
///
/// # Errors
///
/// [`SetupError`]. Unless it is about the last step, the renaming of the key's file, the registry is then as it was; that step the next
/// start makes good.
pub fn replace_feed_key(
    directory: impl AsRef<Path>,
    recovery: &RecoveryKey,
    former: &[DidKey],
    why: Option<&str>,
    now: UnixTime,
) -> Result<FeedKeyReplaced, SetupError> {
    let directory = directory.as_ref();
    let config = RegistryConfig::new(&read_config(directory)?)?;
    let pinned = config.feed_recovery_key().ok_or(SetupError::NoRecoveryKey)?;
    if *pinned != recovery.did() {
        return Err(SetupError::OtherRecoveryKey { expected: pinned.to_string(), found: recovery.did().to_string() });
    }
    let (options, why) = (store_options(directory), reason(why)?);
    let mut named = None;
    let ended = begin_epoch_sled(&options, &FeedChain::new(config.issuer()), |between| {
        let before = NamedFeedKey::read(between.get(FEED_KEY, NEWEST)?)?;
        if let Some(before) = &before {
            settle_feed_key(directory, &before.statement.key)?;
        }
        let statement = FeedKeyStatement {
            issuer: config.issuer().to_owned(),
            issued_at: now,
            epoch: between.epoch().to_owned(),
            ..following(before.as_ref(), former, feed_key(directory)?, next_feed_key(directory)?)?
        };
        let text = statement.sign(recovery.signing()).map_err(|error| SetupError::Written(error.to_string()))?;
        let fact = OperatorFact::FeedKeyReplaced { statement: text.clone(), follows: end(between) };
        let mut batch = logged(&Event::by_operator(fact, why, now))?;
        let put = batch.put(FEED_KEY, NEWEST, text.as_bytes()).map(|_| ());
        put.map_err(|error| SetupError::Written(error.to_string()))?;
        named = Some(statement);
        Ok::<_, SetupError>(batch)
    })?;
    // INVARIANT: what begins an epoch was asked for its act
    let statement = named.ok_or_else(|| SetupError::Written("no statement was made".to_owned()))?;
    settle_feed_key(directory, &statement.key)?;
    let begun = EpochBegun { epoch: options.new_epoch, follows: position(ended) };
    Ok(FeedKeyReplaced { seq: statement.seq, key: statement.key, replaces: statement.replaces, begun })
}

/// The statement behind `before` that puts `next` in the place of `current` and of those that are over already.
fn following(
    before: Option<&NamedFeedKey>,
    former: &[DidKey],
    current: DidKey,
    next: DidKey,
) -> Result<FeedKeyStatement, SetupError> {
    let mut replaces = before.map(|before| before.statement.replaces.clone()).unwrap_or_default();
    let named = before.map(|before| &before.statement.key);
    for key in former.iter().chain(named) {
        if *key != current && !replaces.contains(key) {
            replaces.push(key.clone());
        }
    }
    // each of them had a statement of its own, which this one has to be above
    let forgotten = u64::try_from(former.len()).unwrap_or(u64::MAX);
    replaces.push(current);
    if replaces.len() > MAX_REPLACED_KEYS {
        return Err(SetupError::TooManyFeedKeys);
    }
    let seq = before.map_or(0, |before| before.statement.seq).saturating_add(forgotten).saturating_add(1);
    Ok(FeedKeyStatement {
        issuer: String::new(),
        issued_at: UnixTime::EPOCH,
        seq,
        replaces,
        key: next,
        epoch: String::new(),
    })
}

fn reason(why: Option<&str>) -> Result<Option<ShownText<MAX_WHY_BYTES>>, SetupError> {
    why.map(ShownText::parse).transpose().map_err(|error| SetupError::Reason(error.to_string()))
}

fn logged(event: &Event) -> Result<Batch, SetupError> {
    let mut batch = Batch::new();
    log(&mut batch, event, &mut OsRandom).map_err(|error| SetupError::Written(error.to_string()))?;
    Ok(batch)
}

fn end(between: &BetweenEpochs<'_>) -> EpochEnd {
    let FeedPosition { epoch, seq, head } = position(between.ended().clone());
    EpochEnd { epoch, seq, head: head.to_string() }
}

fn position(ended: FormerEpoch) -> FeedPosition {
    FeedPosition { epoch: ended.epoch, seq: ended.feed_to, head: Head::from_bytes(ended.feed_head) }
}
