//! Lookups at hostile `did:web` hosts beside honest ones: `scripts/bench hostile-web [LOOKUPS [A_SECOND]]` (a million, 2000 a
//! second, unless told otherwise).
//!
//! Thirteen hosts mean ill: slow, dripping, huge, endless, redirecting, garbage, documents of others, names that point inside, at once or
//! later. Honest documents, each fetched once, are looked up one after the other, alone and while the others run, in turns. Fails
//! when a host was asked more, longer or for more bytes than the limits say, by its own count, or when honest lookups take more than
//! twice as long as alone, at the median or at the 99th percentile of the same run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)] // a measurement that cannot be made should stop

#[path = "../tests/dids/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use handfast_fetch::{DidResolver, FetchError, Fetcher, Mode, ResolveError};
use handfast_identity::Did;
use host::{Host, Kind, TestNames};
use tokio::task::JoinSet;

const KINDS: [&str; 13] = [
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
    "rebinding",
];
const LOOKUPS: usize = 1_000_000;
/// Honest lookups alone and honest lookups beside the others take turns, so that what else the machine does falls on both.
const TURN: Duration = Duration::from_secs(TURN_SECONDS as u64);
const TURN_SECONDS: usize = 5;
/// Hostile lookups a second, unless told otherwise: the hosts live on the same processors as the resolver.
const RATE: usize = 2000;
/// They come every so often: a thousand times a second.
const TICK: Duration = Duration::from_millis(1);
/// The most that honest lookups may take beside hostile ones, over what they take alone.
const MOST: f64 = 2.0;
/// Fetches at once of one host, and what is kept of all (spec/limits.md).
const OF_HOST: u32 = 4;
const KEPT_BYTES: usize = 8 << 20;
/// Wrong answers of one host that are taken one behind the other, and so many more a second (spec/limits.md).
const WRONG: f64 = 16.0;
const WRONG_A_SECOND: f64 = 20.0;
/// What is read of a document (spec/limits.md), and what the buffers of both ends can hold beyond it.
const DOCUMENT_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 8 << 20;
/// How long a fetch may take (spec/limits.md), and how much later its host may hear of its end on a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_secs(1);

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

/// Fetches honest documents one after the other, for one turn, and adds what each took.
async fn honest(resolver: &DidResolver, host: &Host, round: &str, times: &mut Vec<Duration>) {
    let end = Instant::now() + TURN;
    while Instant::now() < end {
        let did = Did::parse(&host.did("honest", &format!(":{round}{}", times.len()))).unwrap();
        let start = Instant::now();
        let outcome = resolver.resolve(&did).await;
        times.push(start.elapsed());
        assert_eq!(word(&outcome), "found", "an honest document");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What became of lookups at each kind of host.
type Seen = Arc<Mutex<BTreeMap<(&'static str, &'static str), usize>>>;

/// Looks up at hostile hosts, so many a tick, and waits for none.
async fn hostile(resolver: &DidResolver, host: &Host, numbers: Range<usize>, running: &mut JoinSet<()>, seen: &Seen) {
    let (resolver, seen) = (resolver.clone(), Arc::clone(seen));
    let ticks = TURN_SECONDS * 1000;
    let mut clock = tokio::time::interval(TICK);
    let mut numbers =
        numbers.clone().zip(0..).map(|(number, place)| (number, place * ticks / numbers.len())).peekable();
    for now in 0..ticks {
        clock.tick().await;
        while let Some((number, _)) = numbers.next_if(|(_, tick)| *tick <= now) {
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
}

#[tokio::main]
async fn main() -> ExitCode {
    let [lookups, rate] = [(1, LOOKUPS), (2, RATE)]
        .map(|(place, usual)| std::env::args().nth(place).map_or(usual, |count| count.parse().unwrap()));
    let of_turn = (rate * TURN_SECONDS).max(1);
    let host = Arc::new(Host::start().await);
    let resolver = DidResolver::new(Fetcher::with_test_names(Mode::Development, TestNames::default()).unwrap());
    let (mut alone, mut beside, mut running, seen) = (Vec::new(), Vec::new(), JoinSet::new(), Seen::default());
    let start = Instant::now();
    for first in (0..lookups).step_by(of_turn) {
        honest(&resolver, &host, "alone", &mut alone).await;
        let numbers = first..(first + of_turn).min(lookups);
        tokio::join!(
            honest(&resolver, &host, "beside", &mut beside),
            hostile(&resolver, &host, numbers, &mut running, &seen)
        );
    }
    while running.join_next().await.is_some() {}
    let took = start.elapsed();
    alone.sort_unstable();
    beside.sort_unstable();
    let seen = seen.lock().unwrap();

    println!("{lookups} hostile lookups in {:.1} s", took.as_secs_f64());
    for ((kind, word), count) in &*seen {
        println!("  {kind:12} {word:18} {count}");
    }
    for kind in KINDS {
        let Kind { asked, most_at_once, most_bytes, longest, .. } = host.kind(kind);
        let longest = longest.as_secs_f64();
        println!(
            "  {kind:12} was asked {asked} times, at most {most_at_once} at once, {most_bytes} bytes, {longest:.2} s"
        );
        assert!(most_bytes <= DOCUMENT_BYTES + BUFFER_BYTES && longest <= (DEADLINE + SLACK).as_secs_f64());
    }
    // those that answered wrongly were asked at a pace
    let may = WRONG + WRONG_A_SECOND * took.as_secs_f64() + f64::from(OF_HOST);
    for kind in KINDS {
        assert!(f64::from(host.kind(kind).asked) <= may, "{kind} was asked more than {may} times");
    }
    // the others answer and are gone, so that a host can see the next question before the end of the last
    for kind in ["slow", "dripping"] {
        assert!(host.kind(kind).most_at_once <= OF_HOST);
    }
    assert_eq!(host.elsewhere(), 0, "a redirect was followed");
    let at = |times: &[Duration], part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    for (name, times) in [("alone", &alone), ("beside", &beside)] {
        println!(
            "honest {name:6} {:6} lookups, median {:.3} ms, 99 % {:.3} ms",
            times.len(),
            at(times, 50),
            at(times, 99)
        );
    }
    let ratio = |part| at(&beside, part) / at(&alone, part);
    let (median, tail) = (ratio(50), ratio(99));
    println!("ratio of the medians {median:.2}, of the 99 % {tail:.2}, at most {MOST}");
    if median <= MOST && tail <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
