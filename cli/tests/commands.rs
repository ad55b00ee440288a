//! The README's walk, command by command, against a real registry and a real protected API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests stop at the first surprise

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with a running registry; both end with the test.
struct Site {
    home: TempDir,
    registry: Child,
    issuer: String,
    admin_code: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.registry.kill();
        let _ = self.registry.wait();
    }
}

fn handfast(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
    command.current_dir(home).env_clear().arg("--json");
    command
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn object(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

impl Site {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let port = free_port();
        let issuer = format!("http://127.0.0.1:{port}");
        let made = handfast(home.path())
            .args(["registry", "init", "--dir", "registry", "--development", "--issuer", &issuer])
            .args(["--listen", &format!("127.0.0.1:{port}"), "--resource", "http://127.0.0.1:9=files:read files:write"])
            .output()
            .unwrap();
        let made = object(&made);
        let mut registry = handfast(home.path())
            .args(["registry", "serve", "--dir", "registry"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(registry.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["feed_key"], made["feed_key"]);
        Self { home, registry, issuer, admin_code: made["admin_code"].as_str().unwrap().to_owned() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        handfast(self.home.path()).args(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> Value {
        object(&self.run(arguments))
    }

    /// Runs what has to fail; gives exit code and reason.
    fn refused(&self, arguments: &[&str]) -> (i32, Option<String>) {
        let output = self.run(arguments);
        let error: Value = serde_json::from_slice(&output.stderr)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), error["error"]["reason"].as_str().map(str::to_owned))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

#[test]
fn the_walk_of_the_readme() {
    let site = Site::start();
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

    assert_eq!(site.refused(&["revoke", "agent", "filer-one"]).0, 6);
    site.ok(&["revoke", "agent", "filer-one", "--yes", "--reason", "over"]);
    let (exit, reason) = site.refused(&["token", "--scope", "files:read", "--resource", "http://127.0.0.1:9"]);
    assert_eq!((exit, reason.as_deref()), (3, Some("agent_revoked")));
}

#[test]
fn curl_signs_for_the_registry_itself() {
    let site = Site::start();
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
    let site = Site::start();
    site.ok(&["agent", "init"]);
    let path = site.file("agent.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = site.run(&["agent", "register", "--registry", &site.issuer, "--name", "a", "--purpose", "b"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 600"));
}
