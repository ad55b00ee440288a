//! A token decided upon, ready to be signed.

use std::collections::BTreeSet;

use handfast_delegation::{
    AccessToken, ActorChain, Authority, ChainClaims, ChainError, Delegability, Scope, Task, VerifiedChain,
};
use handfast_identity::{ContentHash, RandomSource, Seconds, Text, UnixTime, random_id};

use super::offer::Target;
use crate::ids::TOKEN_PREFIX;
use crate::{AgentRecord, OwnerRecord, Refusal, RegistryPolicy, StatusPlace, TaskRecord};

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

    /// A root token of an agent, inside `task`: the end of `authority` is the latest it may have.
    pub(super) fn for_agent(
        agent: &AgentRecord,
        task: &TaskRecord,
        root: Root,
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<PendingGrant, Refusal> {
        let did = agent.did().to_string();
        let Root { authority, is_offline } = root;
        let ends = now.saturating_add(policy.root_lifetime(authority.max_depth)).min(task.deadline);
        let token = AccessToken {
            subject: task.subject.to_string().into(),
            // a DID is never empty or overlong; were it so, there is no client to name
            actors: Some(ActorChain::root(&did).map_err(|_| Refusal::InvalidClient)?),
            client_id: did.into(),
            authority: Authority { expires_at: ends.min(authority.expires_at), ..authority },
            confirmation: Some(agent.did().thumbprint()),
            environment: Some(agent.profile.environment),
            handle: Some(agent.handle.to_string().into()),
            delegability: Some(Delegability { offline: is_offline, ..Delegability::ROOT }),
            status: task.place_for(agent).map(|place| place.reference(policy.issuer())),
            ..bare(policy, now, random)
        };
        Ok(PendingGrant { token, task: task.clone() })
    }

    /// A narrower root, in place of `root`: for the same client, in the same task, under a new id. The delegation is the same, and so
    /// is the place of its status.
    pub(super) fn narrower(
        root: &AccessToken,
        narrower: Root,
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Self {
        let AccessToken { token_id, issued_at, .. } = bare(policy, now, random);
        let delegability = Delegability { offline: narrower.is_offline, ..Delegability::ROOT };
        Self(AccessToken {
            authority: narrower.authority,
            delegability: Some(delegability),
            token_id,
            issued_at,
            not_before: None,
            ..root.clone()
        })
    }

    /// The token of the last delegate of `chain`, which everything in it but `authority` and `place` follows from (DEL-31, DEL-37).
    pub(super) fn exchanged(
        root: &AccessToken,
        (chain, hash): (&VerifiedChain, ContentHash),
        (authority, place): (Authority, StatusPlace),
        handle: Option<Text>,
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<Self, Refusal> {
        let delegate = &chain.leaf().hop.delegate;
        let delegates = chain.links().rev().map(|link| link.hop.delegate.text());
        let actors = ActorChain::from_names(delegates.chain([root.client_id.clone()]).collect());
        Ok(Self(AccessToken {
            subject: root.subject.clone(),
            client_id: delegate.text(),
            authority,
            confirmation: Some(delegate.thumbprint()),
            // a verified chain names nobody twice and no more than may act
            actors: Some(actors.map_err(|_| ChainError::Malformed)?),
            task: root.task.clone(),
            environment: root.environment,
            handle,
            delegability: Some(Delegability { depth: chain.leaf().hop.depth, offline: false }),
            chain: Some(ChainClaims {
                hops: chain.links().map(|link| link.name).collect(),
                root_token_id: root.token_id.clone(),
                hash,
            }),
            status: Some(place.reference(policy.issuer())),
            ..bare(policy, now, random)
        }))
    }

    /// An owner's own token, for the registry.
    pub(super) fn for_owner(
        owner: &OwnerRecord,
        Target { resources, scope }: Target,
        policy: &RegistryPolicy,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Self {
        Self(AccessToken {
            subject: owner.id().to_string().into(),
            client_id: owner.did().text(),
            authority: Authority {
                expires_at: now.saturating_add(policy.token_lifetime()),
                ..Authority::of(scope, resources)
            },
            confirmation: Some(owner.did().thumbprint()),
            ..bare(policy, now, random)
        })
    }
}

/// What a root token allows, and whether chains below it may be presented unexchanged.
pub(super) struct Root {
    pub(super) authority: Authority,
    pub(super) is_offline: bool,
}

/// A token of this issuer that names nobody and allows nothing yet.
fn bare(policy: &RegistryPolicy, now: UnixTime, random: &mut dyn RandomSource) -> AccessToken {
    AccessToken {
        issuer: policy.issuer().into(),
        subject: Text::default(),
        client_id: Text::default(),
        authority: Authority::of(Scope::default(), BTreeSet::new()),
        confirmation: None,
        actors: None,
        task: None,
        environment: None,
        handle: None,
        delegability: None,
        issued_at: now,
        not_before: None,
        token_id: random_id(TOKEN_PREFIX, random).into(),
        chain: None,
        status: None,
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
            id: self.task.id.to_string().into(),
            intent: self.task.intent.to_string().into(),
            leaf,
            trigger: self.task.trigger,
        };
        TokenGrant(AccessToken { task: Some(task), ..self.token })
    }
}
