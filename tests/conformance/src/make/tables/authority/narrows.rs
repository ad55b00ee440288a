//! Pairs of authorities: each dimension by itself, on both sides of its edge, and several faults at once.

use serde_json::{Value, json};

use super::{Narrowing, below, changed, details};
use crate::make::NOW;
use crate::make::draft::{OTHER_RESOURCE, RESOURCE};

/// A child, as changes of parent and child, and the verdict.
type Pair = (&'static str, Value, Value, &'static str);

const NARROWS: &str = "narrows";

pub(super) fn rows() -> Vec<Narrowing> {
    let pairs = [scopes(), resources(), tools(), budgets(), rates(), ends_and_depths()].into_iter().flatten();
    let pairs = pairs.map(|(about, parent, child, verdict)| row(about.to_owned(), parent, child, verdict));
    pairs.chain(several_faults()).collect()
}

fn row(about: String, parent: Value, child: Value, verdict: &str) -> Narrowing {
    Narrowing { about, parent: changed(parent), child: changed(child), verdict: verdict.to_owned() }
}

/// DEL-20.
fn scopes() -> Vec<Pair> {
    let wider = "scope_widened";
    let scope = |text: &str| json!({"scope": text});
    vec![
        ("everything the same", json!({}), json!({}), NARROWS),
        ("the scopes in another order", json!({}), scope("files:write files:read"), NARROWS),
        ("a scope less", json!({}), scope("files:read"), NARROWS),
        ("no scope is less, though no hop may say so", json!({}), scope(""), NARROWS),
        ("a scope more", json!({}), scope("files:read files:write mail:send"), wider),
        ("another scope in the place of one", json!({}), scope("files:read mail:send"), wider),
        ("a scope below none", scope(""), scope("files:read"), wider),
        ("a longer scope below its beginning", scope("files"), scope("files:read"), wider),
        ("the beginning of a scope", scope("files:read"), scope("files"), wider),
        ("a scope in capitals", scope("files:read"), scope("Files:read"), wider),
        ("`files:*` stands for no other scope", scope("files:*"), scope("files:read"), wider),
        ("`files:*` is a scope like any other", scope("files:* files:read"), scope("files:*"), NARROWS),
    ]
}

/// DEL-21.
fn resources() -> Vec<Pair> {
    let wider = "resource_widened";
    let at = |resources: &[&str]| json!({"resource": resources});
    vec![
        ("the resources in another order", json!({}), at(&[OTHER_RESOURCE, RESOURCE]), NARROWS),
        ("a resource less", json!({}), at(&[RESOURCE]), NARROWS),
        ("no resource is less, though no hop may say so", json!({}), at(&[]), NARROWS),
        ("a resource more", json!({}), at(&[RESOURCE, OTHER_RESOURCE, "https://third.example"]), wider),
        ("another resource in the place of one", json!({}), at(&[RESOURCE, "https://third.example"]), wider),
        ("a resource with a slash behind it", at(&[RESOURCE]), at(&["https://api.example/"]), wider),
        ("a path below a resource", at(&[RESOURCE]), at(&["https://api.example/files"]), wider),
        ("a resource in capitals", at(&[RESOURCE]), at(&["https://API.example"]), wider),
        ("a resource with its usual port", at(&[RESOURCE]), at(&["https://api.example:443"]), wider),
        ("a resource under another scheme", at(&[RESOURCE]), at(&["http://api.example"]), wider),
        ("a resource with a query is another", at(&["https://api.example?t=7"]), at(&[RESOURCE]), wider),
    ]
}

/// DEL-22.
fn tools() -> Vec<Pair> {
    let wider = "details_widened";
    let tools = |tools: Value| json!({"authorization_details": details(&tools)});
    let read = |arguments: Value| tools(json!({"read_file": arguments}));
    let none = json!({"authorization_details": null});
    vec![
        ("no tools, and none below", none.clone(), none.clone(), NARROWS),
        ("tools below a parent without", none.clone(), json!({}), NARROWS),
        ("tools dropped", json!({}), none.clone(), wider),
        ("a tool less", json!({}), read(json!({"path": below("/reports")})), NARROWS),
        ("no tool at all", json!({}), tools(json!({})), NARROWS),
        ("no tool at all, dropped", tools(json!({})), none, wider),
        ("a tool below no tool at all", tools(json!({})), tools(json!({"search": {}})), wider),
        ("a tool more", json!({}), tools(json!({"search": {}, "send_mail": {}})), wider),
        ("a tool in capitals", json!({}), tools(json!({"Search": {}})), wider),
        ("a smaller constraint", json!({}), read(json!({"path": below("/reports/2026")})), NARROWS),
        ("a larger constraint", json!({}), read(json!({"path": below("/")})), wider),
        ("a closed tool opened", json!({}), read(json!({})), wider),
        ("an open tool closed", json!({}), tools(json!({"search": {"at": below("/")}})), NARROWS),
        ("an argument more", json!({}), read(json!({"path": below("/reports"), "tail": below("/reports")})), wider),
        ("another argument", json!({}), read(json!({"file": below("/reports")})), wider),
    ]
}

