//! Who signs: nine parties with fixed keys, an issuer, and chains between them.

use std::sync::LazyLock;

use handfast_delegation::{
    AccessToken, ChainError, Delegability, Hop, MAX_HOPS, Task, Trigger, TriggerKind, UnverifiedAccessToken,
    UnverifiedChain, VerifiedAccessToken, VerifiedChain,
};
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime};

use crate::world::{BEGIN, Plan};

const OWNER: &str = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE";
const TASK: &str = "task_01jd7v3k8q5xw2t9m4n6r0abce";

/// The keys of the root's agent, of up to eight delegates, and of somebody else.
pub(crate) static KEYS: LazyLock<[SigningKey; 10]> =
    LazyLock::new(|| core::array::from_fn(|n| SigningKey::from_ed25519_seed(&[u8::try_from(n).unwrap() + 1; 32])));
static DIDS: LazyLock<[DidKey; 10]> = LazyLock::new(|| core::array::from_fn(|n| KEYS[n].public().did()));
static ISSUER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_ed25519_seed(&[200; 32]));

pub(crate) fn did(number: usize) -> DidKey {
    DIDS[number].clone()
}

pub(crate) fn root(plan: &Plan) -> VerifiedAccessToken {
    let trigger = Trigger { kind: TriggerKind::Owner, by: OWNER.into(), reference: None };
    let claims = AccessToken {
        issuer: "https://registry.example".into(),
        subject: OWNER.into(),
        client_id: did(0).text(),
        authority: plan.authority(),
        confirmation: Some(did(0).thumbprint()),
        actors: None,
        task: Some(Task { id: TASK.into(), intent: "tests".into(), leaf: 7, trigger }),
        environment: None,
        handle: None,
        delegability: Some(Delegability { depth: 0, offline: true }),
        issued_at: UnixTime::from_secs(BEGIN),
        not_before: None,
        token_id: "tok_1".into(),
        chain: None,
        status: None,
        has_unreadable_restriction: false,
    };
    let text = claims.sign("k", &ISSUER).unwrap();
    UnverifiedAccessToken::parse(&text).and_then(|token| token.verify(ISSUER.public())).unwrap()
}

/// A hop for each of `plans`, one party to the next, none of them signed.
pub(crate) fn hops(plans: &[Plan]) -> Vec<Hop> {
    let hop = |(place, plan): (usize, &Plan)| Hop {
        delegator: did(place).text(),
        delegate: did(place + 1),
        subject: OWNER.into(),
        task: TASK.into(),
        authority: plan.authority(),
        issued_at: UnixTime::from_secs(BEGIN),
        not_before: None,
        hop_id: format!("hop_{place}").into(),
        depth: u8::try_from(place + 1).unwrap(),
        is_instance: false,
        parent: ContentHash::of(b"set when it is signed"),
    };
    plans.iter().enumerate().map(hop).collect()
}

/// Signs `hops` one below the other, each by the party whose place it is, or by `signer` where that says another.
pub(crate) fn sign(root: &VerifiedAccessToken, hops: &[Hop], signer: impl Fn(usize) -> usize) -> Vec<String> {
    let mut parent = root.name();
    let mut texts = Vec::new();
    for (place, hop) in hops.iter().enumerate() {
        let text = Hop { parent, ..hop.clone() }.sign(&KEYS[signer(place)]).unwrap();
        parent = ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes());
        texts.push(text);
    }
    texts
}

pub(crate) fn verify(root: &VerifiedAccessToken, texts: &[String]) -> Result<VerifiedChain, ChainError> {
    let members: Vec<_> = texts.iter().map(String::as_str).collect();
    UnverifiedChain::parse(&members)?.verify(root, MAX_HOPS)
}
