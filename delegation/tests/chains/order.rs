//! The order of authority: sound, reflexive, transitive, and complete in every dimension but tools.

use handfast_delegation::{ToolCall, Tools, Widening};
use proptest::prelude::*;
use serde_json::Value;

use crate::model::{self, CALLS, Call, Permission};
use crate::tape::{Tape, cases, scrambled, words};
use crate::world::{ARGUMENTS, Plan, VALUES, constraint};

/// Whether the code permits exactly the calls the model lists.
fn tools_agree(tools: Option<&Tools>, permission: &Permission) {
    for (place, Call { tool, places, has_other }) in CALLS.iter().enumerate() {
        let named = ARGUMENTS.into_iter().zip(places);
        let given = named.filter_map(|(name, place)| Some((name, VALUES[(*place)?].clone())));
        let other = has_other.then_some(("z", Value::Null));
        let arguments = given.chain(other).map(|(name, value)| (name.to_owned(), value)).collect();
        let call = ToolCall { tool: (*tool).to_owned(), arguments };
        let expected = permission.calls[place / 64] >> (place % 64) & 1 == 1;
        assert_eq!(tools.is_none_or(|tools| tools.permits(&call).is_ok()), expected, "{call:?}");
    }
}

/// Why a refused budget is wider by the rules: a member of the parent's dropped, larger, or over spans that do not fit.
/// Member by member a refusal is never without a history that only the child allows, but for such spans.
fn budget_is_wider(child: &Plan, parent: &Plan) -> bool {
    let wider_total = parent.max_uses.is_some_and(|_| {
        let alone = |plan: &Plan| model::histories(plan.max_uses, None);
        child.max_uses.is_none() || !model::is_subset(&alone(child), &alone(parent))
    });
    let wider_rate = parent.rate.is_some_and(|(_, span)| {
        let alone = |plan: &Plan| model::histories(None, plan.rate);
        child.rate.is_none_or(|(_, seconds)| seconds % span != 0) || !model::is_subset(&alone(child), &alone(parent))
    });
    wider_total || wider_rate
}

/// What holds for any two authorities; says whether the first narrows the second.
fn compare(child: &Plan, parent: &Plan) -> bool {
    let (inner, outer) = (Permission::of(child), Permission::of(parent));
    let answer = child.authority().narrows(&parent.authority());
    let scope_is_within = model::are_within(inner.tokens, outer.tokens);
    let resources_are_within = model::are_within(inner.resources, outer.resources);
    let end_is_within = model::is_subset(&inner.moments, &outer.moments);
    let depth_is_within = model::is_subset(&inner.depths, &outer.depths);
    let complaint = match &answer {
        Ok(()) => {
            assert!(inner.is_within(&outer), "permits more: {child:?}\n{parent:?}");
            return true;
        }
        Err(complaint) => complaint,
    };
    // complete: each refusal has a reason in the dimension it names, and none before it
    let expected = match complaint {
        Widening::Scope(_) => !scope_is_within,
        Widening::Resource(_) => scope_is_within && !resources_are_within,
        Widening::Tools(_) => scope_is_within && resources_are_within && parent.tools.is_some(),
        Widening::Budget => scope_is_within && resources_are_within && budget_is_wider(child, parent),
        Widening::Expiry => scope_is_within && resources_are_within && !end_is_within,
        Widening::Depth => scope_is_within && resources_are_within && end_is_within && !depth_is_within,
    };
    assert!(expected, "{complaint:?}: {child:?}\n{parent:?}");
    false
}

