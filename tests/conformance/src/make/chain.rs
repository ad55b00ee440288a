//! A chain in parts: root token and hops, each of which can be changed before the next is made from it.

use std::rc::Rc;

use handfast_dpop::ContentHash;
use serde_json::{Value, json};

use super::NOW;
use super::draft::{Draft, ISSUER, OTHER_RESOURCE, OWNER, RESOURCE, TASK, TOKEN_ID};
use super::jws::{Jws, signing_input};
use super::keys::Who;

/// The id of an exchanged token.
pub(super) const EXCHANGED_ID: &str = "tok_01jd7v3k8q5xw2t9m4n6r0abcf";

type MembersEdit = Rc<dyn Fn(Vec<String>) -> Vec<String>>;

/// The evidence of a request.
#[derive(Clone)]
pub(super) struct ChainDraft {
    /// The root token in the exchanged form; offline it is the presented token.
    root: Option<Jws>,
    hops: Vec<Jws>,
    edit: Option<MembersEdit>,
}

/// The evidence as it is sent.
pub(super) struct SentChain {
    pub(super) field: String,
    /// The hash of its members, for `dch`.
    pub(super) hash: String,
}

fn hash(text: &str) -> String {
    ContentHash::of(text.as_bytes()).to_string()
}

impl ChainDraft {
    /// The presented token and the evidence. In claims of hop *k*, `{parent}` is the name of the member before it and
    /// `{whole parent}` the hash of its full text; in the token, `{hop k}` is a name and `{chain hash}` that of the evidence
    /// before anybody changed it on the way.
    pub(super) fn finished(&self, token: &Jws) -> (String, SentChain) {
        let root = self.root.as_ref().unwrap_or(token).text();
        let mut names = Vec::new();
        let mut members = vec![root.clone()];
        for hop in &self.hops {
            let parent = members.last().cloned().unwrap_or_default();
            let text = hop
                .filled(&|text| {
                    text.replace("{parent}", &hash(signing_input(&parent))).replace("{whole parent}", &hash(&parent))
                })
                .text();
            names.push(hash(signing_input(&text)));
            members.push(text);
        }
        let token = if self.root.is_some() {
            let whole = hash(&members.join(","));
            let fill = |text: &str| {
                let text = text.replace("{chain hash}", &whole);
                names.iter().zip(1..).fold(text, |text, (name, place)| text.replace(&format!("{{hop {place}}}"), name))
            };
            token.filled(&fill).text()
        } else {
            members.remove(0);
            root
        };
        let sent = self.edit.iter().fold(members, |members, edit| edit(members)).join(",");
        (token, SentChain { hash: hash(&sent), field: sent })
    }
}

/// Who acts behind `hops` hops.
fn actor(hops: u8) -> Who {
    if hops == 0 { Who::Agent } else { Who::Delegate(hops) }
}

/// The `act` of a token behind `hops` hops.
pub(super) fn act(hops: u8) -> Value {
    let inner = json!({"sub": Who::Agent.did().as_str()});
    (1..=hops).fold(inner, |inner, hop| json!({"sub": actor(hop).did().as_str(), "act": inner}))
}

/// The header of what `who` signs as a delegator.
fn header(who: Who) -> Value {
    json!({"typ": "delegation+jwt", "alg": "EdDSA", "kid": who.did().key_id()})
}

/// The hop at a place of a good chain.
fn hop(place: u8, max_depth: u8) -> Jws {
    let (delegator, delegate) = (actor(place - 1), actor(place));
    let claims = json!({
        "iss": delegator.did().as_str(), "aud": delegate.did().as_str(), "sub": OWNER, "task": TASK,
        "cnf": {"jkt": delegate.jkt()}, "scope": "files:read", "resource": [RESOURCE],
        "del_depth": place, "del_max_depth": max_depth, "par_hash": "{parent}",
        "iat": NOW - 50 + u64::from(place), "exp": NOW + 540, "jti": format!("hop_{place}")
    });
    Jws::new(header(delegator), claims, delegator)
}

impl Draft {
    /// A request by the last of `hops` delegates, with the root token and the hops.
    pub(super) fn offline(hops: u8) -> Self {
        let max_depth = hops.max(3);
        let mut draft = Self::good()
            .claims(json!({
                "aud": [RESOURCE, OTHER_RESOURCE], "scope": "files:read files:write", "exp": NOW + 840,
                "del_max_depth": max_depth, "del_offline": true
            }))
            .field("Delegation", &["{chain}"])
            .proof_claims(json!({"dch": "{dch}"}))
            .proof_by(actor(hops));
        let hops = (1..=hops).map(|place| hop(place, max_depth)).collect();
        draft.chain = Some(ChainDraft { root: None, hops, edit: None });
        draft
    }

