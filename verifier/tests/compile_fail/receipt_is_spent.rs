//! One receipt admits one request.
use handfast_dpop::Receipt;
use handfast_verifier::BoundRequest;
use handfast_verifier::budget::Spent;

fn twice(one: BoundRequest, two: BoundRequest, receipt: Receipt) {
    let _ = one.admit(receipt, Spent::nothing());
    let _ = two.admit(receipt, Spent::nothing());
}

fn main() {}
