//! The tables of authority and tools against the order that decides everywhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a table of another shape should stop the test"
)]

use std::collections::BTreeSet;

use handfast_conformance::make::tables::authority::{Authorities, Narrowing};
use handfast_conformance::make::tables::tools::{Pair, ToolRules};
use handfast_conformance::vector::read_table;
use handfast_delegation::{Authority, Budget, Constraint, DETAILS_TYPE, ToolCall, Tools};
use handfast_identity::json::{Limits, read_object};
use serde_json::{Value, json};

fn verdict(child: &Authority, parent: &Authority) -> &'static str {
    child.narrows(parent).map_or_else(|widening| widening.reason(), |()| "narrows")
}

/// The reasons in the order of the dimensions (spec/delegation.md, authority).
const REASONS: [&str; 6] =
    ["scope_widened", "resource_widened", "details_widened", "budget_widened", "expiry_widened", "depth_invalid"];

#[test]
fn authorities_narrow_as_the_table_says() {
    let rows = read_table::<Authorities>("authority.json").narrows;
    for row in &rows {
        let (parent, child) = (row.parent.authority(), row.child.authority());
        assert_eq!(verdict(&child, &parent), row.verdict, "{}", row.about);
        assert_eq!((verdict(&child, &child), verdict(&parent, &parent)), ("narrows", "narrows"), "{}", row.about);
    }
}

/// In which dimensions two authorities differ, by the place of their reasons.
fn differences(row: &Narrowing) -> Vec<usize> {
    let (parent, child) = (row.parent.authority(), row.child.authority());
    let differs = [
        parent.scope != child.scope,
        parent.resources != child.resources,
        parent.tools != child.tools,
        parent.budget != child.budget,
        parent.expires_at != child.expires_at,
        parent.max_depth != child.max_depth,
    ];
    (0..differs.len()).filter(|place| differs[*place]).collect()
}

#[test]
fn each_dimension_is_tried_alone_on_both_sides_and_with_every_other() {
    let rows = read_table::<Authorities>("authority.json").narrows;
    let shown: BTreeSet<_> = rows.iter().map(|row| (differences(row), row.verdict.clone())).collect();
    for (place, reason) in REASONS.iter().enumerate() {
        for verdict in ["narrows", reason] {
            assert!(shown.contains(&(vec![place], verdict.to_owned())), "{reason} alone: {verdict}");
        }
        for (later, other) in REASONS.iter().enumerate().skip(place + 1) {
            assert!(shown.contains(&(vec![place, later], (*reason).to_owned())), "{reason} before {other}");
        }
    }
}

#[test]
fn authorities_meet_as_the_table_says() {
    for row in read_table::<Authorities>("authority.json").meets {
        let (one, other) = (row.one.authority(), row.other.authority());
        let meet = row.meet.map(|meet| meet.authority());
        assert_eq!((one.meet(&other), other.meet(&one)), (meet.clone(), meet.clone()), "{}", row.about);
        for wider in [&one, &other] {
            assert!(meet.as_ref().is_none_or(|meet| meet.narrows(wider).is_ok()), "{}", row.about);
        }
    }
}

#[test]
fn budgets_are_read_as_the_table_says() {
    for (text, is_budget) in read_table::<Authorities>("authority.json").budgets {
        assert_eq!(read_object::<Budget>(text.as_bytes(), &Limits::plain(256)).is_ok(), is_budget, "{text}");
    }
}

