//! `--dry-run`: what would be sent or written is shown, and nothing is.

use std::net::TcpListener;
use std::process::{Command, Output};

use handfast_client::{DpopKey, KeyFile, KeyKind};
use handfast_identity::UnixTime;
use handfast_testkit::{Agent, Chain, Issuer};
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

    /// A bundle for the key of `delegate.json`, which may pass it on.
    fn bundle(&self) -> String {
        let (issuer, holder, delegate) = (Issuer::at(&self.issuer), Agent::numbered(1), Agent::numbered(2));
        let now = UnixTime::from_secs(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
        let root = issuer.token_for(&holder, API, "files:list files:read", now);
        let chain = Chain::below(&issuer, &holder, root);
        let authority = chain.authority().clone();
        let evidence = chain.passing(&delegate, authority).offline();
        let text = format!("{},{}", evidence.token, evidence.field);
        std::fs::write(self.home.path().join("bundle"), text).unwrap();
        let key = DpopKey::from_private_jwk(&delegate.key().expose_private_jwk()).unwrap();
        let file = KeyFile { issuer: Some(self.issuer.clone()), ..KeyFile::new(KeyKind::Agent, key) };
        file.create(self.home.path().join("delegate.json")).unwrap();
        "bundle".to_owned()
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

    /// Every file, in whatever folder, with its content.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let (mut files, mut folders) = (Vec::new(), vec![self.home.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()));
                }
            }
        }
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
fn keys_and_registries_stay_as_they_are() {
    let site = Silent::new();
    let file = |arguments: &[&str]| {
        let steps = site.steps(arguments);
        let [step] = steps.as_slice() else { panic!("{arguments:?}: {steps:?}") };
        (step["would"].as_str().unwrap().to_owned(), step["file"].as_str().unwrap().to_owned())
    };
    let (write, delete) =
        (|name: &str| ("write".to_owned(), name.to_owned()), ("delete".to_owned(), "agent.json".to_owned()));
    std::fs::write(site.home.path().join("phrase"), "a long enough passphrase\n").unwrap();
    assert_eq!(file(&["key", "encrypt", "--passphrase-file", "phrase"]), write("agent.json"));
    assert_eq!(file(&["key", "delete"]), delete);
    let init = ["registry", "init", "--dir", "r", "--issuer", "https://r.example", "--recovery-key", "recovery.jwk"];
    assert!(handfast(site.home.path()).args(init).output().unwrap().status.success());
    assert_eq!(file(&["registry", "rotate-key", "token", "--dir", "r"]), write("r"));
    assert_eq!(file(&["registry", "new-epoch", "--dir", "r"]), write("r"));
    assert_eq!(file(&["registry", "recovery-key", "other.jwk"]), write("other.jwk"));
    assert_eq!(file(&["registry", "replace-feed-key", "--dir", "r", "--recovery-key", "recovery.jwk"]), write("r"));
    // what would fail fails here too
    assert_eq!(site.run(&["registry", "recovery-key", "recovery.jwk"]).status.code(), Some(5), "it is there");
    assert_eq!(site.run(&["registry", "rotate-key", "token", "--dir", "nowhere"]).status.code(), Some(5));
}

#[test]
fn what_would_be_looked_up_first_is_taken_as_typed() {
    let site = Silent::new();
    let new = Agent::numbered(4).did().to_string();
    let grant = ["--scope", "a:b", "--resource", "https://x.example"];
    for (arguments, path) in [
        (&["agent", "ceiling", "filer", grant[0], grant[1], grant[2], grant[3]][..], "/agents/filer/ceiling"),
        (&["agent", "approve-rotation", "filer", "--did", &new], "/agents/filer/rotate/approve"),
        (&["agent", "approve-rotation", "filer", "--did", &new, "--refuse"], "/agents/filer/rotate/refuse"),
        (&["owner", "offboard", "owner:1", "--retire"], "/owners/owner:1/offboarding"),
        (&["revoke", "owner", "owner:1"], "/revocations"),
        (&["revoke", "issuer-key", "kid"], "/revocations"),
    ] {
        let (method, found, _, _) = site.request(arguments);
        assert_eq!((method.as_str(), found.replace("%3A", ":").as_str()), ("POST", path), "{arguments:?}");
    }
}

