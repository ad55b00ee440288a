//! Anything a chain names stops it: agents, hops, keys, root, task and owner (DEL-38 to DEL-40).

use handfast_dpop::ContentHash;

use crate::make::case::{invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, ISSUER, OTHER_RESOURCE, OWNER, RESOURCE, SECOND_ISSUER, TASK, TOKEN_ID, key_set};
use crate::make::jws::signing_input;
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::{IssuerSetting, Revocation, StatusSetting, TrustRecord};

/// When the good root was made.
const ROOT_MADE: u64 = NOW - 60;
/// When the first hop was made.
const FIRST_MADE: u64 = NOW - 49;
/// When the second hop was made.
const SECOND_MADE: u64 = NOW - 48;

/// The name of the hop at `place`.
pub(in crate::make::cases) fn hop_name(draft: &Draft, place: usize) -> String {
    ContentHash::of(signing_input(&draft.finished_hops()[place - 1]).as_bytes()).to_string()
}

fn revoked(draft: Draft, kind: &str, id: &str, cut: Option<u64>) -> Draft {
    let entry = Revocation { kind: kind.into(), id: id.into(), cut };
    draft.set(|setting| setting.issuers[0].status = StatusSetting::Known { as_of: NOW - 5, revoked: vec![entry] })
}

fn chain(form: &str, hops: u8) -> Draft {
    if form == "offline" { Draft::offline(hops) } else { Draft::exchanged(hops) }
}

pub(super) fn cases() -> Vec<Case> {
    ["offline", "exchanged"]
        .into_iter()
        .flat_map(|form| [agents(form), hops(form), keys(form), names(form), cuts(form), status(form), elsewhere(form)])
        .flatten()
        .collect()
}

fn refused(form: &str, name: &str, reason: &str, rules: &'static str, about: &str, draft: Draft, twin: &str) -> Case {
    wrong(format!("{form}-{name}"), invalid_token(reason), rules, format!("{form}: {about}"), draft)
        .twin(format!("{form}-{twin}"))
}

fn agents(form: &str) -> Vec<Case> {
    let parties = [Who::Agent, Who::Delegate(1), Who::Delegate(2), Who::Delegate(3)];
    let each = parties.into_iter().zip(0..).map(|(who, place)| {
        let about = format!("agent {place} of a chain of three hops is revoked, the root's being 0");
        let draft = revoked(chain(form, 3), "agent", who.did().as_str(), None);
        refused(form, &format!("agent-{place}-revoked"), "agent_revoked", "TH44 DEL-39 ACT-10", &about, draft, "3")
    });
    let other = revoked(chain(form, 3), "agent", Who::Delegate(4).did().as_str(), None);
    let name = format!("{form}-another-agent-revoked");
    each.chain([right(name, "DEL-39", format!("{form}: an agent that is not in the chain is revoked"), other)])
        .collect()
}

fn hops(form: &str) -> Vec<Case> {
    (1..=3)
        .map(|place| {
            let draft = chain(form, 3);
            let name = hop_name(&draft, place);
            let draft = revoked(draft, "hop", &name, None);
            let about = format!("hop {place} of three is revoked");
            refused(form, &format!("hop-{place}-revoked"), "hop_revoked", "DEL-38 DEL-39", &about, draft, "3")
        })
        .collect()
}

fn keys(form: &str) -> Vec<Case> {
    let key = |who: Who, cut| revoked(chain(form, 2), "key", &who.jkt(), cut);
    let compromised = |name: &str, about: &str, who: Who| {
        refused(form, name, "key_compromised", "DEL-40", about, key(who, None), "2")
    };
    let middle = Who::Delegate(1);
    vec![
        compromised("key-of-the-root-compromised", "the key of the root's agent is compromised", Who::Agent),
        compromised("key-of-a-delegator-compromised", "the key that signed the second hop is compromised", middle),
        compromised("key-of-the-delegate-compromised", "the last delegate's key is compromised", Who::Delegate(2)),
        right(
            format!("{form}-key-rotated-after-the-hop"),
            "DEL-40",
            format!("{form}: the second hop was made in the second in which its delegator's key was rotated out"),
            key(middle, Some(SECOND_MADE)),
        ),
        refused(
            form,
            "key-rotated-before-the-hop",
            "key_rotated_out",
            "DEL-40",
            "the second hop was made a second after its delegator's key was rotated out",
            key(middle, Some(SECOND_MADE - 1)),
            "key-rotated-after-the-hop",
        ),
        refused(
            form,
            "root-key-rotated-before-the-hop",
            "key_rotated_out",
            "DEL-40",
            "the root's agent signed the first hop after its key was rotated out, the root is older",
            key(Who::Agent, Some(FIRST_MADE - 1)),
            "root-key-rotated-after-the-hop",
        ),
        right(
            format!("{form}-root-key-rotated-after-the-hop"),
            "DEL-40",
            format!("{form}: the root's agent rotated its key in the second of the first hop; the second is younger"),
            key(Who::Agent, Some(FIRST_MADE)),
        ),
        refused(
            form,
            "delegate-key-rotated-before-the-hop",
            "key_rotated_out",
            "DEL-40",
            "the last hop was made a second after its delegate's key was rotated out, the root is older",
            key(Who::Delegate(2), Some(SECOND_MADE - 1)),
            "2",
        ),
    ]
}

