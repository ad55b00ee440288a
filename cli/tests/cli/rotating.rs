//! `agent rotate`, `approve-rotation`, `recover`, `history` and `revoke key`, against a real registry.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::site::Site;

/// A resource nobody serves: these commands only ask the registry about it.
const RESOURCE: &str = "http://127.0.0.1:9";
const TOKEN: [&str; 5] = ["token", "--scope", "files:read", "--resource", RESOURCE];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn did_in(site: &Site, file: &str) -> String {
    let file: Value = serde_json::from_slice(&fs::read(site.file(file)).unwrap()).unwrap();
    text(&file["did"])
}

fn copy(site: &Site, from: &str, to: &str) {
    // a copy has the mode of the file it is of
    fs::copy(site.file(from), site.file(to)).unwrap();
}

#[test]
fn a_rotation_goes_on_wherever_it_was_cut_off() {
    let site = Site::start_for(RESOURCE);
    site.claimed_agent(RESOURCE);
    let (old, handle) = (did_in(&site, "agent.json"), text(&site.ok(&["agent", "show"])["handle"]));
    copy(&site, "agent.json", "old.json");
    // the name of the new file was taken, and no more
    fs::write(site.file("agent.json.next"), "").unwrap();
    let rotated = site.ok(&["agent", "rotate"]);
    let new = did_in(&site, "agent.json");
    assert_eq!((rotated["status"].as_str(), text(&rotated["did"])), (Some("rotated"), new.clone()));
    assert_ne!(new, old);
    assert!(!site.file("agent.json.next").exists());
    let shown = site.ok(&["agent", "show"]);
    assert_eq!(
        (text(&shown["handle"]), text(&shown["did"]), shown["key_number"].as_u64()),
        (handle, new.clone(), Some(2))
    );
    site.ok(&TOKEN);
    // the registry had taken it, and the files were as before
    copy(&site, "agent.json", "agent.json.next");
    copy(&site, "old.json", "agent.json");
    assert_eq!(text(&site.ok(&["agent", "rotate"])["did"]), new);
    assert_eq!(did_in(&site, "agent.json"), new);
    // both files hold the new key
    copy(&site, "agent.json", "agent.json.next");
    assert_eq!(text(&site.ok(&["agent", "rotate"])["did"]), new);
    assert!(!site.file("agent.json.next").exists());
    assert_eq!(site.ok(&["agent", "history"])["keys"].as_array().unwrap().len(), 2, "it was one rotation");
    // whoever is left with the former key alone is told so, and loses neither file
    let stale = ["agent", "rotate", "--key", "old.json"];
    assert_eq!(site.refused(&stale), (3, Some("stale_sequence".to_owned())));
    assert_eq!((did_in(&site, "old.json"), site.file("old.json.next").exists()), (old, true));
    // too soon, and then the same key is sent
    assert_eq!(site.refused(&["agent", "rotate"]), (4, Some("slow_down".to_owned())));
    let next = did_in(&site, "agent.json.next");
    assert_eq!(site.refused(&["agent", "rotate"]).0, 4);
    assert_eq!(did_in(&site, "agent.json.next"), next);
}

#[test]
fn in_prod_the_owner_is_asked() {
    let site = Site::start_for(RESOURCE);
    site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    site.ok(&["agent", "init"]);
    let register = ["agent", "register", "--registry", &site.issuer, "--name", "filer", "--purpose", "reads"];
    let told = site.ok(&[&register[..], &["--environment", "prod"]].concat());
    let (claim, code) = (text(&told["claim"]["id"]), text(&told["claim"]["user_code"]));
    let words = text(&told["fingerprint"]);
    site.ok(&["claim", &claim, "--code", &code, "--confirm", &words, "--resource", RESOURCE, "--scope", "files:read"]);
    let old = did_in(&site, "agent.json");
    let approve = ["agent", "approve-rotation", &old];
    assert_eq!(site.refused(&approve), (3, Some("unknown_rotation".to_owned())));

    let waiting = site.ok(&["agent", "rotate"]);
    assert_eq!(waiting["status"].as_str(), Some("waiting"));
    assert_eq!((did_in(&site, "agent.json"), did_in(&site, "agent.json.next")), (old.clone(), text(&waiting["did"])));
    site.ok(&TOKEN);
    assert_eq!(site.refused(&approve).0, 6, "nobody is there to compare the words");
    assert_eq!(site.refused(&[&approve[..], &["--confirm", &words]].concat()).0, 6, "the words of another key");
    let refused = site.ok(&[&approve[..], &["--refuse", "--reason", "not now"]].concat());
    assert_eq!((refused["status"].as_str(), text(&refused["did"])), (Some("refused"), old.clone()));

    // the key that was refused is asked for again; the one who waits goes on once the owner has agreed
    let mut waits =
        crate::site::handfast(site.home()).args(["agent", "rotate", "--wait"]).stdout(Stdio::null()).spawn().unwrap();
    let agreed = (0..100).any(|_| {
        let answer = site.run(&[&approve[..], &["--confirm", &text(&waiting["fingerprint"])]].concat());
        std::thread::yield_now();
        answer.status.success()
    });
    assert!(agreed && waits.wait().unwrap().success());
    assert_eq!(did_in(&site, "agent.json"), text(&waiting["did"]));
    site.ok(&TOKEN);
}

