//! Delegation by the command line: bundles made, shown, verified, exchanged and used, against a registry that answers as told.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use handfast_client::{DpopKey, KeyFile, KeyKind};
use handfast_delegation::{
    AccessToken, ActorChain, Authority, ChainClaims, ChainText, Delegability, Environment, Hop, MAX_CHAIN_BYTES,
    ResourceId, Scope, Task, Trigger, TriggerKind, UnverifiedAccessToken, UnverifiedHop,
};
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime};
use handfast_verifier::revocation::{FeedEvent, FeedMessage, Head, RevocationKind, RevocationName};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::handfast;

const API: &str = "https://api.example";
/// When the vectors of this file are looked at.
const NOW: u64 = 1_795_262_400;

fn issuer_key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[9; 32])
}

fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The root token of `client`, for two resources, to be passed on twice and offline.
fn root(issuer: &str, client: &DidKey, issued_at: u64) -> AccessToken {
    let resources = [API, "https://other.example"].map(|text| ResourceId::parse(text).unwrap());
    AccessToken {
        issuer: issuer.into(),
        subject: "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE".into(),
        client_id: client.text(),
        authority: Authority {
            expires_at: UnixTime::from_secs(issued_at + 900),
            max_depth: 2,
            ..Authority::of(Scope::parse("files:read files:write").unwrap(), BTreeSet::from(resources))
        },
        confirmation: Some(client.thumbprint()),
        actors: Some(ActorChain::root(client.as_str()).unwrap()),
        task: Some(Task {
            id: "task_1".into(),
            intent: "report".into(),
            leaf: 7,
            trigger: Trigger { kind: TriggerKind::Owner, by: "owner:x".into(), reference: None },
        }),
        environment: Some(Environment::Prod),
        handle: None,
        delegability: Some(Delegability { depth: 0, offline: true }),
        issued_at: UnixTime::from_secs(issued_at),
        not_before: None,
        token_id: "tok_1".into(),
        chain: None,
        status: None,
        has_unreadable_restriction: false,
    }
}

/// A hop of `from` to `to` below `parent`, before it is changed and signed.
fn hop(parent: ContentHash, from: &SigningKey, to: &DidKey, depth: u8) -> Hop {
    let resources = BTreeSet::from([ResourceId::parse(API).unwrap()]);
    Hop {
        delegator: from.public().did().text(),
        delegate: to.clone(),
        subject: "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE".into(),
        task: "task_1".into(),
        authority: Authority {
            expires_at: UnixTime::from_secs(NOW + 600),
            max_depth: 2,
            ..Authority::of(Scope::parse("files:read").unwrap(), resources)
        },
        issued_at: UnixTime::from_secs(NOW),
        not_before: None,
        hop_id: format!("hop_{depth}").into(),
        depth,
        is_instance: false,
        parent,
    }
}

/// Files and keys of one test: an orchestrator, a planner and a browser, and what the registry publishes.
struct Bench {
    home: TempDir,
    keys: [SigningKey; 3],
}

