//! Client assertions (RFC 7523): checked beside the proof, and good once.

use handfast_dpop::{ProofClass, ReplayEntry, ReplayStore as _};
use handfast_identity::UnixTime;
use handfast_middleware::Rejection;
use handfast_registry_model::{Refusal, UnverifiedClientAssertion};

use super::form::Form;
use super::{App, Failure};

/// The name their ids are remembered under: never a resource's, which are URIs.
const PLACE: &str = "client assertion";

/// Verifies the assertion of `form`, if it has one, and uses it up. That it is of the client whose proof was verified, whoever read
/// the form made sure of (`client_of`).
///
/// The memory is this process's: after a restart an old assertion would pass again, in the hands of who can still prove the key.
pub(super) fn spend(app: &App, form: &Form, now: UnixTime) -> Result<(), Failure> {
    let (assertion, kind) = (form.one("client_assertion")?, form.one("client_assertion_type")?);
    let Some(assertion) = UnverifiedClientAssertion::read(assertion, kind)? else { return Ok(()) };
    let assertion = assertion.verify(app.config.issuer(), now)?;
    let entry =
        ReplayEntry::new(PLACE, assertion.client().thumbprint(), assertion.assertion_id(), assertion.last_second());
    match app.replay.insert(&entry, now) {
        Ok(_receipt) => Ok(()),
        Err(error) if error.class() == ProofClass::Unavailable => Err(Rejection::from(error).into()),
        Err(_) => Err(Refusal::InvalidClient.into()),
    }
}
