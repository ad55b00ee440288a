//! `POST /oauth2/token`: who gets what, and every refusal by its error and reason.

use axum::body::Body;
use handfast_dpop::{NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret, NonceSource as _};
use handfast_registry::Role;
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, CountedRandom, HandClock, ProofParts};
use http::Request;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, FILES, FORM, Owner, claims_of, config, encode};

const PATH: &str = "/oauth2/token";

/// What breaks one part of a good proof.
type Change = Box<dyn FnOnce(&mut ProofParts)>;

struct Scene {
    bench: Bench,
    owner: Owner,
    agent: Agent,
}

/// A registry with one CLAIMED agent, whose client has a nonce.
async fn scene() -> Scene {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    Scene { bench, owner, agent }
}

impl Scene {
    fn form(&self, more: &[(&str, &str)]) -> String {
        let did = self.agent.did().to_string();
        let base = [("grant_type", "client_credentials"), ("client_id", did.as_str()), ("resource", API)];
        encode(base.iter().chain(more))
    }

    fn parts(&self) -> ProofParts {
        let url = format!("{}{PATH}", self.bench.issuer);
        let mut parts = self.agent.proof_parts("POST", &url, None, self.bench.clock.now());
        parts.claims.insert("nonce".to_owned(), self.bench.nonce().unwrap().into());
        parts
    }

    async fn send(&self, proofs: &[&str], form: String) -> Answer {
        let mut request = Request::post(PATH).header("content-type", FORM);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        self.bench.send(request.body(Body::from(form)).unwrap()).await
    }

    /// Asks with the parts of a good proof after `change`; whatever is refused writes nothing.
    async fn with_proof(&self, change: impl FnOnce(&mut ProofParts)) -> Answer {
        let mut parts = self.parts();
        change(&mut parts);
        let before = self.bench.positions();
        let answer = self.send(&[&self.agent.sign(&parts)], self.form(&[])).await;
        assert!(answer.status == 200 || self.bench.positions() == before);
        answer
    }

    /// Asks for a token with these parameters and checks the refusal, which writes nothing.
    async fn check(&self, more: &[(&str, &str)], expected: (u16, &str, &str)) {
        let before = self.bench.positions();
        let answer = self.bench.token_answer(&self.agent, more).await;
        assert_eq!(answer.oauth(), expected, "{more:?} {}", answer.text);
        assert_eq!(self.bench.positions(), before, "{more:?}");
    }
}

#[tokio::test]
async fn a_proof_needs_a_nonce_of_this_server() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let form = encode(&[("grant_type", "client_credentials"), ("client_id", owner.key.did().as_str())]);
    let url = format!("{}{PATH}", bench.issuer);
    let send = |nonce: Option<String>| {
        let mut parts = owner.key.proof_parts("POST", &url, None, bench.clock.now());
        if let Some(nonce) = nonce {
            parts.claims.insert("nonce".to_owned(), nonce.into());
        }
        let request = Request::post(PATH).header("content-type", FORM).header("dpop", owner.key.sign(&parts));
        bench.send(request.body(Body::from(form.clone())).unwrap())
    };
    // DPOP-56
    let answer = send(None).await;
    assert_eq!(answer.oauth(), (400, "use_dpop_nonce", "nonce_required"));
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();
    let good = send(Some(nonce.clone())).await.is(200);
    assert!(good.header("dpop-nonce").is_some() && good.header("cache-control") == Some("no-store"));
    // DPOP-63: several requests may use one
    send(Some(nonce.clone())).await.is(200);
    // TH24, TH25: too old, another role's, nobody's
    let source = NonceKeys::new(&NonceSecret::from_shared(&[1; 32]), NonceRole::ResourceServer, NONCE_PERIOD).unwrap();
    for foreign in [source.issue(bench.clock.now()).as_str().to_owned(), "x".to_owned()] {
        let answer = send(Some(foreign)).await;
        assert_eq!(answer.oauth(), (400, "use_dpop_nonce", "nonce_unknown"));
        assert!(answer.header("dpop-nonce").is_some());
    }
    bench.clock.advance(120);
    assert_eq!(send(Some(nonce)).await.oauth(), (400, "use_dpop_nonce", "nonce_unknown"));
}

