//! A directory with a running registry, and the command line in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with a running registry; both end with the test.
pub(crate) struct Site {
    home: TempDir,
    registry: Child,
    pub(crate) issuer: String,
    pub(crate) admin_code: String,
    pub(crate) feed_key: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.registry.kill();
        let _ = self.registry.wait();
    }
}

pub(crate) fn handfast(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
    command.current_dir(home).env_clear().arg("--json");
    command
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body that `url` answers with, asked without credentials.
pub(crate) fn get(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn object(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

impl Site {
    /// With `resource`, where agents may have `files:read` and `files:write`.
    pub(crate) fn start_for(resource: &str) -> Self {
        Self::start_with("--resource", resource)
    }

    /// The same with a resource that applies tools and budgets.
    pub(crate) fn start_for_tools(resource: &str) -> Self {
        Self::start_with("--tool-resource", resource)
    }

    fn start_with(kind: &str, resource: &str) -> Self {
        let home = TempDir::new().unwrap();
        let port = free_port();
        let issuer = format!("http://127.0.0.1:{port}");
        let made = handfast(home.path())
            .args(["registry", "init", "--dir", "registry", "--development", "--issuer", &issuer])
            .args(["--listen", &format!("127.0.0.1:{port}"), kind, &format!("{resource}=files:read files:write")])
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
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { home, registry, issuer, admin_code: text("admin_code"), feed_key: text("feed_key") }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        handfast(self.home.path()).args(arguments).output().unwrap()
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        object(&self.run(arguments))
    }

    /// What a person is shown.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
        let output = command.current_dir(self.home.path()).env_clear().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what has to fail; gives exit code and reason.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, Option<String>) {
        let output = self.run(arguments);
        let error: Value = serde_json::from_slice(&output.stderr)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), error["error"]["reason"].as_str().map(str::to_owned))
    }

    /// Makes an owner and an agent, who may have `files:read` at `resource`; gives what its registration told.
    pub(crate) fn claimed_agent(&self, resource: &str) -> Value {
        self.claimed_agent_with(resource, &[])
    }

    /// The same, with more in the ceiling.
    pub(crate) fn claimed_agent_with(&self, resource: &str, more: &[&str]) -> Value {
        self.ok(&["owner", "init", "--registry", &self.issuer, "--enrol", &self.admin_code]);
        self.claimed_by_key("agent.json", resource, &[&["--scope", "files:read"], more].concat())
    }

    /// Makes an agent with this key file and this ceiling, for the owner who is there.
    pub(crate) fn claimed_by_key(&self, key: &str, resource: &str, ceiling: &[&str]) -> Value {
        self.ok(&["agent", "init", "--key", key]);
        let register = ["agent", "register", "--key", key, "--registry", &self.issuer];
        let told = self.ok(&[&register[..], &["--name", "filer", "--purpose", "reads"]].concat());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (claim, code) = (text(&told["claim"]["id"]), text(&told["claim"]["user_code"]));
        let words = text(&told["fingerprint"]);
        let approve = ["claim", &claim, "--code", &code, "--confirm", &words, "--resource", resource];
        self.ok(&[&approve[..], ceiling].concat());
        told
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}
