//! Lookups at hostile `did:web` hosts beside honest ones: `scripts/bench hostile-web [LOOKUPS]` (a million unless told otherwise).
//!
//! Twelve hosts mean ill: slow, dripping, huge, endless, redirecting, garbage, documents of others, names that point inside. Honest
//! documents, each fetched once, are looked up one after the other, first alone and then while the others run. Fails when the hosts
//! cost more than the limits say, or honest lookups take more than twice as long as alone, at the median of the same run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)] // a measurement that cannot be made should stop

#[path = "../tests/dids/host.rs"]
#[allow(dead_code)] // the tests ask more of it
mod host;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use handfast_fetch::{DidResolver, FetchError, Fetcher, Mode, ResolveError};
use handfast_identity::Did;
use host::{Host, TestNames};

const KINDS: [&str; 12] = [
    "slow",
    "dripping",
    "huge",
    "endless",
    "redirecting",
    "elsewhere",
    "garbage",
    "html",
    "other",
    "text",
    "mixed",
    "missing",
];
const LOOKUPS: usize = 1_000_000;
/// Honest lookups for each of the two medians, at least.
const HONEST: usize = 400;
/// Hostile lookups come so many at a time, and so often: 20 000 a second.
const BURST: usize = 100;
const TICK: Duration = Duration::from_millis(5);
/// The most that honest lookups may take beside hostile ones, over what they take alone.
const MOST: f64 = 2.0;
/// Fetches at once of one host, and what is kept of all (spec/limits.md).
const OF_HOST: usize = 4;
const KEPT_BYTES: usize = 8 << 20;

fn word(outcome: &Result<handfast_fetch::ResolvedDocument, ResolveError>) -> &'static str {
    match outcome {
        Ok(_) => "found",
        Err(ResolveError::NotFound(error)) => match &**error {
            FetchError::Deadline { .. } => "too slow",
            FetchError::TooLarge { .. } => "too large",
            FetchError::Redirect(_) => "redirect",
            FetchError::Address(_) => "address",
            _ => "not found",
        },
        Err(ResolveError::HostPaused) => "host paused",
        Err(ResolveError::Document(_)) => "no document of it",
        Err(ResolveError::Busy) => "busy",
    }
}

/// Fetches honest documents one after the other, until `done` says so and there are enough.
async fn honest(resolver: &DidResolver, host: &Host, round: &str, done: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.len() < HONEST || !done.load(Ordering::SeqCst) {
        let did = Did::parse(&host.did("honest", &format!(":{round}{}", times.len()))).unwrap();
        let start = Instant::now();
        let outcome = resolver.resolve(&did).await;
        times.push(start.elapsed());
        assert_eq!(word(&outcome), "found", "an honest document");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    times.sort_unstable();
    times
}

async fn hostile(
    resolver: &DidResolver,
    host: &Arc<Host>,
    lookups: usize,
) -> BTreeMap<(&'static str, &'static str), usize> {
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let mut ticks = tokio::time::interval(TICK);
    let mut running = tokio::task::JoinSet::new();
    for first in (0..lookups).step_by(BURST) {
        ticks.tick().await;
        for number in first..(first + BURST).min(lookups) {
            let (resolver, seen, kind) = (resolver.clone(), Arc::clone(&seen), KINDS[number % KINDS.len()]);
            let did = Did::parse(&host.did(kind, &format!(":u{number}"))).unwrap();
            running.spawn(async move {
                let word = word(&resolver.resolve(&did).await);
                *seen.lock().unwrap().entry((kind, word)).or_default() += 1;
            });
        }
        while running.try_join_next().is_some() {}
        let (_, bytes) = resolver.held();
        assert!(bytes <= KEPT_BYTES, "{bytes} bytes kept");
    }
    while running.join_next().await.is_some() {}
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::main]
async fn main() -> ExitCode {
    let lookups = std::env::args().nth(1).map_or(LOOKUPS, |count| count.parse().unwrap());
    let host = Arc::new(Host::start().await);
    let resolver = DidResolver::new(Fetcher::with_test_names(Mode::Development, TestNames::default()).unwrap());
    let alone = honest(&resolver, &host, "alone", &AtomicBool::new(true)).await;
    let done = Arc::new(AtomicBool::new(false));
    let beside = tokio::spawn({
        let (resolver, host, done) = (resolver.clone(), Arc::clone(&host), Arc::clone(&done));
        async move { honest(&resolver, &host, "beside", &done).await }
    });
    let start = Instant::now();
    let seen = hostile(&resolver, &host, lookups).await;
    let took = start.elapsed();
    done.store(true, Ordering::SeqCst);
    let beside = beside.await.unwrap();

    println!("{lookups} hostile lookups in {:.1} s", took.as_secs_f64());
    for ((kind, word), count) in &seen {
        println!("  {kind:12} {word:18} {count}");
    }
    for kind in ["slow", "dripping"] {
        let (asked, at_once) = (host.asked(kind), host.most_at_once(kind));
        println!("  {kind:12} was asked {asked} times, at most {at_once} at once");
        assert!(at_once <= OF_HOST);
    }
    assert_eq!(host.elsewhere(), 0, "a redirect was followed");
    let at = |times: &[Duration], part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    let ratio = at(&beside, 50) / at(&alone, 50);
    for (name, times) in [("alone", &alone), ("beside", &beside)] {
        println!(
            "honest {name:6} {:6} lookups, median {:.3} ms, 99 % {:.3} ms",
            times.len(),
            at(times, 50),
            at(times, 99)
        );
    }
    println!("ratio of the medians {ratio:.2}, at most {MOST}");
    if ratio <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
