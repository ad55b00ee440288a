//! Every pair and triple of the small world.

use handfast_delegation::Constraint;
use serde_json::Value;

use crate::{model, world};

fn everything() -> Vec<(Value, Constraint)> {
    let constraints = world::plain().into_iter().chain(world::composed());
    constraints.map(|json| (json.clone(), Constraint::from_json(&json).unwrap())).collect()
}

/// What each constraint admits of the world's values.
fn permissions(constraints: &[(Value, Constraint)]) -> Vec<Vec<bool>> {
    let values = world::values();
    constraints.iter().map(|(_, read)| values.iter().map(|value| read.admits(value)).collect()).collect()
}

fn is_within(child: &[bool], parent: &[bool]) -> bool {
    child.iter().zip(parent).all(|(child, parent)| !child || *parent)
}

#[test]
fn values_are_admitted_as_the_model_says() {
    for (json, constraint) in everything() {
        for value in world::values() {
            assert_eq!(constraint.admits(&value), model::admits(&json, &value), "{json} {value}");
        }
        assert_eq!(Constraint::from_json(&constraint.to_json()), Ok(constraint), "{json}");
    }
}

#[test]
fn pairs_narrow_exactly_where_the_model_says() {
    let all = everything();
    let mut narrowing = 0;
    for (child_json, child) in &all {
        assert!(child.narrows(child), "{child_json}");
        for (parent_json, parent) in &all {
            assert_eq!(child.narrows(parent), model::narrows(child_json, parent_json), "{child_json} {parent_json}");
            narrowing += usize::from(child.narrows(parent));
        }
    }
    assert!(narrowing > 3 * all.len(), "{narrowing} pairs of {} constraints say little", all.len());
}

#[test]
fn a_child_admits_nothing_its_parent_refuses() {
    let all = everything();
    let permissions = permissions(&all);
    for ((child_json, child), child_permits) in all.iter().zip(&permissions) {
        for ((parent_json, parent), parent_permits) in all.iter().zip(&permissions) {
            if child.narrows(parent) {
                assert!(is_within(child_permits, parent_permits), "{child_json} {parent_json}");
                if parent.narrows(child) {
                    assert_eq!(child_permits, parent_permits, "{child_json} {parent_json}");
                }
            }
        }
    }
}

#[test]
fn narrowing_is_transitive() {
    let all = everything();
    let above: Vec<Vec<usize>> =
        all.iter().map(|(_, child)| (0..all.len()).filter(|parent| child.narrows(&all[*parent].1)).collect()).collect();
    for (child, parents) in above.iter().enumerate() {
        for parent in parents {
            for grandparent in &above[*parent] {
                assert!(parents.contains(grandparent), "{} {} {}", all[child].0, all[*parent].0, all[*grandparent].0);
            }
        }
    }
}

fn is_any(json: &Value) -> bool {
    json["constraint_type"] == "any"
}

#[test]
fn a_meet_narrows_both_and_loses_nothing_both_admit() {
    let all = everything();
    let values = world::values();
    for (one_json, one) in &all {
        for (other_json, other) in &all {
            let Some(meet) = one.meet(other) else { continue };
            assert!(meet.narrows(one) && meet.narrows(other), "{one_json} {other_json}: {meet:?}");
            for value in values.iter().filter(|_| !is_any(one_json)) {
                let both = one.admits(value) && other.admits(value);
                assert_eq!(meet.admits(value), both, "{one_json} {other_json} {value}: {meet:?}");
            }
        }
    }
}

/// Of plain constraints the meet is the widest that narrows both. There is none only where nothing narrows both, and where
/// several values of a `one_of` lie below a range or root.
#[test]
fn a_meet_of_plain_constraints_is_the_widest() {
    let all: Vec<_> =
        world::plain().into_iter().map(|json| (json.clone(), Constraint::from_json(&json).unwrap())).collect();
    for (one_json, one) in &all {
        for (other_json, other) in &all {
            let meet = one.meet(other);
            let below: Vec<_> = all.iter().filter(|(_, low)| low.narrows(one) && low.narrows(other)).collect();
            match meet {
                Some(meet) => assert!(below.iter().all(|(_, low)| low.narrows(&meet)), "{one_json} {other_json}"),
                None => {
                    let is_choice = one_json["constraint_type"] != other_json["constraint_type"]
                        && (one_json["constraint_type"] == "one_of" || other_json["constraint_type"] == "one_of");
                    assert!(below.is_empty() || is_choice, "{one_json} {other_json}: {below:?}");
                }
            }
        }
    }
}
