//! The request vectors, a file for each part of a message.

mod actors;
mod binding;
mod budgets;
mod chain;
mod chains;
mod content;
mod drift;
mod form;
mod good;
mod issuers;
mod lists;
mod nonce;
mod proof_claims;
mod proof_form;
mod proof_header;
mod proof_key;
mod proof_signature;
mod proof_time;
mod replay;
mod revocation;
mod route;
mod target;
mod token_claims;
mod token_form;
mod token_time;
mod tools;

use super::Case;

pub(super) fn all() -> Vec<Case> {
    [
        good::cases(),
        form::cases(),
        chain::cases(),
        chains::cases(),
        proof_form::cases(),
        proof_header::cases(),
        proof_key::cases(),
        proof_claims::cases(),
        proof_signature::cases(),
        proof_time::cases(),
        nonce::cases(),
        target::cases(),
        token_form::cases(),
        token_claims::cases(),
        token_time::cases(),
        actors::cases(),
        issuers::cases(),
        revocation::cases(),
        lists::cases(),
        binding::cases(),
        route::cases(),
        tools::cases(),
        content::cases(),
        drift::cases(),
        replay::cases(),
        budgets::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
