//! Random chains: whatever is accepted permits at its leaf nothing that anybody before lacked.

use std::cell::Cell;

use handfast_delegation::MAX_HOPS;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

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

/// Runs `check`, which says whether a chain is accepted, on random ones. At least a tenth of them are, and a tenth are refused:
/// a law about accepted chains that nothing is accepted for would hold as well.
fn on_random_chains(config: ProptestConfig, check: impl Fn(&[Plan]) -> Result<bool, TestCaseError>) {
    let (wanted, total, accepted) = (config.cases, Cell::new(0_u32), Cell::new(0_u32));
    let answer = TestRunner::new(config).run(&words(), |words| {
        let is_accepted = check(&plans(&mut Tape::new(words)))?;
        total.set(total.get() + 1);
        accepted.set(accepted.get() + u32::from(is_accepted));
        Ok(())
    });
    assert_eq!(answer, Ok(()));
    let (total, accepted) = (total.get(), accepted.get());
    assert_eq!(total, wanted);
    assert!((total / 10..=total - total / 10).contains(&accepted), "{accepted} of {total} are accepted");
}

#[test]
fn no_chain_of_narrowing_steps_widens() {
    on_random_chains(cases(100_000, 1_000_000), |plans| {
        let is_accepted = narrows_at_every_step(plans);
        prop_assert!(!is_accepted || leaf_is_within_all(plans), "{:?}", plans);
        Ok(is_accepted)
    });
}

/// Signed and read back: accepted exactly if it is well formed and every step narrows.
#[test]
fn no_signed_chain_widens() {
    on_random_chains(cases(1_500, 100_000), |plans| {
        let root = party::root(&plans[0]);
        let texts = party::sign(&root, &party::hops(&plans[1..]), |place| place);
        let answer = party::verify(&root, &texts);
        let expected = is_well_formed(plans) && narrows_at_every_step(plans);
        prop_assert_eq!(answer.is_ok(), expected, "{:?}: {:?}", answer, plans);
        if let Ok(chain) = answer {
            prop_assert!(leaf_is_within_all(plans), "{:?}", plans);
            prop_assert_eq!(&chain.leaf().hop.authority, &plans[plans.len() - 1].authority());
            prop_assert_eq!(chain.depth(), plans.len() - 1);
        }
        Ok(expected)
    });
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
