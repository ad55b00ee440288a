//! Keys that are not in their files in the clear.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::site::{Site, handfast};

const RESOURCE: &str = "http://127.0.0.1:9";
const PHRASE: &str = "correct horse battery staple";

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Whether the file is encrypted, and for its user only.
fn is_encrypted(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let document = document(path);
    document.get("sealed").is_some() && document.get("key").is_none()
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A directory with a file of passphrases, `phrase`, and another one.
fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("phrase"), format!("{PHRASE}\n")).unwrap();
    std::fs::write(home.path().join("other"), "Tr0ub4dor&3").unwrap();
    home
}

#[test]
fn every_command_works_with_encrypted_files() {
    let site = Site::start_for(RESOURCE);
    std::fs::write(site.file("phrase"), PHRASE).unwrap();
    let with = ["--passphrase-file", "phrase"];
    let ok = |arguments: &[&str]| site.ok(&[&with[..], arguments].concat());
    ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code, "--encrypt"]);
    let agent = ok(&["agent", "init", "--encrypt"]);
    assert!(is_encrypted(&site.file("owner.json")) && is_encrypted(&site.file("agent.json")));
    let registered = ok(&["agent", "register", "--registry", &site.issuer, "--name", "filer", "--purpose", "reads"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (claim, code) = (text(&registered["claim"]["id"]), text(&registered["claim"]["user_code"]));
    let words = text(&agent["fingerprint"]);
    let approve = ["claim", &claim, "--code", &code, "--scope", "files:read", "--resource", RESOURCE];
    ok(&[&approve[..], &["--confirm", &words]].concat());
    ok(&["token", "--scope", "files:read", "--resource", RESOURCE]);
    // without the passphrase nothing is asked of anybody
    let (exit, error) = told(&site.run(&["token", "--scope", "files:read", "--resource", RESOURCE]));
    assert!(exit == Some(6) && error.contains("HANDFAST_PASSPHRASE_FILE"), "{exit:?} {error}");

    let before = document(&site.file("agent.json"));
    ok(&["agent", "rotate"]);
    let after = document(&site.file("agent.json"));
    assert!(is_encrypted(&site.file("agent.json")) && before["did"] != after["did"]);
    assert_eq!(before["sealed"]["kdf"], after["sealed"]["kdf"], "the same passphrase opens it");
    assert_eq!(ok(&["agent", "show"])["did"], after["did"]);
    assert_eq!(ok(&["agent", "list"])["did"], after["did"]);
    // the owner takes it back, to a key that was encrypted beforehand
    ok(&["agent", "init", "--encrypt", "--key", "new.json"]);
    let handle = text(&registered["agent"]["handle"]);
    ok(&["agent", "recover", &handle, "--last-good", "1", "--new-key", "new.json", "--yes"]);
    assert!(is_encrypted(&site.file("new.json")));
    assert_eq!(ok(&["agent", "show", "--key", "new.json"])["did"], document(&site.file("new.json"))["did"]);
}

#[test]
fn a_key_file_is_encrypted_and_decrypted_in_its_place() {
    let home = home();
    let path = home.path().join("agent.json");
    let run = |arguments: &[&str]| handfast(home.path()).args(arguments).output().unwrap();
    let code = |arguments: &[&str]| run(arguments).status.code();
    assert_eq!(code(&["agent", "init"]), Some(0));
    let plain = std::fs::read(&path).unwrap();
    assert_eq!(code(&["key", "passphrase", "--passphrase-file", "phrase"]), Some(2));
    assert_eq!(code(&["key", "decrypt"]), Some(2));
    assert_eq!(code(&["key", "encrypt"]), Some(6), "nobody is there to be asked");
    assert_eq!(std::fs::read(&path).unwrap(), plain);

    let encrypted = run(&["key", "encrypt", "--passphrase-file", "phrase"]);
    let shown: Value = serde_json::from_slice(&encrypted.stdout).unwrap();
    assert_eq!(shown["custody"], "encrypted");
    assert!(is_encrypted(&path));
    assert_eq!(code(&["key", "encrypt", "--passphrase-file", "phrase"]), Some(2));

    let (exit, error) = told(&run(&["key", "decrypt", "--passphrase-file", "other"]));
    assert_eq!(exit, Some(5));
    assert!(error.contains("the passphrase does not open `agent.json`") && !error.contains("Tr0ub4dor"), "{error}");
    assert_eq!(code(&["key", "decrypt", "--passphrase-file", "missing"]), Some(5));
    for unusable in [&b""[..], b"\n", b"a\nb", b"\xff", &[b'x'; 1025]] {
        std::fs::write(home.path().join("unusable"), unusable).unwrap();
        assert_eq!(code(&["key", "decrypt", "--passphrase-file", "unusable"]), Some(5), "{unusable:?}");
    }

    let change = ["key", "passphrase", "--passphrase-file", "phrase", "--new-passphrase-file", "other"];
    assert_eq!(code(&change), Some(0));
    assert_eq!(code(&change), Some(5), "the old one is over");
    let opened =
        handfast(home.path()).args(["key", "decrypt"]).env("HANDFAST_PASSPHRASE_FILE", "other").output().unwrap();
    assert_eq!(opened.status.code(), Some(0));
    assert_eq!(std::fs::read(&path).unwrap(), plain, "byte for byte what it was");
}

#[test]
fn a_rotation_under_way_is_finished_first() {
    let home = home();
    let run = |arguments: &[&str]| told(&handfast(home.path()).args(arguments).output().unwrap());
    run(&["agent", "init"]);
    run(&["agent", "init", "--key", "agent.json.next"]);
    let before = std::fs::read(home.path().join("agent.json")).unwrap();
    for arguments in [&["key", "encrypt", "--passphrase-file", "phrase"][..], &["key", "delete", "--yes"]] {
        let (exit, error) = run(arguments);
        assert!(exit == Some(5) && error.contains("agent.json.next"), "{arguments:?}: {error}");
    }
    assert_eq!(std::fs::read(home.path().join("agent.json")).unwrap(), before);
}

#[test]
fn a_key_is_deleted_when_somebody_says_so_who_can_open_it() {
    let home = home();
    let code = |arguments: &[&str]| handfast(home.path()).args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["agent", "init", "--encrypt", "--passphrase-file", "phrase"]), Some(0));
    assert_eq!(code(&["key", "delete", "--passphrase-file", "phrase"]), Some(6));
    assert_eq!(code(&["key", "delete", "--yes"]), Some(6));
    assert_eq!(code(&["key", "delete", "--yes", "--passphrase-file", "other"]), Some(5));
    assert!(home.path().join("agent.json").exists());
    assert_eq!(code(&["key", "delete", "--yes", "--passphrase-file", "phrase"]), Some(0));
    assert!(!home.path().join("agent.json").exists());
}

