//! A bound request does not give its `Authorized` away without a receipt.
use handfast_verifier::{Authorized, BoundRequest};

fn skip(request: BoundRequest) -> Authorized {
    request.authorized
}

fn main() {}
