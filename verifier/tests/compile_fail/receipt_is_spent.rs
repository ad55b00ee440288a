//! One receipt admits one request.
use handfast_dpop::Receipt;
use handfast_verifier::BoundRequest;

fn twice(one: BoundRequest, two: BoundRequest, receipt: Receipt) {
    let _ = one.admit(receipt);
    let _ = two.admit(receipt);
}

fn main() {}
