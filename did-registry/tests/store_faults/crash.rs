//! kill -9 and power cuts, again and again upon the same store (P-15).

use std::path::Path;

use crate::child::{Acknowledged, Running, command};
use crate::evidence::{is_intact, missing};
use crate::power_cut::Recorder;

/// How many writes the child may do before it ends: varied, so that it ends at different places of the engine's log.
fn writes_before_the_end(cycle: usize) -> usize {
    60 + cycle * 67 % 240
}

fn cycles(normal: usize, long: usize) -> usize {
    if std::env::var_os("HANDFAST_LONG").is_some_and(|value| value == "1") { long } else { normal }
}

#[test]
fn kill_9_loses_no_acknowledged_write() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for cycle in 0..cycles(10, 100) {
        kill_while_opening(directory.path());
        let child = Running::start(command(directory.path()));
        acknowledged.extend(child.kill_after(writes_before_the_end(cycle)));
        is_intact(directory.path(), &acknowledged);
    }
}

fn kill_while_opening(directory: &Path) {
    let mut child = Running::start(command(directory));
    child.await_word("opening");
    child.kill_after(0);
}

#[test]
fn a_power_cut_loses_no_acknowledged_write() {
    let recorder = Recorder::build();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let mut acknowledged = Vec::new();
    for cycle in 0..cycles(5, 50) {
        acknowledged.extend(load_then_cut(&recorder, &store, cycle, true));
        is_intact(&store, &acknowledged);
    }
}

/// The harness can fail: when our own data sync (the only `fdatasync` there is) counts for nothing, acknowledged writes
/// are missing.
#[test]
fn without_our_data_sync_a_power_cut_loses_writes() {
    let recorder = Recorder::build();
    let lost = (0..5).any(|cycle| {
        let directory = tempfile::tempdir().unwrap();
        let acknowledged = load_then_cut(&recorder, directory.path(), cycle, false);
        !missing(directory.path(), &acknowledged).is_empty()
    });
    assert!(lost, "the simulated power cut takes nothing away");
}

fn load_then_cut(recorder: &Recorder, store: &Path, cycle: usize, data_syncs_count: bool) -> Vec<Acknowledged> {
    let mut command = command(store);
    let recording = recorder.watch(&mut command, store);
    if !data_syncs_count {
        command.env("POWER_CUT_IGNORE_FDATASYNC", "1");
    }
    let acknowledged = Running::start(command).kill_after(writes_before_the_end(cycle));
    recording.cut();
    acknowledged
}
