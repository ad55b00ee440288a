//! Status lists over HTTP (spec/status-lists.md).

use std::io::Write as _;
use std::process::{Command, Stdio};

use handfast_identity::{UnixTime, base64url};
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, HandClock};
use handfast_verifier::status_list::{EntryStatus, StatusList, UnverifiedStatusList};
use http::Request;
use serde_json::{Value, json};

use crate::bench::{API, Bench, ISSUER, claims_of};
use crate::delegation_bench::{self, Scene, scene};

/// Where the status of a token stands.
pub(crate) fn reference(token: &str) -> (String, u64) {
    let status = &claims_of(token)["status"]["status_list"];
    (status["uri"].as_str().unwrap().to_owned(), status["idx"].as_u64().unwrap())
}

impl Bench {
    /// The list at `uri`, as who knows the feed key reads it.
    pub(crate) async fn status_list(&self, uri: &str) -> StatusList {
        let path = uri.strip_prefix(&self.issuer).unwrap();
        let answer = self.get(path).await.is(200);
        let list = UnverifiedStatusList::parse(&answer.text).unwrap().verify(self.registry.feed_key().public_key());
        let list = list.unwrap();
        assert_eq!((list.uri(), list.issued_at() <= self.clock.now()), (uri, true));
        list.list().unwrap()
    }

    /// What the lists say of a token's delegation.
    pub(crate) async fn listed(&self, token: &str) -> u8 {
        let (uri, index) = reference(token);
        self.status_list(&uri).await.status(index).map_or(u8::MAX, EntryStatus::value)
    }
}

#[tokio::test]
async fn tsl_10_to_15_a_list_is_published_as_its_page_says() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "echo:read")]).await;
    let (uri, _) = reference(&token);
    assert_eq!(uri, format!("{ISSUER}/status-lists/0"));
    let answer = bench.get("/status-lists/0").await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/statuslist+jwt"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let part = |place: usize| -> Value {
        let part = answer.text.split('.').nth(place).unwrap();
        serde_json::from_slice(&base64url::decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(
        (&header["typ"], &header["kid"]),
        (&json!("statuslist+jwt"), &json!(bench.registry.feed_key().key_id()))
    );
    let now = bench.now();
    let (lst, members) = (claims["status_list"]["lst"].as_str().unwrap(), claims.as_object().unwrap().len());
    assert_eq!(claims["sub"], uri);
    assert_eq!((&claims["iat"], &claims["exp"], &claims["ttl"]), (&json!(now), &json!(now + 300), &json!(60)));
    assert_eq!((&claims["status_list"]["bits"], members), (&json!(2), 5));
    assert_eq!(base64url::decode(lst).unwrap().first(), Some(&0x78), "zlib");
    // TSL-08: what is in use shows in no size
    assert_eq!(bench.status_list(&uri).await.len(), 1 << 22);
    // TSL-15
    let metadata = bench.get("/.well-known/oauth-authorization-server").await.is(200);
    let all = metadata.str("status_list_aggregation_endpoint");
    let all = bench.get(all.strip_prefix(ISSUER).unwrap()).await.is(200);
    assert_eq!(all.json, json!({"status_lists": [uri]}));
}

#[tokio::test]
async fn what_is_no_list_is_not_there() {
    let bench = Bench::new().await;
    bench.get("/status-lists/0").await.is(200);
    for path in
        ["/status-lists/1", "/status-lists/00", "/status-lists/-1", "/status-lists/x", "/status-lists/4294967296"]
    {
        assert_eq!(bench.get(path).await.problem(), (404, "not_found"), "{path}");
    }
    assert_eq!(bench.get("/status-lists/0?time=1").await.problem(), (501, "not_supported"));
    assert_eq!(bench.get("/status-lists/0?x=1").await.problem(), (400, "invalid_request"));
    assert_eq!(bench.post("/status-lists/0", "application/json", "{}").await.problem(), (405, "method_not_allowed"));
}