#[tokio::test]
async fn faults_of_the_proof() {
    let scene = scene().await;
    let now = scene.bench.now();
    scene.with_proof(|_| {}).await.is(200);
    let claim = |name: &'static str, value: Value| {
        move |parts: &mut ProofParts| drop(parts.claims.insert(name.to_owned(), value))
    };
    let cases: [(Change, &str); 9] = [
        (Box::new(claim("htm", json!("GET"))), "method_mismatch"),
        (Box::new(claim("htu", json!("http://127.0.0.1:4500/oauth2/tokens"))), "target_mismatch"),
        (Box::new(claim("htu", json!("http://127.0.0.1:4501/oauth2/token"))), "target_mismatch"),
        (Box::new(claim("iat", json!(now - 61))), "proof_stale"),
        (Box::new(claim("iat", json!(now + 31))), "proof_from_future"),
        (Box::new(claim("jti", json!(""))), "proof_claims"),
        (Box::new(|parts| drop(parts.claims.remove("jti"))), "proof_claims"),
        (Box::new(|parts| drop(parts.header.insert("typ".to_owned(), json!("JWT")))), "proof_type"),
        (Box::new(|parts| drop(parts.header.insert("alg".to_owned(), json!("HS256")))), "proof_algorithm"),
    ];
    for (change, reason) in cases {
        assert_eq!(scene.with_proof(change).await.oauth(), (400, "invalid_dpop_proof", reason));
    }
    for offset in [now - 60, now + 30] {
        scene.with_proof(claim("iat", json!(offset))).await.is(200);
    }
    let good = || scene.agent.sign(&scene.parts());
    let before = scene.bench.positions();
    let two = scene.send(&[&good(), &good()], scene.form(&[])).await;
    assert_eq!(two.oauth(), (400, "invalid_dpop_proof", "proof_repeated"));
    let folded = scene.send(&[&format!("{},{}", good(), good())], scene.form(&[])).await;
    assert_eq!(folded.oauth(), (400, "invalid_dpop_proof", "proof_repeated"));
    assert_eq!(scene.send(&[], scene.form(&[])).await.oauth(), (400, "invalid_dpop_proof", "proof_missing"));
    assert_eq!(scene.send(&["junk"], scene.form(&[])).await.oauth(), (400, "invalid_dpop_proof", "proof_malformed"));
    let one = good();
    let (input, _) = one.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", good().rsplit_once('.').unwrap().1);
    assert_eq!(scene.send(&[&forged], scene.form(&[])).await.oauth(), (400, "invalid_dpop_proof", "proof_signature"));
    let long = format!("{}{}", one, "A".repeat(4096));
    assert_eq!(scene.send(&[&long], scene.form(&[])).await.oauth(), (400, "invalid_dpop_proof", "proof_too_long"));
    assert_eq!(scene.bench.positions(), before);
}

#[tokio::test]
async fn a_proof_is_used_once_and_by_success_only() {
    let scene = scene().await;
    let proof = scene.agent.sign(&scene.parts());
    let too_much = scene.form(&[("scope", "echo:write")]);
    assert_eq!(scene.send(&[&proof], too_much).await.oauth(), (400, "invalid_scope", "invalid_scope"));
    scene.send(&[&proof], scene.form(&[])).await.is(200);
    let again = scene.send(&[&proof], scene.form(&[])).await;
    assert_eq!(again.oauth(), (400, "invalid_dpop_proof", "proof_replayed"));
}

#[tokio::test]
async fn a_restart_lets_no_proof_in_twice() {
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let first = Bench::on(disk.clone(), clock.clone(), &config()).await;
    let owner = first.owner(100).await;
    first.token(&owner.key, &[]).await;
    let proof = first.bare_proof(&owner.key, "POST", PATH);
    let form = encode(&[("grant_type", "client_credentials"), ("client_id", owner.key.did().as_str())]);
    let request = || {
        let request = Request::post(PATH).header("content-type", FORM).header("dpop", &proof);
        request.body(Body::from(form.clone())).unwrap()
    };
    first.send(request()).await.is(200);
    drop(first);
    let second = Bench::on(disk, clock, &config()).await;
    assert_eq!(second.send(request()).await.oauth(), (400, "use_dpop_nonce", "nonce_unknown"));
    second.token(&owner.key, &[]).await;
}

