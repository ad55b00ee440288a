//! Room, ends and clocks of the store in memory.

use super::*;

#[test]
fn at_capacity_nothing_is_forgotten() {
    let store = MemoryBudgets::new(BudgetLimits { total: 3, per_owner: 2 });
    let known = charges_under("a", &[(task("a"), both(3, 2, 50), 1_000)]);
    let third = charges_under("b", &[(task("b"), uses(1), 2_000)]);
    let fourth = charges_under("c", &[(task("c"), uses(1), 3_000)]);
    assert_eq!(spend(&store, &known, 100), Ok(()));
    // two counts are the whole share of the owner, and half of what is wished is not given
    let wider = charges_under("a", &[(task("a"), uses(3), 1_000), (hop("h"), uses(1), 500)]);
    assert_eq!(spend(&store, &wider, 100), Err(BudgetError::ShareFull));
    assert_eq!(spend(&store, &third, 100), Ok(()), "the twin: another owner has a share of its own");
    assert_eq!(spend(&store, &fourth, 100), Err(BudgetError::Full));
    assert_eq!(store.held(), Ok(3));
    // what is known goes on, to its limit and no further
    assert_eq!(spend(&store, &third, 100), over(None));
    assert_eq!(spend(&store, &known, 100), Ok(()));
    assert_eq!(spend(&store, &known, 100), over(Some(50)));
    // a window that is over makes room in the share, and its own successor takes it again
    assert_eq!(spend(&store, &fourth, 149), Err(BudgetError::Full));
    assert_eq!(spend(&store, &known, 150), Ok(()));
    assert_eq!(spend(&store, &fourth, 150), Err(BudgetError::Full));
    assert_eq!(spend(&store, &fourth, 200), Ok(()), "that window is over too");
    // the third use was the last; the count ends with its second 1000 and not before
    assert_eq!(spend(&store, &known, 1_000), over(None));
    assert_eq!(spend(&store, &charges_under("d", &[(task("d"), uses(1), 3_000)]), 1_000), Err(BudgetError::Full));
    assert_eq!(spend(&store, &charges_under("d", &[(task("d"), uses(1), 3_000)]), 1_001), Ok(()));
    for limits in [BudgetLimits { total: 0, per_owner: 1 }, BudgetLimits { total: 1, per_owner: 0 }] {
        assert!(spend(&MemoryBudgets::new(limits), &third, 1).is_err(), "{limits:?}");
    }
}

#[test]
fn a_younger_token_keeps_the_count_of_its_task() {
    let store = store();
    let by_token = |until| charges(&[(task("t"), uses(2), until)]);
    assert_eq!(spend(&store, &by_token(100), 50), Ok(()));
    assert_eq!(spend(&store, &by_token(200), 60), Ok(()));
    assert_eq!(spend(&store, &by_token(200), 101), over(None), "past the end of the first");
    assert_eq!(spend(&store, &by_token(300), 200), over(None), "what is refused keeps nothing alive");
    assert_eq!(spend(&store, &by_token(300), 201), Ok(()), "over");
}

#[test]
fn a_window_of_a_task_outlives_the_token_it_was_used_with() {
    let (store, agent) = (store(), payer(PayerKind::Agent, "did"));
    assert_eq!(spend(&store, &charges(&[(agent, rate(1, 1_000), 100)]), 90), Ok(()));
    assert_eq!(spend(&store, &charges(&[(agent, rate(1, 1_000), 900)]), 500), over(None));
    assert_eq!(spend(&store, &charges(&[(agent, rate(1, 1_000), 1_900)]), 999), over(Some(1)));
    // a hop's window ends with it: nobody can come back
    assert_eq!(spend(&store, &charges(&[(hop("h"), rate(1, 1_000), 1_100)]), 1_050), Ok(()));
    assert_eq!(store.held(), Ok(1));
    assert_eq!(spend(&store, &charges(&[(hop("i"), rate(1, 1_000), 1_200)]), 1_101), Ok(()));
    assert_eq!(store.held(), Ok(1));
}

#[test]
fn a_clock_set_back_brings_nothing_back() {
    let store = store();
    let (total, windows) = (charges(&[(task("t"), uses(1), 9_000)]), charges(&[(task("w"), rate(1, 60), 9_000)]));
    let short = charges(&[(hop("h"), uses(1), 200)]);
    for spent in [&total, &short, &windows] {
        assert_eq!(spend(&store, spent, 100), Ok(()));
    }
    assert_eq!(spend(&store, &windows, 250), Ok(()), "another window");
    // now back into the window of 100, and before it
    for now in [100, 130, 0] {
        assert_eq!(spend(&store, &windows, now), over(Some(300 - now)), "{now}");
        assert_eq!(spend(&store, &total, now), over(None), "{now}");
        assert_eq!(spend(&store, &short, now), Err(BudgetError::ClockWentBack), "{now}");
    }
    assert_eq!(spend(&store, &charges(&[(hop("fresh"), uses(1), 249)]), 100), Err(BudgetError::ClockWentBack));
    assert_eq!(spend(&store, &charges(&[(hop("fresh"), uses(1), 250)]), 100), Ok(()), "the twin");
    assert_eq!(spend(&store, &windows, 300), Ok(()), "the clock has caught up");
}
