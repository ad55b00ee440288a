//! What was spent for one request admits one request.
use handfast_dpop::Receipt;
use handfast_verifier::BoundRequest;
use handfast_verifier::budget::Spent;

fn twice(one: BoundRequest, two: BoundRequest, first: Receipt, second: Receipt, spent: Spent) {
    let _ = one.admit(first, spent);
    let _ = two.admit(second, spent);
}

fn main() {}
