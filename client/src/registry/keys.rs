//! Keys that follow each other: an agent's history, its rotation, and what its owner does about either (spec/rotation.md).

use handfast_identity::history::{HistoryError, KeyChangeKind, Succession, UnverifiedHistory, VerifiedHistory};
use handfast_identity::{DidKey, UnixTime};
use serde::{Deserialize, Serialize};

use super::agents::AgentRecord;
use super::{Answer, Management, RegistryClient};
use crate::error::{AnswerError, ArgumentError, ClientError};
use crate::key::DpopKey;
use crate::statement::statement_id;

const ROTATION: &str = "the rotation";

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The new key is current.
    Done,
    /// The owner has to approve it. The old key stays the current one until then.
    Waiting {
        /// Until when the owner can.
        expires_at: UnixTime,
    },
}

#[derive(Deserialize)]
struct RotationWire {
    status: String,
    did: String,
    #[serde(default)]
    expires_at: Option<UnixTime>,
}

impl Rotated {
    fn read(answer: &Answer, new: &DidKey) -> Result<Self, AnswerError> {
        let wire: RotationWire = answer.read(ROTATION)?;
        if wire.did != new.as_str() {
            return Err(AnswerError::Member { endpoint: ROTATION, member: "did" });
        }
        match (wire.status.as_str(), wire.expires_at) {
            ("rotated", _) => Ok(Self::Done),
            ("waiting", Some(expires_at)) => Ok(Self::Waiting { expires_at }),
            _ => Err(AnswerError::Member { endpoint: ROTATION, member: "status" }),
        }
    }
}

impl RegistryClient {
    /// The keys of an agent, by DID or handle, and the statements by which they follow each other: asked without credentials, and
    /// verified here. Whether a key in it is the expected one is for the caller.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; [`AnswerError::History`] for one that does not hold.
    pub async fn key_history(&self, did_or_handle: &str) -> Result<VerifiedHistory, ClientError> {
        let answer = self.get_public(["agents", did_or_handle, "keys"]).await?;
        let history = UnverifiedHistory::parse(answer.bytes()).and_then(UnverifiedHistory::verify);
        let history = history.map_err(AnswerError::History)?;
        if history.issuer() != self.issuer() {
            return Err(AnswerError::Issuer { expected: self.issuer().to_owned() }.into());
        }
        Ok(history)
    }

