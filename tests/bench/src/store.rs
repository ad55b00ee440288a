//! The registry's store beside bare logs that are data-synced: 16 writers, the same bytes, in turns.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handfast_registry::feed_link;
use handfast_registry::store::{EmbeddedStore, SledOptions, Store, open_sled};
use tokio::runtime::{Builder, Runtime};

use crate::log::{BareLog, Kind};
use crate::meter::quantile;
use crate::mutations::Mutation;

/// Writers, each with one write under way.
const WRITERS: u64 = 16;
/// How long one of them writes before it is the next one's turn.
const TURN: Duration = Duration::from_millis(20);

/// What writers write to.
#[derive(Clone)]
enum Target {
    Store(Arc<EmbeddedStore>),
    Log(Arc<BareLog>),
}

/// What was seen of one target.
struct Side {
    name: &'static str,
    target: Target,
    /// Where each writer goes on.
    next: Vec<u64>,
    rates: Vec<f64>,
    microseconds: Vec<f64>,
    writes: u64,
}

/// Measures them in turn below `directory`, `rounds` times.
pub fn measure(directory: &Path, rounds: u32) {
    let place = directory.join(format!("handfast-bench-store-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a directory");
    let runtime = Builder::new_multi_thread().build().expect("a runtime");
    let options = SledOptions { directory: place.join("store"), new_epoch: "bench".to_owned() };
    let store = open_sled(&options, feed_link("https://id.example")).expect("a store");
    let log = |kind| Target::Log(Arc::new(BareLog::create(&place, kind)));
    let mut sides = [
        Side::new("store", Target::Store(Arc::new(store))),
        Side::new("bare log", log(Kind::Growing)),
        Side::new("bare log, laid out before", log(Kind::LaidOut)),
    ];
    // the first turn is not counted: files are new then
    sides.iter_mut().for_each(|side| side.turn(&runtime));
    sides.iter_mut().for_each(Side::forget);
    let syncs_before = sides.each_ref().map(|side| side.target.syncs());
    for _ in 0..rounds {
        sides.iter_mut().for_each(|side| side.turn(&runtime));
    }
    println!(
        "{WRITERS} writers, {rounds} turns each; writes of up to four records, a leaf with its statement, and feed entries, some 1.8 kB"
    );
    for (side, before) in sides.iter().zip(syncs_before) {
        side.tell(before);
    }
    let [ours, logs @ ..] = &sides;
    for log in logs {
        let ratios: Vec<_> = ours.rates.iter().zip(&log.rates).map(|(ours, bare)| ours / bare).collect();
        let best = |side: &Side| quantile(side.rates.clone(), 0.95);
        println!(
            "of `{}`: {:.2} median, {:.2} of undisturbed turns",
            log.name,
            quantile(ratios, 0.5),
            best(ours) / best(log)
        );
    }
    drop(sides);
    let _ = std::fs::remove_dir_all(&place);
}

impl Target {
    async fn write(&self, mutation: &Mutation) {
        match self {
            Self::Store(store) => {
                let batch = mutation.batch().expect("it is within the bounds");
                let committed = store.commit(batch).await.expect("it is expected as it is");
                assert!(committed.leaf.is_some());
            }
            Self::Log(log) => log.append(mutation.bytes()).await,
        }
    }

    fn syncs(&self) -> u64 {
        match self {
            Self::Store(store) => store.durable_writes(),
            Self::Log(log) => log.syncs(),
        }
    }
}

impl Side {
    fn new(name: &'static str, target: Target) -> Self {
        let next = vec![0; WRITERS as usize];
        Self { name, target, next, rates: Vec::new(), microseconds: Vec::new(), writes: 0 }
    }

    fn forget(&mut self) {
        (self.rates, self.microseconds, self.writes) = (Vec::new(), Vec::new(), 0);
    }

    fn turn(&mut self, runtime: &Runtime) {
        let start = Instant::now();
        let writers: Vec<_> = (0..WRITERS)
            .zip(&self.next)
            .map(|(writer, next)| runtime.spawn(write(self.target.clone(), writer, *next, start + TURN)))
            .collect();
        let mut written = 0;
        for (writer, next) in writers.into_iter().zip(&mut self.next) {
            let took = runtime.block_on(writer).expect("a writer ends");
            *next += took.len() as u64;
            written += took.len();
            self.microseconds.extend(took);
        }
        self.writes += written as u64;
        self.rates.push(written as f64 / start.elapsed().as_secs_f64());
    }

    fn tell(&self, syncs_before: u64) {
        let at = |share| quantile(self.microseconds.clone(), share);
        println!(
            "{:26} {:6.0} writes/s median, {:6.0} undisturbed; {:.3} syncs a write; p50 {:.0} us, p99 {:.0} us",
            self.name,
            quantile(self.rates.clone(), 0.5),
            quantile(self.rates.clone(), 0.95),
            (self.target.syncs() - syncs_before) as f64 / self.writes as f64,
            at(0.5),
            at(0.99)
        );
    }
}

/// Writes one after the other until `end`, and gives the microseconds that each took.
async fn write(target: Target, writer: u64, first: u64, end: Instant) -> Vec<f64> {
    let mut took = Vec::new();
    for number in first.. {
        let mutation = Mutation::of(writer, number);
        let start = Instant::now();
        target.write(&mutation).await;
        took.push(start.elapsed().as_nanos() as f64 / 1000.0);
        if Instant::now() >= end {
            break;
        }
    }
    took
}
