//! An `Authorized` that was earned cannot be widened.
use handfast_verifier::Authorized;

fn widen(authorized: &mut Authorized, other: Authorized) {
    authorized.found = other.found;
}

fn main() {}
