//! What readers of outside texts and the fast path promise, for inputs that nobody thought of.
//!
//! A target is a function of bytes that panics where a promise is broken. It runs in two ways: `cargo test` gives it what it begins
//! with, made from `spec/vectors`, every input that was ever found, and a few thousand small changes of both; `scripts/fuzz` lets
//! libFuzzer look for more.
//!
//! ```text
//! spec/vectors --seeds--> bytes --libFuzzer, or small changes--> Target::run --> nothing, or a panic that says what differs
//! ```
//!
//! None only waits for a crash: each compares with a second reader, or with what was read when it is written again.

mod form;
mod seeds;
mod targets;

/// One promise, for any input.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How it is called, and the folder of its inputs.
    pub name: &'static str,
    /// What it promises.
    pub about: &'static str,
    /// Panics where the promise is broken.
    pub run: fn(&[u8]),
    /// What to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Longest input worth trying.
    pub max_bytes: usize,
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target {
        name: "both",
        about: "the fast path gives the verdict and reason of the general one, whatever was remembered before",
        run: targets::both::run,
        seeds: seeds::episodes,
        max_bytes: 512,
    },
    Target {
        name: "json",
        about: "strict JSON is read as a second reader reads it, and is the same when it is written again",
        run: targets::json::run,
        seeds: seeds::json,
        max_bytes: 4096,
    },
    Target {
        name: "proof",
        about: "a proof is read if a second reader reads it, and the same at a glance as by the general reader",
        run: targets::proof::run,
        seeds: seeds::proofs,
        max_bytes: 4600,
    },
    Target {
        name: "token",
        about: "an access token says the same when it is written again, and only to its issuer's key",
        run: targets::token::run,
        seeds: seeds::tokens,
        max_bytes: 9000,
    },
    Target {
        name: "chain",
        about: "a chain is its members, hops say the same when they are written again, and no verified chain widens its root",
        run: targets::chain::run,
        seeds: seeds::chains,
        max_bytes: 12_000,
    },
    Target {
        name: "did",
        about: "a DID has one spelling, one key and one place, and a document is read as strict JSON about its own DID",
        run: targets::did::run,
        seeds: seeds::dids,
        max_bytes: 4096,
    },
    Target {
        name: "target",
        about: "the normal form of a target is that of a second reader, and its own normal form",
        run: targets::target::run,
        seeds: seeds::targets,
        max_bytes: 5000,
    },
];

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Words that the fuzzer may put in: names of members, and what has a meaning in texts of these forms.
#[must_use]
pub fn words() -> Vec<String> {
    seeds::words()
}
