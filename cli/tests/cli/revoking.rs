//! `revoke hop` and `revoke owner`, against a real registry.

use crate::site::Site;

/// A resource nobody serves: these commands only ask the registry about it.
const RESOURCE: &str = "http://127.0.0.1:9";

#[test]
fn one_delegation_is_stopped_and_its_sibling_is_not() {
    let site = Site::start_for(RESOURCE);
    site.claimed_agent_with(RESOURCE, &["--del-max-depth", "1"]);
    for key in ["one.json", "two.json", "three.json"] {
        site.claimed_by_key(key, RESOURCE, &["--scope", "files:read"]);
    }
    for name in ["one", "two", "three"] {
        let did = site.ok(&["agent", "show", "--key", &format!("{name}.json")])["did"].as_str().unwrap().to_owned();
        let delegate = ["delegate", "--to", &did, "--scope", "files:read", "--resource", RESOURCE, "-o", name];
        site.run(&delegate);
    }
    let exchange = |name: &'static str, key: &'static str| ["exchange", name, "--key", key];
    for (name, key) in [("one", "one.json"), ("three", "three.json")] {
        site.ok(&exchange(name, key));
    }
    // one that was exchanged, by its name, as the owner
    let shown = site.ok(&["revoke", "hop", "--bundle", "one", "--preview"]);
    assert_eq!((shown["agents"].as_u64(), shown["delegations"].as_u64()), (Some(1), Some(1)));
    let hop = shown["id"].as_str().unwrap();
    assert_eq!(site.refused(&["revoke", "hop", hop]).0, 6);
    site.ok(&exchange("one", "one.json"));
    assert_eq!(site.ok(&["revoke", "hop", hop, "--yes"])["id"].as_str(), Some(hop));
    assert_eq!(site.refused(&exchange("one", "one.json")), (3, Some("hop_revoked".to_owned())));
    // one that was not, by its bundle, as who passed it on
    let two = ["revoke", "hop", "--bundle", "two", "--yes", "--agent-key"];
    assert_eq!(site.refused(&[&two[..], &["two.json"]].concat()), (3, Some("forbidden".to_owned())));
    site.ok(&[&two[..], &["agent.json"]].concat());
    assert_eq!(site.refused(&exchange("two", "two.json")), (3, Some("hop_revoked".to_owned())));
    site.ok(&exchange("three", "three.json"));
    assert_eq!(site.refused(&["revoke", "hop", "x", "--yes"]), (3, Some("invalid_evidence".to_owned())));
    for wrong in [&["revoke", "hop"][..], &["revoke", "hop", hop, "--bundle", "one"]] {
        assert_eq!(site.run(wrong).status.code(), Some(2));
    }
}

#[test]
fn everything_for_an_owner_is_stopped_once_it_is_confirmed() {
    let site = Site::start_for(RESOURCE);
    let owner = site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    let id = owner["id"].as_str().unwrap();
    let agent = site.claimed_by_key("agent.json", RESOURCE, &["--scope", "files:read"]);
    let token = ["token", "--scope", "files:read", "--resource", RESOURCE];
    site.ok(&token);
    let reach = site.ok(&["revoke", "owner", id, "--preview"]);
    assert_eq!((reach["agents"].as_u64(), reach["tasks"].as_u64()), (Some(1), Some(1)));
    assert!(site.told(&["revoke", "owner", id, "--preview"]).contains("agents 1, tasks 1, delegations 0; the last"));
    assert_eq!(
        site.ok(&["revoke", "agent", agent["agent"]["did"].as_str().unwrap(), "--preview"])["tasks"].as_u64(),
        Some(1)
    );
    assert_eq!(site.refused(&["revoke", "owner", id]).0, 6);
    site.ok(&token);
    let told = site.ok(&["revoke", "owner", id, "--yes"]);
    assert_eq!((told["status"].as_str(), told["id"].as_str()), (Some("REVOKED"), Some(id)));
    // so long nothing is issued that would be dead
    assert_eq!(site.refused(&token), (4, Some("slow_down".to_owned())));
}
