//! Wishes beyond what a task was given, and what a server stopped because of them (spec/delegation.md, drift).

use serde_json::json;

use super::chains::revocation::hop_name;
use crate::make::Case;
use crate::make::case::{forbidden, invalid_proof, invalid_token, right, wrong};
use crate::make::draft::{Draft, TASK};
use crate::vector::{ChainSetting, Evidence, Stopped};

pub(super) fn cases() -> Vec<Case> {
    let forms = ["offline", "exchanged"].into_iter().flat_map(suspended);
    [proofs(), halted()].into_iter().flatten().chain(forms).chain(on_word()).collect()
}

fn stopping(draft: Draft, task: &str, hop: Option<String>) -> Draft {
    draft.set(|setting| setting.stopped = vec![Stopped { task: task.into(), hop }])
}

/// The caller may not do this.
fn wish() -> Draft {
    Draft::good().claims(json!({"scope": "files:write"}))
}

fn proofs() -> Vec<Case> {
    let refused = || forbidden("insufficient_scope", "files:read");
    vec![
        wrong(
            "drift-uses-the-proof",
            invalid_proof("proof_replayed"),
            "DPOP-50",
            "the proof came with a wish beyond the task first: it is used up, so that each counts once",
            Draft::good(),
        )
        .after(wish(), refused())
        .twin("replay-after-refusal"),
        wrong(
            "drift-again",
            refused(),
            "DEL-35",
            "the same wish with the same proof is refused for the same reason",
            wish(),
        )
        .after(wish(), refused()),
    ]
}

fn halted() -> Vec<Case> {
    let other = "task_01jd7v3k8q5xw2t9m4n6r0abcf";
    vec![
        wrong(
            "task-halted",
            invalid_token("task_halted"),
            "DEL-35",
            "the server has halted the task",
            stopping(Draft::good(), TASK, None),
        ),
        wrong(
            "task-halted-and-wish",
            invalid_token("task_halted"),
            "DEL-35",
            "the server has halted the task, and the scope is too small as well",
            stopping(wish(), TASK, None),
        )
        .twin("another-task-halted"),
        right("another-task-halted", "DEL-35", "another task is halted", stopping(Draft::good(), other, None)),
    ]
}

fn chain(form: &str) -> Draft {
    if form == "offline" { Draft::offline(2) } else { Draft::exchanged(2) }
}

fn suspended(form: &str) -> Vec<Case> {
    let each = (1..=2).map(|place| {
        let draft = chain(form);
        let name = hop_name(&draft, place);
        wrong(
            format!("{form}-hop-{place}-suspended"),
            invalid_token("delegation_suspended"),
            "DEL-35",
            format!("{form}: the server has suspended hop {place} of two"),
            stopping(draft, TASK, Some(name)),
        )
        .twin(format!("{form}-another-hop-suspended"))
    });
    // the third hop of a longer chain is none of this one's
    let longer = if form == "offline" { Draft::offline(3) } else { Draft::exchanged(3) };
    let other = right(
        format!("{form}-another-hop-suspended"),
        "DEL-35",
        format!("{form}: a hop that is not in the chain is suspended"),
        stopping(chain(form), TASK, Some(hop_name(&longer, 3))),
    );
    let whole = wrong(
        format!("{form}-task-halted"),
        invalid_token("task_halted"),
        "DEL-35",
        format!("{form}: the server has halted the task of the chain"),
        stopping(chain(form), TASK, None),
    )
    .twin(format!("{form}-another-hop-suspended"));
    each.chain([other, whole]).collect()
}

/// Without evidence the token's own list of hops counts.
fn on_word() -> Vec<Case> {
    let exchanged = Draft::exchanged(2);
    let (first, longer) = (hop_name(&exchanged, 1), hop_name(&Draft::exchanged(3), 3));
    let optional = ChainSetting { evidence: Evidence::Optional, max_bytes: 8192, max_hops: 5 };
    let draft = |hop| {
        let draft = exchanged.clone().field("Delegation", &[]).without_proof_claim("dch");
        stopping(draft, TASK, Some(hop)).set(|setting| setting.chain = Some(optional))
    };
    vec![
        wrong(
            "on-word-hop-suspended",
            invalid_token("delegation_suspended"),
            "DEL-35",
            "a token without evidence lists a hop that the server has suspended",
            draft(first),
        )
        .twin("on-word-another-hop-suspended"),
        right("on-word-another-hop-suspended", "DEL-35", "it lists none that is", draft(longer)),
    ]
}
