//! What each type of constraint admits, at its edges.

use serde_json::{Value, json};

use super::{Admission, all, any, below, contains, exact, nested, not_one_of, one_of, range, subset, wildcard};
use crate::make::tables::in_order;

pub(super) fn rows() -> Vec<Admission> {
    [values(), ranges(), lists(), paths(), clauses(), unseen()].into_iter().flatten().collect()
}

fn row(constraint: Value, admitted: Value, refused: Value) -> Admission {
    let list = |values: Value| match in_order(values) {
        Value::Array(values) => values,
        other => panic!("no list: {other}"),
    };
    Admission { constraint, admitted: list(admitted), refused: list(refused) }
}

fn values() -> Vec<Admission> {
    vec![
        row(exact(json!(1)), json!([1, 1.0]), json!([2, 1.5, "1", true, null, [1], {"value": 1}])),
        row(exact(json!("a")), json!(["a"]), json!(["A", "a ", "", ["a"]])),
        row(exact(json!("\u{e9}")), json!(["\u{e9}"]), json!(["e\u{301}", "e"])),
        row(exact(json!(0)), json!([0, 0.0, -0.0]), json!([false, null, "", []])),
        row(exact(json!(null)), json!([null]), json!([false, 0, "", "null", {}])),
        row(exact(json!([1, 2])), json!([[1, 2], [1.0, 2]]), json!([[2, 1], [1], [1, 2, 3], 1])),
        row(
            exact(json!({"a": 1, "b": [true]})),
            json!([{"a": 1, "b": [true]}]),
            json!([{"a": 1}, {"a": 1, "b": [true], "c": null}, {"a": 1, "b": true}]),
        ),
        row(one_of(json!([1, "a", null])), json!([1, 1.0, "a", null]), json!(["1", "b", [1], [1, "a", null], false])),
        row(not_one_of(json!([1, "a"])), json!([2, "1", "A", null, [], {}, [1]]), json!([1, 1.0, "a"])),
    ]
}

fn ranges() -> Vec<Admission> {
    let largest = 9_007_199_254_740_991_i64;
    vec![
        row(
            range(json!({"min": 0})),
            json!([0, -0.0, 5e-324, 0.5, largest]),
            json!([-1, -5e-324, "1", null, [1], true]),
        ),
        row(range(json!({"max": 10})), json!([10, 10.0, -largest]), json!([11, 10.000000000000002, "1"])),
        row(range(json!({"min": 0, "min_inclusive": false})), json!([5e-324, 1]), json!([0, -0.0, -1])),
        row(range(json!({"max": 10, "max_inclusive": false})), json!([9.999999999999998, 0]), json!([10, 11])),
        row(range(json!({"min": 1.5, "max": 1.5})), json!([1.5]), json!([1, 2, 1.5000000000000002])),
        row(
            range(json!({"min": 1, "max": 2, "min_inclusive": false, "max_inclusive": false})),
            json!([1.5]),
            json!([1, 2]),
        ),
    ]
}

fn lists() -> Vec<Admission> {
    vec![
        row(
            contains(json!(["x", 1])),
            json!([["x", 1], [1.0, "y", "x"], ["x", "x", 1]]),
            json!([["x"], [1], [], ["x", "1"], "x", {"x": 1}, [["x", 1]]]),
        ),
        row(
            subset(json!(["x", 1])),
            json!([[], ["x"], [1.0], ["x", "x", 1]]),
            json!([["y"], ["x", "y"], ["1"], "x", null, {}, [["x"]]]),
        ),
        row(subset(json!([])), json!([[]]), json!([[null], [[]], {}, null, ""])),
        row(subset(json!([["a", "b"]])), json!([[["a", "b"]], []]), json!([["a", "b"], [["b", "a"]]])),
    ]
}

fn paths() -> Vec<Admission> {
    vec![
        row(
            below("/a"),
            json!(["/a", "/a/b", "/a/b/c.d", "/a/..b", "/a/ b"]),
            json!([
                "/ab",
                "/A",
                "/",
                "",
                "a",
                "a/b",
                "/b/a",
                "/a/",
                "/a//b",
                "/a/.",
                "/a/./b",
                "/a/..",
                "/a/../b",
                "/a/../a/b",
                "/a/%2e%2e/b",
                "/a/%62",
                "/a\\b",
                "/a/b\\..\\c",
                "/a/\n",
                "/a/\u{0}",
                "/a/\u{85}",
                " /a",
                "file:///a",
                ["/a"],
                null,
                1
            ]),
        ),
        row(below("/"), json!(["/", "/a", "/a/b"]), json!(["", "//", "a", "/a/", "/..", "/a%"])),
        row(below("/a/b"), json!(["/a/b", "/a/b/c"]), json!(["/a", "/a/bc", "/a/c"])),
    ]
}

fn clauses() -> Vec<Admission> {
    let (some, from) = (one_of(json!([1, 2])), range(json!({"min": 2})));
    vec![
        row(all(&[some.clone(), from.clone()]), json!([2]), json!([1, 3, "2"])),
        row(any(&[some.clone(), from]), json!([1, 2, 3, 2.5]), json!([0, 1.5, "1"])),
        row(all(&[below("/a"), not_one_of(json!(["/a/x"]))]), json!(["/a", "/a/x/y"]), json!(["/a/x", "/b"])),
        row(any(&[all(&[some, exact(json!(1))]), exact(json!("a"))]), json!([1, "a"]), json!([2, "b"])),
    ]
}

/// Only where nobody looks may stand what readers of JSON see differently.
fn unseen() -> Vec<Admission> {
    let odd = json!([
        9_007_199_254_740_992_u64,
        -9_007_199_254_740_992_i64,
        1e300,
        ["a", [9_007_199_254_740_993_u64]],
        {"a": 1e17},
        nested(9, json!("a"))
    ]);
    let nothing = || json!([]);
    vec![
        row(wildcard(), odd.clone(), nothing()),
        row(wildcard(), json!([null, true, 0, "", [], {}]), nothing()),
        row(any(&[exact(json!(1)), wildcard()]), odd.clone(), nothing()),
        row(not_one_of(json!(["b"])), json!([nested(8, json!("a")), 9_007_199_254_740_991_u64]), odd.clone()),
        row(all(&[wildcard(), not_one_of(json!(["b"]))]), json!(["a"]), odd.clone()),
        row(range(json!({"min": 0})), json!([9_007_199_254_740_991_u64]), odd),
        row(contains(json!(["a"])), json!([["a"]]), json!([["a", 1e17]])),
        row(subset(json!(["a"])), json!([["a"]]), json!([["a", 1e17]])),
    ]
}
