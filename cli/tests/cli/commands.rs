//! The README's walk, command by command, against a real registry and a real protected API.

use crate::site::{Site, free_port, handfast};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A resource nobody serves: these commands only ask the registry about it.
const RESOURCE: &str = "http://127.0.0.1:9";

#[test]
fn the_walk_of_the_readme() {
    let site = Site::start_for(RESOURCE);
    let owner = site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    assert!(owner["id"].as_str().unwrap().starts_with("owner:"));
    let agent = site.ok(&["agent", "init"]);
    let registered =
        site.ok(&["agent", "register", "--registry", &site.issuer, "--name", "filer", "--purpose", "reads"]);
    assert_eq!(registered["agent"]["status"], "UNCLAIMED");
    assert_eq!(registered["fingerprint"], agent["fingerprint"]);
    let (claim, code) =
        (registered["claim"]["id"].as_str().unwrap(), registered["claim"]["user_code"].as_str().unwrap());
    let words = agent["fingerprint"].as_str().unwrap();

    // nobody is there to be asked, so the words have to be given, and have to be the agent's
    let approve = ["claim", claim, "--code", code, "--scope", "files:read", "--resource", "http://127.0.0.1:9"];
    assert_eq!(site.refused(&approve).0, 6);
    assert_eq!(site.refused(&[&approve[..], &["--confirm", "acorn acorn acorn acorn acorn acorn"]].concat()).0, 6);
    let wrong = ["claim", claim, "--code", "BBBBBBBB", "--scope", "files:read", "--resource", "http://127.0.0.1:9"];
    assert_eq!(site.refused(&wrong), (3, Some("wrong_code".to_owned())));
    let record = site.ok(&[&approve[..], &["--handle", "filer-one", "--confirm", words]].concat());
    assert_eq!((record["status"].as_str(), record["handle"].as_str()), (Some("CLAIMED"), Some("filer-one")));

    let shown = site.ok(&["agent", "show"]);
    assert_eq!((shown["did"].as_str(), shown["status"].as_str()), (agent["did"].as_str(), Some("CLAIMED")));
    let same = site.ok(&["agent", "show", "filer-one", "--owner-key", "owner.json"]);
    assert_eq!(same["did"], shown["did"]);
    assert_eq!(site.ok(&["agent", "list"])["handle"], "filer-one");

    let task = site.ok(&[
        "task",
        "new",
        "--agent",
        "filer-one",
        "--intent",
        "read July",
        "--scope",
        "files:read",
        "--resource",
        "http://127.0.0.1:9",
    ]);
    let id = task["id"].as_str().unwrap();
    assert_eq!(site.ok(&["task", "show", id])["intent"], "read July");
    let token = site.ok(&["token", "--scope", "files:read", "--resource", "http://127.0.0.1:9", "--task", id]);
    assert_eq!((token["token_type"].as_str(), token["task"].as_str()), (Some("DPoP"), Some(id)));
    let too_much = ["token", "--scope", "files:write", "--resource", "http://127.0.0.1:9"];
    assert_eq!(site.refused(&too_much).0, 3);

    std::fs::write(site.file("token.txt"), token["access_token"].as_str().unwrap()).unwrap();
    let reach = site.ok(&["revoke", "token", "token.txt", "--preview"]);
    assert_eq!((reach["kind"].as_str(), reach["agents"].as_u64()), (Some("token"), Some(1)));
    assert_eq!(site.refused(&["revoke", "token", "token.txt", "--agent-key", "agent.json"]).0, 6);
    let told = site.ok(&["revoke", "token", "token.txt", "--agent-key", "agent.json", "--yes"]);
    assert_eq!((&told["status"], &told["id"]), (&json!("REVOKED"), &reach["id"]));
    assert_eq!(site.ok(&["revoke", "token", "token.txt", "--yes"]), told);
    assert_eq!(site.refused(&["revoke", "token", "owner.json", "--yes"]).0, 2);

    let reach = site.ok(&["revoke", "task", id, "--preview"]);
    assert_eq!((reach["agents"].as_u64(), reach["delegations"].as_u64()), (Some(1), Some(0)));
    assert_eq!(site.refused(&["revoke", "task", id]).0, 6);
    assert_eq!(site.ok(&["task", "show", id])["status"], "open", "a look changes nothing");
    let told = site.ok(&["revoke", "task", id, "--yes", "--reason", "wrong month"]);
    assert_eq!((told["status"].as_str(), told["reason"].as_str()), (Some("REVOKED"), Some("wrong month")));
    assert_eq!(site.ok(&["revoke", "task", id, "--yes"]), told);
    let dead = ["token", "--scope", "files:read", "--resource", "http://127.0.0.1:9", "--task", id];
    assert_eq!(site.refused(&dead), (3, Some("task_revoked".to_owned())));
    let text = site.told(&["revoke", "task", id, "--preview"]);
    assert!(text.contains("agents 1, tasks 1, delegations 0") && text.contains("revoked already"), "{text}");
    site.ok(&["token", "--scope", "files:read", "--resource", "http://127.0.0.1:9"]);

    assert_eq!(site.refused(&["revoke", "agent", "filer-one"]).0, 6);
    site.ok(&["revoke", "agent", "filer-one", "--yes", "--reason", "over"]);
    let (exit, reason) = site.refused(&["token", "--scope", "files:read", "--resource", "http://127.0.0.1:9"]);
    assert_eq!((exit, reason.as_deref()), (3, Some("agent_revoked")));
}

