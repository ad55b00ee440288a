//! Who may depend on whom (ARCHITECTURE.md), and what may be linked at all (deny.toml).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests stop at the first surprise

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates of others below `verifier`, itself included (spec/limits.md).
const MAX_CORE_CRATES: usize = 60;
/// Crates of others in the default `handfast` build (spec/limits.md).
const MAX_BINARY_CRATES: usize = 260;

/// The picture of ARCHITECTURE.md, as edges. A new one is an architectural change: draw it there first.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("identity", &[]),
    ("fetch", &["identity"]),
    ("dpop", &["identity"]),
    ("delegation", &["identity"]),
    ("audit-log", &["identity"]),
    ("registry-model", &["identity", "delegation", "audit-log"]),
    ("verifier", &["identity", "dpop", "delegation", "audit-log", "registry-model"]),
    ("client", &["identity", "dpop", "delegation", "registry-model", "fetch"]),
    ("middleware", &["identity", "dpop", "delegation", "verifier", "fetch"]),
    ("registry", &["identity", "dpop", "delegation", "audit-log", "registry-model", "verifier", "middleware", "fetch"]),
    (
        "",
        &["identity", "dpop", "delegation", "verifier", "middleware", "client", "registry", "registry-model", "fetch"],
    ),
];

/// What a sans-io crate may never bring in: whoever has one of these can do I/O behind its caller's back.
const WITHOUT_IO: [&str; 6] = ["identity", "dpop", "delegation", "audit-log", "registry-model", "verifier"];
const IO_CRATES: [&str; 6] = ["tokio", "async-std", "hyper", "reqwest", "mio", "rustls"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).arg("--locked").output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn package(short: &str) -> String {
    if short.is_empty() { "handfast".to_owned() } else { format!("handfast-{short}") }
}

/// Names of everything `package` links, without itself.
fn tree(package: &str) -> BTreeSet<String> {
    let listing = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let names = listing.lines().filter(|line| !line.is_empty());
    names.map(|line| line.split(' ').next().unwrap().to_owned()).filter(|name| name != package).collect()
}

/// `name version` of every crate of others that `package` links.
fn foreign(package: &str) -> BTreeSet<String> {
    let listing = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let crates = listing.lines().filter(|line| !line.is_empty() && !line.starts_with("handfast"));
    crates.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn dependencies_point_the_way_the_picture_says() {
    let metadata: serde_json::Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).unwrap();
    let allowed: BTreeMap<String, Vec<String>> =
        ALLOWED.iter().map(|(name, uses)| (package(name), uses.iter().map(|used| package(used)).collect())).collect();
    for found in metadata["packages"].as_array().unwrap() {
        let name = found["name"].as_str().unwrap();
        let manifest = found["manifest_path"].as_str().unwrap();
        if manifest.contains("/tests/") {
            continue; // tests may use everything
        }
        let uses = allowed.get(name).unwrap_or_else(|| panic!("`{name}` is not in the picture"));
        for dependency in found["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && used.starts_with("handfast") {
                assert!(uses.iter().any(|known| known == used), "`{name}` may not use `{used}`");
            }
        }
    }
}

#[test]
fn the_deciding_crates_can_do_no_io() {
    for short in WITHOUT_IO {
        let tree = tree(&package(short));
        for banned in IO_CRATES {
            assert!(!tree.contains(banned), "`{short}` links `{banned}`");
        }
    }
}

#[test]
fn trees_stay_within_their_budgets() {
    let core = foreign("handfast-verifier");
    assert!(core.len() <= MAX_CORE_CRATES, "{} crates below the verifier: {core:?}", core.len());
    let binary = foreign("handfast");
    assert!(binary.len() <= MAX_BINARY_CRATES, "{} crates in the binary", binary.len());
}

#[test]
fn only_listed_licences_and_no_banned_crate_are_linked() {
    let policy = include_str!("../../../deny.toml");
    let between = |start: &str, end: char| policy.split_once(start).unwrap().1.split_once(end).unwrap().0;
    let licences: BTreeSet<&str> = between("allow = [", ']').split('"').filter(|part| part.len() > 2).collect();
    let banned: Vec<&str> =
        policy.lines().filter_map(|line| line.trim().strip_prefix("{ crate = \"")?.split('"').next()).collect();
    assert!(banned.len() >= 5 && licences.len() >= 5, "deny.toml was not understood");

    // with all that can be built in, the keyring's crates too
    let tree = ["tree", "-p", "handfast", "--all-features", "-e", "normal,build", "--prefix", "none"];
    let listing = cargo(&[&tree[..], &["--format", "{p}|{l}"]].concat());
    for line in listing.lines().filter(|line| !line.is_empty() && !line.starts_with("handfast")) {
        let (name, licence) = line.split_once('|').unwrap();
        let name = name.split(' ').next().unwrap();
        assert!(!banned.contains(&name), "`{name}` is banned");
        let licence = licence.trim_end_matches(" (*)");
        assert!(is_allowed(licence, &licences), "`{name}` is under `{licence}`");
    }
}

/// Reads the forms of SPDX expressions that stand in the tree: `A OR B`, `A AND B`, `A/B`, brackets around either.
fn is_allowed(expression: &str, licences: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ").replace(" WITH LLVM-exception", "");
    let clauses = expression.split(" AND ").map(|clause| clause.trim_matches(['(', ')', ' ']).to_owned());
    clauses
        .into_iter()
        .all(|clause| clause.split(" OR ").any(|one| licences.contains(one.trim_matches(['(', ')', ' ']))))
}
