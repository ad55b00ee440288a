//! Delegation chains (spec/delegation.md, the check), offline and exchanged.

mod agreement;
mod budgets;
mod depth;
mod details;
mod evidence;
mod form;
mod good;
mod links;
mod narrowing;
mod remembered;
pub(super) mod revocation;
mod root;
mod times;

use crate::make::Case;
use crate::make::case::{invalid_token, wrong};
use crate::make::draft::Draft;
use crate::vector::{ChainSetting, Evidence, Expected};

pub(super) fn cases() -> Vec<Case> {
    [
        good::cases(),
        form::cases(),
        evidence::cases(),
        depth::cases(),
        root::cases(),
        links::cases(),
        narrowing::cases(),
        details::cases(),
        times::cases(),
        agreement::cases(),
        budgets::cases(),
        revocation::cases(),
        remembered::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const ACCEPTED: Expected = Expected::Accepted;

/// One mistake in a chain of two hops, presented in both forms.
fn both(
    name: &str,
    reason: &str,
    rules: &'static str,
    about: &str,
    mistake: impl Fn(Draft) -> Draft,
) -> impl Iterator<Item = Case> {
    [offline(name, reason, rules, about, &mistake), exchanged(name, reason, rules, about, &mistake)].into_iter()
}

fn offline(name: &str, reason: &str, rules: &'static str, about: &str, mistake: impl FnOnce(Draft) -> Draft) -> Case {
    wrong(
        format!("offline-{name}"),
        invalid_token(reason),
        rules,
        format!("offline: {about}"),
        mistake(Draft::offline(2)),
    )
    .twin("offline-2")
}

fn exchanged(name: &str, reason: &str, rules: &'static str, about: &str, mistake: impl FnOnce(Draft) -> Draft) -> Case {
    wrong(
        format!("exchanged-{name}"),
        invalid_token(reason),
        rules,
        format!("exchanged: {about}"),
        mistake(Draft::exchanged(2)),
    )
    .twin("exchanged-2")
}

/// A server that asks for this of evidence.
fn asking(draft: Draft, evidence: Evidence, max_bytes: usize, max_hops: usize) -> Draft {
    draft.set(|setting| setting.chain = Some(ChainSetting { evidence, max_bytes, max_hops }))
}

/// A server that reads as much as any may.
fn wide(draft: Draft) -> Draft {
    asking(draft, Evidence::Required, 32 * 1024, 8)
}
