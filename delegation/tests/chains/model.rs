//! What an authority permits, listed: every token, resource, call, moment, depth and history of uses of the small world.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::world::{ALL_VALUES, ARGUMENTS, LAST_END, MAX_DEPTH, Plan, Rule, TOOLS, VALUES};

const SECONDS: usize = 8;
/// One more than any budget here counts.
const MOST_USES: u8 = 4;

/// How many uses in each second: every way to use something up to four times in eight seconds.
static HISTORIES: LazyLock<Vec<[u8; SECONDS]>> = LazyLock::new(|| {
    let mut all = vec![[0; SECONDS]];
    for second in 0..SECONDS {
        let more: Vec<_> = all
            .iter()
            .flat_map(|history| {
                let left = MOST_USES - history.iter().sum::<u8>();
                (1..=left).map(move |uses| {
                    let mut history = *history;
                    history[second] = uses;
                    history
                })
            })
            .collect();
        all.extend(more);
    }
    all
});

/// A call: the tool, the places of the values of its two arguments, and whether it has one that nobody declared.
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) places: [Option<usize>; 2],
    pub(crate) has_other: bool,
}

fn places() -> impl Iterator<Item = Option<usize>> {
    core::iter::once(None).chain((0..VALUES.len()).map(Some))
}

fn all_tools() -> impl Iterator<Item = &'static str> {
    TOOLS.into_iter().chain(["other"])
}

/// Every call there is, of a tool nobody declared too.
pub(crate) static CALLS: LazyLock<Vec<Call>> = LazyLock::new(|| {
    let mut calls = Vec::new();
    for tool in all_tools() {
        for x in places() {
            calls.extend(places().map(|y| Call { tool, places: [x, y], has_other: false }));
            calls.push(Call { tool, places: [x, None], has_other: true });
        }
    }
    calls
});

/// One yes or no for each entry of a list, as bits.
pub(crate) type Listed = Vec<u64>;

/// Everything one authority permits: whatever takes one of each list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Permission {
    pub(crate) tokens: u16,
    pub(crate) resources: u16,
    pub(crate) moments: Listed,
    pub(crate) depths: Listed,
    pub(crate) calls: Listed,
    pub(crate) histories: Rc<Listed>,
}

impl Permission {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            tokens: plan.scope,
            resources: plan.resources,
            moments: listed((0..=LAST_END).map(|moment| moment <= plan.end)),
            depths: listed((0..=MAX_DEPTH + 8).map(|depth| depth <= plan.depth)),
            calls: calls(plan),
            histories: histories(plan.max_uses, plan.rate),
        }
    }

    /// Whether `wider` permits all of it.
    pub(crate) fn is_within(&self, wider: &Self) -> bool {
        are_within(self.tokens, wider.tokens)
            && are_within(self.resources, wider.resources)
            && is_subset(&self.moments, &wider.moments)
            && is_subset(&self.depths, &wider.depths)
            && is_subset(&self.calls, &wider.calls)
            && is_subset(&self.histories, &wider.histories)
    }
}

fn listed(answers: impl Iterator<Item = bool>) -> Listed {
    let mut words = Vec::new();
    for (place, answer) in answers.enumerate() {
        if place % 64 == 0 {
            words.push(0);
        }
        words[place / 64] |= u64::from(answer) << (place % 64);
    }
    words
}

pub(crate) fn are_within(some: u16, all: u16) -> bool {
    some & !all == 0
}

pub(crate) fn is_subset(some: &Listed, all: &Listed) -> bool {
    some.iter().zip(all).all(|(one, other)| one & !other == 0)
}

/// A limit on the total, and one on each span of seconds.
type Counts = (Option<u64>, Option<(u64, u64)>);