proptest! {
    #![proptest_config(cases(1_000, 20_000))]

    #[test]
    fn the_model_reads_authorities_as_the_code_does(words in words()) {
        let plan = Plan::random(&mut Tape::new(words));
        let (authority, permission) = (plan.authority(), Permission::of(&plan));
        tools_agree(authority.tools.as_ref(), &permission);
        for rule in plan.tools.iter().flat_map(|tools| tools.values()).flat_map(|rules| rules.values()) {
            let read = handfast_delegation::Constraint::from_json(&constraint(rule)).unwrap();
            let bits = model::admitted_values(rule);
            for (place, value) in VALUES.iter().enumerate() {
                prop_assert_eq!(read.admits(value), bits >> place & 1 == 1, "{:?} {}", rule, value);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(10_000, 1_000_000))]

    #[test]
    fn a_child_permits_nothing_its_parent_does_not(words in words()) {
        let tape = &mut Tape::new(words);
        let parent = Plan::random(tape);
        let child = if tape.one_in(8) { Plan::random(tape) } else { parent.almost_narrowed(tape) };
        compare(&child, &parent);
        compare(&parent, &child);
        prop_assert!(compare(&child, &child));
    }

    #[test]
    fn narrowing_is_transitive_and_two_ways_only_between_equals(words in words()) {
        let tape = &mut Tape::new(words);
        let first = Plan::random(tape);
        let second = first.narrowed(tape);
        let third = if tape.one_in(2) { second.narrowed(tape) } else { second.almost_narrowed(tape) };
        let plans = [first, second, third];
        let authorities = plans.clone().map(|plan| plan.authority());
        let narrows = |child: usize, parent: usize| authorities[child].narrows(&authorities[parent]).is_ok();
        for (one, two, three) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
            if narrows(one, two) && narrows(two, three) {
                prop_assert!(narrows(one, three), "{:?}", plans);
            }
            if narrows(one, two) && narrows(two, one) {
                prop_assert_eq!(Permission::of(&plans[one]), Permission::of(&plans[two]));
            }
        }
    }

    #[test]
    fn a_meet_narrows_both(words in words()) {
        let tape = &mut Tape::new(words);
        let (one, other) = (Plan::random(tape), Plan::random(tape));
        let (one, other) = (one.authority(), other.authority());
        // spans up to four seconds always have one in common
        let meet = one.meet(&other).unwrap();
        prop_assert_eq!((meet.narrows(&one), meet.narrows(&other)), (Ok(()), Ok(())));
        prop_assert_eq!(&meet.scope, &one.scope.intersection(&other.scope));
        prop_assert!(one.resources.intersection(&other.resources).eq(&meet.resources));
        prop_assert_eq!(meet.expires_at, one.expires_at.min(other.expires_at));
        prop_assert_eq!(meet.max_depth, one.max_depth.min(other.max_depth));
    }
}

/// Every budget of the small world below every other: what narrows allows no other history.
#[test]
fn all_small_budgets() {
    let counts = || [None, Some(1), Some(2), Some(3)];
    let rates = || core::iter::once(None).chain((1..=3).flat_map(|uses| (1..=4).map(move |span| Some((uses, span)))));
    let tape = &mut Tape::new([0; 20]);
    let base = Plan { scope: 1, resources: 1, tools: None, ..Plan::wide(tape) };
    let plan = |max_uses, rate| Plan { max_uses, rate, ..base.clone() };
    let plans: Vec<_> = counts().into_iter().flat_map(|count| rates().map(move |rate| plan(count, rate))).collect();
    let narrowing: usize = plans.iter().map(|child| plans.iter().filter(|parent| compare(child, parent)).count()).sum();
    assert!(narrowing > 3 * plans.len() && narrowing < plans.len() * plans.len() / 2, "{narrowing}");
}

/// The random cases say something: all outcomes come up, none of them rarely.
#[test]
fn every_outcome_is_common() {
    let mut seen = std::collections::BTreeMap::new();
    for words in scrambled(4_000) {
        let tape = &mut Tape::new(words);
        let parent = Plan::random(tape);
        let child = parent.almost_narrowed(tape);
        let answer = child.authority().narrows(&parent.authority());
        *seen.entry(answer.map_or_else(|widening| widening.reason(), |()| "narrows")).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.values().all(|count| *count >= 40), "{seen:?}");
    assert!(seen["narrows"] > 800, "{seen:?}");
}
