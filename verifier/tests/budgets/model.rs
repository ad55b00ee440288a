//! Threads, and a plain list of uses as the model.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use super::*;

#[test]
fn threads_spend_exactly_what_there_is() {
    const THREADS: u64 = 8;
    const REQUESTS: u64 = 200;
    const ALL: u64 = 500;
    let store = store();
    let together = Barrier::new(THREADS as usize);
    let accepted: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (store, together) = (&store, &together);
                scope.spawn(move || {
                    // payers in either order: none may wait for the other
                    let mut all = [(task("t"), uses(ALL), FOREVER), (hop(&number.to_string()), uses(100), FOREVER)];
                    if number % 2 == 0 {
                        all.reverse();
                    }
                    let charges = charges(&all);
                    together.wait();
                    (0..REQUESTS).filter(|_| spend(store, &charges, 1).is_ok()).count() as u64
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(accepted.iter().sum::<u64>(), ALL);
    assert!(accepted.iter().all(|each| *each <= 100), "{accepted:?}");
    // whoever was refused by the task has not paid with the hop
    for (number, spent) in accepted.iter().enumerate() {
        let rest = charges_under("other", &[(hop(&number.to_string()), uses(100), FOREVER)]);
        let left = (0..REQUESTS).filter(|_| spend(&store, &rest, 1).is_ok()).count() as u64;
        assert_eq!(left, 100 - spent, "{number}");
    }
}

/// Every use that was counted, as a plain list.
#[derive(Default)]
struct Model(Vec<(u64, Charges)>);

impl Model {
    /// Goes through everything that ever happened.
    fn spend(&mut self, charges: &Charges, now: u64) -> bool {
        let is_within = charges.iter().all(|charge| {
            charge.limits().iter().all(|limit| {
                let begin = limit.each.map_or(0, |each| now / each.get() * each.get());
                let pays = |earlier: &Charges| {
                    earlier.iter().any(|other| other.payer() == charge.payer() && counts(other, limit))
                };
                let used = self.0.iter().filter(|(then, earlier)| *then >= begin && pays(earlier)).count();
                (used as u64) < limit.uses
            })
        });
        if is_within {
            self.0.push((now, charges.clone()));
        }
        is_within
    }
}

/// Whether a use within the limits of `charge` adds to the counter of `limit`.
fn counts(charge: &Charge, limit: &Limit) -> bool {
    charge.limits().iter().any(|other| other.each == limit.each)
}

/// A sequence of numbers, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)) % bound
    }
}

#[test]
fn random_uses_come_out_as_in_the_model() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..300 {
        let mut numbers = Numbers(seed);
        let (store, mut model) = (store(), Model::default());
        let mut now = 1_000;
        for step in 0..120 {
            now += [0, 0, 1, 3, 20][numbers.below(5) as usize];
            let mut payers = BTreeSet::new();
            for _ in 0..=numbers.below(3) {
                payers.insert(numbers.below(4));
            }
            let all: Vec<_> = payers
                .into_iter()
                .map(|id| {
                    let seconds = [7, 14, 60][numbers.below(3) as usize];
                    let budget = match numbers.below(3) {
                        0 => uses(4 + numbers.below(8)),
                        1 => rate(1 + numbers.below(3), seconds),
                        _ => both(6 + numbers.below(8), 1 + numbers.below(3), seconds),
                    };
                    (if id % 2 == 0 { task(&id.to_string()) } else { hop(&id.to_string()) }, budget, FOREVER)
                })
                .collect();
            let charges = charges(&all);
            let expected = model.spend(&charges, now);
            assert_eq!(spend(&store, &charges, now).is_ok(), expected, "seed {seed}, step {step}, {charges:?}");
            *(if expected { &mut accepted } else { &mut refused }) += 1;
        }
    }
    assert!(accepted > 3_000 && refused > 3_000, "both happen: {accepted} and {refused}");
}
