//! The rules of spec/delegation.md, "Tools", written a second time: on plain JSON, without a thought for speed.

use serde_json::Value;

/// Whether RFC 8785 writes both the same.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys()) && one.values().zip(other.values()).all(|(one, other)| is_same(one, other))
        }
        (one, other) => one == other,
    }
}

/// Whether every reader sees the same value, and no deeper than `levels` arrays and objects.
fn is_plain(value: &Value, levels: usize) -> bool {
    match value {
        Value::Number(number) => number.as_f64().unwrap().abs() < 9_007_199_254_740_992.0,
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_plain(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| is_plain(member, levels - 1)),
        _ => true,
    }
}

fn kind(constraint: &Value) -> &str {
    constraint["constraint_type"].as_str().unwrap()
}

fn items<'a>(constraint: &'a Value, member: &str) -> &'a [Value] {
    constraint[member].as_array().unwrap()
}

fn is_among(value: &Value, values: &[Value]) -> bool {
    values.iter().any(|other| is_same(other, value))
}

fn is_subset(small: &[Value], large: &[Value]) -> bool {
    small.iter().all(|value| is_among(value, large))
}

/// Segments of a path with one reading.
fn segments(value: &Value) -> Option<Vec<&str>> {
    let text = value.as_str()?;
    if text == "/" {
        return Some(Vec::new());
    }
    let mut segments = text.split('/');
    let is_absolute = segments.next() == Some("");
    let segments: Vec<_> = segments.collect();
    let is_odd = |segment: &&str| {
        ["", ".", ".."].contains(segment) || segment.chars().any(|c| c == '\\' || c == '%' || c.is_control())
    };
    (is_absolute && !segments.is_empty() && !segments.iter().any(is_odd)).then_some(segments)
}

fn is_path_below(path: &Value, root: &Value) -> bool {
    segments(path).is_some_and(|path| path.starts_with(&segments(root).unwrap()))
}

/// The lower end as a number and whether it is left out; below everything if absent.
fn low(range: &Value) -> (f64, bool) {
    (range["min"].as_f64().unwrap_or(f64::NEG_INFINITY), range["min_inclusive"] == Value::Bool(false))
}

/// The upper end as a number and whether it is inside; above everything if absent.
fn high(range: &Value) -> (f64, bool) {
    (range["max"].as_f64().unwrap_or(f64::INFINITY), range["max_inclusive"] != Value::Bool(false))
}

pub(crate) fn admits(constraint: &Value, value: &Value) -> bool {
    match kind(constraint) {
        "wildcard" => return true,
        "all" => return items(constraint, "constraints").iter().all(|clause| admits(clause, value)),
        "any" => return items(constraint, "constraints").iter().any(|clause| admits(clause, value)),
        _ if !is_plain(value, 8) => return false,
        _ => {}
    }
    match (kind(constraint), value) {
        ("exact", _) => is_among(value, core::slice::from_ref(&constraint["value"])),
        ("one_of", _) => is_among(value, items(constraint, "values")),
        ("not_one_of", _) => !is_among(value, items(constraint, "excluded")),
        ("range", Value::Number(number)) => {
            let number = number.as_f64().unwrap();
            low(constraint) <= (number, false) && (number, true) <= high(constraint)
        }
        ("contains", Value::Array(list)) => is_subset(items(constraint, "required"), list),
        ("subset", Value::Array(list)) => is_subset(list, items(constraint, "allowed")),
        ("path_containment", _) => is_path_below(value, &constraint["root"]),
        _ => false,
    }
}

pub(crate) fn narrows(child: &Value, parent: &Value) -> bool {
    match (kind(parent), kind(child)) {
        ("wildcard", _) => true,
        ("exact" | "one_of" | "range" | "path_containment", "exact") => admits(parent, &child["value"]),
        ("one_of", "one_of") => is_subset(items(child, "values"), items(parent, "values")),
        ("not_one_of", "not_one_of") => is_subset(items(parent, "excluded"), items(child, "excluded")),
        ("contains", "contains") => is_subset(items(parent, "required"), items(child, "required")),
        ("subset", "subset") => is_subset(items(child, "allowed"), items(parent, "allowed")),
        ("range", "range") => low(parent) <= low(child) && high(child) <= high(parent),
        ("path_containment", "path_containment") => is_path_below(&child["root"], &parent["root"]),
        ("all", "all") => {
            let clauses: Vec<_> = items(child, "constraints").iter().collect();
            can_serve(&clauses, items(parent, "constraints"))
        }
        ("any", "any") => {
            let wider = items(parent, "constraints");
            items(child, "constraints").iter().all(|clause| wider.iter().any(|other| narrows(clause, other)))
        }
        _ => false,
    }
}

/// Tries every way to give each clause of the parent one of the child's.
fn can_serve(clauses: &[&Value], parent: &[Value]) -> bool {
    let Some((first, others)) = parent.split_first() else { return true };
    (0..clauses.len()).any(|place| {
        let mut left = clauses.to_vec();
        narrows(left.remove(place), first) && can_serve(&left, others)
    })
}

/// `tools` as in the claim: which of them may be called with `arguments`.
pub(crate) fn permits(tools: &Value, tool: &str, arguments: &Value) -> bool {
    let (Some(closed), given) = (tools[tool].as_object(), arguments.as_object().unwrap()) else { return false };
    closed.is_empty()
        || closed.keys().eq(given.keys()) && closed.iter().all(|(name, constraint)| admits(constraint, &given[name]))
}

pub(crate) fn tools_narrow(child: &Value, parent: &Value) -> bool {
    child.as_object().unwrap().iter().all(|(tool, child)| {
        let (child, Some(parent)) = (child.as_object().unwrap(), parent[tool].as_object()) else { return false };
        parent.is_empty()
            || child.keys().eq(parent.keys()) && child.iter().all(|(name, clause)| narrows(clause, &parent[name]))
    })
}