#[test]
fn the_owner_takes_an_agent_back_and_anybody_can_see_on_whose_word() {
    let site = Site::start_for(RESOURCE);
    site.claimed_agent(RESOURCE);
    let (first, owner) = (did_in(&site, "agent.json"), did_in(&site, "owner.json"));
    let history = ["agent", "history", &first];
    copy(&site, "agent.json", "stolen.json");
    site.ok(&["agent", "rotate", "--key", "stolen.json"]);
    assert_eq!(site.refused(&TOKEN), (3, Some("invalid_client".to_owned())));

    let recover = ["agent", "recover", &first, "--new-key", "new.json", "--last-good"];
    assert_eq!(site.refused(&[&recover[..], &["0"]].concat()).0, 6);
    assert_eq!(site.run(&[&recover[..], &["9", "--yes"]].concat()).status.code(), Some(2));
    let recovered = site.ok(&[&recover[..], &["0", "--yes", "--reason", "stolen"]].concat());
    assert_eq!(text(&recovered["did"]), did_in(&site, "new.json"));
    let token = [&TOKEN[..], &["--key", "new.json"]].concat();
    site.ok(&token);
    assert_eq!(site.refused(&[&TOKEN[..], &["--key", "stolen.json"]].concat()), (3, Some("invalid_client".to_owned())));
    let shown = site.ok(&[&history[..], &["--key", "new.json"]].concat());
    let void: Vec<_> = shown["keys"].as_array().unwrap().iter().map(|key| key["void"].as_bool().unwrap()).collect();
    assert_eq!(void, [true, true, false]);

    // offline, from what the registry publishes
    let url = format!("{}/agents/{first}/keys", site.issuer);
    let verify = |source: &str, more: &[&str]| site.run(&[&["agent", "history", "--verify", source], more].concat());
    let body = crate::site::get(&url);
    fs::write(site.file("keys.json"), &body).unwrap();
    for source in [url.as_str(), "keys.json"] {
        assert_eq!(verify(source, &[]).status.code(), Some(3), "whose word it rests on has to be known");
        assert_eq!(verify(source, &["--owner", &first]).status.code(), Some(3));
        assert!(verify(source, &["--owner", &owner, "--first", &first]).status.success());
        assert_eq!(verify(source, &["--owner", &owner, "--first", &owner]).status.code(), Some(3));
    }
    fs::write(site.file("forged.json"), body.replace(&text(&recovered["did"]), &first)).unwrap();
    assert_eq!(verify("forged.json", &["--owner", &owner]).status.code(), Some(3));
    assert_eq!(verify("https://id.example/agents/x", &[]).status.code(), Some(2));

    // one key alone, and again only the owner helps
    let did = did_in(&site, "new.json");
    assert_eq!(site.ok(&["revoke", "key", &did, "--preview"])["agents"].as_u64(), Some(1));
    assert_eq!(site.refused(&["revoke", "key", &did]).0, 6);
    assert_eq!(text(&site.ok(&["revoke", "key", &did, "--yes"])["status"]), "REVOKED");
    assert_eq!(site.refused(&token), (3, Some("key_compromised".to_owned())));
    let recover = ["agent", "recover", &did, "--new-key", "newer.json", "--yes", "--last-good"];
    assert_eq!(site.refused(&[&recover[..], &["3"]].concat()), (3, Some("key_compromised".to_owned())));
    site.ok(&[&recover[..], &["0"]].concat());
    site.ok(&[&TOKEN[..], &["--key", "newer.json"]].concat());
}
