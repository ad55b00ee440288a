//! The revocation feed: how entries are chained in the store, and how they are told to whoever follows.
//!
//! ```text
//! the model's FeedEntry --body--> Batch::feed --FeedChain (in the committer)--> numbered, hashed, durable
//!                                                                                    |
//!                      resource servers <--signed messages-- Feed <--read back------+--> facts for our own routes
//! ```
//!
//! An entry holds a hashed name, never an id (spec/revocation-feed.md), so the feed may be public.

mod book;
mod entry;
mod key;
mod stream;
mod told;

pub(crate) use book::FeedBook;
pub(crate) use entry::{FeedChain, body};
pub(crate) use key::{FEED_KEY, NEWEST, NamedFeedKey};
pub(crate) use stream::Messages;
pub(crate) use told::{Feed, FeedError, Told, WAIT_MAX_SECONDS};

use handfast_verifier::revocation::MAX_FEED_EVENTS;

/// Events of one message. A reader that lacks more gets them in several.
pub(crate) const MESSAGE_MAX_EVENTS: usize = MAX_FEED_EVENTS;
