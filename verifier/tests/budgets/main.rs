//! Counting: what pays, what is spent, and what a store keeps, exactly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed set-up should stop the test"
)]

mod bounds;
mod model;
mod payers;
#[path = "../support/mod.rs"]
mod support;

use handfast_delegation::{Budget, Rate};
use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::budget::{
    BudgetError, BudgetLimits, BudgetStore, Charge, Charges, Limit, MemoryBudgets, Payer, PayerKind, RefuseBudgets,
    Spent,
};

const ROOMY: BudgetLimits = BudgetLimits { total: 10_000, per_owner: 10_000 };
const FOREVER: u64 = 1_000_000;

fn at(second: u64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn uses(max: u64) -> Budget {
    Budget::new(Some(max), None).unwrap()
}

fn rate(uses: u64, seconds: u64) -> Budget {
    Budget::new(None, Some(Rate { uses, seconds })).unwrap()
}

fn both(max: u64, uses: u64, seconds: u64) -> Budget {
    Budget::new(Some(max), Some(Rate { uses, seconds })).unwrap()
}

fn payer(kind: PayerKind, id: &str) -> Payer {
    Payer::of(kind, "https://api.example", "https://registry.example", id)
}

fn task(id: &str) -> Payer {
    payer(PayerKind::Task, id)
}

fn hop(id: &str) -> Payer {
    payer(PayerKind::Hop, id)
}

/// The charges of one request for owner `t`.
fn charges(all: &[(Payer, Budget, u64)]) -> Charges {
    charges_under("t", all)
}

fn charges_under(id: &str, all: &[(Payer, Budget, u64)]) -> Charges {
    Charges::new(
        &payer(PayerKind::Owner, id),
        all.iter().map(|(payer, budget, until)| Charge::new(*payer, budget, at(*until))),
    )
}

fn store() -> MemoryBudgets {
    MemoryBudgets::new(ROOMY)
}

/// Spends once; what was spent has to be for these charges.
fn spend(store: &dyn BudgetStore, charges: &Charges, now: u64) -> Result<(), BudgetError> {
    let spent = charges.spend(store, at(now))?;
    assert!(spent.covers(charges));
    Ok(())
}

fn over(seconds: Option<u64>) -> Result<(), BudgetError> {
    Err(BudgetError::Spent { retry_after: seconds.map(Seconds::new) })
}

#[test]
fn a_total_is_spent_to_the_last_use() {
    let (store, three) = (store(), charges(&[(task("t"), uses(3), FOREVER)]));
    for now in [100, 200, 300] {
        assert_eq!(spend(&store, &three, now), Ok(()), "{now}");
    }
    for now in [300, 301, 999_999, FOREVER] {
        assert_eq!(spend(&store, &three, now), over(None), "{now}");
    }
    assert_eq!(spend(&store, &charges(&[(task("u"), uses(3), FOREVER)]), FOREVER), Ok(()), "the twin: another task");
}

#[test]
fn a_rate_begins_anew_at_multiples_of_its_seconds() {
    let (store, two) = (store(), charges(&[(task("t"), rate(2, 60), FOREVER)]));
    // the window from 120 to 179
    assert_eq!(spend(&store, &two, 125), Ok(()));
    assert_eq!(spend(&store, &two, 170), Ok(()));
    assert_eq!(spend(&store, &two, 170), over(Some(10)));
    assert_eq!(spend(&store, &two, 179), over(Some(1)));
    assert_eq!(spend(&store, &two, 180), Ok(()), "the next one");
    assert_eq!(spend(&store, &two, 239), Ok(()));
    assert_eq!(spend(&store, &two, 239), over(Some(1)));
}

#[test]
fn waiting_helps_only_where_it_does() {
    let check = |charges: &Charges, expected| {
        let store = store();
        assert_eq!(spend(&store, charges, 100), Ok(()));
        assert_eq!(spend(&store, charges, 100), expected, "{charges:?}");
    };
    check(&charges(&[(task("t"), both(1, 1, 60), FOREVER)]), over(None));
    check(&charges(&[(task("t"), both(2, 1, 60), FOREVER)]), over(Some(20)));
    // the longer of two waits, and none when one of them is for ever
    let slower = (hop("h"), rate(1, 90), FOREVER);
    check(&charges(&[(task("t"), rate(1, 60), FOREVER), slower]), over(Some(80)));
    check(&charges(&[slower, (task("t"), rate(1, 60), FOREVER)]), over(Some(80)));
    check(&charges(&[slower, (task("t"), uses(1), FOREVER)]), over(None));
    check(&charges(&[(task("t"), uses(1), FOREVER), slower]), over(None));
    // a hop that is over before the next window begins at 120
    check(&charges(&[(hop("h"), rate(1, 60), 119)]), over(None));
    check(&charges(&[(hop("h"), rate(1, 60), 120)]), over(Some(20)));
}

#[test]
fn all_payers_pay_or_none() {
    let store = store();
    let [task_of_two, one, other] =
        [(task("t"), uses(2), FOREVER), (hop("one"), uses(1), FOREVER), (hop("other"), uses(5), FOREVER)];
    assert_eq!(spend(&store, &charges(&[task_of_two, one]), 1), Ok(()));
    for _ in 0..5 {
        assert_eq!(spend(&store, &charges(&[task_of_two, one]), 1), over(None), "the hop has spent its one");
    }
    assert_eq!(spend(&store, &charges(&[task_of_two, other]), 1), Ok(()), "the task still has its second");
    assert_eq!(spend(&store, &charges(&[task_of_two, other]), 1), over(None));
    // the other hop paid once: its third to fifth use are left for a task that can pay
    for left in (0..4).rev() {
        assert_eq!(spend(&store, &charges(&[other]), 1), Ok(()), "{left}");
    }
    assert_eq!(spend(&store, &charges(&[other]), 1), over(None));
}

#[test]
fn two_limits_of_one_payer_are_one_count() {
    let (store, leaf) = (store(), hop("leaf"));
    let twice = charges(&[(leaf, both(5, 4, 60), FOREVER), (leaf, both(3, 3, 120), FOREVER)]);
    let [charge] = twice.iter().collect::<Vec<_>>()[..] else { panic!("{twice:?}") };
    let each = |seconds| Some(Seconds::new(seconds));
    let expected = [(3, None), (4, each(60)), (3, each(120))].map(|(uses, each)| Limit { uses, each });
    assert_eq!(charge.limits(), expected);
    for use_of_three in 1..=3 {
        assert_eq!(spend(&store, &twice, 1), Ok(()), "{use_of_three}");
    }
    assert_eq!(spend(&store, &twice, 1), over(None));
    // the same count under a wider limit
    assert_eq!(spend(&store, &charges(&[(leaf, uses(5), FOREVER)]), 1), Ok(()));
    assert_eq!(spend(&store, &charges(&[(leaf, uses(5), FOREVER)]), 1), Ok(()));
    assert_eq!(spend(&store, &charges(&[(leaf, uses(5), FOREVER)]), 1), over(None));
}

#[test]
fn what_was_spent_is_for_exactly_its_charges() {
    let (one, two) =
        (charges(&[(task("t"), uses(9), 50)]), charges(&[(task("t"), uses(9), 50), (hop("h"), uses(9), 50)]));
    let spent = one.spend(&store(), at(1)).unwrap();
    assert!(spent.covers(&one));
    for other in [
        &two,
        &Charges::none(),
        &charges(&[(task("t"), uses(8), 50)]),
        &charges(&[(task("t"), uses(9), 51)]),
        &charges(&[(hop("t"), uses(9), 50)]),
        &charges_under("u", &[(task("t"), uses(9), 50)]),
    ] {
        assert!(!spent.covers(other), "{other:?}");
    }
    assert!(Spent::nothing().covers(&Charges::none()) && !Spent::nothing().covers(&one));
}

#[test]
fn a_store_that_cannot_be_asked_admits_what_costs_nothing() {
    assert_eq!(spend(&RefuseBudgets, &Charges::none(), 1), Ok(()));
    assert_eq!(spend(&RefuseBudgets, &charges(&[(task("t"), uses(1), 9)]), 1), Err(BudgetError::Unavailable));
}
