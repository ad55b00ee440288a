//! Random constraints and tools, three at a time, the second and third often made from the one before.

use std::sync::LazyLock;

use handfast_delegation::{Constraint, DETAILS_TYPE, ToolCall, Tools};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::{model, world};

static VALUES: LazyLock<Vec<Value>> = LazyLock::new(world::values);

fn config() -> ProptestConfig {
    let is_long = std::env::var_os("HANDFAST_LONG").is_some_and(|value| value == "1");
    let cases = if is_long { 1_000_000 } else { 4_000 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn constraint() -> impl Strategy<Value = Value> + Clone {
    select(world::plain()).prop_recursive(3, 12, 3, |inner| {
        let clauses = prop::collection::vec(inner, 1..4);
        (select(vec!["all", "any"]), clauses)
            .prop_map(|(kind, clauses)| json!({"constraint_type": kind, "constraints": clauses}))
    })
}

/// Another constraint like `from`, often narrower or wider. Each step takes one throw of `dice`; without any left it is kept.
fn altered(from: &Value, plain: &[Value], dice: &mut impl Iterator<Item = u8>) -> Value {
    let mut next = from.clone();
    let throw = dice.next().unwrap_or(0);
    match next.get_mut("constraints").and_then(Value::as_array_mut) {
        Some(clauses) => {
            match throw % 8 {
                1 => clauses.reverse(),
                2 if clauses.len() > 1 => drop(clauses.remove(0)),
                3 => clauses.push(plain[usize::from(throw) % plain.len()].clone()),
                4 => clauses.push(clauses[0].clone()),
                5 => return clauses[0].clone(),
                _ => {}
            }
            clauses.iter_mut().for_each(|clause| *clause = altered(clause, plain, dice));
        }
        None => match throw % 8 {
            1 => next = plain[usize::from(throw) * 7 % plain.len()].clone(),
            2 => next = first_after(throw, plain, |other| model::narrows(from, other)),
            3..=5 => next = first_after(throw, plain, |other| model::narrows(other, from)),
            _ => {}
        },
    }
    next
}

/// The first that fits from some place on. One always does: each narrows itself.
fn first_after(throw: u8, plain: &[Value], fits: impl Fn(&Value) -> bool) -> Value {
    plain.iter().cycle().skip(usize::from(throw) * 7).take(plain.len()).find(|other| fits(other)).unwrap().clone()
}

fn three() -> impl Strategy<Value = [Value; 3]> {
    let plain = world::plain();
    let dice = || prop::collection::vec(any::<u8>(), 0..12);
    (constraint(), dice(), dice()).prop_map(move |(first, one, two)| {
        let second = altered(&first, &plain, &mut one.into_iter());
        let third = altered(&second, &plain, &mut two.into_iter());
        [first, second, third]
    })
}

fn tools() -> impl Strategy<Value = Value> {
    let name = || select(vec!["read", "search", "write"]);
    let arguments = prop::collection::btree_map(select(vec!["a", "b"]), constraint(), 0..3);
    prop::collection::btree_map(name(), arguments, 0..4).prop_map(|tools| json!(tools))
}

fn tools_altered(from: &Value, plain: &[Value], dice: &mut impl Iterator<Item = u8>) -> Value {
    let mut next = from.clone();
    let tools = next.as_object_mut().unwrap();
    match dice.next().unwrap_or(0) % 6 {
        1 => drop(tools.remove("read")),
        2 => drop(tools.insert("write".to_owned(), json!({}))),
        3 => drop(tools.insert("read".to_owned(), json!({"a": plain[0]}))),
        _ => {}
    }
    for arguments in tools.values_mut().filter_map(Value::as_object_mut) {
        match dice.next().unwrap_or(0) % 8 {
            1 => drop(arguments.remove("a")),
            2 => drop(arguments.insert("b".to_owned(), plain[0].clone())),
            _ => {}
        }
        arguments.values_mut().for_each(|constraint| *constraint = altered(constraint, plain, dice));
    }
    next
}

fn two_tools() -> impl Strategy<Value = (Value, Value)> {
    let plain = world::plain();
    (tools(), prop::collection::vec(any::<u8>(), 0..24)).prop_map(move |(first, dice)| {
        let second = tools_altered(&first, &plain, &mut dice.into_iter());
        (first, second)
    })
}

fn read(tools: &Value) -> Tools {
    Tools::from_details(&json!([{"type": DETAILS_TYPE, "tools": tools}])).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn constraints_keep_their_laws(three in three()) {
        let read = three.each_ref().map(|json| Constraint::from_json(json).unwrap());
        let admits = read.each_ref().map(|constraint| VALUES.iter().map(|value| constraint.admits(value)).collect::<Vec<_>>());
        let narrow = read.each_ref().map(|child| read.each_ref().map(|parent| child.narrows(parent)));
        for (child, child_json) in three.iter().enumerate() {
            let text = read[child].to_json().to_string();
            prop_assert_eq!(Constraint::from_json(&serde_json::from_str(&text).unwrap()), Ok(read[child].clone()));
            prop_assert!(VALUES.iter().map(|value| model::admits(child_json, value)).eq(admits[child].iter().copied()));
            prop_assert!(narrow[child][child]);
            for (parent, parent_json) in three.iter().enumerate() {
                prop_assert_eq!(narrow[child][parent], model::narrows(child_json, parent_json));
                let is_within = admits[child].iter().zip(&admits[parent]).all(|(child, parent)| !child || *parent);
                prop_assert!(is_within || !narrow[child][parent]);
                for grandparent in 0..three.len() {
                    prop_assert!(!(narrow[child][parent] && narrow[parent][grandparent]) || narrow[child][grandparent]);
                }
                if let Some(meet) = read[child].meet(&read[parent]) {
                    prop_assert!(meet.narrows(&read[child]) && meet.narrows(&read[parent]));
                    prop_assert_eq!(Constraint::from_json(&meet.to_json()), Ok(meet));
                }
            }
        }
    }

    #[test]
    fn tools_keep_their_laws(
        (one_json, other_json) in two_tools(), tool in select(vec!["read", "search", "write"]),
        arguments in prop::collection::btree_map(select(vec!["a", "b"]), select(VALUES.clone()), 0..3),
    ) {
        let (one, other, arguments) = (read(&one_json), read(&other_json), json!(arguments));
        prop_assert_eq!(one.narrows(&one), Ok(()));
        prop_assert_eq!(Tools::from_details(&one.to_details()), Ok(one.clone()));
        let call = ToolCall { tool: tool.to_owned(), arguments: arguments.as_object().unwrap().clone() };
        let permits = |tools: &Tools| tools.permits(&call).is_ok();
        prop_assert_eq!(permits(&one), model::permits(&one_json, tool, &arguments));
        prop_assert_eq!(permits(&other), model::permits(&other_json, tool, &arguments));
        prop_assert_eq!(one.narrows(&other).is_ok(), model::tools_narrow(&one_json, &other_json));
        prop_assert_eq!(other.narrows(&one).is_ok(), model::tools_narrow(&other_json, &one_json));
        prop_assert!(one.narrows(&other).is_err() || permits(&other) || !permits(&one));
        prop_assert!(other.narrows(&one).is_err() || permits(&one) || !permits(&other));
        let meet = one.meet(&other);
        prop_assert_eq!((meet.narrows(&one), meet.narrows(&other)), (Ok(()), Ok(())));
        prop_assert_eq!(Tools::from_details(&meet.to_details()), Ok(meet));
    }
}

/// The generators make what the laws are about: enough pairs that narrow, and enough that do not.
#[test]
fn random_pairs_fall_on_both_sides() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut narrowing = [0; 2];
    for _ in 0..500 {
        let [parent, child, _] = three().new_tree(&mut runner).unwrap().current();
        narrowing[usize::from(parent != child && model::narrows(&child, &parent))] += 1;
    }
    assert!(narrowing.iter().all(|count| *count > 50), "{narrowing:?}");
    let mut narrowing = [0; 2];
    for _ in 0..500 {
        let (parent, child) = two_tools().new_tree(&mut runner).unwrap().current();
        narrowing[usize::from(parent != child && model::tools_narrow(&child, &parent))] += 1;
    }
    assert!(narrowing.iter().all(|count| *count > 50), "tools: {narrowing:?}");
}