#[test]
fn curl_signs_for_the_registry_itself() {
    let site = Site::start_for(RESOURCE);
    site.ok(&["agent", "init", "--p256"]);
    site.ok(&["agent", "register", "--registry", &site.issuer, "--name", "curler", "--purpose", "shows"]);
    let did = site.ok(&["agent", "show"])["did"].as_str().unwrap().to_owned();
    let url = format!("{}/agents/{did}", site.issuer);
    let answer = site.ok(&["curl", &url, "--scope", "agent:self"]);
    assert_eq!(answer["status"], 200);
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["did"].as_str(), Some(did.as_str()));
}

#[test]
fn files_and_absent_servers_have_their_own_exit_codes() {
    let home = TempDir::new().unwrap();
    let run = |arguments: &[&str]| handfast(home.path()).args(arguments).output().unwrap().status.code();
    assert_eq!(run(&["agent", "show"]), Some(5));
    assert_eq!(run(&["agent", "init"]), Some(0));
    assert_eq!(run(&["agent", "init"]), Some(5), "a key file is not written over");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_eq!(run(&["agent", "register", "--registry", &nobody, "--name", "a", "--purpose", "b"]), Some(4));
    assert_eq!(run(&["agent", "register", "--registry", "ftp://x", "--name", "a", "--purpose", "b"]), Some(2));
    assert_eq!(run(&["registry", "serve", "--dir", "nowhere"]), Some(5));
    assert_eq!(run(&["registry", "init", "--dir", "r", "--issuer", "http://registry.example"]), Some(2));
    assert_eq!(run(&["did", "resolve", "did:web:example.com"]), Some(3));
    assert_eq!(run(&["did", "resolve", "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"]), Some(0));
    assert_eq!(run(&["nonsense"]), Some(2));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::start_for(RESOURCE);
    site.ok(&["agent", "init"]);
    let path = site.file("agent.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = site.run(&["agent", "register", "--registry", &site.issuer, "--name", "a", "--purpose", "b"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 600"));
}

#[test]
fn a_new_epoch_follows_the_one_before() {
    let place = TempDir::new().unwrap();
    let directory = place.path().join("registry");
    let directory = directory.to_str().unwrap();
    let run =
        |args: &[&str]| handfast(place.path()).arg("registry").args(args).args(["--dir", directory]).output().unwrap();
    let none = run(&["new-epoch"]);
    assert_eq!(none.status.code(), Some(5));
    assert!(run(&["init", "--issuer", "https://id.example"]).status.success());
    let begun: Value = serde_json::from_slice(&run(&["new-epoch"]).stdout).unwrap();
    assert_eq!(begun["follows"]["seq"], 0);
    let again: Value = serde_json::from_slice(&run(&["new-epoch"]).stdout).unwrap();
    assert_eq!(again["follows"]["epoch"], begun["epoch"]);
}

