//! `--dry-run`: what would be sent or written is shown, and nothing is.

use std::net::TcpListener;
use std::process::Output;

use handfast_client::{DpopKey, KeyFile, KeyKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::handfast;

/// Key files of a registry at which nobody may ring.
struct Silent {
    home: TempDir,
    door: TcpListener,
    issuer: String,
}

impl Silent {
    fn new() -> Self {
        let (home, door) = (TempDir::new().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        door.set_nonblocking(true).unwrap();
        let issuer = format!("http://{}", door.local_addr().unwrap());
        for (kind, name) in [(KeyKind::Agent, "agent.json"), (KeyKind::Owner, "owner.json")] {
            let file = KeyFile { issuer: Some(issuer.clone()), ..KeyFile::new(kind, DpopKey::generate()) };
            file.create(home.path().join(name)).unwrap();
        }
        Self { home, door, issuer }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        handfast(self.home.path()).arg("--dry-run").args(arguments).output().unwrap()
    }

    /// What a command shows. Nobody may have rung, and no file may be other than before.
    fn steps(&self, arguments: &[&str]) -> Vec<Value> {
        let before = self.files();
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(self.door.accept().is_err(), "{arguments:?} sent something");
        assert_eq!(self.files(), before, "{arguments:?} wrote something");
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.home.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap_or_default()))
            .collect();
        files.sort();
        files
    }

    /// The one request that a command shows: method, path, scope of its token, body.
    fn request(&self, arguments: &[&str]) -> (String, String, Value, Value) {
        let steps = self.steps(arguments);
        let [step] = steps.as_slice() else { panic!("{arguments:?}: {steps:?}") };
        assert_eq!((&step["dry_run"], &step["would"]), (&json!(true), &json!("send")), "{arguments:?}");
        let text = |name: &str| step[name].as_str().unwrap().to_owned();
        let path = text("url").strip_prefix(&self.issuer).unwrap_or_else(|| panic!("{step}")).to_owned();
        (text("method"), path, step["scope"].clone(), step["body"].clone())
    }
}

#[test]
fn what_changes_the_registry_is_shown_and_not_sent() {
    let site = Silent::new();
    let did = KeyFile::load(site.home.path().join("agent.json")).unwrap().key.did().to_string();
    for (arguments, path, scope, body) in [
        (
            &["agent", "suspend", "filer", "--reason", "r"][..],
            "/agents/filer/suspend",
            "owner:self",
            json!({"reason": "r"}),
        ),
        (&["agent", "resume", "filer", "--admin"], "/agents/filer/resume", "registry:admin", json!({})),
        (&["agent", "retire", "filer"], "/agents/filer/retire", "owner:self", json!({})),
        (
            &["agent", "environment", "filer", "prod"],
            "/agents/filer/environment",
            "owner:self",
            json!({"environment": "prod"}),
        ),
        (&["owner", "code"], "/owners/codes", "registry:admin", json!({"role": "owner"})),
        (&["revoke", "agent", "filer"], "/revocations", "owner:self", json!({"id": "filer", "kind": "agent"})),
        (&["revoke", "task", "task_1"], "/revocations", "owner:self", json!({"id": "task_1", "kind": "task"})),
    ] {
        let (method, found, token, sent) = site.request(arguments);
        assert_eq!((method.as_str(), found.as_str(), &token), ("POST", path, &json!(scope)), "{arguments:?}");
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&sent[name], value, "{arguments:?} {sent}");
        }
    }
    let task = ["task", "new", "--agent", &did, "--intent", "i", "--scope", "a:b", "--resource", "https://x.example"];
    let (_, path, _, body) = site.request(&task);
    assert_eq!((path.as_str(), &body["agent"], &body["intent"]), ("/tasks", &json!(did), &json!("i")));
}

#[test]
fn statements_are_shown_as_what_they_say() {
    let site = Silent::new();
    let register = ["agent", "register", "--registry", &site.issuer, "--name", "n", "--purpose", "p"];
    let (_, path, scope, body) = site.request(&register);
    assert_eq!((path.as_str(), scope), ("/agents", Value::Null));
    assert_eq!((&body["header"]["typ"], &body["claims"]["name"]), (&json!("agent-registration+jwt"), &json!("n")));
    assert_eq!(body["signature"], "(hidden)");
    let init = ["owner", "init", "--registry", &site.issuer, "--enrol", "CODE", "--key", "new.json"];
    let (_, path, _, body) = site.request(&init);
    assert_eq!((path.as_str(), &body["claims"]["enrolment"]), ("/owners", &json!("(hidden)")));
    let claim = ["claim", "claim_1", "--code", "BCDFGHJK", "--scope", "a:b", "--resource", "https://x.example"];
    let (_, path, _, body) = site.request(&claim);
    assert_eq!((path.as_str(), &body["user_code"]), ("/claims/claim_1/approve", &json!("(hidden)")));
}

#[test]
fn what_depends_on_an_answer_says_so() {
    let site = Silent::new();
    let steps = site.steps(&["agent", "rotate"]);
    let would: Vec<_> = steps.iter().map(|step| (step["would"].as_str().unwrap(), step["then"].is_string())).collect();
    assert_eq!(would, [("write", false), ("send", true), ("write", false)]);
    let steps = site.steps(&["agent", "recover", "filer", "--last-good", "1", "--new-key", "new.json"]);
    assert_eq!((&steps[0]["file"], &steps[1]["method"]), (&json!("new.json"), &json!("GET")));
}

#[test]
fn files_are_shown_and_not_written() {
    let site = Silent::new();
    let files =
        |arguments: &[&str]| -> Vec<Value> { site.steps(arguments).iter().map(|step| step["file"].clone()).collect() };
    assert_eq!(files(&["agent", "init", "--key", "new.json"]), [json!("new.json")]);
    let init = ["registry", "init", "--dir", "r", "--issuer", "https://r.example"];
    assert_eq!(files(&init), [json!("r-feed-recovery.jwk"), json!("r")]);
    assert!(files(&["man", "pages"]).len() > 30);
    // what would fail fails here too
    assert_eq!(site.run(&["agent", "init"]).status.code(), Some(5), "there is a key");
    assert_eq!(site.run(&["registry", "init", "--dir", "r", "--issuer", "http://r.example"]).status.code(), Some(2));
    assert_eq!(site.run(&["registry", "new-epoch", "--dir", "nowhere"]).status.code(), Some(5));
    assert_eq!(site.run(&["revoke", "agent", "filer", "--key", "gone.json"]).status.code(), Some(5));
}

#[test]
fn curl_shows_its_request() {
    let site = Silent::new();
    let url = format!("{}/files?a=1", site.issuer);
    let sent = site.request(&["curl", &url, "--scope", "files:write", "--data", r#"{"a":1}"#]);
    assert_eq!(sent, ("POST".to_owned(), "/files?a=1".to_owned(), json!("files:write"), json!({"a": 1})));
}

#[test]
fn what_changes_nothing_has_nothing_to_rehearse() {
    let site = Silent::new();
    for arguments in [
        &["agent", "show"][..],
        &["agent", "list"],
        &["agent", "version", "--list"],
        &["token", "--scope", "a"],
        &["review"],
        &["demo"],
        &["explain", "tool_refused"],
    ] {
        assert_eq!(site.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(site.door.accept().is_err());
}
