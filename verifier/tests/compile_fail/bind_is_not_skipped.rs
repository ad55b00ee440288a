//! What was only verified cannot be admitted.
use handfast_dpop::Receipt;
use handfast_verifier::{Authorized, Rejection, VerifiedRequest};

fn skip(request: VerifiedRequest<'_>, receipt: Receipt) -> Result<Authorized, Rejection> {
    request.admit(receipt)
}

fn main() {}
