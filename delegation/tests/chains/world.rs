//! Random authorities over few scopes, resources, tools, values, counts and times, and children that are meant to narrow.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use handfast_delegation::{Authority, Budget, DETAILS_TYPE, Rate, ResourceId, Scope, Tools};
use handfast_identity::UnixTime;
use serde_json::{Map, Value, json};

use crate::tape::Tape;

pub(crate) const BEGIN: u64 = 1_795_262_400;
pub(crate) const TOKENS: [&str; 3] = ["read", "write", "read.all"];
pub(crate) const RESOURCES: [&str; 3] = ["https://a.example", "https://a.example/", "https://b.example"];
pub(crate) const TOOLS: [&str; 2] = ["get", "put"];
pub(crate) const ARGUMENTS: [&str; 2] = ["x", "y"];
/// The last moment looked at, in seconds after `BEGIN`.
pub(crate) const LAST_END: u64 = 6;
pub(crate) const MAX_DEPTH: u8 = 8;
const MAX_COUNT: usize = 3;
const SPANS: [u64; 4] = [1, 2, 3, 4];

/// Every argument there is.
pub(crate) static VALUES: LazyLock<[Value; 14]> = LazyLock::new(|| {
    [
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!("a"),
        json!("/"),
        json!("/r"),
        json!("/r/s"),
        json!("/rs"),
        json!("/r/../s"),
        json!([]),
        json!([0]),
        json!([0, "a"]),
        json!(null),
    ]
});
pub(crate) const ALL_VALUES: u16 = 0x3fff;
/// Places in `VALUES` of what stands in lists there.
pub(crate) const ITEMS: u16 = 0b1_0011;
const ROOTS: [usize; 3] = [5, 6, 7];

/// A constraint; sets are bits, one for each place in `VALUES`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Wildcard,
    Exact(usize),
    OneOf(u16),
    NotOneOf(u16),
    /// Ends as numbers and whether they belong to it.
    Range(Option<(u8, bool)>, Option<(u8, bool)>),
    Contains(u16),
    Subset(u16),
    Path(usize),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// No arguments: open. Otherwise the constraint of each.
pub(crate) type ToolRules = BTreeMap<&'static str, BTreeMap<&'static str, Rule>>;

/// An authority, written down without a type of the code under test.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scope: u16,
    pub(crate) resources: u16,
    pub(crate) tools: Option<ToolRules>,
    pub(crate) max_uses: Option<u64>,
    pub(crate) rate: Option<(u64, u64)>,
    pub(crate) end: u64,
    pub(crate) depth: u8,
}

impl Plan {
    pub(crate) fn random(tape: &mut Tape) -> Self {
        Self {
            scope: tape.bits(0b111),
            resources: tape.bits(0b111),
            tools: tape.one_in(3).then(|| random_tools(tape)),
            max_uses: tape.one_in(3).then(|| count(tape)),
            rate: tape.one_in(3).then(|| (count(tape), SPANS[tape.below(4)])),
            end: 1 + tape.below(4) as u64,
            depth: small(tape.below(4)),
        }
    }

    /// As much as there is in every dimension, so that long chains have something to lose.
    pub(crate) fn wide(tape: &mut Tape) -> Self {
        Self { scope: 0b111, resources: 0b111, end: 5, depth: MAX_DEPTH, ..Self::random(tape) }
    }

    /// A child, each dimension of which is the parent's or less.
    pub(crate) fn narrowed(&self, tape: &mut Tape) -> Self {
        let tools = match &self.tools {
            None => tape.one_in(4).then(|| random_tools(tape)),
            Some(parent) if tape.one_in(2) => Some(narrowed_tools(parent, tape)),
            Some(parent) => Some(parent.clone()),
        };
        let max_uses = match self.max_uses {
            None => tape.one_in(6).then(|| count(tape)),
            Some(uses) => Some(less(uses, tape)),
        };
        let rate = match self.rate {
            None => tape.one_in(6).then(|| (count(tape), SPANS[tape.below(4)])),
            Some((uses, seconds)) => Some((less(uses, tape), seconds * (1 + tape.below(2) as u64))),
        };
        Self {
            scope: fewer(self.scope, tape),
            resources: fewer(self.resources, tape),
            tools,
            max_uses,
            rate,
            end: less(self.end, tape),
            depth: if tape.one_in(6) { self.depth.saturating_sub(1) } else { self.depth },
        }
    }