#[tokio::test]
async fn the_client_is_who_holds_the_key() {
    let scene = scene().await;
    let denied = (401, "invalid_client", "invalid_client");
    // never registered
    let stranger = Agent::numbered(7);
    let answer = scene.bench.token_answer(&stranger, &[]).await;
    assert_eq!(answer.oauth(), denied);
    // another's name
    let other = scene.owner.key.did().to_string();
    let form = encode(&[("grant_type", "client_credentials"), ("client_id", other.as_str())]);
    let proof = scene.agent.sign(&scene.parts());
    let answer = scene.send(&[&proof], form).await;
    assert_eq!(answer.oauth(), denied);
    assert_eq!(answer.header("www-authenticate"), None, "nothing was tried by HTTP authentication");
    // said before a signature is paid for
    let unsigned = format!("{}.{}", proof.rsplit_once('.').unwrap().0, "A".repeat(86));
    let form = encode(&[("grant_type", "client_credentials"), ("client_id", other.as_str())]);
    assert_eq!(scene.send(&[&unsigned], form).await.oauth(), denied);
    // methods that are not offered
    for name in ["client_secret", "client_assertion", "client_assertion_type"] {
        scene.check(&[(name, "x")], denied).await;
    }
    for client in ["", "x", "did:web:id.example", "did:key:z6Mk"] {
        let form = encode(&[("grant_type", "client_credentials"), ("client_id", client)]);
        let proof = scene.agent.sign(&scene.parts());
        assert_eq!(scene.send(&[&proof], form).await.oauth(), denied, "{client}");
    }
}

#[tokio::test]
async fn the_form_is_read_strictly() {
    let scene = scene().await;
    let invalid = (400, "invalid_request", "invalid_request");
    for name in ["scope", "task", "task_intent", "task_ref", "task_seconds", "grant_type", "client_id"] {
        scene.check(&[(name, "1"), (name, "1")], invalid).await; // TX-15
    }
    scene.check(&[("task_seconds", "x")], invalid).await;
    scene.check(&[("task_intent", "a\nb")], invalid).await;
    let send = |form: String| {
        let proof = scene.agent.sign(&scene.parts());
        let scene = &scene;
        async move { scene.send(&[&proof], form).await }
    };
    let did = scene.agent.did().to_string();
    for (grant, expected) in [
        ("refresh_token", (400, "unsupported_grant_type", "unsupported_grant_type")),
        ("urn:ietf:params:oauth:grant-type:token-exchange", invalid), // TX-01: without a subject token
        ("Client_Credentials", (400, "unsupported_grant_type", "unsupported_grant_type")),
        ("", invalid),
    ] {
        assert_eq!(send(encode(&[("grant_type", grant), ("client_id", &did)])).await.oauth(), expected, "{grant}");
    }
    for form in ["", "&", "grant_type", "grant_type=%zz", "grant_type=%ff", "=x"] {
        assert_eq!(send(form.to_owned()).await.oauth(), invalid, "{form}");
    }
    // unknown parameters are ignored, repeated ones too (RFC 6749 3.2), and `+` is a blank
    let form = scene.form(&[("audience", "x"), ("audience", "y")]) + "&scope=echo:hello+echo:read";
    assert_eq!(send(form).await.is(200).json["scope"], "echo:hello echo:read");
    for media_type in ["application/json", "text/plain"] {
        let answer = scene.bench.post(PATH, media_type, scene.form(&[])).await;
        assert_eq!(answer.oauth(), (415, "invalid_request", "unsupported_media_type"));
    }
    let long = "a=".to_owned() + &"b".repeat(65_535);
    assert_eq!(scene.bench.post(PATH, FORM, long).await.oauth(), (413, "invalid_request", "body_too_large"));
}

