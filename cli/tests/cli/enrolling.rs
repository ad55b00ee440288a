//! `enrolment create` to `revoke`, registrations with a token, and `agent search`, against a real registry.

use crate::site::{Site, handfast};
use serde_json::Value;

/// A resource nobody serves: these commands only ask the registry about it.
const RESOURCE: &str = "http://127.0.0.1:9";
const CEILING: [&str; 4] = ["--scope", "files:read", "--resource", RESOURCE];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn create(site: &Site, more: &[&str]) -> Vec<Value> {
    let made = site.run(&[&["enrolment", "create"][..], &CEILING, more].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let lines = String::from_utf8(made.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_fleet_is_enrolled_without_anybody_typing_codes() {
    let site = Site::start_for(RESOURCE);
    let owner = text(&site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code])["id"]);
    let made = create(&site, &["--count", "3", "--label", "runners", "--environment", "test", "--expires", "1h"]);
    assert_eq!(made.len(), 3);
    let [by_file, by_environment, lost] = &made[..] else { panic!("{made:?}") };
    let register = |key: &'static str| {
        site.ok(&["agent", "init", "--key", key]);
        ["agent", "register", "--key", key, "--name", "runner", "--purpose", "builds", "--environment"]
            .map(str::to_owned)
    };
    // in a file
    std::fs::write(site.file("token"), format!("{}\n", text(&by_file["token"]))).unwrap();
    let one = register("one.json");
    let one: Vec<_> = one.iter().map(String::as_str).collect();
    let at = ["--registry", &site.issuer];
    let wrong = site.refused(&[&one[..], &["prod", "--enrolment-file", "token"], &at].concat());
    assert_eq!(wrong, (3, Some("environment_mismatch".to_owned())));
    let told = site.ok(&[&one[..], &["test", "--enrolment-file", "token"], &at].concat());
    assert_eq!(
        (text(&told["agent"]["status"]), text(&told["agent"]["owner"]["id"])),
        ("CLAIMED".into(), owner.clone())
    );
    assert!(told["claim"].is_null());
    site.ok(&[&["token", "--key", "one.json"][..], &CEILING].concat());
    // in the environment
    let two = register("two.json");
    let mut command = handfast(site.home());
    command.args(&two).arg("test").args(at).env("HANDFAST_ENROLMENT", text(&by_environment["token"]));
    assert!(command.output().unwrap().status.success());
    // used up, and called off
    let three = register("three.json");
    let three: Vec<_> = three.iter().map(String::as_str).collect();
    let again = site.refused(&[&three[..], &["test", "--enrolment-file", "token"], &at].concat());
    assert_eq!(again, (3, Some("enrolment_used".to_owned())));
    let revoke = ["enrolment", "revoke", lost["id"].as_str().unwrap(), "--reason", "lost"];
    assert_eq!(text(&site.ok(&revoke)["status"]), "revoked");
    std::fs::write(site.file("lost"), text(&lost["token"])).unwrap();
    let late = site.refused(&[&three[..], &["test", "--enrolment-file", "lost"], &at].concat());
    assert_eq!(late, (3, Some("enrolment_revoked".to_owned())));
    let list = site.told(&["enrolment", "list"]);
    let mut states: Vec<_> = list.lines().map(|line| line.split(' ').next().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["revoked", "used", "used"], "{list}");
    assert!(made.iter().all(|made| !list.contains(made["token"].as_str().unwrap())));
    assert_eq!(site.told(&["enrolment", "list", "--all"]).lines().count(), 3);

    // and found again
    let handle = text(&told["agent"]["handle"]);
    let beginning = handle.split('-').next().unwrap();
    let count = |arguments: &[&str]| {
        let found = site.told(&[&["agent", "search"][..], arguments].concat());
        found.lines().filter(|line| !line.is_empty()).count()
    };
    assert!(site.told(&["agent", "search", "--handle", beginning]).contains(&handle));
    assert_eq!(count(&[]), 2);
    assert_eq!(count(&["--all", "--owner", &owner, "--status", "claimed"]), 2);
    assert_eq!(count(&["--all", "--status", "REVOKED"]), 0);
    let other = "owner:0123456789abcdefghjkmnpqrs";
    assert_eq!(site.refused(&["agent", "search", "--owner", other]), (3, Some("forbidden".to_owned())));
}
