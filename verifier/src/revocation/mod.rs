//! What was revoked: names, the set a resource server holds, and the signed feed that fills it (spec/revocation-feed.md).

mod clear;
mod feed;
mod feed_key;
mod message;
mod name;
mod name_hash;
mod set;
mod snapshot;

pub(crate) use clear::ClearIn;
pub use feed::{FeedError, FeedMemory, FeedState};
pub use feed_key::{FEED_KEY_TYPE, FeedKeyError, FeedKeyStatement, FeedKeys, MAX_FEED_KEY_BYTES, MAX_REPLACED_KEYS};
pub use message::{
    FEED_TYPE, FeedBase, FeedEvent, FeedMessage, FeedPosition, Head, MAX_EPOCH_BYTES, MAX_FEED_BYTES, MAX_FEED_EVENTS,
    MAX_FORMER_EPOCHS, UnverifiedFeedMessage, VerifiedFeedMessage,
};
pub use name::{RevocationKind, RevocationName};
pub use set::{MAX_REVOKED_NAMES, RevocationSet, Revoked};
