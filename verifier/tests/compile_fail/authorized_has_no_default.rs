//! There is no `Authorized` for nobody.
fn main() {
    let _ = handfast_verifier::Authorized::default();
}
