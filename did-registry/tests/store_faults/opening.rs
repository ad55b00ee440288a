//! Opening: who may, what is refused, and what is cleaned up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use handfast_registry::store::{Store, StoreError, Table};

use crate::child::{Running, command};
use crate::store_support::{THINGS, block_on, commit, get, open, record};

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
        (&2_u32.to_be_bytes()[..], StoreError::NewerFormat { found: 2, known: 1 }),
        (&u32::MAX.to_be_bytes(), StoreError::NewerFormat { found: u32::MAX, known: 1 }),
        (&0_u32.to_be_bytes(), corrupt("format `0` never existed")),
        (b"one", corrupt("its format is not a number")),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        commit(&store, |b| b.put(THINGS, b"a", b"one")).unwrap();
        drop(store);
        tamper(directory.path(), b"\0format", format);
        assert_eq!(open(directory.path()).err(), Some(expected));
        tamper(directory.path(), b"\0format", &1_u32.to_be_bytes());
        let store = open(directory.path()).unwrap();
        assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"one"), "the refusal changed nothing");
    }
    let newer = StoreError::NewerFormat { found: 2, known: 1 };
    assert_eq!(
        newer.to_string(),
        "the store has format `2`, and this version knows formats up to `1`: use the newer program"
    );
}

#[test]
fn damaged_facts_are_refused() {
    for (key, value) in [(&b"\0positions"[..], &b"short"[..]), (b"\0epoch", &[0xff])] {
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
