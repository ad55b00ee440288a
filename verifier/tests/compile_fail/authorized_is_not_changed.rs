//! An `Authorized` that was earned cannot be widened.
use handfast_verifier::Authorized;

fn widen(authorized: Authorized) -> Authorized {
    Authorized { is_owner: true, ..authorized }
}

fn main() {}
