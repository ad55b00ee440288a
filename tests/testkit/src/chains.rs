//! Chains: a root token, the hops below it, and what the last delegate presents.

use handfast_delegation::{AccessToken, ActorChain, Authority, ChainClaims, Delegability, Hop, MAX_HOPS};
use handfast_identity::{ContentHash, UnixTime, random_id};

use crate::issuers::{Issuer, TOKEN_LIFETIME};
use crate::{Agent, CountedRandom};

/// A chain that grows hop by hop, each signed by the delegate before it.
#[derive(Clone, Debug)]
pub struct Chain {
    root: AccessToken,
    root_text: String,
    holder: Agent,
    hops: Vec<(Hop, String)>,
}

/// What a delegate sends: its token and the `Delegation` field.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The presented token.
    pub token: String,
    /// The value of the field.
    pub field: String,
}

impl Chain {
    /// The chain without hops: `root`, a token for `holder`, made one that may be passed on, also offline.
    #[must_use]
    pub fn below(issuer: &Issuer, holder: &Agent, mut root: AccessToken) -> Self {
        root.authority.max_depth = u8::try_from(MAX_HOPS).unwrap_or(u8::MAX);
        root.delegability = Some(Delegability { depth: 0, offline: true });
        let root_text = issuer.sign(&root);
        Self { root, root_text, holder: holder.clone(), hops: Vec::new() }
    }

    /// The authority of the last hop, or of the root.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.hops.last().map_or(&self.root.authority, |(hop, _)| &hop.authority)
    }

    /// Passes all of it on to `delegate`.
    #[must_use]
    pub fn to(self, delegate: &Agent) -> Self {
        let authority = self.authority().clone();
        self.passing(delegate, authority)
    }

    /// Passes `authority` on to `delegate`, narrower or not.
    ///
    /// # Panics
    ///
    /// For a root without a task, which nobody can pass on.
    #[must_use]
    pub fn passing(mut self, delegate: &Agent, authority: Authority) -> Self {
        let hop = Hop {
            delegator: self.holder.did().text(),
            delegate: delegate.did(),
            subject: self.root.subject.clone(),
            task: self.root.task.as_ref().expect("a root has a task").id.clone(),
            authority,
            issued_at: self.root.issued_at,
            not_before: None,
            hop_id: random_id("hop_", &mut CountedRandom::unshared()).into(),
            depth: u8::try_from(self.hops.len() + 1).unwrap_or(u8::MAX),
            is_instance: false,
            parent: name(self.hops.last().map_or(&self.root_text, |(_, text)| text)),
        };
        let text = hop.sign(self.holder.key()).expect("a hop can be written");
        self.hops.push((hop, text));
        self.holder = delegate.clone();
        self
    }

    /// The name of hop `place`, counted from 1.
    #[must_use]
    pub fn hop_name(&self, place: usize) -> Option<ContentHash> {
        self.hops.get(place.checked_sub(1)?).map(|(_, text)| name(text))
    }

    /// What the last delegate presents without asking the issuer: the root token and the hops.
    #[must_use]
    pub fn offline(&self) -> Evidence {
        Evidence { token: self.root_text.clone(), field: self.texts().collect::<Vec<_>>().join(",") }
    }

    /// What it presents after an exchange, which is made `now`.
    ///
    /// # Panics
    ///
    /// Never: DIDs are names of actors.
    #[must_use]
    pub fn exchanged(&self, issuer: &Issuer, now: UnixTime) -> Evidence {
        let delegates = self.hops.iter().rev().map(|(hop, _)| hop.delegate.text());
        let field = core::iter::once(self.root_text.as_str()).chain(self.texts()).collect::<Vec<_>>().join(",");
        let actors = ActorChain::from_names(delegates.chain([self.root.client_id.clone()]).collect());
        let mut authority = self.authority().clone();
        authority.expires_at = authority.expires_at.min(now.saturating_add(TOKEN_LIFETIME));
        let token = AccessToken {
            client_id: self.holder.did().text(),
            confirmation: Some(self.holder.thumbprint()),
            actors: Some(actors.expect("dids are names of actors")),
            delegability: Some(Delegability {
                depth: u8::try_from(self.hops.len()).unwrap_or(u8::MAX),
                offline: false,
            }),
            authority,
            issued_at: now,
            token_id: random_id("tok_", &mut CountedRandom::unshared()).into(),
            chain: Some(ChainClaims {
                hops: self.texts().map(name).collect(),
                root_token_id: self.root.token_id.clone(),
                hash: ContentHash::of(field.as_bytes()),
            }),
            ..self.root.clone()
        };
        Evidence { token: issuer.sign(&token), field }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.hops.iter().map(|(_, text)| text.as_str())
    }
}

/// The name of a token or hop: the hash of its signing input.
fn name(text: &str) -> ContentHash {
    let input = text.rsplit_once('.').map_or(text, |(input, _)| input);
    ContentHash::of(input.as_bytes())
}
