//! Tools below tools, and calls of them: open ones and closed ones.

use serde_json::{Value, json};

use super::{Call, Pair, below, exact, range, wildcard};
use crate::make::tables::in_order;

/// Pairs of `tools`.
pub(super) fn pairs() -> Vec<Pair> {
    let pair = |narrows: bool| {
        move |(about, parent, child): (&str, Value, Value)| Pair {
            parent: in_order(parent),
            child: in_order(child),
            narrows,
            about: Some(about.to_owned()),
        }
    };
    let (narrow, wide) = (narrow_pairs().into_iter().map(pair(true)), wide_pairs().into_iter().map(pair(false)));
    narrow.chain(wide).collect()
}

/// A closed tool with one argument and an open one.
fn two() -> Value {
    json!({"read_file": {"path": below("/a")}, "search": {}})
}

/// A closed tool with two arguments.
fn closed() -> Value {
    json!({"read_file": {"path": below("/a"), "tail": wildcard()}})
}

fn narrow_pairs() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("the same tools", two(), two()),
        ("a tool less", two(), json!({"search": {}})),
        ("no tool", two(), json!({})),
        ("no tool below no tool", json!({}), json!({})),
        ("an open tool closed", two(), json!({"search": {"q": exact(json!("x")), "limit": range(json!({"max": 10}))}})),
        ("a smaller constraint", two(), json!({"read_file": {"path": exact(json!("/a/b"))}})),
        (
            "one argument narrowed, one as it was",
            closed(),
            json!({"read_file": {"path": below("/a/b"), "tail": wildcard()}}),
        ),
        ("both narrowed", closed(), json!({"read_file": {"path": below("/a/b"), "tail": exact(json!(10))}})),
    ]
}

fn wide_pairs() -> Vec<(&'static str, Value, Value)> {
    let path = || below("/a");
    vec![
        ("a tool more", two(), json!({"search": {}, "send_mail": {}})),
        ("a tool below no tool", json!({}), json!({"search": {}})),
        ("a tool in capitals", two(), json!({"Search": {}})),
        ("the beginning of a tool's name", two(), json!({"read": {"path": path()}})),
        ("a closed tool opened", two(), json!({"read_file": {}})),
        ("an argument dropped", closed(), json!({"read_file": {"path": path()}})),
        ("an argument added", two(), json!({"read_file": {"path": path(), "tail": wildcard()}})),
        ("another argument", two(), json!({"read_file": {"file": path()}})),
        ("an argument in capitals", two(), json!({"read_file": {"Path": path()}})),
        ("a larger constraint", two(), json!({"read_file": {"path": below("/")}})),
        ("a constraint of another type", two(), json!({"read_file": {"path": wildcard()}})),
        ("one narrowed, one larger", closed(), json!({"read_file": {"path": below("/"), "tail": exact(json!(1))}})),
    ]
}

/// Calls of those tools.
pub(super) fn rows() -> Vec<Call> {
    let call = |permitted: bool| {
        move |(about, tools, tool, arguments): (&str, Value, &str, Value)| Call {
            about: about.to_owned(),
            tools: in_order(tools),
            tool: tool.to_owned(),
            arguments: in_order(arguments),
            permitted,
        }
    };
    let (good, bad) = (permitted().into_iter().map(call(true)), refused().into_iter().map(call(false)));
    good.chain(bad).collect()
}

fn permitted() -> Vec<(&'static str, Value, &'static str, Value)> {
    vec![
        ("an open tool without arguments", two(), "search", json!({})),
        ("an open tool with any", two(), "search", json!({"q": [1e300, {"deep": 9_007_199_254_740_993_u64}]})),
        ("a closed tool with its argument", two(), "read_file", json!({"path": "/a/b"})),
        ("a closed tool with both of its arguments", closed(), "read_file", json!({"path": "/a", "tail": null})),
    ]
}

fn refused() -> Vec<(&'static str, Value, &'static str, Value)> {
    vec![
        ("where no tool may be called", json!({}), "search", json!({})),
        ("a tool that is not there", two(), "write_file", json!({"path": "/a/b"})),
        ("a tool in capitals", two(), "Search", json!({})),
        ("a tool with a blank behind it", two(), "search ", json!({})),
        ("a closed tool without its argument", two(), "read_file", json!({})),
        ("a closed tool without one of its arguments", closed(), "read_file", json!({"path": "/a"})),
        ("an argument that is not the tool's", two(), "read_file", json!({"path": "/a/b", "as": "root"})),
        ("an argument in capitals beside it", two(), "read_file", json!({"path": "/a/b", "Path": "/a/b"})),
        ("a value outside the constraint", two(), "read_file", json!({"path": "/b"})),
        ("a value with a `..` in it", two(), "read_file", json!({"path": "/a/../b"})),
        ("a value of another type", two(), "read_file", json!({"path": ["/a"]})),
    ]
}