#[tokio::test]
async fn authority_is_the_ceilings_and_never_cut_silently() {
    let scene = scene().await;
    let read = |answer: &Answer| (claims_of(&answer.str("access_token"))["aud"].clone(), answer.str("scope"));
    for (parameters, audience, scope) in [
        (&[("resource", API)][..], API, "echo:hello echo:read"),
        (&[("resource", API), ("scope", "echo:read")], API, "echo:read"),
        (&[("scope", "files:read")], FILES, "files:read"),
        (&[("scope", "agent:self")], "http://127.0.0.1:4500", "agent:self"),
        (&[("resource", "http://127.0.0.1:4500")], "http://127.0.0.1:4500", "agent:self"),
    ] {
        let answer = scene.bench.token_answer(&scene.agent, parameters).await.is(200);
        assert_eq!(read(&answer), (json!([audience]), scope.to_owned()), "{parameters:?}");
    }
    let scope = (400, "invalid_scope", "invalid_scope");
    let target = (400, "invalid_target", "invalid_target");
    scene.check(&[("resource", API), ("scope", "echo:read echo:write")], scope).await;
    scene.check(&[("resource", API), ("scope", "echo")], scope).await;
    scene.check(&[("resource", API), ("scope", "agent:self")], scope).await;
    scene.check(&[("scope", "echo:read files:read")], scope).await; // AT-09
    scene.check(&[("scope", "owner:self")], scope).await;
    scene.check(&[("scope", "registry:admin")], scope).await;
    scene.check(&[("scope", "a  b")], scope).await;
    scene.check(&[], target).await; // two could be meant
    scene.check(&[("resource", API), ("resource", FILES)], target).await;
    for resource in ["https://foreign.example", &format!("{API}/"), "/relative", "https://a/#f"] {
        scene.check(&[("resource", resource)], target).await;
    }
    let details = (400, "invalid_authorization_details", "invalid_authorization_details"); // RAR-02
    scene.check(&[("resource", API), ("authorization_details", "[]")], details).await;
    scene.check(&[("authorization_details", r#"[{"type":"x"}]"#)], details).await;
    let answer = scene.bench.token_answer(&scene.agent, &[("resource", API), ("scope", "echo:read x y")]).await;
    assert!(answer.str("error_description").ends_with(": x y"), "{}", answer.text);
}

#[tokio::test]
async fn tokens_say_who_acts_for_whom() {
    let scene = scene().await;
    let did = scene.agent.did().to_string();
    let answer = scene.bench.token_answer(&scene.agent, &[("resource", API)]).await.is(200);
    let token = answer.str("access_token");
    let header: Value =
        serde_json::from_slice(&handfast_identity::base64url::decode(token.split('.').next().unwrap()).unwrap())
            .unwrap();
    let jwks = scene.bench.get("/jwks.json").await.is(200);
    assert_eq!(header, json!({"typ": "at+jwt", "alg": "EdDSA", "kid": jwks.json["keys"][0]["kid"]}));
    let mut claims = claims_of(&token);
    let members = claims.as_object_mut().unwrap();
    let (id, handle) = (members.remove("jti").unwrap(), members.remove("handle").unwrap());
    assert!(id.as_str().unwrap().starts_with("tok_") && handle.is_string());
    let (uri, index) = crate::status_lists::reference(&token);
    assert!(uri.ends_with("/status-lists/0") && index < 1 << 22, "{uri} {index}");
    members.remove("status");
    let now = scene.bench.now();
    let task = answer.json["task"].clone();
    assert_eq!(task["leaf"], scene.bench.positions().log_size - 1);
    let expected = json!({
        "iss": scene.bench.issuer, "sub": scene.owner.id, "client_id": did, "act": {"sub": did}, "aud": [API],
        "scope": "echo:hello echo:read", "cnf": {"jkt": scene.agent.thumbprint().to_string()}, "task": task, "env": "dev",
        "del_depth": 0, "del_max_depth": 0, "iat": now, "exp": now + 300,
    });
    assert_eq!(claims, expected);
    assert_eq!(answer.json.as_object().unwrap().len(), 5, "{}", answer.text);
}

#[tokio::test]
async fn an_unclaimed_agent_is_its_own_subject_and_may_greet() {
    let bench = Bench::new().await;
    let agent = Agent::p256(1);
    bench.register(&agent).await;
    let ask = |parameters: &'static [(&str, &str)]| bench.token_answer(&agent, parameters);
    let token = ask(&[("resource", API)]).await.is(200);
    assert_eq!(token.json["scope"], "echo:hello");
    assert_eq!(claims_of(&token.str("access_token"))["sub"], agent.did().as_str());
    ask(&[("scope", "agent:self")]).await.is(200);
    assert_eq!(
        ask(&[("resource", API), ("scope", "echo:read")]).await.oauth(),
        (400, "invalid_scope", "invalid_scope")
    );
    assert_eq!(ask(&[("resource", FILES)]).await.oauth(), (400, "invalid_target", "invalid_target"));
}

#[tokio::test]
async fn owners_have_tokens_for_the_registry_alone() {
    let scene = scene().await;
    let admin = scene.bench.enrol(101, Role::Admin).await;
    let token = scene.bench.token_answer(&scene.owner.key, &[]).await.is(200);
    assert_eq!((&token.json["scope"], token.json.get("task")), (&json!("owner:self"), None));
    let claims = claims_of(&token.str("access_token"));
    let did = scene.owner.key.did().to_string();
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(scene.owner.id), &json!(did)));
    assert_eq!(claims["aud"], json!([scene.bench.issuer]));
    for absent in ["act", "task", "del_depth", "env", "handle"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    let ask = |who: &Agent, parameters: &'static [(&str, &str)]| {
        let who = who.clone();
        let bench = &scene.bench;
        async move { bench.token_answer(&who, parameters).await }
    };
    let all = &[("scope", "owner:self registry:read registry:admin")];
    assert_eq!(ask(&scene.owner.key, all).await.oauth(), (400, "invalid_scope", "invalid_scope"));
    ask(&admin.key, all).await.is(200);
    assert_eq!(ask(&admin.key, &[]).await.is(200).json["scope"], "owner:self", "more has to be named");
    assert_eq!(ask(&admin.key, &[("scope", "agent:self")]).await.oauth(), (400, "invalid_scope", "invalid_scope"));
    assert_eq!(ask(&admin.key, &[("resource", API)]).await.oauth(), (400, "invalid_target", "invalid_target"));
    assert_eq!(ask(&admin.key, &[("task_intent", "x")]).await.oauth(), (400, "invalid_request", "invalid_request"));
}

#[tokio::test]
async fn tasks_are_the_default_one_a_known_one_or_new() {
    let scene = scene().await;
    let bench = &scene.bench;
    let ask = |more: Vec<(&'static str, String)>| {
        let agent = scene.agent.clone();
        async move {
            let base = [("resource", API)];
            let pairs: Vec<_> =
                base.into_iter().chain(more.iter().map(|(name, value)| (*name, value.as_str()))).collect();
            bench.token_answer(&agent, &pairs).await
        }
    };
    let id = |answer: &Answer| answer.json["task"]["id"].as_str().unwrap().to_owned();
    let first = ask(vec![]).await.is(200);
    let before = bench.positions();
    let second = ask(vec![]).await.is(200);
    assert_eq!(id(&first), id(&second));
    ask(vec![("task", id(&first))]).await.is(200);
    assert_eq!(bench.positions(), before, "renewing inside a known task writes nothing");
    let named =
        ask(vec![("task_intent", "pay March".into()), ("task_ref", "T-1".into()), ("task_seconds", "60".into())]).await;
    let named = named.is(200);
    assert_eq!(bench.positions().log_size, before.log_size + 1, "a new task is an event");
    assert_ne!(id(&named), id(&first));
    let task = &named.json["task"];
    assert_eq!((&task["intent"], &task["trigger"]["ref"]), (&json!("pay March"), &json!("T-1")));
    assert_eq!((&task["trigger"]["type"], &named.json["expires_in"]), (&json!("self"), &json!(60)), "exp <= deadline");
    assert_eq!(id(&ask(vec![]).await.is(200)), id(&first), "the default one stays");
    // over
    bench.clock.advance(60);
    let ended = (400, "invalid_grant", "task_ended");
    assert_eq!(ask(vec![("task", id(&named))]).await.oauth(), ended);
    bench.clock.advance(3540);
    assert_ne!(id(&ask(vec![]).await.is(200)), id(&first), "replaced after its deadline");
    assert_eq!(ask(vec![("task", id(&first))]).await.oauth(), ended);
    // bounds
    let too_long = ask(vec![("task_seconds", "7201".into())]).await;
    assert_eq!(too_long.oauth(), (400, "invalid_request", "task_too_long"));
    let unknown = (400, "invalid_grant", "unknown_task");
    for task in ["task_0123456789abcdefghjkmnpqrs", "x"] {
        assert_eq!(ask(vec![("task", task.into())]).await.oauth(), unknown);
    }
    for _ in 0..9 {
        ask(vec![("task_intent", "more".into())]).await.is(200);
    }
    let before = bench.positions();
    let eleventh = ask(vec![("task_intent", "more".into())]).await;
    assert_eq!(eleventh.oauth(), (400, "invalid_request", "too_many_tasks"));
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn an_owners_task_is_for_the_one_agent_he_asked() {
    let scene = scene().await;
    let other = scene.bench.claimed(2, &scene.owner).await;
    let body = json!({"agent": scene.agent.did().as_str(), "intent": "pay March", "scope": "echo:read", "ref": "T-1"});
    let created = scene.bench.manage(&scene.owner.key, "owner:self", "POST", "/tasks", Some(body)).await.is(201);
    let id = created.str("id");
    let answer = scene.bench.token_answer(&scene.agent, &[("resource", API), ("task", &id)]).await.is(200);
    assert_eq!(answer.json["scope"], "echo:read", "the task's authority, not the ceiling's");
    let trigger = json!({"type": "owner", "by": scene.owner.id, "ref": "T-1"});
    let task = json!({"id": id, "intent": "pay March", "leaf": created.json["leaf"], "trigger": trigger});
    assert_eq!(answer.json["task"], task);
    let unknown = (400, "invalid_grant", "unknown_task");
    assert_eq!(scene.bench.token_answer(&other, &[("resource", API), ("task", &id)]).await.oauth(), unknown);
    let path = format!("/tasks/{id}/complete");
    let done = scene.bench.manage(&scene.agent, "agent:self", "POST", &path, None).await.is(200);
    assert_eq!(done.json["status"], "completed");
    scene.check(&[("resource", API), ("task", &id)], (400, "invalid_grant", "task_ended")).await;
}

#[tokio::test]
async fn parallel_first_requests_share_one_default_task() {
    let scene = std::sync::Arc::new(scene().await);
    let before = scene.bench.positions();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let scene = scene.clone();
        requests.spawn(async move { scene.bench.token_answer(&scene.agent, &[("resource", API)]).await });
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json["task"] == answers[0].json["task"]));
    assert_eq!(scene.bench.positions().log_size, before.log_size + 1);
}

#[tokio::test]
async fn a_store_that_fails_is_not_the_clients_fault() {
    let scene = scene().await;
    scene.bench.disk.fail_syncs();
    let answer = scene.bench.token_answer(&scene.agent, &[("resource", API)]).await;
    assert_eq!(answer.oauth(), (503, "temporarily_unavailable", "store_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("5"));
}

#[test]
fn nonces_are_from_the_services_own_random_source() {
    // two processes with other random bytes do not know each other's nonces: what the rule after a start rests on
    let keys = |random: &mut CountedRandom| {
        NonceKeys::new(&NonceSecret::generate(random), NonceRole::AuthorizationServer, NONCE_PERIOD).unwrap()
    };
    let mut random = CountedRandom::unshared();
    let (one, other) = (keys(&mut random), keys(&mut random));
    let now = HandClock::default().now();
    assert!(other.check(one.issue(now).as_str(), now).is_err());
}
