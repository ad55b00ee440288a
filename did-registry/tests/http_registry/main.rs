//! The registry's routes, as their callers see them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed step is a failed test"
)]

mod asked;
mod assertions;
mod bench;
mod budgets;
mod claims;
mod delegation;
mod delegation_bench;
mod documented;
mod documents;
mod enrolments;
mod feed_key;
mod idempotency;
mod identifiers;
mod introspection;
mod issuer_keys;
mod lifecycle;
#[path = "../../model/tests/model/lifecycle_table.rs"]
mod lifecycle_table;
mod malformed;
mod management;
mod matrix;
mod offboarding;
mod registration;
mod revocations;
mod rotating;
mod search;
mod secrets;
mod setup;
mod status_lists;
mod stopping;
mod story;
mod tokens;
mod torn;
