//! The registry's status lists: places and what they say, and the signed lists (spec/status-lists.md).
//!
//! ```text
//! store: entries --open, hold--> Shelf (values, who bears which name) <--take in-- FeedBook (revocations)
//!                                  \--copy, compress, sign--> StatusLists::published
//! ```

mod book;
mod publish;
mod shelf;

pub(crate) use book::StatusBook;
pub(crate) use publish::Publisher;
