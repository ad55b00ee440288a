//! Revocation feeds, message by message.

use std::collections::BTreeSet;

use handfast_identity::{DidKey, UnixTime};
use handfast_verifier::revocation::{
    FeedBase, FeedEvent, FeedMessage, FeedPosition, Head, RevocationKind, RevocationName,
};

use crate::Issuer;

/// The epoch of feeds made here.
pub const EPOCH: &str = "1";

/// One issuer's feed: what was revoked so far, and the messages that tell it. A clone kept aside is an older state.
#[derive(Clone, Debug)]
pub struct Feed {
    issuer: Issuer,
    epoch: String,
    follows: Vec<FeedPosition>,
    events: Vec<FeedEvent>,
    /// Numbers of events that snapshots leave out.
    forgotten: BTreeSet<u64>,
}

impl Feed {
    /// An empty feed.
    #[must_use]
    pub fn new(issuer: &Issuer) -> Self {
        Self {
            issuer: issuer.clone(),
            epoch: EPOCH.to_owned(),
            follows: Vec::new(),
            events: Vec::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// The same events under another epoch.
    #[must_use]
    pub fn in_epoch(mut self, epoch: &str) -> Self {
        epoch.clone_into(&mut self.epoch);
        self
    }

    /// The same feed as a backup from after event `seq` holds it, put in service again by its operator as a new epoch.
    #[must_use]
    pub fn restored(&self, seq: u64, epoch: &str) -> Self {
        let vouched = FeedPosition { epoch: self.epoch.clone(), seq, head: self.head(seq) };
        let mut restored = self.clone().in_epoch(epoch);
        restored.follows.insert(0, vouched);
        restored.events.retain(|event| event.seq <= seq);
        restored
    }

    /// The same feed, signed with the feed key of `issuer`.
    #[must_use]
    pub fn signed_by(mut self, issuer: &Issuer) -> Self {
        self.issuer = issuer.clone();
        self
    }

    /// The key it is signed with.
    #[must_use]
    pub fn key(&self) -> DidKey {
        self.issuer.feed_did()
    }

    /// Snapshots leave event `seq` out from now on.
    pub fn forget(&mut self, seq: u64) {
        self.forgotten.insert(seq);
    }

    /// Revokes what `id` names, for good.
    pub fn revoke(&mut self, kind: RevocationKind, id: &str) {
        self.revoke_with_cut(kind, id, None);
    }

    /// Revokes what `id` names as far as `cut` says.
    pub fn revoke_with_cut(&mut self, kind: RevocationKind, id: &str, cut: Option<UnixTime>) {
        let name = RevocationName::of(self.issuer.url(), kind, id);
        self.events.push(FeedEvent { seq: self.last() + 1, kind, name, cut, until: None });
    }

    /// The number of the last event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    /// The head after event `seq`.
    ///
    /// # Panics
    ///
    /// Never: events can be written.
    #[must_use]
    pub fn head(&self, seq: u64) -> Head {
        let start = Head::start(self.issuer.url(), &self.epoch);
        let told = self.events.iter().take_while(|event| event.seq <= seq);
        told.fold(start, |head, event| head.after(event).expect("an event can be written"))
    }

    /// All events, signed at `now`.
    #[must_use]
    pub fn snapshot(&self, now: UnixTime) -> String {
        let base = self.forgotten.last().map(|seq| FeedBase { seq: *seq, head: self.head(*seq) });
        let mut message = FeedMessage { prev: None, base, follows: self.follows.clone(), ..self.message(0, now) };
        message.events.retain(|event| !self.forgotten.contains(&event.seq));
        self.sign(&message)
    }

    /// The events after number `after`, signed at `now`; a heartbeat when there are none.
    #[must_use]
    pub fn since(&self, after: u64, now: UnixTime) -> String {
        self.sign(&self.message(after, now))
    }

    /// The message of [`Self::since`] before it is signed.
    #[must_use]
    pub fn message(&self, after: u64, now: UnixTime) -> FeedMessage {
        let from = after.min(self.last());
        FeedMessage {
            issuer: self.issuer.url().to_owned(),
            issued_at: now,
            epoch: self.epoch.clone(),
            from,
            to: self.last(),
            prev: Some(self.head(from)),
            head: self.head(self.last()),
            base: None,
            follows: Vec::new(),
            events: self.events.iter().filter(|event| event.seq > from).copied().collect(),
        }
    }

    /// Signs any message with the feed key.
    ///
    /// # Panics
    ///
    /// Never: messages can be written.
    #[must_use]
    pub fn sign(&self, message: &FeedMessage) -> String {
        message.sign(self.issuer.feed_key()).expect("a feed message can be written")
    }
}

#[cfg(test)]
mod tests {
    use handfast_verifier::revocation::{FeedState, UnverifiedFeedMessage, VerifiedFeedMessage};

    use super::*;
    use crate::START;

    fn read(issuer: &Issuer, text: &str) -> VerifiedFeedMessage {
        UnverifiedFeedMessage::parse(text).expect("well-formed").verify(&issuer.feed_did()).expect("well signed")
    }

    #[test]
    fn a_reader_follows_snapshot_increment_and_heartbeat() {
        let issuer = Issuer::example();
        let mut feed = issuer.feed();
        feed.revoke(RevocationKind::Token, "tok_1");
        let mut state =
            FeedState::start(issuer.url(), read(&issuer, &feed.snapshot(START)), START).expect("a snapshot");
        feed.revoke(RevocationKind::Task, "task_1");
        assert_eq!(state.apply(read(&issuer, &feed.since(1, START)), START), Ok(()));
        assert_eq!(state.apply(read(&issuer, &feed.since(2, START)), START), Ok(()));
        assert_eq!((state.position().seq, state.set().len()), (2, 2));
    }
}
