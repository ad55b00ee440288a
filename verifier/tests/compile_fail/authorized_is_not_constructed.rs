//! P-01: an `Authorized` comes out of a check and from nowhere else.
use handfast_verifier::Authorized;

fn forge() -> Authorized {
    Authorized { found: unimplemented!() }
}

fn main() {}
