//! Opening: who may, what is refused, and what is cleaned up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use handfast_registry::store::{
    Batch, FeedLink as _, FormerEpoch, SledOptions, Store, StoreError, Table, begin_epoch_sled,
};

use crate::child::{Running, command};
use crate::store_support::{Chain, EPOCH, THINGS, block_on, commit, get, open, positions, record};

/// Opens the database below the store and changes it by hand.
fn tamper(directory: &Path, key: &[u8], value: &[u8]) {
    let database = open_sled_alone(directory);
    database.insert(key, value).unwrap();
    database.flush().unwrap();
}

/// A sled that was just closed keeps its file locked for a moment.
fn open_sled_alone(directory: &Path) -> sled::Db {
    if directory.join("db").exists() {
        fs::File::open(directory.join("db")).unwrap().lock().unwrap();
    }
    sled::open(directory).unwrap()
}

#[test]
fn the_directory_is_the_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state/store");
    drop(open(&directory).unwrap());
    for made in [place.path().join("state"), directory] {
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700, "{made:?}");
    }
}

#[test]
fn a_store_is_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let locked = StoreError::Locked { directory: directory.path().to_path_buf() };
    let first = open(directory.path()).unwrap();
    assert_eq!(open(directory.path()).err(), Some(locked.clone()), "in the same process");
    let (_, said) = Running::start(command(directory.path())).finish();
    assert!(said.contains(&format!("refused {locked}")), "in another process: {said:?}");
    commit(&first, |b| b.put(THINGS, b"a", b"one")).unwrap();
    drop(first);
    let again = open(directory.path()).unwrap();
    assert_eq!(get(&again, THINGS, b"a"), record(1, None, b"one"));
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    Running::start(command(directory.path())).kill_after(1);
    assert!(open(directory.path()).is_ok());
}

#[test]
fn other_formats_are_refused_by_name() {
    let corrupt = |what: &str| StoreError::Corrupt { what: what.to_owned() };
    for (format, expected) in [
        (&4_u32.to_be_bytes()[..], StoreError::NewerFormat { found: 4, known: 3 }),
        (&u32::MAX.to_be_bytes(), StoreError::NewerFormat { found: u32::MAX, known: 3 }),
        (&0_u32.to_be_bytes(), corrupt("format `0` never existed")),
        (b"one", corrupt("its format is not a number")),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        commit(&store, |b| b.put(THINGS, b"a", b"one")).unwrap();
        drop(store);
        tamper(directory.path(), b"\0format", format);
        assert_eq!(open(directory.path()).err(), Some(expected));
        tamper(directory.path(), b"\0format", &3_u32.to_be_bytes());
        let store = open(directory.path()).unwrap();
        assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"one"), "the refusal changed nothing");
    }
    let newer = StoreError::NewerFormat { found: 4, known: 3 };
    assert_eq!(
        newer.to_string(),
        "the store has format `4`, and this version knows formats up to `3`: use the newer program"
    );
}

/// Format 1 could forget nothing and knew no earlier epochs.
#[test]
fn a_store_of_the_first_format_is_brought_to_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    commit(&store, |b| b.feed(b"one")?.feed(b"two")?.leaf(b"event")).unwrap();
    let before = positions(&store);
    drop(store);
    let database = open_sled_alone(directory.path());
    database.insert(b"\0format", &1_u32.to_be_bytes()).unwrap();
    let whole = database.get(b"\0positions").unwrap().unwrap();
    database.insert(b"\0positions", &whole[..48]).unwrap();
    database.remove(b"\0former").unwrap();
    database.flush().unwrap();
    drop(database);
    for _ in 0..2 {
        let store = open(directory.path()).unwrap();
        assert_eq!((positions(&store), store.epoch()), (before, EPOCH));
        assert_eq!(store.former_epochs(), []);
    }
}

/// Format 2 knew no details: only its number is raised, so that a program which knows none refuses the store.
#[test]
fn a_store_of_the_second_format_is_brought_to_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    commit(&store, |b| b.put(THINGS, b"a", b"v")?.leaf(b"event")?.feed(b"one")).unwrap();
    let before = positions(&store);
    drop(store);
    tamper(directory.path(), b"\0format", &2_u32.to_be_bytes());
    let store = open(directory.path()).unwrap();
    assert_eq!((positions(&store), get(&store, THINGS, b"a")), (before, record(1, Some(0), b"v")));
    let read = |table| get(&store, table, &0_u64.to_be_bytes());
    assert_eq!((read(Table::LOG), read(Table::DETAILS)), (record(1, Some(0), b"event"), None));
    drop(store);
    assert_eq!(open_sled_alone(directory.path()).get(b"\0format").unwrap().unwrap(), 3_u32.to_be_bytes());
}

/// A program that is being started holds a copy of the lock of whoever starts it for a moment.
#[test]
fn a_directory_that_is_about_to_be_let_go_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let lock = fs::File::options().write(true).open(directory.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(lock);
    });
    assert!(open(directory.path()).is_ok());
    letting_go.join().unwrap();
}

