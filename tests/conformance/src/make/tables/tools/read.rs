//! What is read as a value, a constraint, or `authorization_details`.

use serde_json::{Value, json};

use super::{Reading, all, any, below, contains, exact, nested, not_one_of, one_of, range, subset, wildcard};
use crate::make::tables::in_order;

/// Texts of values that are equal as RFC 8785 writes them, or not.
const EQUAL: &[(&str, &str, Option<bool>)] = &[
    ("1", "1.0", Some(true)),
    ("1", "10e-1", Some(true)),
    ("100", "1E2", Some(true)),
    ("0", "-0", Some(true)),
    ("0", "-0.0", Some(true)),
    ("0.1", "1e-1", Some(true)),
    ("0.1", "0.10000000000000000555", Some(true)),
    ("0.1", "0.10000000000000002", Some(false)),
    ("1", "-1", Some(false)),
    ("1", "1.0000000000000002", Some(false)),
    ("9007199254740991", "9007199254740991.0", Some(true)),
    ("9007199254740991", "9007199254740990", Some(false)),
    ("9007199254740991", "9007199254740992", None),
    ("-9007199254740991", "-9007199254740992", None),
    ("9007199254740993", "9007199254740993", None),
    ("1e16", "10000000000000000", None),
    ("1e300", "1e300", None),
    ("[1,[9007199254740992]]", "[1,[9007199254740992]]", None),
    (r#"{"a":1e17}"#, r#"{"a":1e17}"#, None),
    ("1", r#""1""#, Some(false)),
    ("1", "true", Some(false)),
    ("0", "false", Some(false)),
    ("0", "null", Some(false)),
    ("null", "false", Some(false)),
    (r#""""#, "null", Some(false)),
    (r#""a""#, r#""A""#, Some(false)),
    (r#""a""#, r#""\u0061""#, Some(true)),
    (r#""a/b""#, r#""a\/b""#, Some(true)),
    (r#""\u00e9""#, r#""e\u0301""#, Some(false)),
    (r#""a""#, r#""a ""#, Some(false)),
    ("[1,2]", "[2,1]", Some(false)),
    ("[1,2]", "[1.0,2.0]", Some(true)),
    ("[1]", "1", Some(false)),
    ("[]", "{}", Some(false)),
    (r#"{"a":1,"b":2}"#, r#"{"b":2.0,"a":1}"#, Some(true)),
    (r#"{"a":null}"#, "{}", Some(false)),
];

pub(super) fn equal() -> Vec<(String, String, Option<bool>)> {
    EQUAL.iter().map(|(one, other, equal)| ((*one).to_owned(), (*other).to_owned(), *equal)).collect()
}

fn rows(accepted: bool, values: Vec<(&str, Value)>) -> impl Iterator<Item = Reading> {
    values.into_iter().map(move |(about, value)| Reading { about: about.to_owned(), value: in_order(value), accepted })
}

pub(super) fn details() -> Vec<Reading> {
    let kind = "attenuating_agent_token";
    let good = || json!({"type": kind, "tools": {"search": {}}});
    let tools = |tools: Value| json!([{"type": kind, "tools": tools}]);
    let read = vec![
        ("one open tool", json!([good()])),
        ("no tool may be called", tools(json!({}))),
        ("a closed and an open tool", tools(json!({"read_file": {"path": below("/reports")}, "search": {}}))),
        ("the longest name of a tool", tools(json!({"t".repeat(256): {}}))),
        ("the longest name of an argument", tools(json!({"t": {"a".repeat(256): wildcard()}}))),
    ];
    let refused = vec![
        ("an object without its array", good()),
        ("an array with nothing in it", json!([])),
        ("two objects", json!([good(), good()])),
        ("an object of another type beside it", json!([good(), {"type": "payment_initiation"}])),
        ("another type", json!([{"type": "payment_initiation", "tools": {}}])),
        ("the type in capitals", json!([{"type": "Attenuating_Agent_Token", "tools": {}}])),
        ("no type", json!([{"tools": {}}])),
        ("no tools", json!([{"type": kind}])),
        ("tools that are null", tools(json!(null))),
        ("tools as a list", tools(json!(["search"]))),
        ("another member", json!([{"type": kind, "tools": {}, "locations": ["https://api.example"]}])),
        ("arguments that are null", tools(json!({"search": null}))),
        ("an argument without a constraint", tools(json!({"search": {"q": null}}))),
        ("a value in the place of a constraint", tools(json!({"search": {"q": "x"}}))),
        ("a tool without a name", tools(json!({"": {}}))),
        ("an argument without a name", tools(json!({"search": {"": wildcard()}}))),
        ("a longer name of a tool", tools(json!({"t".repeat(257): {}}))),
        ("a longer name of an argument", tools(json!({"t": {"a".repeat(257): wildcard()}}))),
    ];
    rows(true, read).chain(rows(false, refused)).collect()
}

pub(super) fn constraints() -> Vec<Reading> {
    let read = [good_ones(), good_ranges()].concat();
    let refused = [unknown(), without_entries(), ranges(), numbers(), paths(), too_many()].concat();
    rows(true, read).chain(rows(false, refused)).collect()
}

fn good_ones() -> Vec<(&'static str, Value)> {
    vec![
        ("exactly null", exact(json!(null))),
        ("exactly an object", exact(json!({"a": [1, null]}))),
        ("one of one", one_of(json!(["a"]))),
        ("one of values twice", one_of(json!(["a", "a"]))),
        ("one of 64", one_of((0..64).collect())),
        ("an empty array only", subset(json!([]))),
        ("all of one", all(&[wildcard()])),
        ("all eight deep", (1..8).fold(wildcard(), |inner, _| all(&[inner]))),
        ("a value eight deep", exact(nested(8, json!("a")))),
        ("the largest integers", one_of(json!([9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64]))),
        ("every path", below("/")),
        ("a path with dots in its names", below("/.a/b../...")),
        ("a path with a blank and letters outside ascii", below("/a b/\u{e9}")),
    ]
}

fn good_ranges() -> Vec<(&'static str, Value)> {
    vec![
        ("a range from", range(json!({"min": 0}))),
        ("a range up to", range(json!({"max": 1.5, "max_inclusive": false}))),
        ("a range of one number", range(json!({"min": 1, "max": 1}))),
        (
            "a range without its ends",
            range(json!({"min": 1, "min_inclusive": false, "max": 2, "max_inclusive": false})),
        ),
        ("an end that is not there and not included", range(json!({"min": 0, "max_inclusive": false}))),
    ]
}

/// Unknown denies.
fn unknown() -> Vec<(&'static str, Value)> {
    let with = |mut constraint: Value, name: &str| {
        constraint[name] = json!("x");
        constraint
    };
    vec![
        ("an unknown type", json!({"constraint_type": "regex", "pattern": ".*"})),
        ("a type in capitals", json!({"constraint_type": "Exact", "value": 1})),
        ("a type that is no text", json!({"constraint_type": 1, "value": 1})),
        ("no type", json!({"value": 1})),
        ("an unknown member of `exact`", with(exact(json!(1)), "note")),
        ("an unknown member of `wildcard`", with(wildcard(), "note")),
        ("an unknown member of `range`", with(range(json!({"min": 0})), "step")),
        ("an unknown member of `path_containment`", with(below("/"), "follow_links")),
        ("a member of another type", with(exact(json!(1)), "values")),
        ("an unknown type in a clause", any(&[wildcard(), json!({"constraint_type": "regex", "pattern": ".*"})])),
        ("an unknown member in a clause", all(&[with(wildcard(), "note")])),
        ("a list in the place of a constraint", json!([wildcard()])),
        ("a clause that is no constraint", any(&[json!(1)])),
    ]
}

fn without_entries() -> Vec<(&'static str, Value)> {
    let kind = |kind: &str| json!({"constraint_type": kind});
    vec![
        ("`exact` without a value", kind("exact")),
        ("`one_of` of nothing", one_of(json!([]))),
        ("`one_of` without values", kind("one_of")),
        ("`one_of` of a text", one_of(json!("a"))),
        ("`not_one_of` of nothing", not_one_of(json!([]))),
        ("`contains` of nothing", contains(json!([]))),
        ("`subset` without a list", kind("subset")),
        ("`subset` of null", subset(json!(null))),
        ("`all` of nothing", all(&[])),
        ("`any` of nothing", any(&[])),
        ("`any` of an object", json!({"constraint_type": "any", "constraints": {}})),
        ("`path_containment` without a root", kind("path_containment")),
    ]
}

fn ranges() -> Vec<(&'static str, Value)> {
    vec![
        ("a range without an end", range(json!({}))),
        ("a range without an end that says both are included", {
            range(json!({"min_inclusive": true, "max_inclusive": true}))
        }),
        ("a range the wrong way round", range(json!({"min": 2, "max": 1}))),
        ("a range of nothing, one end left out", range(json!({"min": 1, "max": 1, "max_inclusive": false}))),
        ("a range of nothing, the other end left out", range(json!({"min": 1, "min_inclusive": false, "max": 1}))),
        ("an end that is a text", range(json!({"min": "0"}))),
        ("an end that is null", range(json!({"min": 0, "max": null}))),
        ("an inclusion that is a number", range(json!({"min": 0, "min_inclusive": 1}))),
        ("an inclusion that is null", range(json!({"min": 0, "min_inclusive": null}))),
        ("an end beyond the largest integer", range(json!({"max": 9_007_199_254_740_992_u64}))),
        ("an end below the smallest", range(json!({"min": -9_007_199_254_740_992_i64}))),
        ("an end far beyond", range(json!({"max": 1e300}))),
    ]
}

fn numbers() -> Vec<(&'static str, Value)> {
    let beyond = json!(9_007_199_254_740_992_u64);
    vec![
        ("an integer beyond the largest", exact(beyond.clone())),
        ("an integer below the smallest", exact(json!(-9_007_199_254_740_992_i64))),
        ("such an integer in an array", exact(json!([[beyond]]))),
        ("such an integer in an object", one_of(json!([1, {"a": beyond}]))),
        ("such an integer left out", not_one_of(json!([beyond]))),
        ("such an integer asked for", contains(json!([beyond]))),
        ("such an integer allowed", subset(json!([1e17]))),
    ]
}

fn paths() -> Vec<(&'static str, Value)> {
    let root = |about, root| (about, below(root));
    vec![
        root("a root that is empty", ""),
        root("a root that does not begin with `/`", "a/b"),
        root("a root with `/` at its end", "/a/"),
        root("a root with an empty segment", "/a//b"),
        root("a root of two `/`", "//"),
        root("a root with a segment `.`", "/a/./b"),
        root("a root with a segment `..`", "/a/../b"),
        root("a root that ends in `..`", "/a/.."),
        root("a root with `\\`", "/a\\b"),
        root("a root with `%`", "/a/%2e%2e"),
        root("a root with a line end", "/a\nb"),
        root("a root with U+0000", "/a\0"),
        root("a root with U+007F", "/a\u{7f}"),
        root("a root with U+0085", "/a\u{85}"),
        root("a root with a blank before it", " /a"),
        ("a root that is no text", json!({"constraint_type": "path_containment", "root": ["/a"]})),
    ]
}

/// Bounds of spec/limits.md.
fn too_many() -> Vec<(&'static str, Value)> {
    let clauses: Vec<_> = (0..65).map(|_| wildcard()).collect();
    vec![
        ("one of 65", one_of((0..65).collect())),
        ("65 allowed", subset((0..65).collect())),
        ("any of 65", any(&clauses)),
        ("all nine deep", (1..9).fold(wildcard(), |inner, _| all(&[inner]))),
        ("a value nine deep", exact(nested(9, json!("a")))),
    ]
}
