//! `tenuo` 0.3.5: the constraints of the same draft by the crate of its author.
//!
//! Every constraint of a grid below every other, and every value under each. Types that both know are compared: all of ours.
#![allow(clippy::unwrap_used, reason = "a grid that cannot be read should stop the test")]

use handfast_delegation::Constraint;
use handfast_oracles::Seen;
use serde_json::{Value, json};
use tenuo::constraints::{
    All, Any, Constraint as Theirs, ConstraintValue, Contains, Exact, NotOneOf, OneOf, Range, Subpath, Subset, Wildcard,
};

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(10),
        json!(-3),
        json!(""),
        json!("a"),
        json!("b"),
        json!("A"),
        json!("1"),
        json!("/r"),
        json!("/r/s"),
        json!("/r/s/t"),
        json!("/rs"),
        json!("/"),
        json!("/r/../s"),
        json!("/r/../r/s"),
        json!("/r/./s"),
        json!("/r//s"),
        json!("/r/s/"),
        json!("/r\\s"),
        json!("/r/%73"),
        json!("r/s"),
        json!("C:/r"),
        json!([]),
        json!(["a"]),
        json!(["a", "b"]),
        json!(["a", "c"]),
        json!([1]),
        json!([1.0]),
        json!(["/r/s"]),
        json!([["a"]]),
        json!({}),
        json!({"a": 1}),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!((0..9).fold(json!("a"), |inner, _| json!([inner]))),
    ]
}

fn of(kind: &str, member: &str, value: Value) -> Value {
    json!({"constraint_type": kind, member: value})
}

fn plain() -> Vec<Value> {
    let mut all = vec![json!({"constraint_type": "wildcard"})];
    let readable = |value: &Value| Constraint::exact(value).is_ok();
    all.extend(values().into_iter().filter(readable).map(|value| of("exact", "value", value)));
    for (kind, member) in
        [("one_of", "values"), ("not_one_of", "excluded"), ("contains", "required"), ("subset", "allowed")]
    {
        for list in [
            json!(["a"]),
            json!(["a", "b"]),
            json!(["b", "a", "a"]),
            json!(["b", "c"]),
            json!([1, 10]),
            json!([1.0, 1.5]),
            json!(["/r/s", "/r"]),
            json!([null, true, ["a"]]),
        ] {
            all.push(of(kind, member, list));
        }
    }
    all.push(of("subset", "allowed", json!([])));
    for ends in [
        json!({"min": 0}),
        json!({"max": 10}),
        json!({"min": 0, "max": 10}),
        json!({"min": 1, "max": 1}),
        json!({"min": 1, "max": 1.5}),
        json!({"min": 0, "max": 10, "min_inclusive": false}),
        json!({"min": 0, "max": 10, "max_inclusive": false}),
        json!({"min": -3.5, "max": 10.5, "min_inclusive": false, "max_inclusive": false}),
    ] {
        let mut range = ends;
        range["constraint_type"] = json!("range");
        all.push(range);
    }
    all.extend(["/", "/r", "/r/s", "/rs"].map(|root| of("path_containment", "root", json!(root))));
    all
}

fn composed() -> Vec<Value> {
    let lists = [
        json!([of("one_of", "values", json!(["a", "b"]))]),
        json!([of("exact", "value", json!("a"))]),
        json!([of("not_one_of", "excluded", json!(["a"])), of("not_one_of", "excluded", json!(["b"]))]),
        json!([of("not_one_of", "excluded", json!(["a", "b"]))]),
        json!([of("one_of", "values", json!(["a", "b"])), of("one_of", "values", json!(["a"]))]),
        json!([json!({"constraint_type": "range", "min": 0}), json!({"constraint_type": "range", "max": 10})]),
        json!([of("exact", "value", json!(1.0)), of("path_containment", "root", json!("/r"))]),
        json!([of("all", "constraints", json!([of("exact", "value", json!("a"))]))]),
        json!([json!({"constraint_type": "wildcard"}), of("contains", "required", json!(["a"]))]),
    ];
    lists.iter().flat_map(|list| ["all", "any"].map(|kind| of(kind, "constraints", list.clone()))).collect()
}

