//! `agent suspend` to `agent version`, `owner offboard` and `review`, against a real registry.

use serde_json::Value;

use crate::site::Site;

/// A resource nobody serves: these commands only ask the registry about it.
const RESOURCE: &str = "http://127.0.0.1:9";
const TOKEN: [&str; 5] = ["token", "--scope", "files:read", "--resource", RESOURCE];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Another owner, with a key file of this name; gives the id.
fn another_owner(site: &Site, key: &str) -> String {
    let code = text(&site.ok(&["owner", "code"])["code"]);
    let made = ["owner", "init", "--registry", &site.issuer, "--enrol", &code, "--key", key];
    text(&site.ok(&made)["id"])
}

/// A token, as soon as the cut-off is past.
fn token_soon(site: &Site) -> i32 {
    for _ in 0..200 {
        let code = site.run(&TOKEN).status.code().unwrap();
        if code != 4 {
            return code;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the cut-off is never past");
}

#[test]
fn an_agent_is_suspended_resumed_and_retired() {
    let site = Site::start_for(RESOURCE);
    let handle = text(&site.claimed_agent(RESOURCE)["agent"]["handle"]);
    site.ok(&TOKEN);
    let told = site.ok(&["agent", "suspend", &handle, "--reason", "mails everybody"]);
    assert!(told["suspended_at"].is_u64(), "{told}");
    assert_eq!(site.refused(&TOKEN), (3, Some("agent_suspended".to_owned())));
    assert!(site.told(&["agent", "resume", &handle]).starts_with("It goes on"));
    assert_eq!(token_soon(&site), 0);
    assert_eq!(site.refused(&["agent", "retire", &handle]).0, 6);
    assert!(site.ok(&["agent", "retire", &handle, "--yes"])["retired_at"].is_u64());
    assert_eq!(site.refused(&TOKEN), (3, Some("invalid_client".to_owned())));
    assert_eq!(site.refused(&["agent", "resume", &handle]), (3, Some("agent_retired".to_owned())));
}

#[test]
fn an_agent_changes_hands_and_gets_a_ceiling_a_place_and_a_version() {
    let site = Site::start_for(RESOURCE);
    let handle = text(&site.claimed_agent(RESOURCE)["agent"]["handle"]);
    let heir = another_owner(&site, "heir.json");
    let accept = ["agent", "accept", &handle, "--key", "heir.json"];
    assert_eq!(site.refused(&accept), (3, Some("unknown_transfer".to_owned())));
    let offer = ["agent", "transfer", &handle, "--to", &heir];
    assert_eq!(text(&site.ok(&offer)["transfer"]["to"]), heir);
    assert_eq!(site.ok(&["agent", "transfer", &handle, "--withdraw"]).get("transfer"), None);
    site.ok(&offer);
    let taken = site.ok(&accept);
    assert_eq!((text(&taken["owner"]["id"]), text(&taken["ceiling"]["scope"])), (heir, String::new()));
    let ceiling = ["agent", "ceiling", &handle, "--scope", "files:read files:write", "--resource", RESOURCE];
    let ceiling = [&ceiling[..], &["--key", "heir.json"]].concat();
    assert_eq!(site.refused(&ceiling).0, 6);
    let set = site.ok(&[&ceiling[..], &["--yes"]].concat());
    assert_eq!(text(&set["ceiling"]["scope"]), "files:read files:write");
    assert_eq!(token_soon(&site), 0);
    let moved = site.ok(&["agent", "environment", &handle, "prod", "--key", "heir.json"]);
    assert_eq!(text(&moved["environment"]), "prod");
    assert_eq!(text(&site.ok(&["agent", "version", "1.3"])["version"]), "1.3");
    let list = ["agent", "version", "--list", "--agent", &handle, "--owner-key", "heir.json"];
    let told = site.told(&list);
    let versions: Vec<_> = told.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(versions, ["1.3", "0"]);
    for wrong in
        [&["agent", "transfer", &handle][..], &["agent", "version"], &["agent", "environment", &handle, "moon"]]
    {
        assert_eq!(site.run(wrong).status.code(), Some(2));
    }
}

#[test]
fn an_owner_is_off_boarded_and_the_rest_reviewed() {
    let site = Site::start_for(RESOURCE);
    site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code, "--key", "admin.json"]);
    let code = text(&site.ok(&["owner", "code", "--key", "admin.json"])["code"]);
    let owner = text(&site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &code])["id"]);
    site.claimed_by_key("agent.json", RESOURCE, &["--scope", "files:read files:write"]);
    site.ok(&TOKEN);
    let review = site.ok(&["review"]);
    assert_eq!((&review["stale"], &review["age_days"]), (&Value::from(false), &Value::from(0)));
    assert!(review["scopes"][0]["last_used"].is_u64() && review["scopes"][1]["last_used"].is_null(), "{review}");
    let table = site.told(&["review"]);
    assert!(table.starts_with("HANDLE") && table.contains("files:read 0d, files:write never"), "{table}");
    let csv = site.told(&["review", "--all", "--csv", "--key", "admin.json"]);
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 3, "{csv}");
    assert!(rows.iter().all(|row| row.len() == 12), "{csv}");
    assert_eq!((rows[1][3], rows[1][4], rows[1][10], rows[2][11]), ("in use", &*owner, "files:read", ""));
    assert_eq!(site.told(&["review", "--stale", "30"]), "");
    let offboard = ["owner", "offboard", &owner, "--retire", "--key", "admin.json"];
    assert_eq!(site.refused(&offboard).0, 6);
    assert_eq!(site.run(&["owner", "offboard", &owner, "--yes"]).status.code(), Some(2));
    let done = site.ok(&[&offboard[..], &["--yes"]].concat());
    assert_eq!((text(&done["status"]), &done["agents"]), ("done".to_owned(), &Value::from(1)));
    assert_eq!(site.refused(&["agent", "list"]), (3, Some("owner_closed".to_owned())));
    assert_eq!(site.refused(&TOKEN), (3, Some("invalid_client".to_owned())));
    let all = site.told(&["review", "--all", "--key", "admin.json"]);
    assert!(all.contains("retired"), "{all}");
}