#[test]
fn a_new_epoch_holds_what_was_kept_and_names_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    commit(&store, |b| b.feed(b"one")?.feed(b"two")?.feed(b"three")?.put(THINGS, b"a", b"v")).unwrap();
    commit(&store, |b| b.forget_feed(&[2], 2, [7; 32])).unwrap();
    let ended = positions(&store);
    let begin = |epoch: &str| {
        let options = SledOptions { directory: directory.path().to_path_buf(), new_epoch: epoch.to_owned() };
        begin_epoch_sled(&options, &Chain, |between| {
            let mut batch = Batch::new();
            batch.leaf(between.epoch().as_bytes()).unwrap().put(THINGS, b"b", b"w").unwrap();
            Ok::<_, StoreError>(batch)
        })
    };
    assert_eq!(begin("epoch-2").err(), Some(StoreError::Locked { directory: directory.path().to_path_buf() }));
    drop(store);
    let former = begin("epoch-2").unwrap();
    assert_eq!(former, FormerEpoch { epoch: EPOCH.to_owned(), feed_to: 3, feed_head: ended.feed_head });
    for used in [EPOCH, "epoch-2", ""] {
        assert!(begin(used).is_err(), "{used}");
    }
    let store = open(directory.path()).unwrap();
    assert_eq!((store.epoch(), store.former_epochs()), ("epoch-2", &[former.clone()][..]));
    let mut head = Chain.origin("epoch-2");
    for (seq, body) in [(1_u64, &b"one"[..]), (2, b"three")] {
        let linked = Chain.link(seq, &head, body).unwrap();
        assert_eq!(get(&store, Table::FEED, &seq.to_be_bytes()), record(1, None, &linked.stored));
        head = linked.head;
    }
    assert_eq!(get(&store, Table::FEED, &3_u64.to_be_bytes()), None);
    let now = positions(&store);
    assert_eq!((now.feed_to, now.feed_head, now.feed_base), (2, head, 0));
    // the act and its log entry are one
    assert_eq!(now.log_size, ended.log_size + 1);
    let leaf = ended.log_size;
    assert_eq!(get(&store, Table::LOG, &leaf.to_be_bytes()), record(1, Some(leaf), b"epoch-2"));
    assert_eq!(get(&store, THINGS, b"b"), record(1, Some(leaf), b"w"));
    assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"v"), "nothing else is touched");
    drop(store);
    begin("epoch-3").unwrap();
    let epochs: Vec<_> = open(directory.path()).unwrap().former_epochs().iter().map(|f| f.epoch.clone()).collect();
    assert_eq!(epochs, ["epoch-2", EPOCH], "the newest first");
    let nowhere = tempfile::tempdir().unwrap();
    let options = SledOptions { directory: nowhere.path().to_path_buf(), new_epoch: "epoch-2".to_owned() };
    let begun = begin_epoch_sled(&options, &Chain, |_| Ok::<_, StoreError>(Batch::new()));
    assert!(matches!(begun, Err(StoreError::Corrupt { .. })));
}

#[test]
fn damaged_facts_are_refused() {
    for (key, value) in [(&b"\0positions"[..], &b"short"[..]), (b"\0epoch", &[0xff]), (b"\0former", &[9, b'x'])] {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        tamper(directory.path(), key, value);
        assert!(matches!(open(directory.path()), Err(StoreError::Corrupt { .. })));
    }
    let foreign = tempfile::tempdir().unwrap();
    tamper(foreign.path(), b"key", b"somebody else's");
    assert_eq!(
        open(foreign.path()).err(),
        Some(StoreError::Corrupt { what: "it holds data but no format".to_owned() })
    );
}

/// One unreadable record fails what touches it, and nothing else.
#[test]
fn an_unknown_envelope_is_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    tamper(directory.path(), b"\x10future", b"\x02whatever");
    let store = open(directory.path()).unwrap();
    let unknown = StoreError::UnknownEnvelope { table: THINGS, found: 2, known: 1 };
    assert_eq!(block_on(store.get(THINGS, b"future")), Err(unknown.clone()));
    assert_eq!(block_on(store.page(THINGS, b"", None, 5)), Err(unknown.clone()));
    assert_eq!(commit(&store, |b| b.put(THINGS, b"future", b"v")?.leaf(b"l")), Err(unknown.into()));
    assert_eq!(get(&store, Table::LOG, &0_u64.to_be_bytes()), None);
    commit(&store, |b| b.put(THINGS, b"present", b"v")?.leaf(b"l")).unwrap();
    assert_eq!(get(&store, THINGS, b"present"), record(1, Some(0), b"v"));
}

/// sled alone refuses for ever to open after a kill between writing and renaming its snapshot.
#[test]
fn an_unfinished_snapshot_does_not_lock_us_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    commit(&store, |b| b.put(THINGS, b"a", b"one")).unwrap();
    drop(store);
    let unfinished = directory.path().join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&unfinished, b"cut sh").unwrap();
    let store = open(directory.path()).unwrap();
    assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"one"));
    assert!(!unfinished.exists());
}