#[tokio::test]
async fn the_same_bytes_are_told_until_something_changes_or_they_get_old() {
    let scene = scene().await;
    let bench = &scene.bench;
    let root = scene.root().await;
    let tag = async |known: Option<&str>| {
        let mut request = Request::get("/status-lists/0");
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        let answer = bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
        (answer.status, answer.header("etag").unwrap().to_owned(), answer.text.len())
    };
    let (_, first, _) = tag(None).await;
    for known in [first.clone(), format!("W/{first}"), format!("\"x\", {first}"), "*".to_owned()] {
        assert_eq!(tag(Some(&known)).await, (304, first.clone(), 0), "{known}");
    }
    bench.clock.advance(29);
    assert_eq!(tag(Some("\"x\"")).await.1, first);
    bench.clock.advance(1);
    let (status, second, _) = tag(Some(&first)).await;
    assert_eq!((status, second == first), (200, false), "thirty seconds old");
    // a new delegation changes nothing that could be seen
    root_in(&scene, &[("task_intent", "another")]).await;
    assert_eq!(tag(Some(&second)).await.0, 304);
    let id = claims_of(&root)["task"]["id"].clone();
    bench
        .manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(json!({"kind": "task", "id": id})))
        .await
        .is(200);
    assert_eq!(tag(Some(&second)).await.0, 200, "what is acknowledged is told at once");
    assert_eq!(bench.listed(&root).await, 1);
    // a clock that was set back makes no list that looks older
    let told = bench.get("/status-lists/0").await;
    let issued = |text: &str| claims_of(text)["iat"].as_u64().unwrap();
    bench.clock.set(UnixTime::from_secs(bench.now() - 50));
    scene.revoke(&scene.planner).await;
    assert!(issued(&bench.get("/status-lists/0").await.text) >= issued(&told.text));
}

