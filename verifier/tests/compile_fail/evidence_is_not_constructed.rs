//! A root and a chain that were verified apart do not become evidence.
use handfast_delegation::{VerifiedAccessToken, VerifiedChain};
use handfast_verifier::Evidence;

fn make(root: VerifiedAccessToken, chain: VerifiedChain, root_kid: String) -> Evidence {
    Evidence { root, chain, root_kid }
}

fn main() {}
