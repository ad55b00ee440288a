//! Revocation of everything a token names, and what happens when it is not known.

use serde_json::json;

use crate::make::case::{invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, OWNER, TASK, TOKEN_ID};
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::{Revocation, StatusSetting};

pub(super) fn cases() -> Vec<Case> {
    [names(), cuts(), unknown()].into_iter().flatten().collect()
}

/// When the token of the good message was made.
const MADE: u64 = NOW - 60;

fn revoked(draft: Draft, kind: &str, id: &str, cut: Option<u64>) -> Draft {
    let entry = Revocation { kind: kind.into(), id: id.into(), cut };
    draft.set(|setting| setting.issuers[0].status = StatusSetting::Known { as_of: NOW - 5, revoked: vec![entry] })
}

fn good(kind: &str, id: &str) -> Draft {
    revoked(Draft::good(), kind, id, None)
}

fn names() -> Vec<Case> {
    let refused = |name, reason: &str, rules, about, draft| {
        wrong(name, invalid_token(reason), rules, about, draft).twin("revoked-others")
    };
    let agent = Who::Agent.did().to_string();
    vec![
        right("revoked-others", "P-11", "another agent is revoked", good("agent", Who::OtherAgent.did().as_str())),
        right("revoked-of-another-kind", "P-11", "the owner's id is revoked as a task's", good("task", OWNER)),
        right("revoked-hop", "P-11", "a hop with the token's id is revoked", good("hop", TOKEN_ID)),
        refused("revoked-token", "token_revoked", "P-11 DEL-48", "the token is revoked", good("token", TOKEN_ID)),
        refused("revoked-task", "task_revoked", "P-11", "the task is revoked", good("task", TASK)),
        refused("revoked-agent", "agent_revoked", "P-11 P-12 TH44", "the agent is revoked", good("agent", &agent)),
        refused("revoked-owner", "principal_revoked", "P-11", "the owner is revoked", good("owner", OWNER)),
        refused(
            "revoked-key",
            "key_compromised",
            "P-11",
            "the agent's key is compromised",
            good("key", &Who::Agent.jkt()),
        ),
        refused(
            "revoked-issuer-key",
            "issuer_key_revoked",
            "P-11 JWKS-06",
            "the key that signed the token is revoked",
            good("issuer_key", &Who::Issuer.jkt()),
        ),
        wrong("revoked-unclaimed-agent", invalid_token("agent_revoked"), "P-11", "an UNCLAIMED agent is revoked", {
            good("agent", &agent).claims(json!({"sub": agent}))
        })
        .twin("good-unclaimed"),
        wrong(
            "revoked-owner-in-person",
            invalid_token("principal_revoked"),
            "P-11",
            "an owner in person is revoked",
            revoked(Draft::good_owner(), "owner", OWNER, None),
        )
        .twin("good-owner"),
        wrong(
            "revoked-and-forged",
            invalid_token("token_signature_invalid"),
            "P-11 BCP-17",
            "the agent is revoked, but the token is a stranger's: he learns nothing of it",
            good("agent", &agent).token_signed_by(Who::Stranger),
        )
        .twin("revoked-others"),
    ]
}

fn cuts() -> Vec<Case> {
    let agent = Who::Agent.did().to_string();
    let cut = |kind: &str, id: &str, at: u64| revoked(Draft::good(), kind, id, Some(at));
    let jkt = Who::Agent.jkt();
    vec![
        wrong("cut-agent", invalid_token("agent_revoked"), "P-11 P-12", "made in the second of the agent's cut", {
            cut("agent", &agent, MADE)
        })
        .twin("cut-agent-after"),
        right("cut-agent-after", "P-11", "made a second after the agent's cut", cut("agent", &agent, MADE - 1)),
        wrong("cut-owner", invalid_token("principal_revoked"), "P-11", "made in the second of the owner's cut", {
            cut("owner", OWNER, MADE)
        })
        .twin("cut-owner-after"),
        right("cut-owner-after", "P-11", "made a second after the owner's cut", cut("owner", OWNER, MADE - 1)),
        wrong(
            "cut-task",
            invalid_token("task_revoked"),
            "P-11",
            "made in the second of the task's cut",
            cut("task", TASK, MADE),
        )
        .twin("cut-task-after"),
        right("cut-task-after", "P-11", "made a second after the task's cut", cut("task", TASK, MADE - 1)),
        wrong(
            "cut-key",
            invalid_token("key_rotated_out"),
            "P-11 DEL-40",
            "made a second after the key was rotated out",
            cut("key", &jkt, MADE - 1),
        )
        .twin("cut-key-before"),
        right(
            "cut-key-before",
            "P-11 DEL-40",
            "made in the second in which the key was rotated out",
            cut("key", &jkt, MADE),
        ),
    ]
}

fn unknown() -> Vec<Case> {
    let status = |status: StatusSetting| Draft::good().set(|setting| setting.issuers[0].status = status);
    let as_of = |at: u64| status(StatusSetting::Known { as_of: at, revoked: Vec::new() });
    vec![
        right("status-oldest", "P-11", "the last word on revocations is 30 seconds old", as_of(NOW - 30)),
        wrong(
            "status-stale",
            unavailable("status_unknown"),
            "P-11 P-17",
            "the last word on revocations is 31 seconds old",
            as_of(NOW - 31),
        )
        .twin("status-oldest"),
        right("status-ahead", "P-11", "the last word is signed ahead of our clock", as_of(NOW + 20)),
        wrong(
            "status-unknown",
            unavailable("status_unknown"),
            "P-17",
            "nothing has arrived yet",
            status(StatusSetting::Unknown),
        )
        .twin("status-oldest"),
        wrong(
            "status-rolled-back",
            unavailable("feed_rolled_back"),
            "P-12 P-17 TH64",
            "the feed went back behind what is known of it",
            status(StatusSetting::RolledBack),
        )
        .twin("status-oldest"),
        wrong(
            "status-unknown-and-forged",
            invalid_token("token_signature_invalid"),
            "P-17",
            "nothing is known, but the token is a stranger's",
            status(StatusSetting::Unknown).token_signed_by(Who::Stranger),
        )
        .twin("status-oldest"),
    ]
}