    /// A child that is meant to narrow, with one dimension as it comes.
    pub(crate) fn almost_narrowed(&self, tape: &mut Tape) -> Self {
        let (child, other) = (self.narrowed(tape), Self::random(tape));
        match tape.below(8) {
            0 => Self { scope: other.scope, ..child },
            1 => Self { resources: other.resources, ..child },
            2 => Self { tools: other.tools, ..child },
            3 => Self { max_uses: other.max_uses, ..child },
            4 => Self { rate: other.rate, ..child },
            5 => Self { end: other.end, ..child },
            6 => Self { depth: other.depth + 4, ..child },
            _ => other,
        }
    }

    pub(crate) fn authority(&self) -> Authority {
        let rate = self.rate.map(|(uses, seconds)| Rate { uses, seconds });
        let is_limited = self.max_uses.is_some() || rate.is_some();
        Authority {
            scope: Scope::parse(&chosen(&TOKENS, self.scope).collect::<Vec<_>>().join(" ")).unwrap(),
            resources: chosen(&RESOURCES, self.resources).map(|text| ResourceId::parse(text).unwrap()).collect(),
            tools: self.tools.as_ref().map(|tools| Tools::from_details(&details(tools)).unwrap()),
            budget: is_limited.then(|| Budget::new(self.max_uses, rate).unwrap()),
            expires_at: UnixTime::from_secs(BEGIN + self.end),
            max_depth: self.depth,
        }
    }
}

fn chosen<'a>(all: &'a [&'static str], bits: u16) -> impl Iterator<Item = &'static str> + 'a {
    all.iter().enumerate().filter(move |(place, _)| bits >> place & 1 == 1).map(|(_, text)| *text)
}

fn count(tape: &mut Tape) -> u64 {
    1 + tape.below(MAX_COUNT) as u64
}

fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap()
}

fn less(number: u64, tape: &mut Tape) -> u64 {
    if number > 1 && tape.one_in(3) { number - 1 } else { number }
}

/// Not empty, if `bits` are not.
fn fewer(bits: u16, tape: &mut Tape) -> u16 {
    let fewer = if tape.one_in(4) { tape.bits(bits) } else { bits };
    if fewer == 0 { bits } else { fewer }
}

fn more(bits: u16, all: u16, tape: &mut Tape) -> u16 {
    bits | tape.bits(all)
}

fn random_tools(tape: &mut Tape) -> ToolRules {
    let mut tools = ToolRules::new();
    for tool in chosen(&TOOLS, tape.bits(0b11)) {
        tools.insert(tool, random_arguments(tape));
    }
    tools
}

fn random_arguments(tape: &mut Tape) -> BTreeMap<&'static str, Rule> {
    let names: Vec<_> = chosen(&ARGUMENTS, tape.bits(0b11)).collect();
    names.into_iter().map(|name| (name, random_rule(tape, 2))).collect()
}

fn some(bits: u16) -> u16 {
    bits.max(1)
}

fn random_rule(tape: &mut Tape, levels: usize) -> Rule {
    let clauses = |tape: &mut Tape| (0..=tape.below(2)).map(|_| random_rule(tape, levels - 1)).collect();
    match tape.below(if levels == 0 { 8 } else { 10 }) {
        0 => Rule::Wildcard,
        1 => Rule::Exact(tape.below(14)),
        2 => Rule::OneOf(some(tape.bits(ALL_VALUES))),
        3 => Rule::NotOneOf(some(tape.bits(ALL_VALUES))),
        4 => {
            let (low, high) = ((small(tape.below(2)), tape.one_in(2)), (1 + small(tape.below(2)), tape.one_in(2)));
            let is_point = low.0 == high.0;
            let (low, high) = if is_point { ((low.0, true), (high.0, true)) } else { (low, high) };
            let ends = tape.below(3);
            Rule::Range((ends != 0).then_some(low), (ends != 1).then_some(high))
        }
        5 => Rule::Contains(some(tape.bits(ITEMS))),
        6 => Rule::Subset(tape.bits(ITEMS)),
        7 => Rule::Path(ROOTS[tape.below(3)]),
        8 => Rule::All(clauses(tape)),
        _ => Rule::Any(clauses(tape)),
    }
}

