//! The fast path answers as the general path does, whatever was remembered before: a hundred thousand requests of a grammar.
//!
//! ```text
//! cargo test -p handfast-conformance --test both                              10^5 requests
//! HANDFAST_LONG=1 cargo test --release -p handfast-conformance --test both    10^7
//! HANDFAST_REQUESTS=N cargo test --release -p handfast-conformance --test both   N of them
//! HANDFAST_SEED=N cargo test -p handfast-conformance --test both              one episode again
//! ```
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed set-up should stop the test")]

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use handfast_conformance::both::{Corpus, Difference, Plant, Tally, episode};
use handfast_conformance::page;

static CORPUS: LazyLock<Corpus> = LazyLock::new(Corpus::read);

/// How many requests are compared.
fn wanted() -> usize {
    if let Some(told) = std::env::var("HANDFAST_REQUESTS").ok().and_then(|told| told.parse().ok()) {
        return told;
    }
    let is_long = std::env::var_os("HANDFAST_LONG").is_some_and(|value| value == "1");
    match (is_long, cfg!(debug_assertions)) {
        (false, _) => 100_000,
        (true, true) => 1_000_000,
        (true, false) => 10_000_000,
    }
}

/// Episodes of the seeds from `first` on, on every processor, until there were enough requests or the paths differ.
fn run(first: u64, wanted: usize, plant: Plant) -> Result<Tally, Box<Difference>> {
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = wanted.div_ceil(workers);
    let work = || {
        let mut tally = Tally::default();
        while tally.requests < share {
            if let Some(found) = episode(&CORPUS, next.fetch_add(1, Ordering::Relaxed), plant, &mut tally) {
                return Err(found);
            }
        }
        Ok(tally)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = Tally::default();
        for worker in running {
            all.add(&worker.join().unwrap()?);
        }
        Ok(all)
    })
}

/// Reasons that no request causes.
const BEYOND_REQUESTS: [&str; 1] = ["receipt_mismatch"];
/// Reasons of fields, and of headers that nobody remembers: given before anything is found.
const BEFORE_MEMORY: [&str; 14] = [
    "credentials_missing",
    "credentials_repeated",
    "credentials_malformed",
    "scheme_unsupported",
    "token_misplaced",
    "bearer_downgrade",
    "proof_missing",
    "proof_repeated",
    "chain_too_long",
    "proof_too_long",
    "proof_critical_header",
    "proof_algorithm",
    "proof_type",
    "proof_key",
];

#[test]
fn fast_and_general_path_give_every_answer_alike() {
    if let Some(seed) = std::env::var("HANDFAST_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let found = episode(&CORPUS, seed, Plant::Nothing, &mut Tally::default());
        assert!(found.is_none(), "{}", found.unwrap());
        return;
    }
    let tally = run(0, wanted(), Plant::Nothing).unwrap_or_else(|found| panic!("{found}"));
    // it came everywhere: each reason was given, and each that can be was given to what was remembered
    let reasons = page::request_reasons();
    let missing = |seen: BTreeSet<&str>, except: &[&str]| {
        let missing =
            reasons.iter().map(String::as_str).filter(|reason| !seen.contains(reason) && !except.contains(reason));
        missing.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(missing(tally.verdicts.keys().copied().collect(), &BEYOND_REQUESTS), [""; 0]);
    let except = [&BEYOND_REQUESTS[..], &BEFORE_MEMORY].concat();
    assert_eq!(missing(tally.warm.keys().copied().collect(), &except), [""; 0], "of what was remembered");
    let accepted = |of: &std::collections::BTreeMap<&str, usize>| of.get("accepted").copied().unwrap_or_default();
    assert!(accepted(&tally.verdicts) * 10 > tally.requests, "honest requests are too few");
    assert!(accepted(&tally.warm) * 20 > tally.requests, "the fast path is hardly taken");
}

#[test]
fn a_planted_difference_is_found_and_shrunk() {
    for plant in [Plant::OldFacts, Plant::NoReplay] {
        let found = run(0, 20_000, plant).unwrap_err();
        assert!(found.steps() <= 4, "{plant:?}: {found}");
    }
}