/// DEL-45.
fn budgets() -> Vec<Pair> {
    let wider = "budget_widened";
    let budget = |value: Value| json!({"budget": value});
    let uses = |count: u64| budget(json!({"max_uses": count}));
    let rate = json!({"uses": 10, "seconds": 60});
    let none = budget(json!(null));
    vec![
        ("no budget, and none below", none.clone(), none.clone(), NARROWS),
        ("a budget below a parent without", none.clone(), json!({}), NARROWS),
        ("the budget dropped", json!({}), none, wider),
        ("as many uses", uses(5), uses(5), NARROWS),
        ("a use less", uses(5), uses(4), NARROWS),
        ("a use more", uses(5), uses(6), wider),
        ("the most uses", uses((1 << 53) - 1), uses((1 << 53) - 1), NARROWS),
        ("the most uses below one less", uses((1 << 53) - 2), uses((1 << 53) - 1), wider),
        ("a rate added", uses(5), budget(json!({"max_uses": 5, "rate": rate})), NARROWS),
        ("a rate in the place of the uses", uses(5), budget(json!({"rate": {"uses": 1, "seconds": 86400}})), wider),
        ("the rate dropped", json!({}), uses(100), wider),
        ("the uses dropped", json!({}), budget(json!({"rate": rate})), wider),
        ("uses in the place of the rate", budget(json!({"rate": rate})), uses(1), wider),
    ]
}

/// DEL-45: spans begin at multiples of their length, so a multiple of it holds whole spans.
fn rates() -> Vec<Pair> {
    let wider = "budget_widened";
    let rate = |uses: u64, seconds: u64| json!({"budget": {"rate": {"uses": uses, "seconds": seconds}}});
    vec![
        ("the same rate", rate(10, 60), rate(10, 60), NARROWS),
        ("a use less in the span", rate(10, 60), rate(9, 60), NARROWS),
        ("a use more in the span", rate(10, 60), rate(11, 60), wider),
        ("a span twice as long", rate(10, 60), rate(10, 120), NARROWS),
        ("twice the uses in twice the span", rate(10, 60), rate(20, 120), wider),
        ("a longer span that is no multiple", rate(10, 60), rate(10, 90), wider),
        ("a longer span that is no multiple, with one use", rate(10, 60), rate(1, 61), wider),
        ("half the uses in half the span", rate(10, 60), rate(5, 30), wider),
        ("the longest span", rate(10, 43_200), rate(10, 86_400), NARROWS),
        ("any span below one second", rate(10, 1), rate(10, 86_399), NARROWS),
    ]
}

/// DEL-24 and DEL-26.
fn ends_and_depths() -> Vec<Pair> {
    let end = |seconds: u64| json!({"exp": NOW + seconds});
    let depth = |most: u8| json!({"del_max_depth": most});
    vec![
        ("a second earlier", json!({}), end(599), NARROWS),
        ("a second later", json!({}), end(601), "expiry_widened"),
        ("later within the leeway of clocks", json!({}), end(630), "expiry_widened"),
        ("a depth less", json!({}), depth(2), NARROWS),
        ("not to be passed on", json!({}), depth(0), NARROWS),
        ("a depth more", json!({}), depth(4), "depth_invalid"),
        ("a depth below none", depth(0), depth(1), "depth_invalid"),
        ("no depth below none", depth(0), depth(0), NARROWS),
        ("the largest depth", depth(255), depth(255), NARROWS),
    ]
}

/// One fault of each dimension, in the order of the dimensions.
fn faults() -> [(&'static str, Value); 6] {
    [
        ("scope_widened", json!({"scope": "files:read mail:send"})),
        ("resource_widened", json!({"resource": ["https://third.example"]})),
        ("details_widened", json!({"authorization_details": null})),
        ("budget_widened", json!({"budget": null})),
        ("expiry_widened", json!({"exp": NOW + 601})),
        ("depth_invalid", json!({"del_max_depth": 4})),
    ]
}

/// Every two faults, and all from each one on: the first is told.
fn several_faults() -> Vec<Narrowing> {
    let faults = faults();
    let together = |faults: &[&(&'static str, Value)]| {
        let mut child = serde_json::Map::new();
        for (_, change) in faults {
            child.extend(change.as_object().cloned().unwrap_or_default());
        }
        let about = faults.iter().map(|(reason, _)| *reason).collect::<Vec<_>>().join(", ");
        row(format!("faults: {about}"), json!({}), Value::Object(child), faults[0].0)
    };
    let mut rows = Vec::new();
    for (place, first) in faults.iter().enumerate() {
        let later = &faults[place + 1..];
        rows.extend(later.iter().map(|second| together(&[first, second])));
        if later.len() > 1 {
            rows.push(together(&faults[place..].iter().collect::<Vec<_>>()));
        }
    }
    rows
}
