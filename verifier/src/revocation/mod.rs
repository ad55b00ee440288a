//! What was revoked: names, the set a resource server holds, and the signed feed that fills it (spec/revocation-feed.md).

mod feed;
mod message;
mod name;
mod set;

pub use feed::{FeedError, FeedPosition, FeedState};
pub use message::{
    FEED_TYPE, FeedEvent, FeedMessage, Head, MAX_FEED_BYTES, MAX_FEED_EVENTS, UnverifiedFeedMessage,
    VerifiedFeedMessage,
};
pub use name::{RevocationKind, RevocationName};
pub use set::{RevocationSet, Revoked};