/// What a terminal shows while `arguments` are run on one, and each answer is typed when the text before it is there.
fn typed(home: &Path, arguments: &str, answers: &[(&str, &str)]) -> String {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_handfast"));
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is there (Debian package bsdutils)");
    let (mut keyboard, mut screen) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let mut shown = String::new();
    for (prompt, answer) in answers {
        let seen_before = shown.len();
        while !shown[seen_before..].contains(prompt) {
            let mut byte = [0];
            assert_eq!(screen.read(&mut byte).unwrap(), 1, "ended without asking: {shown}");
            shown.push(char::from(byte[0]));
        }
        writeln!(keyboard, "{answer}").unwrap();
    }
    let mut rest = Vec::new();
    screen.read_to_end(&mut rest).unwrap();
    script.wait().unwrap();
    shown + &String::from_utf8_lossy(&rest)
}

#[test]
fn a_passphrase_is_typed_unseen() {
    let home = home();
    let path = home.path().join("agent.json");
    let twice = [("New passphrase of agent.json: ", PHRASE), ("The same again: ", PHRASE)];
    let shown = typed(home.path(), "agent init --encrypt", &twice);
    assert!(shown.contains("whoever has it and the passphrase") && is_encrypted(&path), "{shown}");
    let wrong = [("Passphrase of agent.json: ", "correct horse")];
    let refused = typed(home.path(), "key decrypt", &wrong);
    assert!(refused.contains("does not open") && is_encrypted(&path), "{refused}");
    let opened = typed(home.path(), "key decrypt", &[("Passphrase of agent.json: ", PHRASE)]);
    assert!(!is_encrypted(&path), "{opened}");
    let differ = [("New passphrase of agent.json: ", PHRASE), ("The same again: ", "correct horse")];
    assert!(typed(home.path(), "key encrypt", &differ).contains("two different") && !is_encrypted(&path));
    for shown in [shown, refused, opened] {
        assert!(!shown.contains("correct"), "{shown}");
    }
}

/// OpenSSH's agent with keys of these comments, in a directory of its own.
#[cfg(feature = "ssh-agent")]
struct OpenSsh {
    folder: TempDir,
    agent: std::process::Child,
}

#[cfg(feature = "ssh-agent")]
impl Drop for OpenSsh {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

#[cfg(feature = "ssh-agent")]
impl OpenSsh {
    fn start() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("socket");
        let Ok(agent) = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn() else {
            let _ = writeln!(std::io::stderr(), "skipped: no `ssh-agent` here (Debian package openssh-client)");
            return None;
        };
        let mut site = Self { folder, agent };
        while !socket.exists() {
            assert!(site.agent.try_wait().unwrap().is_none(), "ssh-agent ended at once");
            std::thread::yield_now();
        }
        Some(site)
    }

