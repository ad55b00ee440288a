//! A token decided upon, ready to be signed.

use std::collections::BTreeSet;

use handfast_delegation::{AccessToken, ActorChain, Authority, Delegability, ResourceId, Scope, Task};
use handfast_identity::{RandomSource, Seconds, UnixTime, random_id};

use crate::ids::TOKEN_PREFIX;
use crate::{AgentRecord, OwnerRecord, Refusal, RegistryPolicy, TaskRecord};

/// A token decided upon. Made by the decisions of this crate only; all it needs is the issuer's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant(AccessToken);

impl TokenGrant {
    /// What the token will say.
    #[must_use]
    pub const fn token(&self) -> &AccessToken {
        &self.0
    }

    /// How long it is good from its making, for `expires_in`.
    #[must_use]
    pub fn expires_in(&self) -> Seconds {
        self.0.authority.expires_at.since(self.0.issued_at)
    }

    /// A root token of an agent, inside `task`.
    pub(super) fn for_agent(
        agent: &AgentRecord,
        task: &TaskRecord,
        (resource, scope): (ResourceId, Scope),
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<PendingGrant, Refusal> {
        let did = agent.did().to_string();
        let ends = now.saturating_add(policy.token_lifetime()).min(task.deadline);
        let token = AccessToken {
            subject: task.subject.to_string(),
            // a DID is never empty or overlong; were it so, there is no client to name
            actors: Some(ActorChain::root(&did).map_err(|_| Refusal::InvalidClient)?),
            client_id: did,
            authority: Authority { expires_at: ends, ..Authority::of(scope, [resource].into()) },
            confirmation: Some(agent.did().thumbprint()),
            environment: Some(agent.profile.environment),
            handle: Some(agent.handle.to_string()),
            delegability: Some(Delegability::ROOT),
            ..bare(policy, now, random)
        };
        Ok(PendingGrant { token, task: task.clone() })
    }

    /// An owner's own token, for the registry.
    pub(super) fn for_owner(
        owner: &OwnerRecord,
        (resource, scope): (ResourceId, Scope),
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Self {
        Self(AccessToken {
            subject: owner.id().to_string(),
            client_id: owner.did().to_string(),
            authority: Authority {
                expires_at: now.saturating_add(policy.token_lifetime()),
                ..Authority::of(scope, [resource].into())
            },
            confirmation: Some(owner.did().thumbprint()),
            ..bare(policy, now, random)
        })
    }
}

/// A token of this issuer that names nobody and allows nothing yet.
fn bare(policy: &RegistryPolicy, now: UnixTime, random: &mut dyn RandomSource) -> AccessToken {
    AccessToken {
        issuer: policy.issuer().to_owned(),
        subject: String::new(),
        client_id: String::new(),
        authority: Authority::of(Scope::default(), BTreeSet::new()),
        confirmation: None,
        actors: None,
        task: None,
        environment: None,
        handle: None,
        delegability: None,
        issued_at: now,
        not_before: None,
        token_id: random_id(TOKEN_PREFIX, random),
        chain: None,
        has_unreadable_restriction: false,
    }
}

/// A token that waits for its task's place in the log, which is known once the task is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingGrant {
    token: AccessToken,
    task: TaskRecord,
}

impl PendingGrant {
    /// The token, with the log index that committing the task gave.
    #[must_use]
    pub fn with_leaf(self, leaf: u64) -> TokenGrant {
        let task = Task {
            id: self.task.id.to_string(),
            intent: self.task.intent.to_string(),
            leaf,
            trigger: self.task.trigger,
        };
        TokenGrant(AccessToken { task: Some(task), ..self.token })
    }
}