fn names(form: &str) -> Vec<Case> {
    let named = |name: &str, reason: &str, about: &str, kind: &str, id: &str| {
        refused(form, name, reason, "DEL-39", about, revoked(chain(form, 2), kind, id, None), "2")
    };
    vec![
        named("root-revoked", "token_revoked", "the root token is revoked", "token", TOKEN_ID),
        named("task-revoked", "task_revoked", "the task is revoked", "task", TASK),
        named("principal-revoked", "principal_revoked", "the owner is revoked", "owner", OWNER),
        named(
            "issuer-key-revoked",
            "issuer_key_revoked",
            "the issuer's key is revoked",
            "issuer_key",
            &Who::Issuer.jkt(),
        ),
    ]
}

/// Cuts count by the time of the root: what was passed on later is no younger.
fn cuts(form: &str) -> Vec<Case> {
    let agent = Who::Delegate(1).did().to_string();
    let things = [
        ("task", TASK, "task_revoked"),
        ("owner", OWNER, "principal_revoked"),
        ("agent", agent.as_str(), "agent_revoked"),
    ];
    things
        .into_iter()
        .flat_map(|(kind, id, reason)| {
            let at = |cut| revoked(chain(form, 2), kind, id, Some(cut));
            let after = format!("cut-{kind}-before-the-root");
            let about = format!("the {kind}'s cut is in the second of the root, and before everything made from it");
            [
                right(format!("{form}-{after}"), "DEL-39", format!("{form}: the {kind}'s cut is before the root"), {
                    at(ROOT_MADE - 1)
                }),
                refused(form, &format!("cut-{kind}"), reason, "DEL-39", &about, at(ROOT_MADE), &after),
            ]
        })
        .collect()
}

fn status(form: &str) -> Vec<Case> {
    let known = |status: StatusSetting| chain(form, 2).set(|setting| setting.issuers[0].status = status);
    let ours = |name: &str, reason: &str, about: &str, status| {
        wrong(format!("{form}-{name}"), unavailable(reason), "DEL-39 P-17", format!("{form}: {about}"), known(status))
            .twin(format!("{form}-2"))
    };
    let stale = StatusSetting::Known { as_of: NOW - 31, revoked: Vec::new() };
    vec![
        ours(
            "status-unknown",
            "status_unknown",
            "nothing is known of the issuer's revocations",
            StatusSetting::Unknown,
        ),
        ours("status-stale", "status_unknown", "the last word on revocations is 31 seconds old", stale),
        ours("status-rolled-back", "feed_rolled_back", "the issuer's feed went back", StatusSetting::RolledBack),
    ]
}

/// Something is revoked at another issuer whose word on agents and keys counts, and nothing at the token's own.
pub(super) fn listed(draft: Draft, kind: &str, id: &str) -> Draft {
    let record = |issuer: &str, feed: Who, agent_status: Vec<String>| TrustRecord {
        issuer: issuer.into(),
        profile: "handfast".into(),
        status: "feed".into(),
        feed_key: Some(feed.did().to_string()),
        status_key: None,
        status_origins: Vec::new(),
        resources: Some(vec![RESOURCE.into(), OTHER_RESOURCE.into()]),
        scopes: Some("files:read files:write".into()),
        subjects: Some(vec!["owner:".into()]),
        agent_status,
        max_lifetime: 3600,
    };
    let entry = Revocation { kind: kind.into(), id: id.into(), cut: None };
    let status = |revoked| StatusSetting::Known { as_of: NOW - 5, revoked };
    draft.set(|setting| {
        setting.issuers = vec![
            IssuerSetting {
                trust: record(ISSUER, Who::Feed, vec![SECOND_ISSUER.into()]),
                keys: key_set(Who::Issuer),
                status: status(Vec::new()),
            },
            IssuerSetting {
                trust: record(SECOND_ISSUER, Who::SecondFeed, Vec::new()),
                keys: key_set(Who::SecondIssuer),
                status: status(vec![entry]),
            },
        ];
    })
}

fn elsewhere(form: &str) -> Vec<Case> {
    let listed = |kind: &str, id: &str| listed(chain(form, 2), kind, id);
    let middle = Who::Delegate(1);
    let twin = "task-revoked-where-listed";
    vec![
        right(
            format!("{form}-{twin}"),
            "P-10",
            format!("{form}: a task of the same id is revoked where only agents and keys count"),
            listed("task", TASK),
        ),
        refused(
            form,
            "agent-revoked-where-listed",
            "agent_revoked",
            "DEL-39 P-11",
            "the first delegate is revoked at an issuer whose word on agents counts",
            listed("agent", middle.did().as_str()),
            twin,
        ),
        refused(
            form,
            "key-revoked-where-listed",
            "key_compromised",
            "DEL-40 P-11",
            "the first delegate's key is revoked at an issuer whose word on keys counts",
            listed("key", &middle.jkt()),
            twin,
        ),
    ]
}
