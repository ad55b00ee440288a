//! Full and read-only disks: a typed failure, and earlier data intact (P-17).

use std::path::Path;
use std::process::Command;

use handfast_registry::store::StoreError;

use crate::child::{Acknowledged, Running, command};
use crate::evidence::is_intact;
use crate::store_support::{THINGS, commit, get, open, record};

/// `command` with this script around it: `"$@"` is the command.
fn in_shell(command: &Command, before: &[&str], script: &str) -> Command {
    let (first, rest) = before.split_first().map_or(("sh", &[][..]), |(first, rest)| (*first, rest));
    let mut shell = Command::new(first);
    shell.args(rest).args(if before.is_empty() { &["-c"][..] } else { &["sh", "-c"] }).arg(script).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// No file of the child's may grow beyond `bytes`: its writes then fail like those to a full disk.
fn with_file_limit(command: &Command, bytes: u64) -> Command {
    in_shell(command, &[], &format!("trap '' XFSZ; exec prlimit --fsize={bytes} \"$@\""))
}

/// What the child must have said when its disk was full.
fn failed_cleanly(said: &[String]) {
    let failure = said.iter().find(|line| line.starts_with("failed ")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(failure.contains("the store is unavailable: sled cannot"), "{failure}");
    assert!(failure.contains("until the store is opened again"), "{failure}");
    assert!(said.iter().any(|line| line == "closed"), "all that came later was refused, and it closed: {said:?}");
}

#[test]
fn a_full_disk_fails_cleanly_and_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for megabytes in [1, 2, 4] {
        let limited = with_file_limit(&command(directory.path()), megabytes << 20);
        let (more, said) = Running::start(limited).finish();
        assert!(!more.is_empty(), "it wrote until the limit: {said:?}");
        failed_cleanly(&said);
        acknowledged.extend(more);
        // Opening with no room to write may fail, and must do no harm.
        let stuck = with_file_limit(&command(directory.path()), 1 << 10);
        let (none, said) = Running::start(stuck).finish();
        assert_eq!(none, []);
        assert!(said.iter().any(|line| line.starts_with("refused ") || line.starts_with("failed ")), "{said:?}");
        is_intact(directory.path(), &acknowledged);
    }
    let more = Running::start(command(directory.path())).kill_after(50);
    acknowledged.extend(more);
    is_intact(directory.path(), &acknowledged);
}

/// Whether this process may mount in a namespace of its own; says so if not.
fn can_mount() -> bool {
    let probe = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    let allowed = probe.is_ok_and(|output| output.status.success());
    if !allowed {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no mounting in a namespace of our own here\n")
            .unwrap();
    }
    allowed
}

/// The same with a real file system that has no room left, grown afterwards.
#[test]
fn a_full_file_system_fails_cleanly() {
    if !can_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let (at, store) = (place.path().display(), place.path().join("store"));
    let script = format!(
        "mount -t tmpfs -o size=3m none {at} && \"$@\" && mount -o remount,size=99m {at} && cp -a {at}/store {}/",
        kept.path().display()
    );
    let (acknowledged, said) = Running::start(in_shell(&command(&store), &["unshare", "-rm"], &script)).finish();
    assert!(!acknowledged.is_empty(), "{said:?}");
    failed_cleanly(&said);
    is_intact(&kept.path().join("store"), &acknowledged);
}

#[test]
fn a_read_only_disk_is_refused_by_name() {
    if !can_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let acknowledged: Vec<Acknowledged> = Running::start(command(place.path())).kill_after(40);
    let at = place.path().display();
    let script = format!("mount --bind {at} {at} && mount -o remount,bind,ro {at} && exec \"$@\"");
    let (none, said) = Running::start(in_shell(&command(place.path()), &["unshare", "-rm"], &script)).finish();
    assert_eq!(none, []);
    let refusal = said.iter().find(|line| line.starts_with("refused ")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(refusal.contains("lock` cannot be used: Read-only file system"), "{refusal}");
    is_intact(place.path(), &acknowledged);
}

#[test]
fn a_path_that_is_no_directory_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let refused = |path: &Path| match open(path) {
        Err(StoreError::Directory { path, .. }) => path,
        other => panic!("{other:?}"),
    };
    for path in [file.clone(), file.join("store"), file.join("deep/store")] {
        assert_eq!(refused(&path), path);
    }
    let benign = place.path().join("deep/store");
    let store = open(&benign).unwrap();
    commit(&store, |b| b.put(THINGS, b"a", b"one")).unwrap();
    assert_eq!(get(&store, THINGS, b"a"), record(1, None, b"one"));
}