/// Tokens of one scene: a root, one made from its first hop, one from both, and a root of another task.
struct Tokens([(&'static str, String); 4]);

impl Tokens {
    async fn of(scene: &Scene) -> Self {
        let root = root_in(scene, &[("task_intent", "one")]).await;
        let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
        let under = scene.hop(&scene.planner, &first, &scene.browser).sign();
        let planner = scene.exchange(&scene.planner, &root, &[&first]).await.is(200).str("access_token");
        let browser = scene.exchange(&scene.browser, &root, &[&first, &under]).await.is(200).str("access_token");
        let other = root_in(scene, &[("task_intent", "another")]).await;
        Self([("root", root), ("planner", planner), ("browser", browser), ("other", other)])
    }

    fn get(&self, place: usize) -> &str {
        &self.0[place].1
    }

    /// What the lists of `bench` say of each.
    async fn listed(&self, bench: &Bench) -> Vec<u8> {
        let mut found = Vec::new();
        for (_, token) in &self.0 {
            found.push(bench.listed(token).await);
        }
        found
    }
}

/// A root token for one resource, in the task that `parameters` say.
async fn root_in(scene: &Scene, parameters: &[(&str, &str)]) -> String {
    let base = [("scope", "echo:read"), ("resource", API)];
    scene.root_with(&[&base, parameters].concat()).await
}

async fn restarted(bench: &Bench) -> Bench {
    Bench::on(bench.disk.clone(), bench.clock.clone(), &delegation_bench::config_with_tools()).await
}

async fn revoke(scene: &Scene, body: Value) {
    scene.bench.manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
}

async fn life(scene: &Scene, agent: &Agent, event: &str) {
    let path = format!("/agents/{}/{event}", agent.did());
    scene.bench.manage(&scene.owner.key, "owner:self", "POST", &path, Some(json!({}))).await.is(200);
}

#[tokio::test]
async fn every_grain_reaches_the_lists_as_far_as_it_reaches() {
    let kinds: [(&str, [u8; 4]); 7] = [
        ("root token", [0, 1, 1, 0]),
        ("hop", [0, 1, 1, 0]),
        ("task", [1, 1, 1, 0]),
        ("delegate", [0, 1, 1, 0]),
        ("agent", [1, 1, 1, 1]),
        ("owner", [1, 1, 1, 1]),
        ("key", [0, 0, 1, 0]),
    ];
    for (kind, expected) in kinds {
        let scene = scene().await;
        let tokens = Tokens::of(&scene).await;
        assert_eq!(tokens.listed(&scene.bench).await, [0; 4], "{kind}");
        let claims = claims_of(tokens.get(0));
        let body = match kind {
            "root token" => json!({"kind": "token", "id": claims["jti"], "evidence": tokens.get(0)}),
            "hop" => json!({"kind": "hop", "id": claims_of(tokens.get(1))["hops"][0]}),
            "task" => json!({"kind": "task", "id": claims["task"]["id"]}),
            "delegate" => json!({"kind": "agent", "id": scene.planner.did().as_str()}),
            "agent" => json!({"kind": "agent", "id": scene.orchestrator.did().as_str()}),
            "owner" => json!({"kind": "owner", "id": scene.owner.id}),
            _ => json!({"kind": "key", "id": scene.browser.did().as_str()}),
        };
        revoke(&scene, body).await;
        assert_eq!(tokens.listed(&scene.bench).await, expected, "{kind}");
        // the same by who starts from what is kept
        assert_eq!(tokens.listed(&restarted(&scene.bench).await).await, expected, "{kind}, restarted");
    }
}

/// P-12: what was suspended is over for good when it goes on, and goes on elsewhere.
#[tokio::test]
async fn a_suspended_agent_goes_on_in_other_places() {
    let scene = scene().await;
    let tokens = Tokens::of(&scene).await;
    life(&scene, &scene.orchestrator, "suspend").await;
    assert_eq!(tokens.listed(&scene.bench).await, [2; 4]);
    assert_eq!(tokens.listed(&restarted(&scene.bench).await).await, [2; 4], "restarted");
    life(&scene, &scene.orchestrator, "resume").await;
    assert_eq!(tokens.listed(&scene.bench).await, [1; 4]);
    scene.bench.clock.advance(6);
    let task = claims_of(tokens.get(0))["task"]["id"].as_str().unwrap().to_owned();
    let written = scene.bench.positions();
    let renewed = root_in(&scene, &[("task", &task)]).await;
    assert_ne!(reference(&renewed), reference(tokens.get(0)));
    assert_eq!(scene.bench.positions(), written, "another place is no event");
    assert_eq!(reference(&root_in(&scene, &[("task", &task)]).await), reference(&renewed), "until that one is no good");
    assert_eq!((scene.bench.listed(&renewed).await, tokens.listed(&scene.bench).await), (0, vec![1; 4]));
    // suspended once more: what is over does not rest
    life(&scene, &scene.orchestrator, "suspend").await;
    assert_eq!((scene.bench.listed(&renewed).await, tokens.listed(&scene.bench).await), (2, vec![1; 4]));
    let later = restarted(&scene.bench).await;
    assert_eq!((later.listed(&renewed).await, tokens.listed(&later).await), (2, vec![1; 4]), "restarted");
    // and then ended
    revoke(&scene, json!({"kind": "agent", "id": scene.orchestrator.did().as_str()})).await;
    assert_eq!(scene.bench.listed(&renewed).await, 1);
}

#[tokio::test]
async fn after_a_cut_off_of_the_owner_the_task_goes_on_in_another_place() {
    let scene = scene().await;
    let root = scene.root().await;
    let task = claims_of(&root)["task"]["id"].as_str().unwrap().to_owned();
    revoke(&scene, json!({"kind": "owner", "id": scene.owner.id})).await;
    scene.bench.clock.advance(6);
    let renewed = root_in(&scene, &[("task", &task)]).await;
    assert_eq!((scene.bench.listed(&root).await, scene.bench.listed(&renewed).await), (1, 0));
    // a hop below the new root stands in a place of its own
    let hop = scene.hop(&scene.orchestrator, &renewed, &scene.planner).sign();
    let exchanged = scene.exchange(&scene.planner, &renewed, &[&hop]).await.is(200).str("access_token");
    assert_eq!(scene.bench.listed(&exchanged).await, 0);
    // and a narrower root in its root's
    let form = [("subject_token", renewed.as_str()), ("subject_token_type", delegation_bench::ACCESS_TOKEN)];
    let narrower = scene.send(&scene.orchestrator, None, None, &form).await.is(200).str("access_token");
    assert_eq!(reference(&narrower), reference(&renewed));
}

/// TSL-07: a place is somebody's as long as a token can be alive and a list spoke of it; then nothing is left of it.
#[tokio::test]
async fn a_place_is_free_again_when_nothing_of_it_can_be_alive() {
    let scene = scene().await;
    let root = root_in(&scene, &[("task_intent", "short"), ("task_seconds", "60")]).await;
    let id = claims_of(&root)["task"]["id"].clone();
    revoke(&scene, json!({"kind": "task", "id": id})).await;
    let bench = &scene.bench;
    // 60 s of the task, a minute for clocks, five for lists
    for (seconds, expected) in [(60, 1), (360, 1), (1, 0)] {
        bench.clock.advance(seconds);
        bench.registry.forget_expired().await;
        assert_eq!(bench.listed(&root).await, expected, "{seconds}");
    }
    let later = restarted(bench).await;
    assert_eq!(later.listed(&root).await, 0);
    // other places are as they were
    let root = root_in(&scene, &[("task_intent", "long")]).await;
    bench.registry.forget_expired().await;
    revoke(&scene, json!({"kind": "task", "id": claims_of(&root)["task"]["id"]})).await;
    assert_eq!(bench.listed(&root).await, 1);
}

/// Killed before anybody asked for a list: what was revoked is on the first that is told.
#[tokio::test]
async fn a_registry_that_was_killed_before_it_told_tells_it_afterwards() {
    let scene = scene().await;
    let root = scene.root().await;
    revoke(&scene, json!({"kind": "task", "id": claims_of(&root)["task"]["id"]})).await;
    let (disk, clock) = (scene.bench.disk.clone(), scene.bench.clock.clone());
    drop(scene);
    let later = Bench::on(disk, clock, &delegation_bench::config_with_tools()).await;
    assert_eq!(later.listed(&root).await, 1);
}

#[tokio::test]
async fn management_tokens_of_owners_have_no_place() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    assert_eq!(claims_of(&token).get("status"), None);
    let agent = bench.claimed(1, &owner).await;
    for resource in [API, ISSUER] {
        let token = bench.token(&agent, &[("resource", resource)]).await;
        assert_eq!(bench.listed(&token).await, 0, "{resource}");
    }
}

/// An independent decoder (tests/interop/python/status_list.py) reads the lists of a registry that runs.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
async fn an_independent_decoder_reads_the_same() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/interop/python/status_list.py");
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut file = delegation_bench::config_with_tools();
    file.issuer = format!("http://{}", listener.local_addr().unwrap());
    let bench = Bench::on(MemoryDisk::default(), HandClock::at(now()), &file).await;
    let scene = delegation_bench::at(bench, json!({})).await;
    let (first, second, third) = (Tokens::of(&scene).await, Tokens::of(&scene).await, Tokens::of(&scene).await);
    revoke(&scene, json!({"kind": "task", "id": claims_of(first.get(0))["task"]["id"]})).await;
    revoke(&scene, json!({"kind": "hop", "id": claims_of(second.get(1))["hops"][0]})).await;
    life(&scene, &scene.browser, "suspend").await;
    let mut expected = String::new();
    for (tokens, values) in [(&first, [1, 1, 1, 0]), (&second, [0, 1, 1, 0]), (&third, [0, 0, 2, 0])] {
        for ((_, token), value) in tokens.0.iter().zip(values) {
            let (uri, index) = reference(token);
            expected += &format!("{uri} {index} {value}\n");
        }
    }
    let registry = scene.bench.registry.clone();
    let serving = tokio::spawn(async move { registry.serve(listener, std::future::pending()).await });
    let decode = |expected: String| {
        let issuer = file.issuer.clone();
        tokio::task::spawn_blocking(move || {
            let mut child = Command::new("python3")
                .args(["-B", script, &issuer])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(expected.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        })
    };
    let read = decode(expected.clone()).await.unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert_eq!(String::from_utf8_lossy(&read.stdout), "12 places compared\n");
    // it would notice
    let wrong = expected.replacen(" 2\n", " 1\n", 1);
    assert!(!decode(wrong).await.unwrap().status.success());
    serving.abort();
}

/// By the clock that Python reads too.
fn now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixTime::from_secs(since.as_secs())
}
