//! What a snapshot shows of the chain: all of it, the part behind its base, or nothing.

use super::{FeedError, FeedMessage, FeedPosition, Head, MAX_EPOCH_BYTES, MAX_FORMER_EPOCHS};

/// Refuses a snapshot that contradicts itself: events not ascending or beyond its end, or too long a past.
///
/// # Errors
///
/// [`FeedError::Inconsistent`].
pub(super) fn require_form(message: &FeedMessage) -> Result<(), FeedError> {
    let mut last = 0;
    for event in &message.events {
        if event.seq <= last || event.seq > message.to {
            return Err(FeedError::Inconsistent);
        }
        last = event.seq;
    }
    let is_past_bounded = message.follows.len() <= MAX_FORMER_EPOCHS
        && message.follows.iter().all(|former| former.epoch.len() <= MAX_EPOCH_BYTES);
    // an increment without its link must not pass for a snapshot
    if message.from == 0 && is_past_bounded { Ok(()) } else { Err(FeedError::Inconsistent) }
}

/// Recomputes as much of the chain as the snapshot shows: it has to pass through `known`, and to end in the head that was
/// signed. One that left events out shows nothing of what lies before its base, and without a base nothing at all.
///
/// # Errors
///
/// [`FeedError::RolledBack`] or [`FeedError::Inconsistent`].
pub(super) fn require_chain(message: &FeedMessage, known: Option<&FeedPosition>) -> Result<(), FeedError> {
    let Some((base, mut head)) = beginning(message) else { return Ok(()) };
    let passes = |seq: u64, head: Head| {
        let forks = known.is_some_and(|known| known.seq == seq && known.head != head);
        if forks { Err(FeedError::RolledBack) } else { Ok(()) }
    };
    passes(base, head)?;
    let mut seq = base;
    for event in message.events.iter().filter(|event| event.seq > base) {
        seq = seq.saturating_add(1);
        if event.seq != seq {
            return Err(FeedError::Inconsistent);
        }
        head = head.after(event).map_err(|_| FeedError::Inconsistent)?;
        passes(seq, head)?;
    }
    if seq == message.to && head == message.head { Ok(()) } else { Err(FeedError::Inconsistent) }
}

/// Where the part of the chain begins that the snapshot shows.
fn beginning(message: &FeedMessage) -> Option<(u64, Head)> {
    match message.base {
        Some(base) => Some((base.seq, base.head)),
        None => is_dense(message).then(|| (0, Head::start(&message.issuer, &message.epoch))),
    }
}

/// Whether a snapshot leaves no event out.
fn is_dense(message: &FeedMessage) -> bool {
    u64::try_from(message.events.len()) == Ok(message.to)
}
