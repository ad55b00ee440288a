//! Pairs of constraints: every type above every type.

use serde_json::{Value, json};

use super::{Pair, all, any, below, contains, exact, not_one_of, one_of, range, subset, wildcard};

const BY_MEANING: &str = "narrower by meaning, and no pair of the table";

pub(super) fn rows() -> Vec<Pair> {
    let pairs =
        [values(), ranges(), lists(), paths(), all_of(), any_of(), wildcards(), by_meaning()].into_iter().flatten();
    pairs.chain(other_types()).collect()
}

fn yes(parent: Value, child: Value) -> Pair {
    Pair { parent, child, narrows: true, about: None }
}

fn no(parent: Value, child: Value) -> Pair {
    Pair { parent, child, narrows: false, about: None }
}

fn values() -> Vec<Pair> {
    let ab = || one_of(json!(["a", "b"]));
    let not_a = || not_one_of(json!(["a"]));
    vec![
        yes(exact(json!("a")), exact(json!("a"))),
        yes(exact(json!(1)), exact(json!(1.0))),
        yes(exact(json!({"a": 1, "b": 2})), exact(json!({"b": 2, "a": 1}))),
        no(exact(json!("a")), exact(json!("A"))),
        no(exact(json!(1)), exact(json!("1"))),
        no(exact(json!([1, 2])), exact(json!([2, 1]))),
        yes(ab(), exact(json!("b"))),
        no(ab(), exact(json!("c"))),
        no(ab(), exact(json!(["a", "b"]))),
        yes(ab(), ab()),
        yes(ab(), one_of(json!(["b", "a", "b"]))),
        yes(ab(), one_of(json!(["a"]))),
        no(ab(), one_of(json!(["a", "c"]))),
        no(ab(), one_of(json!(["a", "b", "c"]))),
        yes(not_a(), not_a()),
        yes(not_a(), not_one_of(json!(["b", "a"]))),
        no(not_a(), not_one_of(json!(["b"]))),
        no(not_one_of(json!(["a", "b"])), not_a()),
    ]
}

fn ranges() -> Vec<Pair> {
    let ten = || range(json!({"min": 0, "max": 10}));
    let open = || range(json!({"min": 0, "max": 10, "min_inclusive": false, "max_inclusive": false}));
    vec![
        yes(ten(), ten()),
        yes(ten(), range(json!({"min": 1, "max": 9}))),
        no(ten(), range(json!({"min": 0, "max": 11}))),
        no(ten(), range(json!({"min": -0.5, "max": 10}))),
        no(ten(), range(json!({"min": 0}))),
        no(ten(), range(json!({"max": 10}))),
        yes(range(json!({"min": 0})), ten()),
        yes(range(json!({"max": 10})), ten()),
        yes(ten(), open()),
        no(open(), ten()),
        yes(open(), open()),
        yes(ten(), range(json!({"min": -0.0, "max": 10.0, "min_inclusive": true}))),
        yes(ten(), exact(json!(0))),
        yes(ten(), exact(json!(10.0))),
        no(ten(), exact(json!(11))),
        no(ten(), exact(json!("5"))),
        no(open(), exact(json!(10))),
        yes(open(), exact(json!(9.5))),
    ]
}

fn lists() -> Vec<Pair> {
    vec![
        yes(contains(json!(["x"])), contains(json!(["x"]))),
        yes(contains(json!(["x"])), contains(json!(["y", "x"]))),
        no(contains(json!(["x", "y"])), contains(json!(["x"]))),
        no(contains(json!(["x"])), contains(json!(["X"]))),
        yes(subset(json!(["x", "y"])), subset(json!(["y"]))),
        yes(subset(json!(["x", "y"])), subset(json!(["y", "x"]))),
        yes(subset(json!(["x"])), subset(json!([]))),
        no(subset(json!([])), subset(json!(["x"]))),
        no(subset(json!(["x"])), subset(json!(["x", "y"]))),
    ]
}

fn paths() -> Vec<Pair> {
    vec![
        yes(below("/a"), below("/a")),
        yes(below("/a"), below("/a/b")),
        yes(below("/"), below("/a")),
        no(below("/a"), below("/")),
        no(below("/a"), below("/ab")),
        no(below("/a"), below("/A/b")),
        no(below("/a/b"), below("/a")),
        yes(below("/a"), exact(json!("/a"))),
        yes(below("/a"), exact(json!("/a/b"))),
        no(below("/a"), exact(json!("/ab"))),
        no(below("/a"), exact(json!("/a/"))),
        no(below("/a"), exact(json!("/a/../b"))),
        no(below("/a"), exact(json!("/a/%2e%2e/b"))),
        no(below("/a"), exact(json!("/a//b"))),
        no(below("/a"), exact(json!(["/a"]))),
    ]
}

