//! Constraints that narrow two others, and where none is offered.

use serde_json::{Value, json};

use super::{Meeting, all, any, below, contains, exact, not_one_of, one_of, range, subset, wildcard};

pub(super) fn rows() -> Vec<Meeting> {
    let not = |value: &str| not_one_of(json!([value]));
    let meets = [
        (exact(json!(1)), exact(json!(1.0)), Some(exact(json!(1)))),
        (exact(json!(1)), exact(json!(2)), None),
        (exact(json!(1)), wildcard(), Some(exact(json!(1)))),
        (one_of(json!(["a", "b"])), one_of(json!(["b", "c"])), Some(one_of(json!(["b"])))),
        (one_of(json!(["a", "b"])), one_of(json!(["c"])), None),
        (not("a"), not("b"), Some(not_one_of(json!(["a", "b"])))),
        (
            range(json!({"min": 0, "max": 9})),
            range(json!({"min": 5, "min_inclusive": false})),
            Some(range(json!({"min": 5, "min_inclusive": false, "max": 9}))),
        ),
        (range(json!({"max": 1})), range(json!({"min": 1})), Some(range(json!({"min": 1, "max": 1})))),
        (range(json!({"max": 1})), range(json!({"min": 1, "min_inclusive": false})), None),
        (contains(json!(["x"])), contains(json!(["y"])), Some(contains(json!(["x", "y"])))),
        (subset(json!(["x"])), subset(json!(["y"])), Some(subset(json!([])))),
        (contains(json!(["x"])), subset(json!(["x"])), None),
        (below("/a"), below("/a/b"), Some(below("/a/b"))),
        (below("/a"), below("/b"), None),
        // one value inside, not several: which of them would be a choice
        (one_of(json!([1, 2])), range(json!({"min": 2})), Some(exact(json!(2)))),
        (one_of(json!([1, 2])), range(json!({"min": 1})), None),
        (one_of(json!(["/a/b", "/b"])), below("/a"), Some(exact(json!("/a/b")))),
        (
            all(&[below("/a"), not("/a/x")]),
            all(&[below("/a/b"), not("/a/y")]),
            Some(all(&[below("/a/b"), not("/a/x"), not("/a/y")])),
        ),
        (
            any(&[exact(json!("pdf")), exact(json!("csv"))]),
            any(&[exact(json!("csv")), exact(json!("docx"))]),
            Some(any(&[exact(json!("csv"))])),
        ),
        (any(&[exact(json!("pdf"))]), any(&[exact(json!("docx"))]), None),
        (not("a"), exact(json!("b")), None),
    ];
    meets.map(|(one, other, meet): (Value, Value, Option<Value>)| Meeting { one, other, meet }).into()
}
