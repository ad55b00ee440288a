//! The embedded store's committer with an engine that hangs or fails when told to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod store_support;

use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use handfast_registry::store::memory::{MemoryDisk, open_memory};
use handfast_registry::store::{
    Batch, CommitError, CommitFuture, Committed, EPOCH_MAX_BYTES, QUEUE_MAX_BATCHES, Store, StoreError, Table,
};
use store_support::{Chain, EPOCH, THINGS, batch, block_on, commit, get, positions, record};

/// A store on a disk whose first commit, of `batch`, hangs in its sync; what `act` gives while it hangs.
fn while_hanging<T>(store: &dyn Store, disk: &MemoryDisk, batch: Batch, act: impl FnOnce() -> T) -> (T, Answer) {
    disk.hold_syncs();
    let mut hanging = begin(store, batch);
    disk.await_hanging_sync();
    let seen = act();
    assert!(!is_answered(&mut hanging));
    disk.let_syncs_pass();
    (seen, block_on(hanging))
}

type Answer = Result<Committed, CommitError>;

/// Puts a batch into the queue; it is answered later.
fn begin(store: &dyn Store, batch: Batch) -> CommitFuture<'_> {
    let mut commit = store.commit(batch);
    match commit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => commit,
    }
}

fn is_answered(commit: &mut CommitFuture<'_>) -> bool {
    commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn is_down(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { reason } if reason.contains("sync failed"))
}

fn is_refused_as_down(answer: &Answer) -> bool {
    matches!(answer, Err(CommitError::Store(error)) if is_down(error))
}

#[test]
fn nothing_is_seen_before_it_is_durable() {
    let disk = MemoryDisk::default();
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    commit(&store, |b| b.put(THINGS, b"changed", b"old")?.put(THINGS, b"deleted", b"old")).unwrap();
    let look = || {
        let records = [&b"changed"[..], b"deleted", b"added"].map(|key| get(&store, THINGS, key));
        let numbered = (get(&store, Table::LOG, &[0; 8]), get(&store, Table::FEED, &1_u64.to_be_bytes()));
        let numbered = (numbered, get(&store, Table::DETAILS, &[0; 8]));
        let pages = [None, Some(&b"changed"[..])].map(|after| block_on(store.page(THINGS, b"", after, 1)).unwrap());
        (records, numbered, pages, block_on(store.page(THINGS, b"", None, 10)).unwrap(), positions(&store))
    };
    let before = look();
    let change = batch(|b| {
        b.put(THINGS, b"changed", b"new")?.delete(THINGS, b"deleted")?;
        b.put(THINGS, b"added", b"new")?.leaf_with_detail(b"l", b"d")?.feed(b"f")
    });
    let (meanwhile, answer) = while_hanging(&store, &disk, change, look);
    assert_eq!(meanwhile, before);
    assert_eq!(answer, Ok(Committed { leaf: Some(0), feed_to: 1 }));
    let (records, numbered, _, page, now) = look();
    assert_eq!(records, [record(2, Some(0), b"new"), None, record(1, Some(0), b"new")]);
    assert!(numbered.0.0.is_some() && numbered.0.1.is_some());
    assert_eq!(numbered.1, record(1, Some(0), b"d"));
    // what is erased is seen until that is durable
    let erasure = batch(|b| b.erase_detail(0));
    let (meanwhile, _) = while_hanging(&store, &disk, erasure, || get(&store, Table::DETAILS, &[0; 8]));
    assert_eq!((meanwhile, get(&store, Table::DETAILS, &[0; 8])), (record(1, Some(0), b"d"), None));
    assert_eq!(page.records.len(), 2);
    assert_eq!((now.log_size, now.feed_to), (1, 1));
}

/// Two changes of one record in one group: until both are durable, readers see what was there before the first.
#[test]
fn a_group_hides_all_of_its_batches() {
    let disk = MemoryDisk::default();
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    commit(&store, |b| b.put(THINGS, b"a", b"old")).unwrap();
    let put = |value| batch(|b| b.put(THINGS, b"a", value)?.leaf(value));
    disk.hold_syncs();
    let first_group = begin(&store, batch(|b| b.put(THINGS, b"other", b"v")));
    disk.await_hanging_sync();
    let both = [begin(&store, put(b"new")), begin(&store, put(b"newer"))];
    disk.let_one_sync_pass();
    assert!(block_on(first_group).is_ok());
    disk.await_hanging_sync();
    assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"old"));
    disk.let_syncs_pass();
    assert_eq!(both.map(block_on).map(|answer| answer.unwrap().leaf), [Some(0), Some(1)]);
    assert_eq!(get(&store, THINGS, b"a"), record(3, Some(1), b"newer"));
}

