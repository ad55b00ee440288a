//! What is logged of each decision: who asked, for whom, in which task and through whom (DEL-47).
//!
//! Never tokens, proofs or nonces (DPOP-138). Before token, chain and proof were found good, a line says the reason alone: everything
//! else would be what a stranger writes. Operators choose the lines by their target, [`TARGET`].

use handfast_delegation::{ActorChain, Task};
use handfast_dpop::{ContentHash, ReplayError};
use handfast_verifier::budget::BudgetError;
use handfast_verifier::{Attribution, Rejection};

/// The target of these lines.
const TARGET: &str = "handfast::decision";

/// One line with the fields that each line about somebody has, after those of its own.
macro_rules! decision {
    ($level:expr, $by:expr, $($own:tt)*) => {
        tracing::event!(
            target: TARGET, $level, $($own)*
            issuer = $by.issuer(),
            sub = $by.subject(),
            client_id = $by.client_id(),
            actors = actors($by).as_deref(),
            task = $by.task().map(|task| task.id.as_str()),
            trigger = trigger($by).as_deref(),
            hops = hops($by).as_deref(),
            jkt = %$by.key(),
            token_id = $by.token_id(),
            proof_id_hash = %ContentHash::of($by.proof_id().as_bytes()),
        )
    };
}

pub(super) fn accepted(by: &Attribution) {
    decision!(tracing::Level::INFO, by, decision = "accepted",);
}

pub(super) fn refused(rejection: &Rejection, by: Option<&Attribution>) {
    let reason = rejection.reason();
    let is_ours = rejection.answer().status == 503;
    match by {
        Some(by) if is_ours => decision!(tracing::Level::WARN, by, decision = "refused", reason,),
        Some(by) => decision!(tracing::Level::INFO, by, decision = "refused", reason,),
        None if is_ours => tracing::warn!(target: TARGET, decision = "refused", reason),
        None => tracing::info!(target: TARGET, decision = "refused", reason),
    }
    match rejection {
        Rejection::Replay(ReplayError::ClockWentBack) => {
            tracing::error!("the system clock was set back by more than the proof window"); // TH77
        }
        Rejection::Budget(BudgetError::ClockWentBack) => {
            tracing::error!("the system clock is behind what the budget store was told before");
        }
        _ => {}
    }
}

/// The current actor first, the root's agent last.
fn actors(by: &Attribution) -> Option<String> {
    by.actors().map(|actors| ActorChain::iter(actors).collect::<Vec<_>>().join(" "))
}

/// What began the task, and who.
fn trigger(by: &Attribution) -> Option<String> {
    by.task().map(|Task { trigger, .. }| format!("{} {}", trigger.kind, trigger.by))
}

/// The names of the hops, the root's first.
fn hops(by: &Attribution) -> Option<String> {
    let hops = by.hops();
    (!hops.is_empty()).then(|| hops.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}