impl Bench {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let jwk: Value = serde_json::from_str(&issuer_key().public().to_jwk()).unwrap();
        let mut jwk = jwk.as_object().unwrap().clone();
        jwk.insert("kid".into(), json!("k1"));
        let bench = Self { home, keys: [1, 2, 3].map(|seed| SigningKey::from_ed25519_seed(&[seed; 32])) };
        bench.write("jwks", &json!({"keys": [jwk]}).to_string());
        bench
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.path().join(name)).unwrap().trim().to_owned()
    }

    fn did(&self, who: usize) -> DidKey {
        self.keys[who].public().did()
    }

    /// The root token's text, a first hop changed by `change`, and its name.
    fn chain(&self, change: impl Fn(&mut Hop)) -> (String, String, ContentHash) {
        let root = root("https://registry.example", &self.did(0), NOW).sign("k1", &issuer_key()).unwrap();
        let mut first = hop(UnverifiedAccessToken::parse(&root).unwrap().name(), &self.keys[0], &self.did(1), 1);
        change(&mut first);
        let first = first.sign(&self.keys[0]).unwrap();
        let name = UnverifiedHop::parse(&first).unwrap().name();
        (root, first, name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        handfast(self.home.path()).args(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The verdict of `chain verify`: `good`, or the reason; exit code and standard error have to agree.
    fn verdict(&self, arguments: &[&str]) -> String {
        let trust = ["--issuer", "https://registry.example", "--jwks", "jwks"];
        let output = self.run(&[&["chain", "verify"], arguments, &trust].concat());
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
        if output.status.success() {
            assert_eq!(told["verdict"], "good");
            return "good".to_owned();
        }
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(told, json!({"verdict": "refused", "reason": error["error"]["reason"]}));
        told["reason"].as_str().unwrap().to_owned()
    }

    fn key_file(&self, name: &str, who: usize, issuer: Option<&str>) {
        let key = DpopKey::from_signing_key(SigningKey::from_ed25519_seed(&[u8::try_from(who + 1).unwrap(); 32]));
        let file = KeyFile { issuer: issuer.map(str::to_owned), ..KeyFile::new(KeyKind::Agent, key) };
        file.create(self.home.path().join(name)).unwrap();
    }
}

#[test]
fn a_bundle_is_verified_at_a_time() {
    let bench = Bench::new();
    let (root, first, _) = bench.chain(|_| ());
    bench.write("bundle", &format!("{root},{first}\n"));
    for (at, expected) in [
        (NOW - 31, "hop_not_yet_valid"),
        (NOW - 30, "good"),
        (NOW, "good"),
        (NOW + 630, "good"),
        (NOW + 631, "hop_expired"),
    ] {
        assert_eq!(bench.verdict(&["bundle", "--at", &at.to_string()]), expected, "{at}");
    }
    let at = NOW.to_string();
    let told =
        bench.ok(&["chain", "verify", "bundle", "--at", &at, "--issuer", "https://registry.example", "--jwks", "jwks"]);
    assert_eq!((told["client_id"].as_str(), told["task"].as_str()), (Some(bench.did(1).as_str()), Some("task_1")));
    assert_eq!(told["authority"]["scope"], "files:read");
    assert_eq!(told["hops"].as_array().unwrap().len(), 1);
    // the limits of the reader
    assert_eq!(bench.verdict(&["bundle", "--at", &at, "--max-depth", "0"]), "depth_invalid");
    assert_eq!(bench.verdict(&["bundle", "--at", &at, "--max-bytes", "100"]), "chain_too_long");
}

#[test]
fn each_way_to_widen_has_its_reason() {
    let bench = Bench::new();
    let at = NOW.to_string();
    let scope = |text: &str| Scope::parse(text).unwrap();
    let other = ResourceId::parse("https://elsewhere.example").unwrap();
    let check = |change: &dyn Fn(&mut Hop), expected: &str| {
        let (root, first, _) = bench.chain(change);
        bench.write("bundle", &format!("{root},{first}"));
        assert_eq!(bench.verdict(&["bundle", "--at", &at]), expected);
        // the same field beside the token, at the resource
        bench.write("token", &root);
        bench.write("field", &first);
        assert_eq!(bench.verdict(&["field", "--token", "token", "--resource", API, "--at", &at]), expected);
    };
    check(&|_| (), "good");
    check(&|hop| hop.authority.scope = scope("files:read admin"), "scope_widened");
    check(&|hop| hop.authority.resources.extend([other.clone()]), "resource_widened");
    check(&|hop| hop.authority.expires_at = UnixTime::from_secs(NOW + 901), "expiry_widened");
    check(&|hop| hop.issued_at = UnixTime::from_secs(NOW - 1), "expiry_widened");
    check(&|hop| hop.authority.max_depth = 3, "depth_invalid");
    check(&|hop| hop.subject = "owner:other".into(), "principal_altered");
    check(&|hop| hop.task = "task_2".into(), "task_altered");
    check(&|hop| hop.parent = ContentHash::of(b"another"), "parent_hash_mismatch");
    check(&|hop| hop.delegate = SigningKey::from_ed25519_seed(&[1; 32]).public().did(), "duplicate_hop");
}

#[test]
fn token_and_field_get_the_check_of_a_resource_server() {
    let bench = Bench::new();
    let (root_text, first, _) = bench.chain(|_| ());
    bench.write("token", &root_text);
    bench.write("field", &first);
    bench.write("bundle", &format!("{root_text},{first}"));
    let at = NOW.to_string();
    let check = |arguments: &[&str], expected: &str| {
        assert_eq!(bench.verdict(&[arguments, &["--at", &at]].concat()), expected, "{arguments:?}");
    };
    check(&["field", "--token", "token", "--resource", API], "good");
    check(&["field", "--token", "token", "--resource", API, "--environment", "prod"], "good");
    check(&["field", "--token", "token", "--resource", API, "--environment", "dev"], "environment_mismatch");
    // the root is for it, the hop is not
    check(&["field", "--token", "token", "--resource", "https://other.example"], "audience_mismatch");
    check(&["bundle", "--token", "token", "--resource", API], "chain_malformed");
    check(&["--token", "token", "--resource", API], "good");
    bench.write("token", "a.b.c");
    check(&["field", "--token", "token", "--resource", API], "token_malformed");

    // exchanged: the token's claims have to agree with its evidence
    let bundle = bench.read("bundle");
    let text = ChainText::parse(&bundle, MAX_CHAIN_BYTES).unwrap();
    let planner = bench.did(1);
    let exchanged = |change: &dyn Fn(&mut AccessToken)| {
        let mut token = root("https://registry.example", &planner, NOW);
        token.authority = Authority {
            expires_at: UnixTime::from_secs(NOW + 300),
            ..hop(ContentHash::of(b""), &bench.keys[0], &planner, 1).authority
        };
        token.actors = ActorChain::from_names(vec![planner.text(), bench.did(0).text()]).ok();
        token.delegability = Some(Delegability { depth: 1, offline: false });
        token.token_id = "tok_2".into();
        token.chain = Some(ChainClaims {
            hops: vec![UnverifiedHop::parse(&first).unwrap().name()],
            root_token_id: "tok_1".into(),
            hash: text.hash(),
        });
        change(&mut token);
        bench.write("token", &token.sign("k1", &issuer_key()).unwrap());
    };
    let presented = ["bundle", "--token", "token", "--resource", API];
    exchanged(&|_| ());
    check(&presented, "good");
    check(&["--token", "token", "--resource", API], "evidence_required");
    check(&["--token", "token", "--resource", API, "--evidence", "optional"], "good");
    exchanged(&|token| token.authority.scope = Scope::parse("files:read files:write").unwrap());
    check(&presented, "token_exceeds_chain");
    exchanged(&|token| token.actors = ActorChain::root(planner.as_str()).ok());
    check(&presented, "actor_mismatch");
}

#[test]
fn an_untrusted_root_and_a_wrong_command_line_are_told_apart() {
    let bench = Bench::new();
    let (root, first, _) = bench.chain(|_| ());
    bench.write("bundle", &format!("{root},{first}"));
    let at = NOW.to_string();
    let exit = |arguments: &[&str]| {
        let output = bench.run(&[&["chain", "verify", "--at", &at], arguments].concat());
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).contains("untrusted_root"))
    };
    let trust = ["--issuer", "https://registry.example", "--jwks"];
    assert_eq!(exit(&["bundle", "--issuer", "https://registry.example/", "--jwks", "jwks"]), (3, true));
    let other: Value = serde_json::from_str(&bench.keys[0].public().to_jwk()).unwrap();
    let mut other = other.as_object().unwrap().clone();
    other.insert("kid".into(), json!("k1"));
    bench.write("others", &json!({"keys": [other]}).to_string());
    assert_eq!(exit(&[&["bundle"], &trust[..], &["others"]].concat()), (3, true));
    // nothing of the chain was looked at
    assert_eq!(exit(&[&["bundle"], &trust[..], &["bundle"]].concat()), (5, false));
    assert_eq!(exit(&[&["bundle"], &trust[..], &["nowhere"]].concat()), (5, false));
    assert_eq!(exit(&[&["nowhere"], &trust[..], &["jwks"]].concat()), (5, false));
    assert_eq!(exit(&trust[..].iter().chain(&["jwks"]).copied().collect::<Vec<_>>()), (2, false));
    assert_eq!(exit(&["bundle", "--issuer", "https://registry.example"]), (2, false));
    assert_eq!(exit(&[&["bundle", "--resource", API], &trust[..], &["jwks"]].concat()), (2, false));
}

