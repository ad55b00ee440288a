//! Tools in chains: never dropped, never wider (DEL-22). Which pairs narrow, `tools.json` says.

use serde_json::{Value, json};

use super::{both, exchanged, offline};
use crate::make::Case;
use crate::make::case::{forbidden, wrong};
use crate::make::draft::Draft;

#[allow(clippy::needless_pass_by_value)] // literals read better without a reference
fn tools(tools: Value) -> Value {
    json!({"authorization_details": [{"type": "attenuating_agent_token", "tools": tools}]})
}

fn read_below(root: &str) -> Value {
    tools(json!({"read_file": {"path": {"constraint_type": "path_containment", "root": root}}}))
}

/// Root, hops and token that all may read below `/reports`.
fn limited(draft: Draft) -> Draft {
    let reports = || read_below("/reports");
    draft.root_claims(reports()).hop_claims(1, reports()).hop_claims(2, reports()).claims(reports())
}

pub(super) fn cases() -> Vec<Case> {
    let widened = |name: &str, rules, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "details_widened", rules, about, |draft| mistake(limited(draft))).collect::<Vec<_>>()
    };
    let second = |details: Value| move |draft: Draft| draft.hop_claims(2, details.clone());
    let dropped = |place| move |draft: Draft| draft.hop(place, |hop| hop.without(&["authorization_details"]));
    let mut cases = [
        widened("details-dropped", "TH40 DEL-22", "the second hop leaves out the tools of the first", &dropped(2)),
        widened(
            "details-of-the-root-dropped",
            "TH40 DEL-22",
            "the first hop leaves out the tools of the root",
            &dropped(1),
        ),
        widened("details-root-widened", "DEL-22", "a path above the parent's", &second(read_below("/"))),
        widened("details-root-beside", "DEL-22", "`/reports2` below `/reports`", &second(read_below("/reports2"))),
        widened(
            "details-opened",
            "DEL-22",
            "an open tool below a closed one",
            &second(tools(json!({"read_file": {}}))),
        ),
        widened(
            "details-tool-added",
            "DEL-22",
            "a tool that the parent has not",
            &second(tools(json!({"delete_file": {"path": {"constraint_type": "exact", "value": "/reports"}}}))),
        ),
        widened(
            "details-argument-dropped",
            "DEL-22",
            "an argument of the closed tool is gone, another there",
            &second(tools(json!({"read_file": {"name": {"constraint_type": "wildcard"}}}))),
        ),
        widened(
            "details-other-type",
            "DEL-22",
            "another type of constraint, narrower by meaning only",
            &second(tools(json!({"read_file": {"path": {"constraint_type": "one_of", "values": ["/reports/a"]}}}))),
        ),
    ]
    .concat();
    cases.extend(shapes());
    cases.extend([
        exchanged("token-drops-the-tools", "token_exceeds_chain", "DEL-34 DEL-22", "the token leaves out the tools", {
            |draft| limited(draft).without_claims(&["authorization_details"])
        }),
        tool_refused("offline", limited(Draft::offline(2))),
        tool_refused("exchanged", limited(Draft::exchanged(2))),
    ]);
    cases
}

/// A good chain with tools: the route declares none.
fn tool_refused(form: &str, draft: Draft) -> Case {
    let about = format!("{form}: a chain with tools, at a route that declares none");
    wrong(format!("{form}-tools-at-a-plain-route"), forbidden("tool_refused", ""), "RAR-09 DEL-35", about, draft)
        .twin(format!("{form}-2"))
}

fn shapes() -> Vec<Case> {
    let shape = |name: &str, about: &str, details: Value| {
        offline(name, "chain_malformed", "DEL-22 P-08", about, |draft| {
            draft.hop_claims(2, json!({"authorization_details": details}))
        })
    };
    let object = json!({"type": "attenuating_agent_token", "tools": {}});
    vec![
        shape("details-unknown-type", "details of a type nobody here knows", json!([{"type": "payment_initiation"}])),
        shape("details-two-objects", "two objects", json!([object, object])),
        shape("details-none", "an empty array", json!([])),
        shape("details-null", "`authorization_details` is null", Value::Null),
        shape("details-unknown-member", "a member nobody knows", {
            json!([{"type": "attenuating_agent_token", "tools": {}, "locations": ["https://api.example"]}])
        }),
        shape("details-unknown-constraint", "a constraint of a type nobody knows", {
            json!([{"type": "attenuating_agent_token", "tools": {"a": {"x": {"constraint_type": "regex", "pattern": "."}}}}])
        }),
    ]
}