    fn socket(&self) -> String {
        self.folder.path().join("socket").to_str().unwrap().to_owned()
    }

    /// Makes a key, adds it, and gives its fingerprint.
    fn add(&self, name: &str, comment: &str) -> String {
        let file = self.folder.path().join(name);
        let run = |command: &mut Command| {
            let output = command.env("SSH_AUTH_SOCK", self.socket()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(&file));
        run(Command::new("ssh-add").arg("-q").arg(&file));
        run(Command::new("ssh-keygen").arg("-lf").arg(&file)).split(' ').nth(1).unwrap().to_owned()
    }
}

#[cfg(feature = "ssh-agent")]
#[test]
fn a_key_of_an_ssh_agent_is_an_agent() {
    let Some(ssh) = OpenSsh::start() else { return };
    let site = Site::start_for(RESOURCE);
    let socket = ssh.socket();
    let init =
        |more: &[&str]| site.run(&[&["agent", "init", "--ssh-socket", &socket, "--ssh-agent"][..], more].concat());
    let mine = ssh.add("mine", "me@laptop");
    let (exit, error) = told(&init(&[]));
    assert!(exit == Some(5) && error.contains("ssh-keygen -t ed25519 -C handfast"), "{error}");
    ssh.add("first", "handfast:filer");
    let made: Value = serde_json::from_slice(&init(&[]).stdout).unwrap();
    let file = document(&site.file("agent.json"));
    assert_eq!(
        (&file["did"], file.get("key"), &file["ssh_agent"]["socket"]),
        (&made["did"], None, &Value::from(socket.as_str()))
    );

    site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    let registered =
        site.ok(&["agent", "register", "--registry", &site.issuer, "--name", "filer", "--purpose", "reads"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (claim, code) = (text(&registered["claim"]["id"]), text(&registered["claim"]["user_code"]));
    let approve = ["claim", &claim, "--code", &code, "--scope", "files:read", "--resource", RESOURCE];
    site.ok(&[&approve[..], &["--confirm", &text(&made["fingerprint"])]].concat());
    // a proof, and a hop below a token
    let to = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
    let task = site.ok(&[
        "task",
        "new",
        "--agent",
        &text(&registered["agent"]["handle"]),
        "--intent",
        "read",
        "--scope",
        "files:read",
        "--resource",
        RESOURCE,
    ]);
    site.ok(&["token", "--scope", "files:read", "--resource", RESOURCE, "--task", &text(&task["id"])]);
    let refused = site.refused(&["delegate", "--to", to, "--scope", "files:read", "--resource", RESOURCE]);
    assert_eq!(refused.1.as_deref(), Some("depth_invalid"), "it gets as far as any key");

    // another key of the agent's follows, once it is named
    assert_eq!(site.refused(&["agent", "rotate"]).0, 5);
    let second = ssh.add("second", "handfast:filer-2");
    let rotate = ["agent", "rotate", "--ssh-socket", &socket, "--ssh-agent"];
    assert_eq!(site.refused(&rotate).0, 2, "there are two with the mark");
    let rotated = site.ok(&[&rotate[..], &[&second]].concat());
    assert_eq!(document(&site.file("agent.json"))["did"], rotated["did"]);
    assert_eq!(site.ok(&["agent", "show"])["did"], rotated["did"]);

    // one that was named may have any comment, but not log in anywhere
    let home = site.home().join("home");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::copy(ssh.folder.path().join("mine.pub"), home.join(".ssh/id_ed25519.pub")).unwrap();
    let named = ["agent", "init", "--key", "third.json", "--ssh-socket", &socket, "--ssh-agent", &mine];
    let refused = handfast(site.home()).env("HOME", &home).args(named).output().unwrap();
    assert!(refused.status.code() == Some(5) && told(&refused).1.contains("id_ed25519.pub"), "{}", told(&refused).1);
    site.ok(&named);

    drop(ssh);
    let (exit, error) = told(&site.run(&["token", "--scope", "files:read", "--resource", RESOURCE]));
    assert_eq!(exit, Some(4), "{error}");
}

#[cfg(feature = "os-keyring")]
#[test]
fn a_session_without_a_keyring_changes_nothing() {
    let home = home();
    let run = |arguments: &[&str]| {
        let mut command = handfast(home.path());
        // nobody listens there
        command.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").output().unwrap()
    };
    assert!(run(&["agent", "init"]).status.success());
    let before = std::fs::read(home.path().join("agent.json")).unwrap();
    let (exit, error) = told(&run(&["key", "keyring"]));
    assert!(exit == Some(4) && error.contains("keyring"), "{exit:?} {error}");
    assert_eq!(std::fs::read(home.path().join("agent.json")).unwrap(), before);
    assert_eq!(run(&["agent", "init", "--keyring", "--key", "second.json"]).status.code(), Some(4));
    assert!(!home.path().join("second.json").exists());
}