#[test]
fn revocations_come_from_a_snapshot_by_the_key_of_the_feed() {
    let bench = Bench::new();
    let (root, first, name) = bench.chain(|_| ());
    bench.write("token", &root);
    bench.write("field", &first);
    let feed = SigningKey::from_ed25519_seed(&[8; 32]);
    let feed_key = feed.public().did().to_string();
    let issuer = "https://registry.example";
    let snapshot = |issuer: &str, revoked: &[&str], signer: &SigningKey| {
        let event = |(id, seq): (&&str, u64)| {
            let kind = RevocationKind::Hop;
            FeedEvent { seq, kind, name: RevocationName::of(issuer, kind, id), cut: None, until: None }
        };
        let events: Vec<_> = revoked.iter().zip(1..).map(event).collect();
        let head = events.iter().fold(Head::start(issuer, "1"), |head, event| head.after(event).unwrap());
        let (issuer, epoch, to) = (issuer.to_owned(), "1".to_owned(), events.len() as u64);
        let issued_at = UnixTime::from_secs(NOW);
        let message = FeedMessage {
            issuer,
            issued_at,
            epoch,
            from: 0,
            to,
            prev: None,
            head,
            base: None,
            follows: Vec::new(),
            events,
        };
        bench.write("snapshot", &message.sign(signer).unwrap());
    };
    bench.write("bundle", &format!("{root},{first}"));
    let verify = |what: &[&str], more: &[&str]| {
        let trust = ["--issuer", issuer, "--jwks", "jwks"];
        let output = bench.run(&[&["chain", "verify"], what, &trust, more].concat());
        let told: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        let said = |member: &str| told.as_ref().and_then(|told| told[member].as_str().map(str::to_owned));
        let revocation = if more.contains(&"--revocations") { "checked" } else { "not_checked" };
        let is_good = said("verdict").as_deref() == Some("good");
        assert!(!is_good || said("revocation").as_deref() == Some(revocation));
        (output.status.code().unwrap(), said("reason"))
    };
    let given = |more: &[&str]| verify(&["field", "--token", "token", "--resource", API], more);
    let at = |seconds: u64| {
        let at = seconds.to_string();
        let more = ["--revocations", "snapshot", "--feed-key", &feed_key, "--at", &at];
        let presented = given(&more);
        assert_eq!(verify(&["bundle"], &more), presented, "a bundle alone hears the same");
        presented
    };
    let time = NOW.to_string();
    assert_eq!((given(&["--at", &time]), verify(&["bundle"], &["--at", &time])), ((0, None), (0, None)));
    let refused = |exit: i32, reason: &str| (exit, Some(reason.to_owned()));
    snapshot(issuer, &["another"], &feed);
    assert_eq!((at(NOW), at(NOW + 30)), ((0, None), (0, None)));
    assert_eq!(at(NOW + 31), refused(4, "status_unknown"), "P-11");
    snapshot(issuer, &["another", &name.to_string()], &feed);
    assert_eq!(at(NOW), refused(3, "hop_revoked"));
    // what is no snapshot of this issuer by this key is not looked into
    snapshot("https://other.example", &[], &feed);
    assert_eq!(at(NOW), (5, None));
    snapshot(issuer, &[], &bench.keys[0]);
    assert_eq!(at(NOW), (5, None));
    bench.write("snapshot", &root);
    assert_eq!(at(NOW), (5, None));
    assert_eq!(given(&["--revocations", "snapshot"]), (2, None));
    assert_eq!(given(&["--feed-key", &feed_key]), (2, None));
    assert_eq!(given(&["--revocations", "snapshot", "--feed-key", "registry.example"]), (2, None));
}

