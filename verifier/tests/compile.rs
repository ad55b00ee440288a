//! What must not compile: making the values that only a check may make, and leaving a step out.

use handfast_verifier::{Authorized, BoundRequest, VerifiedRequest};
use serde::de::DeserializeOwned;

#[test]
fn steps_cannot_be_skipped_and_verdicts_cannot_be_made() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// Ambiguous, and so an error, for a type that can be read from data or copied.
trait NeitherReadNorCopied<Which> {
    fn holds() {}
}

impl<T> NeitherReadNorCopied<()> for T {}

struct Read;
impl<T: DeserializeOwned> NeitherReadNorCopied<Read> for T {}

struct Copied;
impl<T: Copy> NeitherReadNorCopied<Copied> for T {}

#[test]
fn no_verdict_arrives_in_a_message() {
    <Authorized as NeitherReadNorCopied<_>>::holds();
    <BoundRequest as NeitherReadNorCopied<_>>::holds();
    <VerifiedRequest<'_> as NeitherReadNorCopied<_>>::holds();
}
