//! What operators watch at a resource server, as OpenMetrics text. No label holds anything a caller chose (P-18).
//!
//! Nothing is counted for it: each number is read where it is kept at the moment of asking.

use std::sync::atomic::AtomicU64;

use handfast_identity::{Seconds, signature_backend};
use handfast_verifier::introspection::MAX_INTROSPECTIONS;
use handfast_verifier::status_list::MAX_HELD_LISTS;
use handfast_verifier::trust::{IssuerFacts, Status};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::drift::MAX_TASKS;
use crate::guard::{HEADER_BYTES, KEY_BYTES, Remembered, TOKEN_BYTES, VERDICT_BYTES};
use crate::{FeedLag, ResourceServer};

/// Begins every name.
const PREFIX: &str = "handfast_resource";

/// What tells a sample from others of its name.
type Labels = Vec<(&'static str, String)>;

/// One scrape in the making.
struct Scrape(Registry);

impl Scrape {
    fn gauges(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Gauge<u64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }
}

/// The label of a memory.
fn of(what: &str) -> Labels {
    vec![("what", what.to_owned())]
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl ResourceServer {
    /// What operators watch, as OpenMetrics text: what was decided, how much of each memory is in use and how much may be, and how old
    /// the last word of each issuer is. Names begin with `handfast_resource`. Keep it from the public.
    ///
    /// The media type is `application/openmetrics-text; version=1.0.0; charset=utf-8`. Where several servers share a memory of
    /// proofs and budgets, that memory is not told here.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut scrape = Scrape(Registry::with_prefix(PREFIX));
        let build = [("version", env!("CARGO_PKG_VERSION")), ("signatures", signature_backend())];
        scrape.0.register("build", "This program, and the arithmetic of its signature checks", Info::new(build));
        self.tell_decisions(&mut scrape);
        self.tell_memory(&mut scrape);
        let ages = self.feed_lags();
        let age = |lag: &FeedLag| Some((vec![("issuer", lag.issuer.clone())], lag.age.map(Seconds::get)?));
        let about = "Age of the last word on revocations, by issuer";
        scrape.gauges("feed_age_seconds", about, ages.iter().filter_map(age));
        let full = ages.iter().map(|lag| (vec![("issuer", lag.issuer.clone())], u64::from(lag.is_full)));
        scrape.gauges("feed_full", "Whether there are more revocations than may be held, by issuer", full);
        let mut text = String::new();
        // a string takes everything
        let _ = encode(&mut text, &scrape.0);
        text
    }

    fn tell_decisions(&self, scrape: &mut Scrape) {
        let decisions = self.decisions();
        let accepted = Counter::<u64>::default();
        accepted.inc_by(decisions.accepted());
        scrape.0.register("accepted", "Requests let through", accepted);
        let refused = Family::<Labels, Counter>::default();
        for count in decisions.refused() {
            refused.get_or_create(&vec![("reason", count.reason.to_owned())]).inc_by(count.requests);
        }
        scrape.0.register("refused", "Requests refused, by stable reason", refused);
    }

    fn tell_memory(&self, scrape: &mut Scrape) {
        let Remembered { tokens, token_bytes, chains, chain_bytes, headers, header_bytes, keys, key_bytes } =
            self.remembered();
        let (feeds, lists, facts) = (self.feed_lags(), self.list_lags(), self.facts());
        let names = |facts: &IssuerFacts| if let Status::Known { set, .. } = &facts.status { set.len() } else { 0 };
        let held_lists = lists.iter().map(|lag| lag.held).sum();
        let asked = self.introspection_counts();
        let held_answers = asked.iter().map(|counts| counts.held).sum();
        let mut entries = vec![
            ("tokens", tokens, None),
            ("chains", chains, None),
            ("headers", headers, None),
            ("keys", keys, None),
            ("revocations", facts.issuers().map(names).sum(), Some(feeds.iter().map(|lag| lag.most_names).sum())),
            ("status_lists", held_lists, Some(lists.len() * MAX_HELD_LISTS)),
            ("introspections", held_answers, Some(asked.len() * MAX_INTROSPECTIONS)),
            ("drift_tasks", self.drift().len(), Some(facts.issuers().count() * MAX_TASKS)),
        ];
        let fills = ["proofs", "budgets"].into_iter().zip(self.shared.stores.fills());
        entries.extend(fills.filter_map(|(what, fill)| fill.map(|fill| (what, fill.held, Some(fill.most)))));
        scrape.gauges("held", "Entries in memory", entries.iter().map(|(what, held, _)| (of(what), number(*held))));
        let most = entries.iter().filter_map(|(what, _, most)| Some((of(what), number((*most)?))));
        scrape.gauges("held_limit", "Entries there may be", most);
        let bytes = [
            ("tokens", token_bytes, TOKEN_BYTES),
            ("chains", chain_bytes, VERDICT_BYTES),
            ("headers", header_bytes, HEADER_BYTES),
            ("keys", key_bytes, KEY_BYTES),
        ];
        scrape.gauges("held_bytes", "About what they take", bytes.map(|(what, held, _)| (of(what), held)));
        scrape.gauges("held_bytes_limit", "What they may take", bytes.map(|(what, _, most)| (of(what), most)));
    }
}
