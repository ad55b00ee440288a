//! A root token and a chain below it, for the tests beside the code.

use handfast_identity::jws::sign_with_header;
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime};
use serde_json::{Map, Value, json};

use super::wire::HopWire;
use super::{HOP_TYPE, Hop};
use crate::{
    AccessToken, Authority, Delegability, ResourceId, Scope, Task, Trigger, TriggerKind, UnverifiedAccessToken,
    VerifiedAccessToken,
};

pub(super) const BEGIN: UnixTime = UnixTime::from_secs(1_795_262_400);
const OWNER: &str = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE";
const TASK: &str = "task_01jd7v3k8q5xw2t9m4n6r0abce";
const ISSUER_KEY: u8 = 200;

/// The key of party `number`: 0 is the agent of the root, each hop is from one to the next.
pub(super) fn key(number: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[number; 32])
}

pub(super) fn did(number: u8) -> DidKey {
    key(number).public().did()
}

pub(super) fn authority() -> Authority {
    let resource = ResourceId::parse("https://api.example").unwrap();
    Authority {
        expires_at: UnixTime::from_secs(BEGIN.as_secs() + 600),
        max_depth: 8,
        ..Authority::of(Scope::parse("files:read files:write").unwrap(), [resource].into())
    }
}

pub(super) fn root_claims() -> AccessToken {
    let trigger = Trigger { kind: TriggerKind::Owner, by: OWNER.into(), reference: None };
    AccessToken {
        issuer: "https://registry.example".into(),
        subject: OWNER.into(),
        client_id: did(0).text(),
        authority: authority(),
        confirmation: Some(did(0).thumbprint()),
        actors: None,
        task: Some(Task { id: TASK.into(), intent: "tests".into(), leaf: 7, trigger }),
        environment: None,
        handle: None,
        delegability: Some(Delegability { depth: 0, offline: true }),
        issued_at: BEGIN,
        not_before: None,
        token_id: "tok_1".into(),
        chain: None,
        status: None,
        has_unreadable_restriction: false,
    }
}

pub(super) fn issued(claims: &AccessToken) -> VerifiedAccessToken {
    let issuer = key(ISSUER_KEY);
    let text = claims.sign("k", &issuer).unwrap();
    UnverifiedAccessToken::parse(&text).and_then(|token| token.verify(issuer.public())).unwrap()
}

/// Hop `depth` below a parent of that name, from party `depth - 1` to party `depth`.
pub(super) fn hop(depth: u8, parent: ContentHash) -> Hop {
    Hop {
        delegator: did(depth - 1).text(),
        delegate: did(depth),
        subject: OWNER.into(),
        task: TASK.into(),
        authority: authority(),
        issued_at: BEGIN,
        not_before: None,
        hop_id: format!("hop_{depth}").into(),
        depth,
        is_instance: false,
        parent,
    }
}

/// Hop 1 as parts, to alter at will.
pub(super) fn parts() -> (Map<String, Value>, Map<String, Value>) {
    let header = json!({"typ": HOP_TYPE, "alg": "EdDSA", "kid": did(0).key_id()});
    let claims = serde_json::to_value(HopWire::from(&hop(1, ContentHash::of(b"the root")))).unwrap();
    (header.as_object().cloned().unwrap(), claims.as_object().cloned().unwrap())
}

pub(super) fn signed((header, claims): &(Map<String, Value>, Map<String, Value>)) -> String {
    sign_with_header(header, claims, &key(0)).unwrap()
}

/// The texts of `hops`, each signed by its rightful delegator and named by the next.
pub(super) fn signed_chain(root: &VerifiedAccessToken, hops: impl IntoIterator<Item = Hop>) -> Vec<String> {
    let mut parent = root.name();
    let mut texts = Vec::new();
    for (hop, delegator) in hops.into_iter().zip(0_u8..) {
        let text = Hop { parent, ..hop }.sign(&key(delegator)).unwrap();
        parent = ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes());
        texts.push(text);
    }
    texts
}
