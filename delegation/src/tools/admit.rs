//! Whether a value lies within a constraint.

use serde_json::Value;

use super::constraint::{Constraint, Rule};
use super::literal::Literal;
use super::node::Node;

impl Constraint {
    /// Whether the argument `value` lies within this.
    ///
    /// A value that readers may see differently (an integer beyond ±(2^53−1) anywhere in it, or deeper nesting than any
    /// constraint could name) is admitted by `wildcard` alone, which does not look.
    #[must_use]
    pub fn admits(&self, value: &Value) -> bool {
        self.admits_literal(Literal::read(&Node::of(value)).ok().as_ref())
    }

    fn admits_literal(&self, value: Option<&Literal>) -> bool {
        match (self.rule(), value) {
            (Rule::Wildcard, _) => true,
            (Rule::All(clauses), _) => clauses.iter().all(|clause| clause.admits_literal(value)),
            (Rule::Any(clauses), _) => clauses.iter().any(|clause| clause.admits_literal(value)),
            (Rule::Exact(wanted), Some(value)) => wanted == value,
            (Rule::OneOf(values), Some(value)) => values.contains(value),
            (Rule::NotOneOf(excluded), Some(value)) => !excluded.contains(value),
            (Rule::Range(range), Some(Literal::Number(number))) => range.admits(*number),
            (Rule::PathContainment(root), Some(Literal::Text(text))) => root.contains(text),
            (Rule::Contains(required), Some(Literal::List(items))) => {
                required.iter().all(|wanted| items.contains(wanted))
            }
            (Rule::Subset(allowed), Some(Literal::List(items))) => items.iter().all(|item| allowed.contains(item)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(constraint: &Value, admitted: &[Value], refused: &[Value]) {
        let constraint_read = Constraint::from_json(constraint);
        let admits = |value| constraint_read.as_ref().map(|constraint| constraint.admits(value));
        for value in admitted {
            assert_eq!(admits(value), Ok(true), "{constraint} {value}");
        }
        for value in refused {
            assert_eq!(admits(value), Ok(false), "{constraint} {value}");
        }
    }

    #[test]
    fn every_type_admits_what_it_says() {
        check(
            &json!({"constraint_type": "exact", "value": 1}),
            &[json!(1), json!(1.0)],
            &[json!("1"), json!(true), json!([1]), json!(null)],
        );
        check(
            &json!({"constraint_type": "one_of", "values": ["a", 2]}),
            &[json!("a"), json!(2)],
            &[json!("A"), json!("2")],
        );
        check(
            &json!({"constraint_type": "not_one_of", "excluded": ["a", 2]}),
            &[json!("A"), json!("2"), json!(null), json!(["a"])],
            &[json!("a"), json!(2.0)],
        );
        check(
            &json!({"constraint_type": "range", "min": 0, "max": 10, "max_inclusive": false}),
            &[json!(0), json!(9.999)],
            &[json!(10), json!(-0.1), json!("5"), json!([5]), json!(null)],
        );
        check(
            &json!({"constraint_type": "contains", "required": ["x", 1]}),
            &[json!(["x", 1]), json!([1.0, "y", "x"])],
            &[json!(["x"]), json!([]), json!("x"), json!({"x": 1})],
        );
        check(
            &json!({"constraint_type": "subset", "allowed": ["x", 1]}),
            &[json!([]), json!(["x", "x"]), json!([1.0])],
            &[json!(["y"]), json!(["x", "y"]), json!("x"), json!(null)],
        );
        check(&json!({"constraint_type": "subset", "allowed": []}), &[json!([])], &[json!([null])]);
        check(
            &json!({"constraint_type": "path_containment", "root": "/a"}),
            &[json!("/a"), json!("/a/b")],
            &[json!("/ab"), json!("/a/../b"), json!("/a/"), json!(["/a"]), json!(null)],
        );
    }

    #[test]
    fn clauses_are_taken_together() {
        let (a, b) =
            (json!({"constraint_type": "one_of", "values": [1, 2]}), json!({"constraint_type": "range", "min": 2}));
        check(&json!({"constraint_type": "all", "constraints": [a, b]}), &[json!(2)], &[json!(1), json!(3)]);
        check(&json!({"constraint_type": "any", "constraints": [a, b]}), &[json!(1), json!(2), json!(3)], &[json!(0)]);
    }

    #[test]
    fn only_a_wildcard_admits_what_readers_see_differently() {
        let deep = (0..9).fold(json!("a"), |inner, _| json!([inner]));
        let odd = [
            json!(9_007_199_254_740_992_u64),
            json!(1e300),
            json!([["a", 9_007_199_254_740_993_u64]]),
            json!({"a": 1e17}),
            deep,
        ];
        let wildcard = json!({"constraint_type": "wildcard"});
        check(&wildcard, &odd, &[]);
        check(
            &json!({"constraint_type": "any", "constraints": [{"constraint_type": "exact", "value": 1}, wildcard]}),
            &odd,
            &[],
        );
        let looking = json!({"constraint_type": "not_one_of", "excluded": ["b"]});
        check(&looking, &[], &odd);
        check(&json!({"constraint_type": "all", "constraints": [wildcard, looking]}), &[], &odd);
        check(&json!({"constraint_type": "range", "min": 0}), &[json!(9_007_199_254_740_991_u64)], &odd);
        check(&json!({"constraint_type": "contains", "required": ["a"]}), &[], &[json!(["a", 1e17])]);
    }
}
