//! What was spent is said by a budget store.
use handfast_verifier::budget::{Charges, Spent};

fn make(charges: Charges) -> Spent {
    Spent { charges }
}

fn main() {}