    /// A request by the last of `hops` delegates, with a token of its own and the evidence for it.
    pub(super) fn exchanged(hops: u8) -> Self {
        let mut draft = Self::offline(hops);
        let root = draft.token_draft().clone().without(&["del_offline"]);
        let delegate = actor(hops);
        let names: Vec<_> = (1..=hops).map(|hop| format!("{{hop {hop}}}")).collect();
        draft = draft.without_claims(&["del_offline", "handle"]).claims(json!({
            "client_id": delegate.did().as_str(), "cnf": {"jkt": delegate.jkt()}, "act": act(hops),
            "aud": [RESOURCE], "scope": "files:read", "del_depth": hops, "hops": names, "root_jti": TOKEN_ID,
            "chain_hash": "{chain hash}", "iat": NOW - 20, "exp": NOW + 240, "jti": EXCHANGED_ID
        }));
        if let Some(chain) = &mut draft.chain {
            chain.root = Some(root);
        }
        draft
    }

    /// A change of the hop at `place`, counted from 1.
    pub(super) fn hop(self, place: usize, change: impl FnOnce(Jws) -> Jws) -> Self {
        self.chained(|chain| {
            let hop = &mut chain.hops[place - 1];
            *hop = change(hop.clone());
        })
    }

    /// Claims of the hop at `place`.
    pub(super) fn hop_claims(self, place: usize, changes: Value) -> Self {
        self.hop(place, |hop| hop.claims(changes))
    }

    /// The hop at `place` by another delegator, complete with `iss`, `kid` and signature.
    pub(super) fn hop_by(self, place: usize, who: Who) -> Self {
        let alg = if who == Who::P256Agent { "ES256" } else { "EdDSA" };
        self.hop(place, |hop| {
            hop.claims(json!({"iss": who.did().as_str()}))
                .header(header(who))
                .header(json!({"alg": alg}))
                .signed_by(who)
        })
    }

    /// Another delegate of the hop at `place`, with the key that belongs to it.
    pub(super) fn hop_for(self, place: usize, who: Who) -> Self {
        self.hop_claims(place, json!({"aud": who.did().as_str(), "cnf": {"jkt": who.jkt()}}))
    }

    /// A change of the root token, which offline is the one presented.
    pub(super) fn root(mut self, change: impl FnOnce(Jws) -> Jws) -> Self {
        match self.chain.as_mut().and_then(|chain| chain.root.as_mut()) {
            Some(root) => {
                *root = change(root.clone());
                self
            }
            None => self.token(change),
        }
    }

    /// Claims of the root token.
    pub(super) fn root_claims(self, changes: Value) -> Self {
        self.root(|root| root.claims(changes))
    }

    /// Whether the token presented is made from the chain.
    pub(super) fn is_exchanged(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.root.is_some())
    }

    /// A change of the finished members on the way; the proof covers what is sent, the token what was meant.
    pub(super) fn members(self, edit: impl Fn(Vec<String>) -> Vec<String> + 'static) -> Self {
        self.chained(|chain| chain.edit = Some(Rc::new(edit)))
    }

    /// The finished members: root token first in the exchanged form.
    pub(super) fn finished_members(&self) -> Vec<String> {
        let (_, sent) = self.chain.as_ref().unwrap().finished(self.token_draft());
        sent.field.split(',').map(str::to_owned).collect()
    }

    /// The presented token, finished.
    pub(super) fn finished_token(&self) -> String {
        self.chain.as_ref().unwrap().finished(self.token_draft()).0
    }

    /// The finished hops.
    pub(super) fn finished_hops(&self) -> Vec<String> {
        self.finished_members().split_off(usize::from(self.is_exchanged()))
    }

    fn chained(mut self, change: impl FnOnce(&mut ChainDraft)) -> Self {
        change(self.chain.as_mut().expect("a draft with a chain"));
        self
    }
}

/// The issuer's second key, whose tokens are still good.
pub(super) fn with_old_key(draft: Draft) -> Draft {
    draft.set(|setting| {
        debug_assert_eq!(setting.issuers[0].trust.issuer, ISSUER);
        let old = super::draft::key_set(Who::OldIssuer);
        setting.issuers[0].keys.keys.extend(old.keys);
    })
}