    /// Puts `new` in the place of this key: everything made of this client signs with it from then on. Tokens and hops of the old
    /// key live to their end, and requests that carry one are signed with the old key as long.
    ///
    /// `new` has to be kept safe before: once this is sent, it may be the only key that is good. Calling it again with the same
    /// `new` goes on where it was left, whatever was left undone.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `stale_sequence`, `not_claimed`, `agent_revoked`, `key_compromised`, `did_registered`,
    /// `too_many_keys`, `slow_down`. [`AnswerError::OtherKey`] when neither key is the agent's current one.
    pub async fn rotate(&self, new: &DpopKey) -> Result<Rotated, ClientError> {
        let _alone = self.keys().alone().await;
        let old = self.key();
        if old.did() == new.did() {
            return Ok(Rotated::Done);
        }
        // the registry's answer to one of the two: the old DID is known while the record is
        let history = self.key_history(old.did().as_str()).await?;
        if self.adopted(&history, new) {
            return Ok(Rotated::Done);
        }
        let sent = self.send_rotation(&history, &old, new).await;
        match sent {
            Ok(Rotated::Done) => {
                self.keys().change(new.clone());
                Ok(Rotated::Done)
            }
            Ok(waiting) => Ok(waiting),
            // it may have been taken, and the answer lost
            Err(error) if error.is_transient() => match self.key_history(old.did().as_str()).await {
                Ok(history) if self.adopted(&history, new) => Ok(Rotated::Done),
                Ok(_) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Takes `new` as the key, if the registry says that it is the agent's by now: approved, or rotated to by another process.
    ///
    /// # Errors
    ///
    /// As [`RegistryClient::key_history`].
    pub async fn adopt(&self, new: &DpopKey) -> Result<bool, ClientError> {
        let _alone = self.keys().alone().await;
        let old = self.key();
        if old.did() == new.did() {
            return Ok(true);
        }
        Ok(self.adopted(&self.key_history(old.did().as_str()).await?, new))
    }

    fn adopted(&self, history: &VerifiedHistory, new: &DpopKey) -> bool {
        let is_current = history.current() == new.did();
        if is_current {
            self.keys().change(new.clone());
        }
        is_current
    }

    async fn send_rotation(
        &self,
        history: &VerifiedHistory,
        old: &DpopKey,
        new: &DpopKey,
    ) -> Result<Rotated, ClientError> {
        if history.current() != old.did() {
            return Err(AnswerError::OtherKey { found: history.current().to_string() }.into());
        }
        let place = Succession {
            audience: self.issuer().to_owned(),
            issued_at: self.clock().now(),
            statement_id: statement_id(),
            predecessor: old.did().clone(),
            after: history.number(),
            previous: history.newest(),
        };
        let accepted = new.accept(&place).await?;
        let statement = old.sign_change(KeyChangeKind::Rotation, &place, accepted).await?;
        let answer = self.post_statement(["agents", old.did().as_str(), "rotate"], statement).await?;
        Ok(Rotated::read(&answer, new.did())?)
    }
}

#[derive(Serialize)]
struct AnswerWire<'a> {
    did: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct RecoveryWire<'a> {
    statement: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Management {
    /// Approves the rotation of an agent, by DID or handle, to the key `new`, which waits.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_rotation`, `forbidden`, `stale_sequence`, `key_compromised`, `did_registered`.
    pub async fn approve_rotation(&self, agent: &str, new: &DidKey, reason: Option<&str>) -> Result<(), ClientError> {
        let body = AnswerWire { did: new.as_str(), reason };
        self.post(["agents", agent, "rotate", "approve"], &body).await.map(|_| ())
    }

    /// Refuses the rotation of an agent, by DID or handle, to the key `new`, which waits.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_rotation`, `forbidden`.
    pub async fn refuse_rotation(&self, agent: &str, new: &DidKey, reason: Option<&str>) -> Result<(), ClientError> {
        let body = AnswerWire { did: new.as_str(), reason };
        self.post(["agents", agent, "rotate", "refuse"], &body).await.map(|_| ())
    }

    /// Takes an agent back, by DID or handle: `new` is its key, and every key after number `last_good` is compromised. 0 says that
    /// none was good. Signed with this owner's key.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; [`ArgumentError::KeyNumber`] for a number the agent has not; refusals are `forbidden`, `agent_revoked`,
    /// `stale_sequence`, `key_compromised`, `did_registered`, `too_many_keys`.
    pub async fn recover_agent(
        &self,
        agent: &str,
        new: &DpopKey,
        last_good: u16,
        reason: Option<&str>,
    ) -> Result<AgentRecord, ClientError> {
        let registry = self.registry();
        let history = registry.key_history(agent).await?;
        let number = ArgumentError::KeyNumber(last_good);
        let (predecessor, previous) = match last_good.checked_sub(1) {
            None => (history.first().clone(), None),
            Some(index) => {
                let link = history.links().get(usize::from(index)).ok_or(number)?;
                (link.did.clone(), history.hash_of(last_good))
            }
        };
        let place = Succession {
            audience: registry.issuer().to_owned(),
            issued_at: registry.clock().now(),
            statement_id: statement_id(),
            predecessor,
            after: last_good,
            previous,
        };
        let accepted = new.accept(&place).await?;
        let statement = registry.key().sign_change(KeyChangeKind::Recovery, &place, accepted).await?;
        let body = RecoveryWire { statement: &statement, reason };
        Ok(AgentRecord::read(&self.post(["agents", agent, "recover"], &body).await?)?)
    }
}

impl From<HistoryError> for AnswerError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}
