//! The contract of the store port, run against every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "the tests know their own sizes")]

mod store_support;

use std::collections::BTreeSet;
use std::sync::Arc;

use handfast_registry::store::memory::{MemoryDisk, open_memory};
use handfast_registry::store::{
    Batch, CommitError, Committed, Expected, FeedLink, MAX_VALUE_BYTES, PAGE_MAX_RECORDS, Page, Positions, Record,
    Store, Table,
};
use store_support::{Chain, EPOCH, OTHERS, THINGS, block_on, commit, get, open, positions, record};

/// A place a store can be opened in, again and again.
type Place = Box<dyn Fn() -> Arc<dyn Store>>;

fn in_memory() -> Place {
    let disk = MemoryDisk::default();
    Box::new(move || Arc::new(open_memory(&disk, Arc::new(Chain), EPOCH).unwrap()))
}

fn on_disk() -> Place {
    let directory = tempfile::tempdir().unwrap();
    Box::new(move || Arc::new(open(&directory.path().join("store")).unwrap()))
}

/// Each engine runs the whole contract, each rule in a fresh place.
macro_rules! contract {
    ($($rule:ident),* $(,)?) => {
        mod memory { $(#[test] fn $rule() { super::$rule(&super::in_memory()); })* }
        mod sled { $(#[test] fn $rule() { super::$rule(&super::on_disk()); })* }
    };
}

contract!(
    a_new_store_is_empty,
    puts_count_versions_and_carry_the_leaf,
    a_conflict_writes_nothing,
    a_refused_feed_entry_writes_nothing,
    feed_entries_are_chained,
    sixteen_writers_get_dense_sequences,
    of_many_claims_to_one_key_one_wins,
    increments_under_contention_are_all_counted,
    pages_follow_the_keys,
    positions_never_run_ahead_or_back,
    forgotten_feed_entries_are_gone_and_the_chain_goes_on,
    everything_is_there_after_reopening,
    full_values_are_kept,
    a_detail_is_read_under_its_leafs_index,
    an_erased_detail_leaves_its_leaf,
);

fn a_new_store_is_empty(place: &Place) {
    let store = place();
    assert_eq!(get(&*store, THINGS, b"a"), None);
    let origin = Chain.origin(EPOCH);
    let new = Positions { log_size: 0, feed_to: 0, feed_head: origin, feed_base: 0, feed_base_head: origin };
    assert_eq!(positions(&*store), new);
    assert_eq!(store.former_epochs(), []);
    assert_eq!(store.epoch(), EPOCH);
    assert_eq!(block_on(store.health()), Ok(()));
    assert_eq!(block_on(store.commit(Batch::new())), Ok(Committed { leaf: None, feed_to: 0 }));
}

fn puts_count_versions_and_carry_the_leaf(place: &Place) {
    let store = place();
    let first = commit(&*store, |b| b.put(THINGS, b"a", b"one")?.put(OTHERS, b"a", b"other")?.leaf(b"event"));
    assert_eq!(first, Ok(Committed { leaf: Some(0), feed_to: 0 }));
    assert_eq!(get(&*store, THINGS, b"a"), record(1, Some(0), b"one"));
    assert_eq!(get(&*store, OTHERS, b"a"), record(1, Some(0), b"other"));
    assert_eq!(get(&*store, Table::LOG, &0_u64.to_be_bytes()), record(1, Some(0), b"event"));

    let without_leaf = commit(&*store, |b| b.put(THINGS, b"a", b"two"));
    assert_eq!(without_leaf, Ok(Committed { leaf: None, feed_to: 0 }));
    assert_eq!(get(&*store, THINGS, b"a"), record(2, None, b"two"));

    commit(&*store, |b| b.delete(THINGS, b"a")?.delete(THINGS, b"never")).unwrap();
    assert_eq!(get(&*store, THINGS, b"a"), None);
    commit(&*store, |b| b.put(THINGS, b"a", b"again")?.leaf(b"second")).unwrap();
    assert_eq!(get(&*store, THINGS, b"a"), record(1, Some(1), b"again"));
    assert_eq!(get(&*store, OTHERS, b"a"), record(1, Some(0), b"other"), "the other table has its own `a`");
}

fn a_detail_is_read_under_its_leafs_index(place: &Place) {
    let store = place();
    commit(&*store, |b| b.leaf_with_detail(b"first", b"why")?.put(THINGS, b"a", b"v")).unwrap();
    commit(&*store, |b| b.leaf(b"second")).unwrap();
    commit(&*store, |b| b.leaf_with_detail(b"third", b"")).unwrap();
    let refused = commit(&*store, |b| b.expect_absent(THINGS, b"a")?.leaf_with_detail(b"never", b"never"));
    assert!(matches!(refused, Err(CommitError::Conflict { .. })));
    drop(store);
    let store = place();
    let read = |table, index: u64| get(&*store, table, &index.to_be_bytes());
    let leaves = [&b"first"[..], b"second", b"third"];
    for (index, leaf) in (0..).zip(leaves) {
        assert_eq!(read(Table::LOG, index), record(1, Some(index), leaf));
    }
    let details = [record(1, Some(0), b"why"), None, record(1, Some(2), b""), None];
    assert_eq!([0, 1, 2, 3].map(|index| read(Table::DETAILS, index)), details);
    let page = |table, after: Option<u64>, limit| {
        let after = after.map(u64::to_be_bytes);
        block_on(store.page(table, b"", after.as_ref().map(|after| &after[..]), limit)).unwrap()
    };
    let values = |page: &Page| page.records.iter().map(|(_, record)| record.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&page(Table::LOG, None, 9)), leaves);
    assert_eq!(values(&page(Table::DETAILS, None, 9)), [&b"why"[..], b""]);
    // a page may hold fewer than there are leaves, and goes on behind the last of those
    let none = page(Table::DETAILS, Some(0), 1);
    assert_eq!((values(&none), none.next), (vec![], Some(1_u64.to_be_bytes().to_vec())));
}

fn an_erased_detail_leaves_its_leaf(place: &Place) {
    let store = place();
    for name in [&b"one"[..], b"two"] {
        commit(&*store, |b| b.leaf_with_detail(name, b"why")).unwrap();
    }
    let before = positions(&*store);
    // of a leaf that is not there, the next one even, nothing is erased
    commit(&*store, |b| b.erase_detail(0)?.erase_detail(0)?.erase_detail(2)?.erase_detail(9)).unwrap();
    assert_eq!(positions(&*store), before);
    let read = |table, index: u64| get(&*store, table, &index.to_be_bytes());
    assert_eq!((read(Table::LOG, 0), read(Table::DETAILS, 0)), (record(1, Some(0), b"one"), None));
    assert_eq!(
        (read(Table::LOG, 1), read(Table::DETAILS, 1)),
        (record(1, Some(1), b"two"), record(1, Some(1), b"why"))
    );
    assert_eq!(
        [2, 9].map(|index| (read(Table::LOG, index), read(Table::DETAILS, index))),
        [(None, None), (None, None)]
    );
    commit(&*store, |b| b.erase_detail(1)?.erase_detail(2)?.leaf_with_detail(b"three", b"own")).unwrap();
    assert_eq!([1, 2].map(|index| read(Table::DETAILS, index)), [None, record(1, Some(2), b"own")]);
    let refused = commit(&*store, |b| b.expect_absent(Table::LOG, &2_u64.to_be_bytes())?.erase_detail(2));
    assert!(matches!(refused, Err(CommitError::Conflict { .. })));
    assert_eq!(read(Table::DETAILS, 2), record(1, Some(2), b"own"), "a refused batch erases nothing");
}

fn a_conflict_writes_nothing(place: &Place) {
    let store = place();
    commit(&*store, |b| b.put(THINGS, b"a", b"one")).unwrap();
    let before = positions(&*store);
    for (key, expected, found) in [
        (&b"a"[..], Expected::Absent, Some(1)),
        (b"a", Expected::Version(2), Some(1)),
        (b"a", Expected::Version(0), Some(1)),
        (b"b", Expected::Version(1), None),
    ] {
        let refused = commit(&*store, |b| {
            b.put(THINGS, b"a", b"two")?.put(OTHERS, b"x", b"y")?;
            b.leaf(b"event")?.feed(b"entry")?;
            match expected {
                Expected::Absent => b.expect_absent(THINGS, key),
                Expected::Version(version) => b.expect_version(THINGS, key, version),
            }
        });
        assert_eq!(refused, Err(CommitError::Conflict { table: THINGS, key: key.to_vec(), expected, found }));
        assert_eq!(get(&*store, THINGS, b"a"), record(1, None, b"one"));
        assert_eq!(get(&*store, OTHERS, b"x"), None);
        assert_eq!(positions(&*store), before);
    }
    let benign = commit(&*store, |b| {
        b.expect_version(THINGS, b"a", 1)?.expect_absent(THINGS, b"b")?;
        b.put(THINGS, b"a", b"two")?.leaf(b"event")?.feed(b"entry")
    });
    assert_eq!(benign, Ok(Committed { leaf: Some(0), feed_to: 1 }), "refused batches used up no number");
}

fn a_refused_feed_entry_writes_nothing(place: &Place) {
    let store = place();
    let before = positions(&*store);
    let too_long = vec![0; MAX_VALUE_BYTES];
    for body in [&b"unlinkable"[..], &too_long] {
        let refused = commit(&*store, |b| {
            b.put(THINGS, b"a", b"one")?.leaf(b"event")?;
            b.feed(b"good")?.feed(body)
        });
        assert!(matches!(refused, Err(CommitError::Link(_))), "{refused:?}");
        assert_eq!(get(&*store, THINGS, b"a"), None);
        assert_eq!(positions(&*store), before);
    }
}

fn feed_entries_are_chained(place: &Place) {
    let store = place();
    commit(&*store, |b| b.feed(b"one")?.feed(b"two")?.leaf(b"event")).unwrap();
    assert_eq!(commit(&*store, |b| b.feed(b"three")).unwrap().feed_to, 3);
    let mut head = Chain.origin(EPOCH);
    for (seq, body, leaf) in [(1_u64, &b"one"[..], Some(0)), (2, b"two", Some(0)), (3, b"three", None)] {
        let linked = Chain.link(seq, &head, body).unwrap();
        assert_eq!(get(&*store, Table::FEED, &seq.to_be_bytes()), record(1, leaf, &linked.stored));
        head = linked.head;
    }
    let feed_base_head = Chain.origin(EPOCH);
    assert_eq!(
        positions(&*store),
        Positions { log_size: 1, feed_to: 3, feed_head: head, feed_base: 0, feed_base_head }
    );
}

fn forgotten_feed_entries_are_gone_and_the_chain_goes_on(place: &Place) {
    let store = place();
    commit(&*store, |b| b.feed(b"one")?.feed(b"two")?.feed(b"three")).unwrap();
    let before = positions(&*store);
    let seqs = |store: &dyn Store| -> Vec<u8> {
        let page = block_on(store.page(Table::FEED, b"", None, 9)).unwrap();
        page.records.iter().map(|(key, _)| key[7]).collect()
    };
    // a hole behind the base, a base that nobody has reached, and one that goes back
    for (entries, base) in [(&[2, 3][..], 2), (&[2], 4)] {
        let refused = commit(&*store, |b| b.forget_feed(entries, base, [7; 32])?.put(THINGS, b"a", b"v"));
        assert!(matches!(refused, Err(CommitError::Link(_))), "{refused:?}");
    }
    assert_eq!((positions(&*store), seqs(&*store), get(&*store, THINGS, b"a")), (before, vec![1, 2, 3], None));
    commit(&*store, |b| b.forget_feed(&[2], 2, [7; 32])).unwrap();
    assert!(matches!(commit(&*store, |b| b.forget_feed(&[1], 1, [7; 32])), Err(CommitError::Link(_))));
    let after = Positions { feed_base: 2, feed_base_head: [7; 32], ..before };
    assert_eq!((positions(&*store), seqs(&*store)), (after, vec![1, 3]));
    drop(store);
    let store = place();
    assert_eq!((positions(&*store), seqs(&*store)), (after, vec![1, 3]));
    assert_eq!(commit(&*store, |b| b.feed(b"four")).unwrap().feed_to, 4, "numbers are never given out again");
}

/// Runs `writers` threads, each with its number.
fn in_parallel<T: Send>(writers: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..writers)
            .map(|writer| {
                let run = &run;
                scope.spawn(move || run(writer))
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

fn sixteen_writers_get_dense_sequences(place: &Place) {
    const EACH: usize = 25;
    let store = place();
    let answers = in_parallel(16, |writer| {
        let write = |n| {
            let name = format!("{writer:02}/{n:03}").into_bytes();
            let committed = commit(&*store, |b| {
                b.expect_absent(THINGS, &name)?.put(THINGS, &name, b"v")?;
                b.leaf(&name)?.feed(&name)
            });
            (name, committed.unwrap())
        };
        (0..EACH).map(write).collect::<Vec<_>>()
    });
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let total = 16 * EACH as u64;
    let leaves: BTreeSet<_> = answers.iter().map(|(_, committed)| committed.leaf.unwrap()).collect();
    let seqs: BTreeSet<_> = answers.iter().map(|(_, committed)| committed.feed_to).collect();
    assert_eq!(leaves, (0..total).collect());
    assert_eq!(seqs, (1..=total).collect());
    for (name, Committed { leaf, feed_to }) in answers {
        assert_eq!(get(&*store, THINGS, &name).unwrap().leaf, leaf);
        assert_eq!(get(&*store, Table::LOG, &leaf.unwrap().to_be_bytes()).unwrap().value, name);
        assert_eq!(get(&*store, Table::FEED, &feed_to.to_be_bytes()).unwrap().value[8..], name);
    }
    assert_eq!(positions(&*store).log_size, total);
}

fn of_many_claims_to_one_key_one_wins(place: &Place) {
    let store = place();
    for round in 0..10_u8 {
        let answers = in_parallel(8, |writer| {
            commit(&*store, |b| b.expect_absent(THINGS, &[round])?.put(THINGS, &[round], &[writer as u8]))
        });
        let won: Vec<_> = (0..8_u8).filter(|writer| answers[usize::from(*writer)].is_ok()).collect();
        assert_eq!(get(&*store, THINGS, &[round]), record(1, None, &won), "exactly one writer");
        let lost = answers.iter().filter(|answer| matches!(answer, Err(CommitError::Conflict { found: Some(1), .. })));
        assert_eq!(lost.count(), 7);
    }
}

fn increments_under_contention_are_all_counted(place: &Place) {
    let store = place();
    commit(&*store, |b| b.put(THINGS, b"count", &0_u64.to_be_bytes())).unwrap();
    in_parallel(8, |_| {
        let mut done = 0;
        while done < 10 {
            let old = get(&*store, THINGS, b"count").unwrap();
            let count = u64::from_be_bytes(old.value[..].try_into().unwrap()) + 1;
            let answer = commit(&*store, |b| {
                b.expect_version(THINGS, b"count", old.version)?;
                b.put(THINGS, b"count", &count.to_be_bytes())
            });
            match answer {
                Ok(_) => done += 1,
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert_eq!(get(&*store, THINGS, b"count"), record(81, None, &80_u64.to_be_bytes()));
}

fn pages_follow_the_keys(place: &Place) {
    let store = place();
    let keys: Vec<_> = (0..300_u32).map(|n| format!("p{n:03}").into_bytes()).collect();
    for part in keys.chunks(100) {
        commit(&*store, |b| part.iter().try_fold(b, |b, key| b.put(THINGS, key, key))).unwrap();
    }
    commit(&*store, |b| {
        b.put(THINGS, b"a", b"")?.put(THINGS, b"q", b"")?.put(THINGS, &[b'p'; 256], b"")?;
        b.put(OTHERS, b"p", b"")?.put(THINGS, &[0xff, 0xff], b"")?.put(THINGS, b"", b"")
    })
    .unwrap();
    let page = |prefix: &[u8], after: Option<&[u8]>, limit| -> Page {
        block_on(store.page(THINGS, prefix, after, limit)).unwrap()
    };
    let names = |page: &Page| page.records.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();

    assert_eq!(names(&page(b"p0", None, 3)), keys[..3]);
    assert_eq!(names(&page(b"p0", Some(&keys[2]), 3)), keys[3..6], "strictly behind `after`");
    assert_eq!(names(&page(b"p0", Some(b"p001x"), 2)), keys[2..4], "`after` need not exist");
    assert_eq!(names(&page(b"p1", Some(b"a"), 2)), keys[100..102], "an `after` before the prefix skips nothing");
    assert_eq!(names(&page(b"p1", Some(b"q"), 2)), Vec::<Vec<u8>>::new());
    assert_eq!(page(b"p1", None, 0).records.len(), 1, "0 counts as 1");
    assert_eq!(page(b"", None, usize::MAX).records.len(), PAGE_MAX_RECORDS);
    assert_eq!(names(&page(&[0xff], None, 5)), [vec![0xff, 0xff]], "the last keys of a table");
    assert_eq!(names(&page(b"", None, 2)), [b"".to_vec(), b"a".to_vec()]);
    assert_eq!(page(b"nothing", None, 5), Page { records: Vec::new(), next: None });

    assert_eq!(page(b"p29", None, 10).next, None, "exactly the last ten");
    assert_eq!(page(b"p29", None, 9).next, Some(keys[298].clone()));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let part = page(b"p", after.as_deref(), 64);
        seen.extend(names(&part));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    seen.pop();
    assert_eq!(seen, keys);
}

fn positions_never_run_ahead_or_back(place: &Place) {
    let store = place();
    in_parallel(5, |writer| {
        if writer < 4 {
            for n in 0..50 {
                let name = format!("{writer}/{n}").into_bytes();
                let done = commit(&*store, |b| b.leaf(&name)?.feed(&name)).unwrap();
                let now = positions(&*store);
                assert!(now.log_size > done.leaf.unwrap() && now.feed_to >= done.feed_to, "published before answered");
            }
            return;
        }
        let mut watched = store.positions();
        let mut last = *watched.borrow_and_update();
        while last.log_size < 200 {
            block_on(watched.changed()).unwrap();
            let now = *watched.borrow_and_update();
            assert!(now.log_size > last.log_size && now.feed_to > last.feed_to);
            for index in last.log_size..now.log_size {
                assert!(get(&*store, Table::LOG, &index.to_be_bytes()).is_some());
            }
            assert!(get(&*store, Table::FEED, &now.feed_to.to_be_bytes()).is_some());
            last = now;
        }
    });
}

fn everything_is_there_after_reopening(place: &Place) {
    let mut expected: Vec<(Vec<u8>, Option<Record>)> = Vec::new();
    for round in 0..5_u8 {
        let store = place();
        for (key, value) in &expected {
            assert_eq!(&get(&*store, THINGS, key), value);
        }
        let rounds = u64::from(round);
        assert_eq!((positions(&*store).log_size, positions(&*store).feed_to), (rounds, rounds));
        let before = positions(&*store);
        let key = vec![round];
        commit(&*store, |b| b.put(THINGS, &key, b"v")?.leaf(b"l")?.feed(b"f")).unwrap();
        let linked = Chain.link(rounds + 1, &before.feed_head, b"f").unwrap();
        assert_eq!(positions(&*store).feed_head, linked.head, "the chain goes on where it was");
        expected.push((key, record(1, Some(rounds), b"v")));
    }
}

fn full_values_are_kept(place: &Place) {
    let value = vec![0xa5; MAX_VALUE_BYTES];
    let store = place();
    for n in 0..100_u32 {
        let key = [&[b'k'; 252][..], &n.to_be_bytes()].concat();
        commit(&*store, |b| b.put(THINGS, &key, &value)?.leaf(&value)).unwrap();
    }
    drop(store);
    let store = place();
    for n in 0..100_u32 {
        let key = [&[b'k'; 252][..], &n.to_be_bytes()].concat();
        assert_eq!(get(&*store, THINGS, &key), record(1, Some(u64::from(n)), &value));
    }
}