#[test]
fn curl_shows_its_request() {
    let site = Silent::new();
    let url = format!("{}/files?a=1", site.issuer);
    let sent = site.request(&["curl", &url, "--scope", "files:write", "--data", r#"{"a":1}"#]);
    assert_eq!(sent, ("POST".to_owned(), "/files?a=1".to_owned(), json!("files:write"), json!({"a": 1})));
}

const API: &str = "https://api.example";

#[test]
fn tokens_are_shown_as_what_is_asked_for() {
    let site = Silent::new();
    let ask = ["token", "--scope", "files:read files:list", "--resource", API, "--intent", "tidy up"];
    let (method, path, scope, body) = site.request(&ask);
    let did = KeyFile::load(site.home.path().join("agent.json")).unwrap().key.did().to_string();
    assert_eq!((method.as_str(), path.as_str(), scope), ("POST", "/oauth2/token", Value::Null));
    assert_eq!(
        body,
        json!({
            "grant_type": "client_credentials", "client_id": did, "scope": "files:list files:read", "resource": API,
            "task_intent": "tidy up",
        })
    );
    assert_eq!(site.run(&["token", "--scope", "a  b", "--resource", API]).status.code(), Some(2), "fails as it would");
}

#[test]
fn delegations_are_signed_for_nobody() {
    let site = Silent::new();
    let bundle = site.bundle();
    let to = Agent::numbered(3).did().to_string();
    let delegate = ["delegate", "--to", &to, "--scope", "files:read", "--resource", API];
    // below a token, which would be asked for first
    let own = site.steps(&[&delegate[..], &["--output", "new.bundle"]].concat());
    let would: Vec<_> = own.iter().map(|step| step["would"].as_str().unwrap()).collect();
    assert_eq!(would, ["send", "sign", "write"]);
    assert_eq!((&own[0]["body"]["scope"], &own[1]["delegate"]), (&json!("files:read"), &json!(to)));
    assert_eq!((&own[1]["expires_at"], &own[2]["file"]), (&Value::Null, &json!("new.bundle")));
    // below a bundle, which is here
    let from = ["--from", &bundle, "--key", "delegate.json"];
    let below = site.steps(&[&delegate[..], &from, &["--output", "new.bundle"]].concat());
    let would: Vec<_> = below.iter().map(|step| step["would"].as_str().unwrap()).collect();
    assert_eq!(would, ["sign", "write"]);
    assert_eq!((&below[0]["scope"], &below[0]["resource"]), (&json!("files:read"), &json!([API])));
    assert!(below[0]["expires_at"].is_u64());
    let text = serde_json::to_string(&below).unwrap();
    assert!(!text.contains("eyJ"), "no hop is shown: {text}");
    // what would be refused is refused here too
    let wider =
        site.run(&[&["delegate", "--to", &to, "--scope", "files:write", "--resource", API][..], &from].concat());
    assert_eq!(wider.status.code(), Some(3), "{}", String::from_utf8_lossy(&wider.stderr));
}

#[test]
fn an_exchange_is_shown_and_no_token_in_it() {
    let site = Silent::new();
    let bundle = site.bundle();
    let exchange = ["exchange", &bundle, "--key", "delegate.json", "--output", "token.json"];
    let steps = site.steps(&exchange);
    let would: Vec<_> = steps.iter().map(|step| step["would"].as_str().unwrap()).collect();
    assert_eq!(would, ["send", "write"]);
    assert_eq!(steps[0]["url"], format!("{}/oauth2/token", site.issuer));
    let body = &steps[0]["body"];
    assert_eq!(body["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
    for (member, typ) in [("subject_token", "at+jwt"), ("actor_token", "delegation+jwt")] {
        assert_eq!((&body[member]["header"]["typ"], &body[member]["signature"]), (&json!(typ), &json!("(hidden)")));
    }
    let text = serde_json::to_string(&steps).unwrap();
    assert!(!text.contains("eyJ"), "{text}");
    let human = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .current_dir(site.home.path())
        .env_clear()
        .arg("--dry-run")
        .args(exchange)
        .output()
        .unwrap();
    assert!(human.status.success() && !String::from_utf8_lossy(&human.stdout).contains("eyJ"));
    assert_eq!(site.run(&["exchange", "gone", "--key", "delegate.json"]).status.code(), Some(5));
}

#[test]
fn what_changes_nothing_has_nothing_to_rehearse() {
    let site = Silent::new();
    for arguments in [
        &["agent", "show"][..],
        &["agent", "list"],
        &["agent", "version", "--list"],
        &["task", "list"],
        &["review"],
        &["demo"],
        &["explain", "tool_refused"],
    ] {
        assert_eq!(site.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(site.door.accept().is_err());
}
