//! Commands that help: reasons, completions, manual pages, settings, and what the doctor finds.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use handfast_conformance::page::request_reasons;
use handfast_registry_model::Refusal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::{Site, free_port, handfast};

/// The objects that a command prints, one a line.
fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    handfast(home).args(arguments).output().unwrap()
}

#[test]
fn every_reason_is_explained() {
    let home = TempDir::new().unwrap();
    let entries = lines(&run(home.path(), &["explain", "--all"]));
    let explained: BTreeSet<String> =
        entries.iter().map(|entry| entry["reason"].as_str().unwrap().to_owned()).collect();
    let of_registry = Refusal::every().into_iter().map(|refusal| refusal.answer().reason.to_owned());
    let missing: Vec<_> =
        request_reasons().into_iter().chain(of_registry).filter(|reason| !explained.contains(reason)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for entry in &entries {
        assert!(entry["status"].is_u64() && entry["means"].is_string() && entry["do"].is_string(), "{entry}");
    }
    // one reason may be an answer of several places
    let widened = lines(&run(home.path(), &["explain", "scope_widened"]));
    let places: Vec<_> =
        widened.iter().map(|entry| (entry["where"].as_str().unwrap(), entry["status"].as_u64())).collect();
    assert_eq!(places, [("at a resource", Some(401)), ("at the registry", Some(400))]);
}

#[test]
fn an_unknown_reason_is_wrong_usage_with_a_guess() {
    let home = TempDir::new().unwrap();
    for (reason, help) in [("tool_refuse", "did you mean tool_refused?"), ("zzzzzzzzzzzz", "`handfast explain --all`")]
    {
        let output = run(home.path(), &["explain", reason]);
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(error["error"]["help"].as_str().unwrap().starts_with(help), "{error}");
    }
}

#[test]
fn completions_and_pages_name_every_command() {
    let home = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Command::new(env!("CARGO_BIN_EXE_handfast")).args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["approve-rotation", "issuer-key", "passphrase-file"] {
            assert!(output.status.success() && script.contains(word), "{shell}: {word}");
        }
    }
    // a shell that is there reads its own
    let script = run(home.path(), &["completions", "bash"]);
    let script: Value = serde_json::from_slice(&script.stdout).unwrap();
    std::fs::write(home.path().join("script"), script["script"].as_str().unwrap()).unwrap();
    let read = Command::new("bash").args(["-n", "script"]).current_dir(home.path()).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));

    let told = lines(&run(home.path(), &["man", "pages/man1"]));
    let pages = told[0]["pages"].as_array().unwrap();
    assert_eq!(std::fs::read_dir(home.path().join("pages/man1")).unwrap().count(), pages.len());
    let page = |name: &str| std::fs::read_to_string(home.path().join("pages/man1").join(name)).unwrap();
    assert!(page("handfast.1").contains("handfast\\-agent"));
    assert!(page("handfast-agent-rotate.1").contains("\\-\\-wait"));
    assert!(page("handfast-key-encrypt.1").contains("passphrase"));
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_a_file() {
    let home = TempDir::new().unwrap();
    let (own, machine) = (home.path().join("own"), home.path().join("machine"));
    for (folder, text) in [
        (&own, "registry = \"https://own.example\"\nagent_key = \"keys/a.json\"\n"),
        (&machine, "registry = \"https://machine.example\"\nregistry_dir = \"/srv/registry\"\n"),
    ] {
        std::fs::create_dir_all(folder.join("handfast")).unwrap();
        std::fs::write(folder.join("handfast/config.toml"), text).unwrap();
    }
    let shown = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = handfast(home.path());
        command.env("XDG_CONFIG_HOME", &own).env("XDG_CONFIG_DIRS", &machine).envs(variables.iter().copied());
        let output = command.args(["config", "show"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let files = [&own, &machine].map(|folder| json!({"path": folder.join("handfast/config.toml"), "exists": true}));
        assert_eq!(told["files"], json!(files));
        move |name: &str| {
            let all = told["settings"].as_array().unwrap();
            let one = all.iter().find(|setting| setting["name"] == name).unwrap();
            let source = one["source"].as_str().map(|source| format!(" {source}")).unwrap_or_default();
            (one["value"].clone(), format!("{}{source}", one["origin"].as_str().unwrap()))
        }
    };
    let is = |value: &str, origin: &str| (json!(value), origin.to_owned());
    let of = |folder: &Path| format!("file {}", folder.join("handfast/config.toml").display());
    let setting = shown(&[], &[]);
    assert_eq!(setting("registry"), is("https://own.example", &of(&own)));
    assert_eq!(setting("agent_key"), is(own.join("handfast/keys/a.json").to_str().unwrap(), &of(&own)));
    assert_eq!(setting("registry_dir"), is("/srv/registry", &of(&machine)));
    assert_eq!(setting("owner_key"), is("owner.json", "default"));
    assert_eq!(setting("passphrase_file"), (Value::Null, "unset".to_owned()));
    let variables = [("HANDFAST_REGISTRY", "https://env.example"), ("HANDFAST_PASSPHRASE_FILE", "/p")];
    let setting = shown(&variables, &[]);
    assert_eq!(setting("registry"), is("https://env.example", "environment HANDFAST_REGISTRY"));
    assert_eq!(setting("passphrase_file"), is("/p", "environment HANDFAST_PASSPHRASE_FILE"));
    let setting = shown(&variables, &["--registry", "https://flag.example", "--passphrase-file", "/q"]);
    assert_eq!(setting("registry"), is("https://flag.example", "flag"));
    assert_eq!(setting("passphrase_file"), is("/q", "flag"));
}

#[test]
fn commands_do_as_the_file_says() {
    let site = Site::start_for("http://127.0.0.1:9");
    let config = site.file("config.toml");
    std::fs::write(&config, format!("registry = \"{}\"\nagent_key = \"mine.json\"\n", site.issuer)).unwrap();
    let with = |arguments: &[&str]| {
        let output = handfast(site.home()).env("HANDFAST_CONFIG", &config).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    with(&["agent", "init"]);
    assert!(site.file("mine.json").exists() && !site.file("agent.json").exists());
    with(&["agent", "register", "--name", "a", "--purpose", "b"]);
    with(&["agent", "show"]);
}

#[test]
fn a_file_that_is_not_understood_stops_all_but_what_helps_with_it() {
    let home = TempDir::new().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, "registri = \"x\"\n").unwrap();
    let with =
        |arguments: &[&str]| handfast(home.path()).env("HANDFAST_CONFIG", &config).args(arguments).output().unwrap();
    for arguments in
        [&["agent", "init"][..], &["agent", "register", "--name", "a", "--purpose", "b"], &["config", "show"]]
    {
        let output = with(arguments);
        assert_eq!(output.status.code(), Some(5), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("unknown field `registri`"), "{arguments:?}");
    }
    assert!(!home.path().join("agent.json").exists());
    assert!(with(&["explain", "tool_refused"]).status.success());
    let found = lines(&with(&["doctor"]));
    assert_eq!((&found[0]["check"], &found[0]["status"]), (&json!("settings"), &json!("failed")));
}

/// What the doctor says of one thing: status and message, for the first of that name with another status than ok.
fn finding(home: &Path, arguments: &[&str], check: &str) -> (String, String) {
    let output = handfast(home).arg("doctor").args(arguments).output().unwrap();
    let all = lines(&output);
    let one = all.iter().find(|line| line["check"] == check && line["status"] != "ok");
    let one = one.unwrap_or_else(|| panic!("{check}: {all:?}"));
    (one["status"].as_str().unwrap().to_owned(), one["message"].as_str().unwrap().to_owned())
}

/// Something on this machine that answers every request with this, and its URL.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[cfg(unix)]
#[test]
fn the_doctor_doubts_what_others_can_write_and_keys_that_are_not_current() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::start_for("http://127.0.0.1:9");
    site.claimed_agent("http://127.0.0.1:9");
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    // who writes the settings chooses the registry
    let config = site.file("config.toml");
    std::fs::write(&config, format!("registry = \"{}\"\n", site.issuer)).unwrap();
    for (bits, status, who) in [(0o644, "ok", ""), (0o664, "warning", "its group"), (0o646, "warning", "everybody")] {
        mode(&config, bits);
        let output = handfast(site.home()).env("HANDFAST_CONFIG", &config).arg("doctor").output().unwrap();
        let settings = lines(&output).remove(0);
        assert_eq!((&settings["check"], &settings["status"]), (&json!("settings"), &json!(status)), "{bits:o}");
        assert!(settings["message"].as_str().unwrap().contains(who), "{settings}");
        assert_eq!(output.status.code(), Some(0), "a warning is no failure");
    }
    // who writes the folder of a key puts another there; with the sticky bit only its owner does
    std::fs::create_dir(site.file("keys")).unwrap();
    std::fs::copy(site.file("agent.json"), site.file("keys/agent.json")).unwrap();
    let key = ["--key", "keys/agent.json"];
    mode(&site.file("keys"), 0o777);
    let (status, message) = finding(site.home(), &key, "agent key");
    assert!(status == "warning" && message.contains("everybody"), "{message}");
    mode(&site.file("keys"), 0o1777);
    assert!(found(site.home(), &key).0.contains(&"agent ok".to_owned()));
    assert!(!found(site.home(), &key).0.contains(&"agent key warning".to_owned()));
    // a key of one registry at another
    let other = answering("HTTP/1.1 503 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let (status, message) = finding(site.home(), &["--registry", &other], "registry");
    assert!(status == "warning" && message.contains("another registry"), "{message}");
    // an encrypted key is not opened, and not called bad
    std::fs::write(site.file("phrase"), "a long enough passphrase\n").unwrap();
    let encrypt = ["key", "encrypt", "--key", "keys/agent.json", "--passphrase-file", "phrase"];
    assert!(run(site.home(), &encrypt).status.success());
    let (status, message) = finding(site.home(), &key, "agent key");
    assert!(status == "skipped" && message.contains("encrypted"), "{message}");
    // the key is another by now
    std::fs::copy(site.file("agent.json"), site.file("old.json")).unwrap();
    site.ok(&["agent", "rotate"]);
    let (status, message) = finding(site.home(), &["--key", "old.json"], "agent");
    assert!(status == "failed" && message.contains("by now"), "{message}");
    assert_eq!(found(site.home(), &["--key", "old.json"]).1, Some(3));
}

#[test]
fn the_doctor_tells_a_registry_in_trouble_from_what_is_none() {
    let home = TempDir::new().unwrap();
    let close = "Content-Length: 2\r\nConnection: close\r\n\r\nok";
    for (answer, expected, code) in [
        (format!("HTTP/1.1 503 x\r\n{close}"), "it answers with status 503", 4),
        (format!("HTTP/1.1 404 x\r\n{close}"), "it is no registry", 3),
        (format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{close}"), "metadata", 3),
    ] {
        let url = answering(answer.leak());
        let (status, message) = finding(home.path(), &["--registry", &url], "registry");
        assert!(status == "failed" && message.contains(expected), "{message}");
        assert_eq!(found(home.path(), &["--registry", &url]).1, Some(code), "{message}");
        // none of these tells its time
        assert_eq!(finding(home.path(), &["--registry", &url], "clock").0, "skipped");
    }
}

/// What the doctor finds: `check status`, in order, and the exit code.
fn found(home: &Path, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = handfast(home).arg("doctor").args(arguments).output().unwrap();
    let word = |line: &Value, member: &str| line[member].as_str().unwrap().to_owned();
    let found = lines(&output).iter().map(|line| format!("{} {}", word(line, "check"), word(line, "status"))).collect();
    (found, output.status.code())
}

#[test]
fn the_doctor_finds_nothing_wrong_where_all_is_well() {
    let site = Site::start_for("http://127.0.0.1:9");
    site.claimed_agent("http://127.0.0.1:9");
    let registry = site.file("registry");
    let (all, code) = found(site.home(), &["--state", registry.to_str().unwrap()]);
    let expected = [
        "settings ok",
        "agent key ok",
        "owner key ok",
        "state directory ok",
        "state directory ok",
        "name (dns) ok",
        "connection ok",
        "tls skipped",
        "clock ok",
        "registry ok",
        "agent ok",
    ];
    assert_eq!((all, code), (expected.map(str::to_owned).to_vec(), Some(0)));
}

#[cfg(unix)]
#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::start_for("http://127.0.0.1:9");
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let has = |all: &[String], line: &str| assert!(all.iter().any(|found| found == line), "{line}: {all:?}");

    // a key that no registry knows
    site.ok(&["agent", "init"]);
    let (all, code) = found(site.home(), &["--registry", &site.issuer]);
    has(&all, "agent failed");
    assert_eq!(code, Some(3));
    // others can read it
    mode(&site.file("agent.json"), 0o644);
    let (all, code) = found(site.home(), &["--registry", &site.issuer]);
    has(&all, "agent key failed");
    has(&all, "registry ok");
    assert_eq!(code, Some(5), "the first of what is wrong");
    mode(&site.file("agent.json"), 0o600);
    // the key of somebody else
    let (all, code) = found(site.home(), &["--owner-key", "agent.json"]);
    has(&all, "owner key failed");
    assert_eq!(code, Some(5));
    // a rotation that was left
    std::fs::write(site.file("agent.json.next"), "").unwrap();
    has(&found(site.home(), &[]).0, "agent key warning");
    std::fs::remove_file(site.file("agent.json.next")).unwrap();
    // state that is gone, no directory, others' to write; keys of a registry that others can read
    let state = |path: &str| found(site.home(), &["--state", path]).1;
    assert_eq!((state("gone"), state("agent.json"), state("registry")), (Some(5), Some(5), Some(0)));
    mode(&site.file("registry"), 0o777);
    has(&found(site.home(), &["--state", "registry"]).0, "state directory warning");
    mode(&site.file("registry"), 0o700);
    let key = std::fs::read_dir(site.file("registry/keys")).unwrap().next().unwrap().unwrap().path();
    mode(&key, 0o644);
    assert_eq!(state("registry"), Some(5));
    // nobody there; not the issuer; a name that nobody has
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let (all, code) = found(site.home(), &["--registry", &nobody]);
    has(&all, "name (dns) ok");
    has(&all, "connection failed");
    assert_eq!(code, Some(4));
    let (all, code) = found(site.home(), &["--registry", &site.issuer.replace("127.0.0.1", "localhost")]);
    has(&all, "registry failed");
    assert_eq!(code, Some(3), "the metadata names another issuer");
    let (all, code) = found(site.home(), &["--registry", "https://registry.invalid"]);
    has(&all, "name (dns) failed");
    assert_eq!(code, Some(4));
    // a plain server where tls is expected
    let (all, code) = found(site.home(), &["--registry", &site.issuer.replace("http:", "https:")]);
    has(&all, "connection ok");
    has(&all, "tls failed");
    assert_eq!(code, Some(4));
}