/// Which histories of use a budget of these parts allows.
pub(crate) fn histories(max_uses: Option<u64>, rate: Option<(u64, u64)>) -> Rc<Listed> {
    thread_local!(static KNOWN: RefCell<BTreeMap<Counts, Rc<Listed>>> = RefCell::default());
    KNOWN.with_borrow_mut(|known| {
        let list = || Rc::new(listed(HISTORIES.iter().map(|history| is_allowed(history, max_uses, rate))));
        Rc::clone(known.entry((max_uses, rate)).or_insert_with(list))
    })
}

fn is_allowed(history: &[u8; SECONDS], max_uses: Option<u64>, rate: Option<(u64, u64)>) -> bool {
    let total = |uses: &[u8]| uses.iter().copied().map(u64::from).sum::<u64>();
    max_uses.is_none_or(|most| total(history) <= most)
        && rate.is_none_or(|(uses, seconds)| {
            let seconds = usize::try_from(seconds).unwrap();
            history.chunks(seconds).all(|span| total(span) <= uses)
        })
}

/// In the order of `CALLS`.
fn calls(plan: &Plan) -> Listed {
    static ALL: LazyLock<Listed> = LazyLock::new(|| listed(CALLS.iter().map(|_| true)));
    let Some(tools) = &plan.tools else { return ALL.clone() };
    let mut answers = Vec::with_capacity(CALLS.len());
    for tool in all_tools() {
        let Some(rules) = tools.get(tool) else {
            answers.resize(answers.len() + CALLS.len() / 3, false);
            continue;
        };
        let is_open = rules.is_empty();
        let [x_admitted, y_admitted] = ARGUMENTS.map(|name| rules.get(name).map(admitted_values));
        let fits = |place: Option<usize>, admitted: Option<u16>| match (place, admitted) {
            (None, None) => true,
            (Some(place), Some(bits)) => bits >> place & 1 == 1,
            _ => false,
        };
        for x in places() {
            let x_fits = is_open || fits(x, x_admitted);
            answers.extend(places().map(|y| x_fits && (is_open || fits(y, y_admitted))));
            answers.push(is_open);
        }
    }
    listed(answers.into_iter())
}

/// The places of the values that a constraint admits, as bits.
pub(crate) fn admitted_values(rule: &Rule) -> u16 {
    let values = &*VALUES;
    let those = |admits: &dyn Fn(&Value) -> bool| {
        let bit = |(place, value): (usize, &Value)| u16::from(admits(value)) << place;
        values.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
    };
    let is_listed =
        |item: &Value, bits: u16| values.iter().enumerate().any(|(at, value)| bits >> at & 1 == 1 && value == item);
    match rule {
        Rule::Wildcard => ALL_VALUES,
        Rule::Exact(place) => 1 << place,
        Rule::OneOf(bits) => *bits,
        Rule::NotOneOf(bits) => ALL_VALUES & !bits,
        Rule::Range(low, high) => those(&|value| {
            let Some(number) = value.as_f64() else { return false };
            low.is_none_or(|(low, inside)| number > f64::from(low) || inside && number == f64::from(low))
                && high.is_none_or(|(high, inside)| number < f64::from(high) || inside && number == f64::from(high))
        }),
        Rule::Contains(bits) => those(&|value| {
            let Some(items) = value.as_array() else { return false };
            (0..values.len()).all(|place| bits >> place & 1 == 0 || items.contains(&values[place]))
        }),
        Rule::Subset(bits) => {
            those(&|value| value.as_array().is_some_and(|items| items.iter().all(|item| is_listed(item, *bits))))
        }
        // listed by hand, so that no rule about paths is written twice
        Rule::Path(root) => those(&|value| match root {
            5 => ["/", "/r", "/r/s", "/rs"].iter().any(|path| *value == json!(path)),
            6 => *value == json!("/r") || *value == json!("/r/s"),
            _ => *value == json!("/r/s"),
        }),
        Rule::All(rules) => rules.iter().fold(ALL_VALUES, |all, rule| all & admitted_values(rule)),
        Rule::Any(rules) => rules.iter().fold(0, |all, rule| all | admitted_values(rule)),
    }
}
