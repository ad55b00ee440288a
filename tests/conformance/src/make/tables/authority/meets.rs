//! What two authorities have in common: the widest one we offer that narrows both.

use serde_json::{Value, json};

use super::{Meeting, below, changed, details};
use crate::make::NOW;
use crate::make::draft::{OTHER_RESOURCE, RESOURCE};

pub(super) fn rows() -> Vec<Meeting> {
    [whole(), tools(), budgets()].into_iter().flatten().collect()
}

fn row(about: &str, one: Value, other: Value, meet: Option<Value>) -> Meeting {
    Meeting { about: about.to_owned(), one: changed(one), other: changed(other), meet: meet.map(changed) }
}

fn whole() -> Vec<Meeting> {
    vec![
        row("with itself", json!({}), json!({}), Some(json!({}))),
        row(
            "what narrows the other already",
            json!({"scope": "files:read", "exp": NOW + 300, "del_max_depth": 1}),
            json!({}),
            Some(json!({"scope": "files:read", "exp": NOW + 300, "del_max_depth": 1})),
        ),
        row(
            "scopes and resources of both",
            json!({"scope": "files:read files:write", "resource": [RESOURCE, OTHER_RESOURCE]}),
            json!({"scope": "files:write mail:send", "resource": [OTHER_RESOURCE, "https://third.example"]}),
            Some(json!({"scope": "files:write", "resource": [OTHER_RESOURCE]})),
        ),
        row(
            "nothing in common permits nothing",
            json!({"scope": "files:read", "resource": [RESOURCE]}),
            json!({"scope": "Files:read", "resource": ["https://api.example/"]}),
            Some(json!({"scope": "", "resource": []})),
        ),
        row(
            "the earlier end of one and the smaller depth of the other",
            json!({"exp": NOW + 300, "del_max_depth": 3}),
            json!({"exp": NOW + 600, "del_max_depth": 1}),
            Some(json!({"exp": NOW + 300, "del_max_depth": 1})),
        ),
    ]
}

fn tools() -> Vec<Meeting> {
    let tools = |tools: Value| json!({"authorization_details": details(&tools)});
    let none = || json!({"authorization_details": null});
    let read = |root: &str| tools(json!({"read_file": {"path": below(root)}}));
    vec![
        row("tools of neither", none(), none(), Some(none())),
        row("tools of one", none(), read("/reports"), Some(read("/reports"))),
        row(
            "tools of both",
            tools(json!({"read_file": {}, "search": {}})),
            tools(json!({"search": {}, "send_mail": {}})),
            Some(tools(json!({"search": {}}))),
        ),
        row("an open and a closed tool", tools(json!({"read_file": {}})), read("/a"), Some(read("/a"))),
        row("the smaller of two constraints", read("/a/b"), read("/a"), Some(read("/a/b"))),
        row("a tool whose constraints have nothing in common", read("/a"), read("/b"), Some(tools(json!({})))),
        row(
            "a tool with other arguments here than there",
            read("/a"),
            tools(json!({"read_file": {"file": below("/a")}})),
            Some(tools(json!({}))),
        ),
    ]
}

fn budgets() -> Vec<Meeting> {
    let budget = |value: Value| json!({"budget": value});
    let rate = |uses: u64, seconds: u64| budget(json!({"rate": {"uses": uses, "seconds": seconds}}));
    let none = || budget(json!(null));
    vec![
        row("a budget of neither", none(), none(), Some(none())),
        row("a budget of one", none(), rate(10, 60), Some(rate(10, 60))),
        row(
            "fewer uses of one, a rate of the other",
            budget(json!({"max_uses": 5})),
            budget(json!({"max_uses": 7, "rate": {"uses": 1, "seconds": 60}})),
            Some(budget(json!({"max_uses": 5, "rate": {"uses": 1, "seconds": 60}}))),
        ),
        row("the fewer uses in the least span that holds both", rate(3, 60), rate(2, 90), Some(rate(2, 180))),
        row("the longest span there is", rate(3, 86_400), rate(2, 43_200), Some(rate(2, 86_400))),
        row("spans that only a longer one than there is would hold", rate(3, 86_399), rate(2, 86_400), None),
    ]
}
