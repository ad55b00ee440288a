//! The table of `tests/data/narrowing.json`: pairs of constraints and scopes, and what becomes of each. They were computed by
//! two other programs; the whole of what this project says is in `spec/vectors/tools.json` and `authority.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a table of another shape should stop the test")]

use handfast_delegation::{Arguments, Constraint, DetailsError, Scope, Tools};
use serde_json::Value;

const NARROWING: &str = include_str!("data/narrowing.json");

fn check(list: &str, count: usize, result: impl Fn(&Value, &Value) -> &'static str) {
    let table: Value = serde_json::from_str(NARROWING).unwrap();
    let rows = table[list].as_array().unwrap();
    assert_eq!(rows.len(), count);
    for row in rows {
        assert_eq!(result(&row["child"], &row["parent"]), row["result"], "{row}");
    }
}

fn result_of_constraints(child: &Value, parent: &Value) -> &'static str {
    let tools = |json| {
        let constraint = Constraint::from_json(json)?;
        Tools::new([("tool".to_owned(), Arguments::Exactly([("argument".to_owned(), constraint)].into()))])
    };
    match tools(child).and_then(|child| Ok(child.narrows(&tools(parent)?))) {
        Ok(Ok(())) => "accept",
        Ok(Err(_)) => "not_narrower",
        Err(DetailsError::Unsupported) => "unsupported",
        Err(_) => "malformed",
    }
}

fn result_of_scopes(child: &Value, parent: &Value) -> &'static str {
    let parent = Scope::parse(parent.as_str().unwrap()).unwrap();
    match Scope::parse(child.as_str().unwrap()) {
        Ok(child) if child.is_empty() => "malformed", // DEL-23: whoever reads a hop says so
        Ok(child) if child.is_within(&parent) => "accept",
        Ok(_) => "not_narrower",
        Err(_) => "malformed",
    }
}

#[test]
fn constraints() {
    check("constraints", 37, result_of_constraints);
}

#[test]
fn paths() {
    check("paths", 14, result_of_constraints);
}

#[test]
fn scopes() {
    check("scopes", 15, result_of_scopes);
}