#[test]
fn what_is_shown_is_said_to_be_unverified() {
    let bench = Bench::new();
    let (root, first, _) = bench.chain(|hop| hop.authority.scope = Scope::parse("everything").unwrap());
    bench.write("bundle", &format!("{root},{first}"));
    let told = bench.ok(&["chain", "show", "bundle"]);
    assert_eq!(told["verified"], false);
    let members = told["members"].as_array().unwrap();
    assert_eq!((members[0]["kind"].as_str(), members[1]["kind"].as_str()), (Some("token"), Some("hop")));
    assert_eq!(members[1]["authority"]["scope"], "everything");
    assert_eq!(members[1]["par_hash"], members[0]["name"]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_handfast"))
        .current_dir(bench.home.path())
        .args(["chain", "show", "bundle"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("NOT VERIFIED") && text.contains(bench.did(1).as_str()), "{text}");
    // hops alone, and from standard input
    let mut shown = handfast(bench.home.path());
    let mut shown = shown.args(["chain", "show", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    shown.stdin.take().unwrap().write_all(first.as_bytes()).unwrap();
    let told: Value = serde_json::from_slice(&shown.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(told["members"].as_array().unwrap().len(), 1);
    bench.write("junk", "a.b.c");
    assert_eq!(bench.run(&["chain", "show", "junk"]).status.code(), Some(3));
}

/// What a server was sent: the first line, the fields, the body.
type Noted = Arc<Mutex<Vec<(String, String)>>>;

/// A server that notes every request and answers `answer(its own URL, head, body)` as JSON; it ends with the process.
fn server(answer: impl Fn(&str, &str, &str) -> Value + Send + 'static) -> (String, Noted) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let noted: Noted = Arc::default();
    let (own, notes) = (url.clone(), Arc::clone(&noted));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some((head, body)) = request(&mut stream) else { continue };
            let text = answer(&own, &head, &body).to_string();
            notes.lock().unwrap().push((head, body));
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, noted)
}

fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if body.len() >= field(head, "content-length").map_or(0, |length| length.parse().unwrap()) {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

fn field(head: &str, name: &str) -> Option<String> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
}

/// A registry that gives root tokens of the orchestrator and exchanges whatever it is sent.
fn registry(api: &str) -> (String, Noted) {
    let orchestrator = SigningKey::from_ed25519_seed(&[1; 32]).public().did();
    let api = ResourceId::parse(api).unwrap();
    server(move |own, head, body| {
        if head.starts_with("GET /.well-known/") {
            return json!({"issuer": own, "token_endpoint": format!("{own}/oauth2/token")});
        }
        if head.contains("/tree") {
            let hop = |name: &str, parent: Value| json!({"hop": name, "parent": parent, "delegate": format!("did:key:{name}"), "scope": "files:read"});
            let next = head.contains("after=b");
            let page =
                if next { vec![hop("c", json!("b"))] } else { vec![hop("a", json!(null)), hop("b", json!("a"))] };
            return json!({"task": "task_1", "delegations": page, "next": if next { Value::Null } else { json!("b") }});
        }
        let mut answer =
            json!({"token_type": "DPoP", "expires_in": 300, "scope": "files:read", "task": {"id": "task_1"}});
        if body.contains("token-exchange") {
            answer["issued_token_type"] = json!("urn:ietf:params:oauth:token-type:access_token");
            answer["access_token"] = json!("exchanged");
        } else {
            let mut token = root(own, &orchestrator, seconds());
            token.authority.resources = BTreeSet::from([api.clone()]);
            answer["access_token"] = json!(token.sign("k1", &issuer_key()).unwrap());
        }
        answer
    })
}

#[test]
fn authority_is_passed_on_twice_exchanged_and_used() {
    let (api, called) = server(|_, _, _| json!({"ok": true}));
    let (issuer, asked) = registry(&api);
    let bench = Bench::new();
    bench.key_file("agent.json", 0, Some(&issuer));
    bench.key_file("planner.json", 1, Some(&issuer));
    // an instance is registered nowhere
    bench.key_file("browser.json", 2, None);
    let (planner, browser) = (bench.did(1).to_string(), bench.did(2).to_string());

    let tool = r#"{"read_file":{"path":{"constraint_type":"path_containment","root":"/reports"}}}"#;
    let made = bench.ok(&[
        "delegate",
        "--to",
        &planner,
        "--scope",
        "files:read",
        "--tool",
        tool,
        "--tool",
        "list",
        "--max-uses",
        "50",
        "--ttl",
        "10m",
        "--max-depth",
        "2",
        "-o",
        "first",
    ]);
    assert_eq!((made["delegate"].as_str(), made["bundle"].clone()), (Some(planner.as_str()), Value::Null));
    let shown = bench.ok(&["chain", "show", "first"]);
    let authority = &shown["members"][1]["authority"];
    assert_eq!(authority["budget"]["max_uses"], 50);
    let names: Vec<_> = authority["authorization_details"][0]["tools"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["list", "read_file"]);

    let second = bench.ok(&[
        "delegate",
        "--from",
        "first",
        "--key",
        "planner.json",
        "--to",
        &browser,
        "--scope",
        "files:read",
        "--instance",
    ]);
    bench.write("second", second["bundle"].as_str().unwrap());
    let trust = ["--issuer", issuer.as_str(), "--jwks", "jwks"];
    let told = bench.ok(&[&["chain", "verify", "second"], &trust[..]].concat());
    assert_eq!((told["client_id"].as_str(), told["hops"].as_array().unwrap().len()), (Some(browser.as_str()), 2));

    // what is wider is refused with the reason servers give
    for (arguments, reason) in [
        (&["--scope", "files:write"][..], "scope_widened"),
        (&["--scope", "files:read", "--resource", "https://x.example"], "resource_widened"),
        (&["--scope", "files:read", "--tool", "delete"], "details_widened"),
        (&["--scope", "files:read", "--max-uses", "51"], "budget_widened"),
        (&["--scope", "files:read", "--max-depth", "3"], "depth_invalid"),
    ] {
        let from = ["delegate", "--from", "first", "--key", "planner.json", "--to", &browser];
        let output = bench.run(&[&from[..], arguments].concat());
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((output.status.code(), error["error"]["reason"].as_str()), (Some(3), Some(reason)));
    }
    // nor is a bundle of use to another key
    let output = bench.run(&["exchange", "second", "--key", "planner.json"]);
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), error["error"]["reason"].as_str()), (Some(3), Some("holder_mismatch")));

    let token = bench.ok(&["exchange", "second", "--key", "browser.json"]);
    let bundle = bench.read("second");
    assert_eq!(
        (token["access_token"].as_str(), token["delegation"].as_str()),
        (Some("exchanged"), Some(bundle.as_str()))
    );
    assert_eq!(token["dch"], json!(ContentHash::of(bundle.as_bytes()).to_string()));
    let sent = asked.lock().unwrap().pop().unwrap();
    assert_eq!(field(&sent.0, "delegation").as_deref(), bundle.split(',').nth(1));
    bench.ok(&["exchange", "second", "--key", "browser.json", "-o", "saved"]);
    assert_eq!(serde_json::from_str::<Value>(&bench.read("saved")).unwrap()["access_token"], "exchanged");

    let url = format!("{api}/files");
    assert_eq!(bench.ok(&["curl", &url, "--chain", "second", "--key", "browser.json"])["status"], 200);
    let head = called.lock().unwrap().pop().unwrap().0;
    assert_eq!(field(&head, "authorization").as_deref(), Some("DPoP exchanged"));
    assert_eq!(field(&head, "delegation").as_deref(), Some(bundle.as_str()));
    let asked_before = asked.lock().unwrap().len();
    assert_eq!(bench.ok(&["curl", &url, "--chain", "second", "--offline", "--key", "browser.json"])["status"], 200);
    let head = called.lock().unwrap().pop().unwrap().0;
    let (root, hops) = bundle.split_once(',').unwrap();
    assert_eq!(field(&head, "authorization"), Some(format!("DPoP {root}")));
    assert_eq!(field(&head, "delegation").as_deref(), Some(hops));
    assert_eq!(asked.lock().unwrap().len(), asked_before, "offline asks nobody");
}

#[test]
fn token_and_tree_flags_reach_the_registry() {
    let (issuer, asked) = registry(API);
    let bench = Bench::new();
    bench.key_file("agent.json", 0, Some(&issuer));
    let details = r#"[{"type":"attenuating_agent_token","tools":{"read":{}}}]"#;
    let wanted = ["--del-max-depth", "1", "--authorization-details", details];
    bench.ok(&[
        &["token", "--scope", "files:read", "--resource", API, "--resource", "https://other.example"],
        &wanted[..],
    ]
    .concat());
    let body = asked.lock().unwrap().pop().unwrap().1;
    assert!(body.contains("&del_max_depth=1&authorization_details=%5B%7B%22"), "{body}");
    assert_eq!(body.matches("&resource=").count(), 2, "{body}");
    let twice = details.replace(r#""tools""#, r#""type":"x","tools""#);
    assert_eq!(bench.run(&["token", "--authorization-details", &twice]).status.code(), Some(2));

    let output = bench.run(&["task", "tree", "task_1", "--agent-key", "agent.json"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let hops: Vec<String> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["hop"].to_string()).collect();
    assert_eq!(hops, ["\"a\"", "\"b\"", "\"c\""]);
    let shown = plain(bench.home.path(), &["task", "tree", "task_1", "--agent-key", "agent.json"]);
    let indents: Vec<_> = shown.lines().map(|line| line.len() - line.trim_start().len()).collect();
    assert_eq!(indents, [0, 2, 4], "{shown}");
}

/// What a person sees.
fn plain(home: &Path, arguments: &[&str]) -> String {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_handfast")).current_dir(home).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