fn their_value(value: &Value) -> ConstraintValue {
    match value {
        Value::Null => ConstraintValue::Null,
        Value::Bool(flag) => ConstraintValue::Boolean(*flag),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| ConstraintValue::Float(number.as_f64().unwrap()), ConstraintValue::Integer)
        }
        Value::String(text) => ConstraintValue::String(text.clone()),
        Value::Array(items) => ConstraintValue::List(items.iter().map(their_value).collect()),
        Value::Object(members) => {
            ConstraintValue::Object(members.iter().map(|(name, value)| (name.clone(), their_value(value))).collect())
        }
    }
}

fn their_values(constraint: &Value, member: &str) -> Vec<ConstraintValue> {
    constraint[member].as_array().unwrap().iter().map(their_value).collect()
}

fn kind(constraint: &Value) -> &str {
    constraint["constraint_type"].as_str().unwrap()
}

fn clauses(constraint: &Value) -> &[Value] {
    constraint["constraints"].as_array().unwrap()
}

fn theirs(constraint: &Value) -> Theirs {
    let is_inclusive = |member: &str| constraint[member].as_bool().unwrap_or(true);
    match kind(constraint) {
        "wildcard" => Theirs::Wildcard(Wildcard),
        "exact" => Theirs::Exact(Exact { value: their_value(&constraint["value"]) }),
        "one_of" => Theirs::OneOf(OneOf { values: their_values(constraint, "values") }),
        "not_one_of" => Theirs::NotOneOf(NotOneOf { excluded: their_values(constraint, "excluded") }),
        "contains" => Theirs::Contains(Contains { required: their_values(constraint, "required") }),
        "subset" => Theirs::Subset(Subset { allowed: their_values(constraint, "allowed") }),
        "range" => Theirs::Range(Range {
            min: constraint["min"].as_f64(),
            max: constraint["max"].as_f64(),
            min_inclusive: is_inclusive("min_inclusive"),
            max_inclusive: is_inclusive("max_inclusive"),
        }),
        "path_containment" => Theirs::Subpath(Subpath::new(constraint["root"].as_str().unwrap()).unwrap()),
        "all" => Theirs::All(All { constraints: clauses(constraint).iter().map(theirs).collect() }),
        "any" => Theirs::Any(Any { constraints: clauses(constraint).iter().map(theirs).collect() }),
        other => unreachable!("{other}"),
    }
}

fn ours(constraint: &Value) -> Constraint {
    Constraint::from_json(constraint).unwrap()
}

/// Whether both give the same answer, or which of the listed differences it is.
type Answer = Result<(), &'static str>;

/// Numbers as floats: `1` and `1.0` fall together.
fn as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(items) => items.iter().map(as_floats).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), as_floats(value))).collect(),
        other => other.clone(),
    }
}

fn their_answer(parent: &Value, child: &Value) -> bool {
    theirs(parent).validate_attenuation(&theirs(child)).is_ok()
}

/// Only the first of these texts is a path here; the crate reads the others as that one, or takes them as they are.
fn is_odd_path(value: &Value) -> bool {
    let is_path = |text: &str| Constraint::path_containment("/").unwrap().admits(&json!(text));
    value.as_str().is_some_and(|text| text.starts_with('/') && !is_path(text))
}

fn is_list_of_paths(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().all(|item| item.as_str().is_some_and(|text| text.starts_with('/'))))
}

fn narrowing(parent: &Value, child: &Value) -> Answer {
    let (our_answer, their_answer_as_is) = (ours(child).narrows(&ours(parent)), their_answer(parent, child));
    if our_answer == their_answer_as_is {
        return Ok(());
    }
    // the only way in which ours is the wider one: equal numbers
    if our_answer {
        assert!(their_answer(&as_floats(parent), &as_floats(child)), "{parent} {child}");
        return Err("integers are not floats");
    }
    Err(match (kind(parent), kind(child)) {
        ("all", "exact") => "exact below all",
        ("path_containment", "subset") => "lists under a path",
        ("path_containment", "exact") if is_list_of_paths(&child["value"]) => "lists under a path",
        ("path_containment", "exact") if is_odd_path(&child["value"]) => "paths are normalised",
        ("all", "all") | ("any", "any") => {
            let pairs =
                clauses(parent).iter().flat_map(|wide| clauses(child).iter().map(move |low| narrowing(wide, low)));
            let difference = pairs.filter_map(Result::err).next();
            // clause by clause both say the same, so they differ in how clauses are given out
            let of_all = (kind(parent) == "all").then_some("one clause for two");
            difference.or(of_all).unwrap_or_else(|| panic!("not explained: {child} below {parent}"))
        }
        _ => panic!("not explained: {child} below {parent}"),
    })
}

