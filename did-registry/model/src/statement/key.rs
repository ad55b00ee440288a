//! `agent-rotation+jwt` and `agent-recovery+jwt`: a new key takes its place, by two signatures.

use handfast_identity::DidError;
use handfast_identity::history::{KeyChange, KeyChangeError, KeyChangeKind, SignedKeyChange, UnverifiedKeyChange};
use handfast_identity::{KeyError, UnixTime};

use super::ReceivedStatement;
use crate::limits::ACCEPTANCE_LIFETIME;
use crate::{Refusal, RegistryPolicy};

/// A statement about a key, signed by both parties for this registry, lately. Made by [`VerifiedKeyChange::read`] only.
#[derive(Debug)]
pub struct VerifiedKeyChange {
    change: SignedKeyChange,
    text: ReceivedStatement,
}

impl VerifiedKeyChange {
    /// Reads and verifies a statement of `kind`: cheap before dear.
    ///
    /// Success says that both parties wrote this for this registry. Whether the signer had a right to, and whether it follows
    /// the newest statement, is for the decision.
    ///
    /// # Errors
    ///
    /// [`Refusal::ProofRequired`], [`Refusal::WeakKey`], [`Refusal::InvalidDid`], [`Refusal::InvalidRotation`].
    pub fn read(text: &str, kind: KeyChangeKind, policy: &RegistryPolicy, now: UnixTime) -> Result<Self, Refusal> {
        let statement = UnverifiedKeyChange::parse(text).map_err(|error| refusal(&error))?;
        let said = statement.unverified();
        let (past, future) = policy.statement_window();
        let accepted = match kind {
            KeyChangeKind::Rotation => past,
            KeyChangeKind::Recovery => ACCEPTANCE_LIFETIME,
        };
        let is_recent = |at: UnixTime, past| at >= now.saturating_sub(past) && at <= now.saturating_add(future);
        let is_for_us = statement.kind() == kind && said.audience == policy.issuer();
        if !is_for_us || !is_recent(said.issued_at, past) || !is_recent(said.accepted_at, accepted) {
            return Err(Refusal::InvalidRotation);
        }
        let change = statement.verify().map_err(|error| refusal(&error))?;
        Ok(Self { change, text: ReceivedStatement(text.to_owned()) })
    }

    /// A statement that was verified when it was received, kept until its owner agreed: its signatures are checked again, its time
    /// is not.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] for one that is damaged.
    pub(crate) fn kept(text: &ReceivedStatement) -> Result<Self, Refusal> {
        let statement = UnverifiedKeyChange::parse(text.as_str()).and_then(UnverifiedKeyChange::verify);
        let change = statement.map_err(|_| Refusal::StoreUnavailable)?;
        Ok(Self { change, text: text.clone() })
    }

    /// What it says.
    #[must_use]
    pub const fn change(&self) -> &KeyChange {
        self.change.change()
    }

    /// The statement as received.
    #[must_use]
    pub const fn text(&self) -> &ReceivedStatement {
        &self.text
    }
}

fn refusal(error: &KeyChangeError) -> Refusal {
    match error {
        KeyChangeError::Unsigned(_) | KeyChangeError::Signature => Refusal::ProofRequired,
        KeyChangeError::Did(DidError::Key(KeyError::Weak)) => Refusal::WeakKey,
        KeyChangeError::Did(_) => Refusal::InvalidDid,
        _ => Refusal::InvalidRotation,
    }
}
