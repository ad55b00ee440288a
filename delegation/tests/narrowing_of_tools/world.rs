//! A small world: values that tell constraints apart, and every small constraint over them.

use handfast_delegation::Constraint;
use serde_json::{Value, json};

/// Values of calls, odd ones among them.
pub(crate) fn values() -> Vec<Value> {
    let deep = (0..9).fold(json!("a"), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(-0.0),
        json!(0.5),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(2),
        json!(3),
        json!(9_007_199_254_740_992_u64),
        json!(1e300),
        json!("a"),
        json!("b"),
        json!("A"),
        json!("1"),
        json!(""),
        json!("/"),
        json!("/a"),
        json!("/ab"),
        json!("/a/b"),
        json!("/a/"),
        json!("/a/../b"),
        json!("/a/%2e"),
        json!([]),
        json!(["a"]),
        json!(["b", "a"]),
        json!([1.0]),
        json!(["a", 1, "b"]),
        json!([["a"]]),
        json!(["a", 9_007_199_254_740_993_u64]),
        json!({}),
        json!({"a": 1.0}),
        deep,
    ]
}

fn subsets(values: &[Value]) -> Vec<Vec<Value>> {
    (0..1_usize << values.len())
        .map(|chosen| {
            values
                .iter()
                .enumerate()
                .filter(|(place, _)| chosen >> place & 1 == 1)
                .map(|(_, value)| value.clone())
                .collect()
        })
        .collect()
}

fn ranges() -> Vec<Value> {
    let ends = |at: &'static str, inclusive: &'static str| {
        let mut ends = vec![json!({"constraint_type": "range"})];
        for number in [0, 1, 2] {
            ends.push(json!({at: number}));
            ends.push(json!({at: number, inclusive: false}));
        }
        ends
    };
    let mut ranges = Vec::new();
    for low in ends("min", "min_inclusive") {
        for high in ends("max", "max_inclusive") {
            let mut range = low.as_object().unwrap().clone();
            range.extend(high.as_object().unwrap().clone());
            range.insert("constraint_type".to_owned(), json!("range"));
            ranges.push(Value::Object(range));
        }
    }
    // ranges of nothing and of everything do not exist
    ranges.retain(|range| Constraint::from_json(range).is_ok());
    ranges
}

/// Every constraint of the plain types over a few values.
pub(crate) fn plain() -> Vec<Value> {
    let few = [json!("a"), json!("b"), json!(1)];
    let mut all = ranges();
    for value in [
        json!("a"),
        json!(1.0),
        json!(0),
        json!(2),
        json!("1"),
        json!("/a"),
        json!("/a/b"),
        json!("/a/"),
        json!(["a"]),
        json!({"a": 1}),
        json!(null),
    ] {
        all.push(json!({"constraint_type": "exact", "value": value}));
    }
    for set in subsets(&few) {
        all.push(json!({"constraint_type": "subset", "allowed": set}));
        if !set.is_empty() {
            all.push(json!({"constraint_type": "one_of", "values": set}));
            all.push(json!({"constraint_type": "not_one_of", "excluded": set}));
            all.push(json!({"constraint_type": "contains", "required": set}));
        }
    }
    all.push(json!({"constraint_type": "one_of", "values": ["/a/b", "/b", 2]}));
    for root in ["/", "/a", "/a/b", "/ab"] {
        all.push(json!({"constraint_type": "path_containment", "root": root}));
    }
    all.push(json!({"constraint_type": "wildcard"}));
    all
}

/// `all` and `any` of one, two or three clauses.
pub(crate) fn composed() -> Vec<Value> {
    let clauses = [
        json!({"constraint_type": "one_of", "values": ["a", 1]}),
        json!({"constraint_type": "exact", "value": 1}),
        json!({"constraint_type": "not_one_of", "excluded": ["b"]}),
        json!({"constraint_type": "range", "min": 0, "max": 1}),
        json!({"constraint_type": "wildcard"}),
    ];
    let mut lists: Vec<Vec<Value>> = Vec::new();
    for one in &clauses {
        lists.push(vec![one.clone()]);
        for two in &clauses {
            lists.push(vec![one.clone(), two.clone()]);
        }
        lists.push(vec![one.clone(), clauses[0].clone(), clauses[1].clone()]);
    }
    ["all", "any"]
        .iter()
        .flat_map(|kind| lists.iter().map(move |list| json!({"constraint_type": kind, "constraints": list})))
        .collect()
}