fn narrowed_tools(parent: &ToolRules, tape: &mut Tape) -> ToolRules {
    let mut child = parent.clone();
    child.retain(|_, _| !tape.one_in(4));
    for arguments in child.values_mut() {
        if arguments.is_empty() && tape.one_in(2) {
            *arguments = random_arguments(tape);
        }
        for rule in arguments.values_mut() {
            *rule = narrowed_rule(rule, tape);
        }
    }
    child
}

/// Mostly narrower, sometimes only by meaning, sometimes not at all.
fn narrowed_rule(rule: &Rule, tape: &mut Tape) -> Rule {
    if tape.one_in(3) {
        return rule.clone();
    }
    match rule {
        Rule::Wildcard => random_rule(tape, 1),
        Rule::Exact(value) => Rule::Exact(*value),
        Rule::OneOf(values) if tape.one_in(2) => Rule::Exact(values.trailing_zeros() as usize),
        Rule::OneOf(values) => Rule::OneOf(fewer(*values, tape)),
        Rule::NotOneOf(excluded) => Rule::NotOneOf(more(*excluded, ALL_VALUES, tape)),
        Rule::Range(..) if tape.one_in(2) => Rule::Exact(tape.below(4)),
        Rule::Range(low, high) => Rule::Range(low.or(Some((0, true))), high.or(Some((2, tape.one_in(2))))),
        Rule::Contains(required) => Rule::Contains(more(*required, ITEMS, tape)),
        Rule::Subset(allowed) => Rule::Subset(tape.bits(*allowed)),
        Rule::Path(_) if tape.one_in(2) => Rule::Exact(5 + tape.below(5)),
        Rule::Path(_) => Rule::Path(ROOTS[tape.below(3)]),
        Rule::All(clauses) => {
            let narrowed = clauses.iter().rev().map(|clause| narrowed_rule(clause, tape)).collect::<Vec<_>>();
            let added = tape.one_in(3).then(|| random_rule(tape, 0));
            Rule::All(added.into_iter().chain(narrowed).collect())
        }
        Rule::Any(clauses) => {
            let kept = if clauses.len() > 1 && tape.one_in(2) { &clauses[1..] } else { clauses };
            let again = tape.one_in(3).then(|| kept[0].clone());
            Rule::Any(kept.iter().rev().map(|clause| narrowed_rule(clause, tape)).chain(again).collect())
        }
    }
}

fn listed(bits: u16) -> Value {
    VALUES.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, value)| value.clone()).collect()
}

pub(crate) fn constraint(rule: &Rule) -> Value {
    let clauses = |rules: &[Rule]| rules.iter().map(constraint).collect::<Value>();
    match rule {
        Rule::Wildcard => json!({"constraint_type": "wildcard"}),
        Rule::Exact(place) => json!({"constraint_type": "exact", "value": VALUES[*place]}),
        Rule::OneOf(bits) => json!({"constraint_type": "one_of", "values": listed(*bits)}),
        Rule::NotOneOf(bits) => json!({"constraint_type": "not_one_of", "excluded": listed(*bits)}),
        Rule::Range(low, high) => {
            let mut range = Map::from_iter([("constraint_type".to_owned(), json!("range"))]);
            for (end, at, inclusive) in [(low, "min", "min_inclusive"), (high, "max", "max_inclusive")] {
                if let Some((number, is_inside)) = end {
                    range.insert(at.to_owned(), json!(number));
                    range.insert(inclusive.to_owned(), json!(is_inside));
                }
            }
            Value::Object(range)
        }
        Rule::Contains(bits) => json!({"constraint_type": "contains", "required": listed(*bits)}),
        Rule::Subset(bits) => json!({"constraint_type": "subset", "allowed": listed(*bits)}),
        Rule::Path(place) => json!({"constraint_type": "path_containment", "root": VALUES[*place]}),
        Rule::All(rules) => json!({"constraint_type": "all", "constraints": clauses(rules)}),
        Rule::Any(rules) => json!({"constraint_type": "any", "constraints": clauses(rules)}),
    }
}

fn details(tools: &ToolRules) -> Value {
    let of_tool = |rules: &BTreeMap<&str, Rule>| {
        rules.iter().map(|(name, rule)| ((*name).to_owned(), constraint(rule))).collect::<Value>()
    };
    let tools: Map<_, _> = tools.iter().map(|(name, rules)| ((*name).to_owned(), of_tool(rules))).collect();
    json!([{"type": DETAILS_TYPE, "tools": tools}])
}
