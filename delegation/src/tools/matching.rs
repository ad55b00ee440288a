//! Whether each of some things can have one of its own.

use std::collections::{BTreeMap, VecDeque};

/// Whether every parent can be given a child that fits it, no child twice: a matching of two sides by augmenting paths.
///
/// Asks `fits(parent, child)` once for each pair. Without recursion; at most `parents² · children` steps.
pub(super) fn each_has_its_own(parents: usize, children: usize, fits: impl Fn(usize, usize) -> bool) -> bool {
    let fitting: Vec<Vec<usize>> =
        (0..parents).map(|parent| (0..children).filter(|child| fits(parent, *child)).collect()).collect();
    let mut matching = Matching::default();
    (0..parents).all(|parent| matching.add(parent, &fitting))
}

#[derive(Default)]
struct Matching {
    parent_of: BTreeMap<usize, usize>,
    child_of: BTreeMap<usize, usize>,
}

impl Matching {
    /// Gives `start` a child, letting others change theirs; says whether that was possible.
    fn add(&mut self, start: usize, fitting: &[Vec<usize>]) -> bool {
        let mut reached_from = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(parent) = waiting.pop_front() {
            for &child in fitting.get(parent).into_iter().flatten() {
                if reached_from.contains_key(&child) {
                    continue;
                }
                reached_from.insert(child, parent);
                match self.parent_of.get(&child) {
                    Some(&holder) => waiting.push_back(holder),
                    None => {
                        self.shift(child, &reached_from);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Gives the free child to the parent it was reached from, that one's old child to the next, and so on to the start.
    fn shift(&mut self, free: usize, reached_from: &BTreeMap<usize, usize>) {
        let mut free = Some(free);
        while let Some(child) = free
            && let Some(&parent) = reached_from.get(&child)
        {
            self.parent_of.insert(child, parent);
            free = self.child_of.insert(parent, child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parents: usize, children: usize, pairs: &[(usize, usize)], expected: bool) {
        let answer = each_has_its_own(parents, children, |parent, child| pairs.contains(&(parent, child)));
        assert_eq!(answer, expected, "{pairs:?}");
    }

    #[test]
    fn one_child_serves_one_parent() {
        check(0, 0, &[], true);
        check(1, 1, &[(0, 0)], true);
        check(1, 1, &[], false);
        check(2, 1, &[(0, 0), (1, 0)], false);
        check(2, 2, &[(0, 0), (1, 0)], false);
        check(2, 3, &[(0, 2), (1, 0)], true);
    }

    #[test]
    fn earlier_choices_are_taken_back() {
        check(2, 2, &[(0, 0), (0, 1), (1, 0)], true);
        check(3, 3, &[(0, 0), (0, 1), (1, 0), (1, 2), (2, 0)], true);
        check(4, 4, &[(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 0), (3, 1)], true);
        check(3, 3, &[(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], false);
    }

    /// Every relation between three parents and three children, against trying all orders.
    #[test]
    fn all_small_cases_agree_with_trying_every_order() {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for relation in 0_u32..1 << 9 {
            let fits = |parent: usize, child: usize| relation >> (parent * 3 + child) & 1 == 1;
            let expected =
                ORDERS.iter().any(|order| order.iter().enumerate().all(|(parent, child)| fits(parent, *child)));
            assert_eq!(each_has_its_own(3, 3, fits), expected, "{relation:09b}");
        }
    }

    #[test]
    fn the_largest_case_ends() {
        let most = super::super::MAX_CONSTRAINT_ENTRIES;
        assert!(each_has_its_own(most, most, |_, _| true));
        assert!(each_has_its_own(most, most, |parent, child| parent + child >= most - 1));
        assert!(!each_has_its_own(most, most, |parent, child| child > 0 && parent + child >= most - 1));
    }
}
