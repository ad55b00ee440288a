//! Encrypted key files, as commands use them.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::site::{Site, handfast};

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn with(site: &Site, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    handfast(site.home()).envs(variables.iter().copied()).args(arguments).output().unwrap()
}

fn exit_and_message(output: &Output) -> (Option<i32>, String) {
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    (output.status.code(), error["error"]["message"].as_str().unwrap().to_owned())
}

#[test]
fn an_encrypted_key_works_with_its_passphrase_and_with_no_other() {
    const RESOURCE: &str = "http://127.0.0.1:9";
    let site = Site::start_for(RESOURCE);
    site.claimed_agent(RESOURCE);
    private(&site.file("right"), "correct horse\nsecond lines do not count\n");
    private(&site.file("wrong"), "battery staple\n");
    let before = std::fs::read_to_string(site.file("agent.json")).unwrap();
    let told = site.ok(&["key", "encrypt", "agent.json", "--passphrase-file", "right"]);
    assert_eq!(told["encrypted"], true);
    let after = std::fs::read_to_string(site.file("agent.json")).unwrap();
    let secret: Value = serde_json::from_str(&before).unwrap();
    assert!(!after.contains(secret["key"]["d"].as_str().unwrap()) && !after.contains(&site.issuer));
    let face = site.ok(&["key", "show", "agent.json"]);
    assert_eq!((&face["did"], &face["encrypted"], &face["kind"]), (&secret["did"], &json!(true), &json!("agent")));

    let token = ["token", "--scope", "files:read", "--resource", RESOURCE];
    let works = |variables: &[(&str, &str)], more: &[&str]| {
        let output = with(&site, variables, &[&token[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    works(&[], &["--passphrase-file", "right"]);
    works(&[("HANDFAST_PASSPHRASE_FILE", "right")], &[]);
    works(&[("HANDFAST_PASSPHRASE", "correct horse")], &[]);
    works(&[("HANDFAST_PASSPHRASE", "battery staple")], &["--passphrase-file", "right"]);
    let refused = |variables: &[(&str, &str)], more: &[&str]| {
        exit_and_message(&with(&site, variables, &[&token[..], more].concat()))
    };
    assert_eq!(refused(&[], &["--passphrase-file", "wrong"]), (Some(5), "`agent.json`: wrong passphrase".to_owned()));
    assert_eq!(refused(&[("HANDFAST_PASSPHRASE", "correct")], &[]).1, "`agent.json`: wrong passphrase");
    // nobody is there to be asked
    assert_eq!(refused(&[], &[]), (Some(6), "a passphrase is needed, and nobody is there to give it".to_owned()));
    assert_eq!(refused(&[], &["--passphrase-file", "gone"]).0, Some(5));
    private(&site.file("empty"), "\n");
    assert_eq!(refused(&[], &["--passphrase-file", "empty"]).0, Some(5));
}

#[test]
fn a_passphrase_is_changed_and_taken_away() {
    let site = Site::start_for("http://127.0.0.1:9");
    site.ok(&["agent", "init"]);
    let (old, new) = (("HANDFAST_PASSPHRASE", "old one"), ("HANDFAST_NEW_PASSPHRASE", "new one"));
    let ok = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = with(&site, variables, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let refused =
        |variables: &[(&str, &str)], arguments: &[&str]| exit_and_message(&with(&site, variables, arguments)).0;
    assert_eq!(refused(&[old], &["key", "decrypt", "agent.json"]), Some(2), "not encrypted");
    assert_eq!(refused(&[old, new], &["key", "passwd", "agent.json"]), Some(2), "not encrypted");
    ok(&[old], &["key", "encrypt", "agent.json"]);
    assert_eq!(refused(&[old], &["key", "encrypt", "agent.json"]), Some(2), "encrypted already");
    let text = std::fs::read(site.file("agent.json")).unwrap();
    assert_eq!(refused(&[("HANDFAST_PASSPHRASE", "no"), new], &["key", "passwd", "agent.json"]), Some(5));
    assert_eq!(std::fs::read(site.file("agent.json")).unwrap(), text, "nothing was written");
    ok(&[old, new], &["key", "passwd", "agent.json"]);
    assert_eq!(refused(&[old], &["key", "decrypt", "agent.json"]), Some(5));
    ok(&[("HANDFAST_PASSPHRASE", "new one")], &["key", "decrypt", "agent.json"]);
    ok(&[], &["agent", "register", "--registry", &site.issuer, "--name", "a", "--purpose", "b"]);
}

#[test]
fn a_key_that_rotates_stays_encrypted() {
    const RESOURCE: &str = "http://127.0.0.1:9";
    let site = Site::start_for(RESOURCE);
    site.claimed_agent(RESOURCE);
    let passphrase = [("HANDFAST_PASSPHRASE", "correct horse")];
    assert!(with(&site, &passphrase, &["key", "encrypt", "agent.json"]).status.success());
    let first = site.ok(&["key", "show", "agent.json"]);
    let output = with(&site, &passphrase, &["agent", "rotate"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let next = site.ok(&["key", "show", "agent.json"]);
    assert_eq!(next["encrypted"], true);
    assert_ne!(next["did"], first["did"]);
    assert!(!site.file("agent.json.next").exists());
    let token = ["token", "--scope", "files:read", "--resource", RESOURCE];
    assert!(with(&site, &passphrase, &token).status.success());
}

#[cfg(unix)]
#[test]
fn a_passphrase_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::start_for("http://127.0.0.1:9");
    site.ok(&["agent", "init"]);
    private(&site.file("p"), "correct horse\n");
    std::fs::set_permissions(site.file("p"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let output = site.run(&["key", "encrypt", "agent.json", "--passphrase-file", "p"]);
    assert_eq!(exit_and_message(&output), (Some(5), "`p` can be read or written by others".to_owned()));
    assert_eq!(site.ok(&["key", "show", "agent.json"])["encrypted"], false);
}
