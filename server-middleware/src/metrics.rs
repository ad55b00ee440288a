//! What operators watch at a resource server, as OpenMetrics text. No label holds anything a caller chose (P-18).
//!
//! Nothing is counted for it: each number is read where it is kept at the moment of asking, so that a library of counters would
//! have nothing to do here.

use std::fmt::{Display, Write};

use handfast_identity::{Seconds, signature_backend};
use handfast_verifier::introspection::MAX_INTROSPECTIONS;
use handfast_verifier::status_list::MAX_HELD_LISTS;
use handfast_verifier::trust::{IssuerFacts, Status};

use crate::drift::MAX_TASKS;
use crate::guard::{HEADER_BYTES, KNOWN_KEYS, Remembered, TOKEN_BYTES, VERDICT_BYTES};
use crate::{FeedLag, ResourceServer};

/// Begins every name.
const PREFIX: &str = "handfast_resource";

/// Text in the making.
struct Text(String);

/// One sample: what tells it from others of its name, if anything does, and its number.
type Sample<'a> = (Option<(&'a str, &'a str)>, u64);

impl Text {
    /// Samples of one name. The suffix is the one of its type; a metric without samples is not named.
    fn metric(&mut self, kind: &str, name: &str, help: &str, samples: &[Sample<'_>]) {
        if samples.is_empty() {
            return;
        }
        let suffix = if kind == "counter" { "_total" } else { "" };
        self.line(format_args!("# TYPE {PREFIX}_{name} {kind}"));
        self.line(format_args!("# HELP {PREFIX}_{name} {help}."));
        for (label, value) in samples {
            match label {
                Some((key, text)) => {
                    self.line(format_args!("{PREFIX}_{name}{suffix}{{{key}=\"{}\"}} {value}", escaped(text)));
                }
                None => self.line(format_args!("{PREFIX}_{name}{suffix} {value}")),
            }
        }
    }

    fn line(&mut self, line: impl Display) {
        // a string takes everything
        let _ = writeln!(self.0, "{line}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
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
        let mut text = Text(String::new());
        let (version, backend) = (env!("CARGO_PKG_VERSION"), signature_backend());
        text.line(format_args!("# TYPE {PREFIX}_build info"));
        text.line(format_args!("# HELP {PREFIX}_build This program, and the arithmetic of its signature checks."));
        text.line(format_args!("{PREFIX}_build_info{{version=\"{version}\",signatures=\"{backend}\"}} 1"));
        self.tell_decisions(&mut text);
        self.tell_memory(&mut text);
        let ages = self.feed_lags();
        let age = |lag: &FeedLag| lag.age.map(Seconds::get);
        let ages: Vec<Sample<'_>> =
            ages.iter().filter_map(|lag| Some((Some(("issuer", lag.issuer.as_str())), age(lag)?))).collect();
        text.metric("gauge", "feed_age_seconds", "Age of the last word on revocations, by issuer", &ages);
        text.line("# EOF");
        text.0
    }

    fn tell_decisions(&self, text: &mut Text) {
        let decisions = self.decisions();
        text.metric("counter", "accepted", "Requests let through", &[(None, decisions.accepted())]);
        let refused = decisions.refused();
        let refused: Vec<_> = refused.iter().map(|count| (Some(("reason", count.reason)), count.requests)).collect();
        text.metric("counter", "refused", "Requests refused, by stable reason", &refused);
    }

    fn tell_memory(&self, text: &mut Text) {
        let Remembered { tokens, token_bytes, chains, chain_bytes, headers, header_bytes, keys } = self.remembered();
        let (lists, facts) = (self.list_lags(), self.facts());
        let names = |facts: &IssuerFacts| if let Status::Known { set, .. } = &facts.status { set.len() } else { 0 };
        let held_lists = lists.iter().map(|lag| lag.held).sum();
        let asked = self.introspection_counts();
        let held_answers = asked.iter().map(|counts| counts.held).sum();
        let mut entries = vec![
            ("tokens", tokens, None),
            ("chains", chains, None),
            ("headers", headers, None),
            ("keys", keys, Some(KNOWN_KEYS)),
            ("revocations", facts.issuers().map(names).sum(), None),
            ("status_lists", held_lists, Some(lists.len() * MAX_HELD_LISTS)),
            ("introspections", held_answers, Some(asked.len() * MAX_INTROSPECTIONS)),
            ("drift_tasks", self.drift().len(), Some(facts.issuers().count() * MAX_TASKS)),
        ];
        let fills = ["proofs", "budgets"].into_iter().zip(self.shared.stores.fills());
        entries.extend(fills.filter_map(|(what, fill)| fill.map(|fill| (what, fill.held, Some(fill.most)))));
        let held: Vec<Sample<'_>> =
            entries.iter().map(|(what, held, _)| (Some(("what", *what)), number(*held))).collect();
        text.metric("gauge", "held", "Entries in memory", &held);
        let most: Vec<Sample<'_>> =
            entries.iter().filter_map(|(what, _, most)| Some((Some(("what", *what)), number((*most)?)))).collect();
        text.metric("gauge", "held_limit", "Entries there may be", &most);
        let bytes = [
            ("tokens", token_bytes, TOKEN_BYTES),
            ("chains", chain_bytes, VERDICT_BYTES),
            ("headers", header_bytes, HEADER_BYTES),
        ];
        text.metric(
            "gauge",
            "held_bytes",
            "About what they take",
            &bytes.map(|(what, held, _)| (Some(("what", what)), held)),
        );
        text.metric(
            "gauge",
            "held_bytes_limit",
            "What they may take",
            &bytes.map(|(what, _, most)| (Some(("what", what)), most)),
        );
    }
}
