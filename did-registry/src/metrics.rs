//! What operators watch: counters and gauges in the Prometheus text format. No label holds anything a caller chose (P-18).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use handfast_identity::signature_backend;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Commits take a disk's sync: from a fast NVMe drive's half millisecond to a stall of seconds.
const COMMIT_SECONDS: [f64; 10] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// The metrics of one service. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<ReasonLabel, Counter>,
    tokens: Family<ClientLabel, Counter>,
    commits: Histogram,
    feed_position: Gauge<u64, AtomicU64>,
    log_size: Gauge<u64, AtomicU64>,
    replay_held: Gauge<u64, AtomicU64>,
    held: Family<WhatLabel, Gauge<u64, AtomicU64>>,
    held_bytes: Family<WhatLabel, Gauge<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClientLabel {
    client: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhatLabel {
    what: &'static str,
}

/// What a scrape reads besides the counters.
#[derive(Clone, Debug)]
pub(crate) struct Readings {
    pub(crate) feed_position: u64,
    pub(crate) log_size: u64,
    pub(crate) replay_held: u64,
    /// Entries in memory, by what they are (spec/limits.md).
    pub(crate) held: Vec<(&'static str, usize)>,
    /// About the bytes of those that are bounded by them.
    pub(crate) held_bytes: Vec<(&'static str, u64)>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("handfast_registry");
        let requests = Family::<RequestLabels, Counter>::default();
        let refusals = Family::<ReasonLabel, Counter>::default();
        let tokens = Family::<ClientLabel, Counter>::default();
        let commits = Histogram::new(COMMIT_SECONDS);
        let (feed_position, log_size, replay_held) = (Gauge::default(), Gauge::default(), Gauge::default());
        let (held, held_bytes) = (Family::default(), Family::default());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("signatures", signature_backend())]);
        registry.register("build", "This program, and the arithmetic of its signature checks", build);
        registry.register("requests", "Requests answered, by route and status", requests.clone());
        registry.register("refusals", "Requests refused, by stable reason", refusals.clone());
        registry.register("tokens_issued", "Access tokens issued, by kind of client", tokens.clone());
        registry.register("store_commit_seconds", "Time until a change was durable", commits.clone());
        registry.register("feed_position", "Last sequence number of the revocation feed", feed_position.clone());
        registry.register("log_size", "Leaves of the log", log_size.clone());
        registry.register("replay_held", "Proofs remembered against replay", replay_held.clone());
        registry.register("held", "Entries in memory, by what they are", Family::clone(&held));
        registry.register("held_bytes", "About the bytes they take", Family::clone(&held_bytes));
        Self(Arc::new(Inner {
            registry,
            requests,
            refusals,
            tokens,
            commits,
            feed_position,
            log_size,
            replay_held,
            held,
            held_bytes,
        }))
    }

    pub(crate) fn note_answer(&self, route: &str, status: u16, reason: Option<&'static str>) {
        self.0.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
        if let Some(reason) = reason {
            self.0.refusals.get_or_create(&ReasonLabel { reason }).inc();
        }
    }

    pub(crate) fn note_token(&self, client: &'static str) {
        self.0.tokens.get_or_create(&ClientLabel { client }).inc();
    }

    pub(crate) fn note_commit(&self, took: Duration) {
        self.0.commits.observe(took.as_secs_f64());
    }

    /// The text of a scrape.
    pub(crate) fn text(&self, readings: &Readings) -> Result<String, fmt::Error> {
        self.0.feed_position.set(readings.feed_position);
        self.0.log_size.set(readings.log_size);
        self.0.replay_held.set(readings.replay_held);
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for (what, held) in &readings.held {
            self.0.held.get_or_create(&WhatLabel { what }).set(number(*held));
        }
        for (what, bytes) in &readings.held_bytes {
            self.0.held_bytes.get_or_create(&WhatLabel { what }).set(*bytes);
        }
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