/// TH65: a rejected write is a failure to everybody, and nothing shows it as done.
#[test]
fn after_a_failed_sync_nothing_is_answered() {
    let disk = MemoryDisk::default();
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    commit(&store, |b| b.put(THINGS, b"a", b"CLAIMED")).unwrap();
    let before = positions(&store);
    disk.hold_syncs();
    let hanging = begin(&store, batch(|b| b.put(THINGS, b"a", b"REVOKED")?.leaf(b"l")));
    disk.await_hanging_sync();
    let waiting = begin(&store, batch(|b| b.put(THINGS, b"b", b"v")));
    disk.fail_syncs();
    for answer in [block_on(hanging), block_on(waiting)] {
        assert!(is_refused_as_down(&answer), "{answer:?}");
    }
    disk.let_syncs_pass();
    assert!(block_on(store.get(THINGS, b"a")).is_err_and(|error| is_down(&error)));
    assert!(block_on(store.page(THINGS, b"", None, 1)).is_err_and(|error| is_down(&error)));
    assert!(block_on(store.health()).is_err_and(|error| is_down(&error)));
    assert!(is_refused_as_down(&commit(&store, |b| b.put(THINGS, b"c", b"v"))));
    assert_eq!(positions(&store), before);
    drop(store);

    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    assert_eq!(block_on(store.health()), Ok(()));
    assert_eq!([get(&store, THINGS, b"b"), get(&store, THINGS, b"c")], [None, None], "refused without being tried");
}

/// P-18: the queue is bounded, and what fits in it is served.
#[test]
fn a_full_queue_refuses() {
    let disk = MemoryDisk::default();
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    let put = |n: u32| batch(|b| b.put(THINGS, &n.to_be_bytes(), b"v"));
    let fill = || (1..=300).map(|n| begin(&store, put(n))).collect::<Vec<_>>();
    let (waiting, first) = while_hanging(&store, &disk, put(0), fill);
    assert!(first.is_ok());
    for (n, answer) in (1..).zip(waiting.into_iter().map(block_on)) {
        match answer {
            Ok(_) => assert!(n <= QUEUE_MAX_BATCHES, "{n}"),
            Err(error) => {
                assert!(n > QUEUE_MAX_BATCHES, "{n}");
                assert_eq!(error, StoreError::Overloaded { waiting: QUEUE_MAX_BATCHES }.into());
            }
        }
    }
    assert!(commit(&store, |b| b.put(THINGS, b"x", b"v")).is_ok(), "room again");
}

/// A refusal may rest on a batch of its own group; it is told only once that one is durable.
#[test]
fn a_conflict_waits_for_what_it_rests_on() {
    for fails in [false, true] {
        let disk = MemoryDisk::default();
        let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
        let claim = |key: &[u8]| batch(|b| b.expect_absent(THINGS, key)?.put(THINGS, key, b"v"));
        disk.hold_syncs();
        let first = begin(&store, claim(b"first group"));
        disk.await_hanging_sync();
        let (winner, mut loser) = (begin(&store, claim(b"a")), begin(&store, claim(b"a")));
        disk.let_one_sync_pass();
        assert!(block_on(first).is_ok());
        disk.await_hanging_sync();
        assert!(!is_answered(&mut loser), "the second group hangs");
        if fails {
            disk.fail_syncs();
        } else {
            disk.let_syncs_pass();
        }
        let (winner, loser) = (block_on(winner), block_on(loser));
        if fails {
            assert!(is_refused_as_down(&winner) && is_refused_as_down(&loser), "{winner:?} {loser:?}");
        } else {
            assert!(winner.is_ok() && matches!(loser, Err(CommitError::Conflict { found: Some(1), .. })), "{loser:?}");
        }
    }
}

/// Who asks and goes away has asked all the same.
#[test]
fn a_dropped_commit_is_still_committed() {
    let disk = MemoryDisk::default();
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    let put = |key: &[u8]| batch(|b| b.put(THINGS, key, b"v"));
    drop(store.commit(put(b"never polled")));
    let ((), first) = while_hanging(&store, &disk, put(b"first"), || drop(begin(&store, put(b"dropped"))));
    assert!(first.is_ok());
    drop(store);
    let store = open_memory(&disk, Arc::new(Chain), EPOCH).unwrap();
    assert_eq!(get(&store, THINGS, b"dropped"), record(1, None, b"v"));
    assert_eq!(get(&store, THINGS, b"never polled"), None);
}

#[test]
fn an_epoch_is_short_and_printable() {
    let longest = "e".repeat(EPOCH_MAX_BYTES);
    for (epoch, is_good) in
        [("e", true), (&longest, true), ("", false), (&*format!("{longest}e"), false), ("a b", false), ("é", false)]
    {
        let opened = open_memory(&MemoryDisk::default(), Arc::new(Chain), epoch);
        assert_eq!(opened.is_ok(), is_good, "{epoch}");
        if let Err(error) = opened {
            assert_eq!(error, StoreError::Epoch { limit: EPOCH_MAX_BYTES });
        }
    }
    let disk = MemoryDisk::default();
    drop(open_memory(&disk, Arc::new(Chain), "first").unwrap());
    assert_eq!(
        open_memory(&disk, Arc::new(Chain), "second").unwrap().epoch(),
        "first",
        "an existing store keeps its own"
    );
}