fn admission(constraint: &Value, value: &Value) -> Answer {
    let our_answer = ours(constraint).admits(value);
    let asked = |constraint: &Value, value: &Value| theirs(constraint).matches(&their_value(value)).unwrap_or(false);
    if our_answer == asked(constraint, value) {
        return Ok(());
    }
    let is_readable = Constraint::exact(value).is_ok();
    if is_readable && our_answer == asked(&as_floats(constraint), &as_floats(value)) {
        return Err("integers are not floats");
    }
    assert!(!our_answer, "not explained: {constraint} {value}");
    Err(match kind(constraint) {
        _ if !is_readable => "numbers beyond 2^53 and deep values",
        "path_containment" if is_list_of_paths(value) => "lists under a path",
        "path_containment" if is_odd_path(value) || value == &json!("C:/r") => "paths are normalised",
        "all" | "any" => {
            let difference = clauses(constraint).iter().find_map(|clause| admission(clause, value).err());
            difference.unwrap_or_else(|| panic!("not explained: {constraint} {value}"))
        }
        _ => panic!("not explained: {constraint} {value}"),
    })
}

#[test]
fn constraints_narrow_alike_but_for_listed_differences() {
    let all: Vec<_> = plain().into_iter().chain(composed()).collect();
    let mut seen = Seen::default();
    let mut alike = 0;
    for parent in &all {
        for child in &all {
            match narrowing(parent, child) {
                Ok(()) => alike += usize::from(their_answer(parent, child)),
                Err(difference) => seen.note(difference),
            }
        }
    }
    println!("{} constraints, {alike} pairs narrow in both, different: {seen:?}", all.len());
    assert!(alike > 2 * all.len());
    let expected = [
        "exact below all",
        "integers are not floats",
        "lists under a path",
        "one clause for two",
        "paths are normalised",
    ];
    assert_eq!(seen.names(), expected);
}

#[test]
fn values_are_admitted_alike_but_for_listed_differences() {
    let mut seen = Seen::default();
    let mut alike = 0;
    for constraint in plain().iter().chain(&composed()) {
        for value in values() {
            match admission(constraint, &value) {
                Ok(()) => alike += usize::from(ours(constraint).admits(&value)),
                Err(difference) => seen.note(difference),
            }
        }
    }
    println!("{alike} values admitted by both, different: {seen:?}");
    let expected = [
        "integers are not floats",
        "lists under a path",
        "numbers beyond 2^53 and deep values",
        "paths are normalised",
    ];
    assert_eq!(seen.names(), expected);
}

/// What is refused while it is read has no pair to compare; the crate takes these.
#[test]
fn they_read_constraints_that_are_refused_here() {
    for refused in [
        json!({"constraint_type": "range", "min": 2, "max": 1}),
        json!({"constraint_type": "range", "max": 9_007_199_254_740_992_u64}),
        json!({"constraint_type": "exact", "value": 9_007_199_254_740_992_u64}),
        of("path_containment", "root", json!("/r/../s")),
        of("one_of", "values", json!([])),
        of("not_one_of", "excluded", json!([])),
        of("contains", "required", json!([])),
        of("any", "constraints", json!([])),
    ] {
        assert!(Constraint::from_json(&refused).is_err(), "{refused}");
        let taken = theirs(&refused);
        assert!(Theirs::Wildcard(Wildcard).validate_attenuation(&taken).is_ok(), "{refused}");
        assert!(taken.validate_attenuation(&taken).is_ok(), "{refused}");
    }
}