#[test]
fn a_stolen_token_key_is_revoked_and_another_signs() {
    let site = Site::start_for(RESOURCE);
    site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    let kid = |rotated: &Value, member: &str| rotated[member].as_str().unwrap().to_owned();
    // the registry runs on with what it read at its start
    let rotated = site.ok(&["registry", "rotate-key", "token", "--dir", "registry"]);
    let (stolen, next) = (kid(&rotated, "replaced"), kid(&rotated, "signs"));
    assert_ne!(stolen, next);
    let reach = site.ok(&["revoke", "issuer-key", &stolen, "--preview"]);
    assert_eq!((reach["kind"].as_str(), reach.get("agents")), (Some("issuer_key"), None));
    let told = site.ok(&["revoke", "issuer-key", &stolen, "--reason", "host broken into", "--yes"]);
    assert_eq!((told["kind"].as_str(), told["status"].as_str()), (Some("issuer_key"), Some("REVOKED")));
    assert_eq!(site.refused(&["revoke", "issuer-key", "none", "--yes"]), (3, Some("invalid_request".to_owned())));
    // whoever needs a token gets one by the key that stood by
    assert_eq!(site.ok(&["revoke", "issuer-key", &stolen, "--yes"]), told);
}

#[cfg(unix)]
#[test]
fn a_feed_key_is_replaced_by_the_recovery_key_that_init_put_beside_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let place = TempDir::new().unwrap();
    let run = |args: &[&str]| handfast(place.path()).arg("registry").args(args).output().unwrap();
    let told = |args: &[&str]| -> Value {
        let output = run(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let made = told(&["init", "--dir", "registry", "--issuer", "https://id.example"]);
    assert_eq!(made["recovery_key_file"], "registry-feed-recovery.jwk");
    let secret = place.path().join("registry-feed-recovery.jwk");
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let pinned = std::fs::read_to_string(place.path().join("registry/registry.toml")).unwrap();
    assert!(pinned.contains(&format!("feed_recovery_key = {}", made["feed_recovery_key"])), "{pinned}");
    // a second registry does not write over it
    assert_eq!(run(&["init", "--dir", "registry", "--issuer", "https://id.example"]).status.code(), Some(5));
    assert!(secret.exists());
    let stranger = told(&["recovery-key", "stranger.jwk"]);
    assert_eq!(run(&["recovery-key", "stranger.jwk"]).status.code(), Some(5));
    assert_ne!(stranger["feed_recovery_key"], made["feed_recovery_key"]);

    let replace = ["replace-feed-key", "--dir", "registry", "--recovery-key"];
    let with = |file: &str, more: &[&str]| run(&[&replace[..], &[file], more].concat()).status.code();
    assert_eq!(with("registry-feed-recovery.jwk", &[]), Some(6), "it asks first");
    assert_eq!(with("stranger.jwk", &["--yes"]), Some(2));
    assert_eq!(with("missing.jwk", &["--yes"]), Some(5));
    let reason = ["registry-feed-recovery.jwk", "--reason", "stolen", "--yes"];
    let replaced = told(&[&replace[..], &reason].concat());
    assert_eq!(
        (&replaced["seq"], &replaced["replaces"]),
        (&Value::from(1), &Value::from(vec![made["feed_key"].clone()]))
    );
    let again = told(&[&replace[..], &reason].concat());
    assert_eq!((&again["seq"], &again["follows"]["epoch"]), (&Value::from(2), &replaced["epoch"]));
    assert_eq!(again["replaces"], Value::from(vec![made["feed_key"].clone(), replaced["feed_key"].clone()]));
}
