//! A receipt alone does not admit: what the request costs has to be spent, also where it costs nothing.
use handfast_dpop::Receipt;
use handfast_verifier::{Authorized, BoundRequest, Rejection};

fn skip(request: BoundRequest, receipt: Receipt) -> Result<Authorized, Rejection> {
    request.admit(receipt)
}

fn main() {}
