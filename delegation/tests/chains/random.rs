//! Random chains: whatever is accepted permits at its leaf nothing that anybody before lacked.

use handfast_delegation::MAX_HOPS;
use proptest::prelude::*;

use crate::model::Permission;
use crate::party;
use crate::tape::{Tape, cases, scrambled, words};
use crate::world::Plan;

/// A root and up to eight below it; one in a few steps is not a narrowing one.
fn plans(tape: &mut Tape) -> Vec<Plan> {
    let hops = 1 + tape.below(MAX_HOPS);
    let mut plans = vec![Plan::wide(tape)];
    for _ in 0..hops {
        let parent = &plans[plans.len() - 1];
        let child = if tape.one_in(5) { parent.almost_narrowed(tape) } else { parent.narrowed(tape) };
        plans.push(child);
    }
    plans
}

fn narrows_at_every_step(plans: &[Plan]) -> bool {
    let mut parent = plans[0].authority();
    plans[1..].iter().all(|plan| {
        let child = plan.authority();
        let answer = child.narrows(&parent);
        parent = child;
        answer.is_ok()
    })
}

/// The leaf of an accepted chain against all before it.
fn leaf_is_within_all(plans: &[Plan]) -> bool {
    let leaf = Permission::of(&plans[plans.len() - 1]);
    plans.iter().all(|plan| leaf.is_within(&Permission::of(plan)))
}

/// What a chain needs beside narrowing: something to pass on, and leave to do so.
fn is_well_formed(plans: &[Plan]) -> bool {
    plans.iter().skip(1).all(|plan| plan.scope != 0 && plan.resources != 0)
        && plans.iter().enumerate().take(plans.len() - 1).all(|(depth, plan)| depth < usize::from(plan.depth))
}

proptest! {
    #![proptest_config(cases(10_000, 1_000_000))]

    #[test]
    fn no_chain_of_narrowing_steps_widens(words in words()) {
        let plans = plans(&mut Tape::new(words));
        if narrows_at_every_step(&plans) {
            prop_assert!(leaf_is_within_all(&plans), "{:?}", plans);
        }
    }
}

proptest! {
    #![proptest_config(cases(1_500, 100_000))]

    /// Signed and read back: accepted exactly if it is well formed and every step narrows.
    #[test]
    fn no_signed_chain_widens(words in words()) {
        let plans = plans(&mut Tape::new(words));
        let root = party::root(&plans[0]);
        let texts = party::sign(&root, &party::hops(&plans[1..]), |place| place);
        let answer = party::verify(&root, &texts);
        let expected = is_well_formed(&plans) && narrows_at_every_step(&plans);
        prop_assert_eq!(answer.is_ok(), expected, "{:?}: {:?}", answer, plans);
        if let Ok(chain) = answer {
            prop_assert!(leaf_is_within_all(&plans), "{:?}", plans);
            prop_assert_eq!(&chain.leaf().hop.authority, &plans[plans.len() - 1].authority());
            prop_assert_eq!(chain.depth(), plans.len() - 1);
        }
    }
}

/// The random cases say something: good and bad chains of every length are among them.
#[test]
fn good_and_bad_chains_are_common() {
    let mut good = [0; MAX_HOPS + 1];
    let mut bad = [0; MAX_HOPS + 1];
    for words in scrambled(3_000) {
        let plans = plans(&mut Tape::new(words));
        let counts = if is_well_formed(&plans) && narrows_at_every_step(&plans) { &mut good } else { &mut bad };
        counts[plans.len() - 1] += 1;
    }
    assert!(good[1..].iter().chain(&bad[1..]).all(|count| *count >= 8), "{good:?} {bad:?}");
}