fn constraint(value: &Value) -> Constraint {
    Constraint::from_json(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn tools(value: &Value) -> Tools {
    Tools::from_details(&json!([{"type": DETAILS_TYPE, "tools": value}])).unwrap()
}

#[test]
fn values_are_equal_as_the_table_says() {
    for (one, other, equal) in read_table::<ToolRules>("tools.json").equal {
        let [one_read, other_read] = [&one, &other].map(|text| serde_json::from_str::<Value>(text).unwrap());
        let [exact, another] = [&one_read, &other_read].map(Constraint::exact);
        match equal {
            Some(equal) => {
                assert_eq!(exact.as_ref().map(|exact| exact.admits(&other_read)), Ok(equal), "{one} {other}");
                assert_eq!(exact == another, equal, "{one} {other}");
            }
            None => assert!(exact.is_err() || another.is_err(), "{one} {other}"),
        }
    }
}

#[test]
fn details_and_constraints_are_read_as_the_table_says() {
    let rules: ToolRules = read_table("tools.json");
    for row in &rules.details {
        assert_eq!(Tools::from_details(&row.value).is_ok(), row.accepted, "{}", row.about);
    }
    for row in &rules.constraints {
        assert_eq!(Constraint::from_json(&row.value).is_ok(), row.accepted, "{}", row.about);
        // inside a claim as well
        let claim = json!([{"type": DETAILS_TYPE, "tools": {"tool": {"argument": row.value}}}]);
        assert_eq!(Tools::from_details(&claim).is_ok(), row.accepted, "{}", row.about);
    }
}

#[test]
fn constraints_admit_what_the_table_says() {
    let rows = read_table::<ToolRules>("tools.json").admits;
    for row in &rows {
        let read = constraint(&row.constraint);
        for (values, admitted) in [(&row.admitted, true), (&row.refused, false)] {
            for value in values {
                assert_eq!(read.admits(value), admitted, "{} {value}", row.constraint);
            }
        }
    }
    for kind in TYPES.iter().filter(|kind| **kind != "wildcard") {
        let of_kind = || rows.iter().filter(|row| row.constraint["constraint_type"] == *kind);
        assert!(of_kind().any(|row| !row.admitted.is_empty()), "{kind}");
        assert!(of_kind().any(|row| !row.refused.is_empty()), "{kind}");
    }
}

/// Every type of constraint (spec/delegation.md, tools).
const TYPES: [&str; 10] =
    ["exact", "one_of", "not_one_of", "range", "contains", "subset", "path_containment", "all", "any", "wildcard"];

#[test]
fn constraints_narrow_as_the_table_says() {
    for Pair { parent, child, narrows, .. } in read_table::<ToolRules>("tools.json").pairs {
        assert_eq!(constraint(&child).narrows(&constraint(&parent)), narrows, "{child} below {parent}");
    }
}

#[test]
fn every_type_stands_below_every_type() {
    let rows = read_table::<ToolRules>("tools.json").pairs;
    for parent in TYPES {
        for child in TYPES {
            let answers: BTreeSet<_> = rows
                .iter()
                .filter(|row| row.parent["constraint_type"] == parent && row.child["constraint_type"] == child)
                .map(|row| row.narrows)
                .collect();
            let exact_below = child == "exact" && matches!(parent, "one_of" | "range" | "path_containment");
            let expected: &[bool] = match parent {
                "wildcard" => &[true],
                _ if parent == child || exact_below => &[false, true],
                _ => &[false],
            };
            assert_eq!(answers.into_iter().collect::<Vec<_>>(), expected, "{child} below {parent}");
        }
    }
}

#[test]
fn constraints_meet_as_the_table_says() {
    for row in read_table::<ToolRules>("tools.json").meets {
        let (one, other) = (constraint(&row.one), constraint(&row.other));
        let meet = row.meet.as_ref().map(constraint);
        for found in [one.meet(&other), other.meet(&one)] {
            match (&found, &meet) {
                // clauses of `all` have no order
                (Some(found), Some(meet)) => assert!(found.narrows(meet) && meet.narrows(found), "{row:?}: {found:?}"),
                _ => assert_eq!(found, meet, "{row:?}"),
            }
            assert!(found.is_none_or(|meet| meet.narrows(&one) && meet.narrows(&other)), "{row:?}");
        }
    }
}

#[test]
fn tools_narrow_and_are_called_as_the_table_says() {
    let rules: ToolRules = read_table("tools.json");
    for Pair { parent, child, narrows, about } in &rules.tools {
        assert_eq!(tools(child).narrows(&tools(parent)).is_ok(), *narrows, "{about:?}");
    }
    for row in &rules.calls {
        let call = ToolCall { tool: row.tool.clone(), arguments: row.arguments.as_object().unwrap().clone() };
        assert_eq!(tools(&row.tools).permits(&call).is_ok(), row.permitted, "{}", row.about);
    }
}