/// Each clause of the parent is narrowed by a clause of its own.
fn all_of() -> Vec<Pair> {
    let not = |value: &str| not_one_of(json!([value]));
    let (ab, a) = (one_of(json!(["a", "b"])), one_of(json!(["a"])));
    vec![
        yes(all(&[not("a")]), all(&[not("a")])),
        yes(all(&[not("a"), not("b")]), all(&[not("b"), not("a")])),
        yes(all(&[not("a")]), all(&[not("a"), not("b")])),
        no(all(&[not("a"), not("b")]), all(&[not("a")])),
        yes(all(&[below("/a"), not("/a/x")]), all(&[below("/a/b"), not_one_of(json!(["/a/x", "/a/y"]))])),
        no(all(&[below("/a"), not("/a/x")]), all(&[below("/"), not("/a/x")])),
        // the first clause that fits is not always the right one
        yes(all(&[ab.clone(), a.clone()]), all(&[a.clone(), ab.clone()])),
        yes(all(&[ab.clone(), a.clone()]), all(&[a.clone(), a.clone()])),
        no(all(&[a.clone(), a.clone()]), all(&[a, ab])),
    ]
}

/// Each clause of the child narrows a clause of the parent; several may narrow the same.
fn any_of() -> Vec<Pair> {
    let format = |value: &str| exact(json!(value));
    let both = || any(&[format("pdf"), format("csv")]);
    vec![
        yes(both(), both()),
        yes(both(), any(&[format("csv")])),
        yes(both(), any(&[format("csv"), format("csv")])),
        no(both(), any(&[format("csv"), format("docx")])),
        no(any(&[format("pdf")]), both()),
        yes(any(&[one_of(json!(["pdf", "csv"]))]), both()),
        yes(any(&[one_of(json!([1, 2])), range(json!({"min": 10}))]), any(&[exact(json!(12)), exact(json!(2))])),
        no(any(&[one_of(json!([1, 2])), range(json!({"min": 10}))]), any(&[one_of(json!([2, 12]))])),
        yes(any(&[both()]), any(&[any(&[format("csv")])])),
    ]
}

fn wildcards() -> Vec<Pair> {
    samples().into_iter().map(|child| yes(wildcard(), child)).collect()
}

/// Where the child admits nothing that its parent does not, and may not stand there all the same.
fn by_meaning() -> Vec<Pair> {
    let (one, not_one) = (|| exact(json!(1)), || not_one_of(json!([1])));
    let pairs = [
        (not_one(), exact(json!(2))),
        (not_one(), one_of(json!([2, 3]))),
        (not_one(), range(json!({"min": 2}))),
        (one(), one_of(json!([1]))),
        (one(), range(json!({"min": 1, "max": 1}))),
        (range(json!({"min": 0, "max": 10})), one_of(json!([1, 2]))),
        (one_of(json!([1, 2])), range(json!({"min": 1, "max": 1}))),
        (below("/a"), one_of(json!(["/a/b"]))),
        (contains(json!(["x"])), exact(json!(["x", "y"]))),
        (subset(json!(["x", "y"])), exact(json!(["x"]))),
        (exact(json!([])), subset(json!([]))),
        (one(), all(&[one()])),
        (one(), any(&[one()])),
        (all(&[one()]), one()),
        (all(&[wildcard()]), one()),
        (any(&[one()]), one()),
        (any(&[wildcard()]), wildcard()),
        (all(&[wildcard()]), wildcard()),
        (all(&[not_one(), not_one_of(json!([2]))]), all(&[not_one_of(json!([1, 2]))])),
        (any(&[range(json!({"max": 1})), range(json!({"min": 1}))]), any(&[range(json!({"min": 0, "max": 2}))])),
    ];
    pairs.map(|(parent, child)| Pair { about: Some(BY_MEANING.to_owned()), ..no(parent, child) }).into()
}

/// One constraint of each type.
fn samples() -> [Value; 10] {
    [
        exact(json!(1)),
        one_of(json!([1, 2])),
        not_one_of(json!([0])),
        range(json!({"min": 0, "max": 9})),
        contains(json!([1])),
        subset(json!([1, 2])),
        below("/a"),
        all(&[exact(json!(1))]),
        any(&[exact(json!(1))]),
        wildcard(),
    ]
}

/// What stands in the table of the page besides equal types and `wildcard` above.
const OTHER_PAIRS: [(&str, &str); 3] = [("one_of", "exact"), ("range", "exact"), ("path_containment", "exact")];

/// Each pair of types that is not in the table.
fn other_types() -> Vec<Pair> {
    let kind = |sample: &Value| sample["constraint_type"].as_str().unwrap().to_owned();
    let is_in_table =
        |parent: &str, child: &str| parent == child || parent == "wildcard" || OTHER_PAIRS.contains(&(parent, child));
    let mut pairs = Vec::new();
    for parent in samples() {
        for child in samples() {
            if !is_in_table(&kind(&parent), &kind(&child)) {
                pairs.push(no(parent.clone(), child));
            }
        }
    }
    pairs
}
