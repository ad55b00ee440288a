//! A feed message that was only read changes nothing.
use handfast_identity::UnixTime;
use handfast_verifier::revocation::{FeedState, UnverifiedFeedMessage};

fn apply(state: &mut FeedState, message: UnverifiedFeedMessage) {
    let _ = state.apply(message, UnixTime::EPOCH);
}

fn main() {}
