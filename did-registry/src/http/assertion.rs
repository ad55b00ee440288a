//! Client assertions (RFC 7523): checked beside the proof, and good once.

use handfast_dpop::{ProofClass, ReplayEntry, ReplayStore as _, VerifiedProof};
use handfast_identity::{Thumbprint, UnixTime};
use handfast_middleware::Rejection;
use handfast_registry_model::{Refusal, UnverifiedClientAssertion};

use super::form::Form;
use super::{App, Failure, proof};

/// The name their ids are remembered under: never a resource's, which are URIs.
const PLACE: &str = "client assertion";

/// A client whose proof was verified, and its assertion if it made one. Neither is used up yet.
pub(super) struct Authenticated {
    proof: VerifiedProof,
    assertion: Option<ReplayEntry>,
}

impl Authenticated {
    /// Verifies the assertion of `form`, if it has one. That it is of the client whose proof this is, whoever read the form made
    /// sure of (`client_of`).
    pub(super) fn check(app: &App, form: &Form, proof: VerifiedProof, now: UnixTime) -> Result<Self, Failure> {
        let (text, kind) = (form.one("client_assertion")?, form.one("client_assertion_type")?);
        let assertion = match UnverifiedClientAssertion::read(text, kind)? {
            Some(assertion) => {
                let assertion = assertion.verify(app.config.issuer(), now)?;
                let (key, id) = (assertion.client().thumbprint(), assertion.assertion_id());
                Some(ReplayEntry::new(PLACE, key, id, assertion.last_second()))
            }
            None => None,
        };
        Ok(Self { proof, assertion })
    }

    /// The key that was proved.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        self.proof.thumbprint()
    }

    /// Uses up the proof, then the assertion, as the last thing before what they ask for is done: a request that fails any check
    /// burns nothing, and a stranger leaves nothing behind (DPOP-50).
    ///
    /// The memory is this process's: after a restart an old assertion would pass again, in the hands of who can still prove the key.
    pub(super) fn spend(&self, app: &App, now: UnixTime) -> Result<(), Failure> {
        proof::spend(app, &self.proof, now)?;
        let Some(entry) = &self.assertion else { return Ok(()) };
        match app.replay.insert(entry, now) {
            Ok(_receipt) => Ok(()),
            Err(error) if error.class() == ProofClass::Unavailable => Err(Rejection::from(error).into()),
            Err(_) => Err(Refusal::InvalidClient.into()),
        }
    }
}
