//! Tokens: asked for, renewed in time, never used for the wrong owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{FakeRegistry, HandClock, LIFE, NOW, Reply, Seen, Server, agent, key_file, metadata, token};
use handfast_client::{
    Agent, AnswerError, ClientError, Clock, KeyFile, Owner, OwnerError, SignError, TaskChoice, TokenManager,
    TokenRequest,
};
use serde_json::json;

const RESOURCE: &str = "https://api.example";

fn request() -> TokenRequest {
    TokenRequest::new(RESOURCE, &["echo:read"]).unwrap()
}

fn in_new_task() -> TokenRequest {
    request().in_task(TaskChoice::New { intent: "pay".into(), reference: None, seconds: None })
}

fn manager(registry: &FakeRegistry, clock: &Arc<HandClock>, request: TokenRequest) -> TokenManager {
    agent(registry, clock).tokens(request).unwrap()
}

async fn text(manager: &TokenManager) -> String {
    manager.token().await.unwrap().expose().to_owned()
}

async fn with_tokens(tokens: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> FakeRegistry {
    FakeRegistry::answering(tokens, |_, _| Reply::status(404)).await
}

#[tokio::test]
async fn a_token_request_is_a_form_with_a_proof_and_no_token() {
    // DPOP-08, DPOP-70
    let registry = FakeRegistry::start().await;
    let agent = agent(&registry, &HandClock::new());
    let token = agent.tokens(request()).unwrap().token().await.unwrap();
    assert_eq!((token.expose(), token.scope(), token.task()), ("token-0", Some("echo:read"), Some("task_1")));
    assert_eq!(token.expires_in().get(), LIFE);
    assert!(!format!("{token:?}").contains("token-0"));
    let asked = &registry.asked()[0];
    assert_eq!((asked.method.as_str(), asked.authorization.as_deref()), ("POST", None));
    assert_eq!(asked.content_type.as_deref(), Some("application/x-www-form-urlencoded"));
    for (name, expected) in [
        ("grant_type", vec!["client_credentials"]),
        ("client_id", vec![agent.did().as_str()]),
        ("scope", vec!["echo:read"]),
        ("resource", vec![RESOURCE]),
        ("task", vec![]),
        ("task_intent", vec![]),
    ] {
        assert_eq!(asked.form(name), expected, "{name}");
    }
    assert_eq!(asked.claim("htu"), Some(&json!(format!("{}/oauth2/token", registry.server.url))));
    assert_eq!((asked.claim("htm"), asked.claim("ath")), (Some(&json!("POST")), None));
}

#[tokio::test]
async fn a_token_is_renewed_at_three_quarters_of_its_life_in_the_same_task() {
    let registry = FakeRegistry::start().await;
    let clock = HandClock::new();
    let manager = manager(&registry, &clock, in_new_task());
    for (age, expected) in [(0, "token-0"), (1, "token-0"), (224, "token-0"), (225, "token-1"), (225 + 224, "token-1")]
    {
        clock.set(NOW + age);
        assert_eq!(text(&manager).await, expected, "{age}");
    }
    clock.set(NOW + 225 + 225);
    assert_eq!(text(&manager).await, "token-2");
    let asked = registry.asked();
    let tasks: Vec<_> = asked.iter().map(|asked| (asked.form("task_intent"), asked.form("task"))).collect();
    let renewed = (vec![], vec!["task_1".to_owned()]);
    assert_eq!(tasks, [(vec!["pay".to_owned()], vec![]), renewed.clone(), renewed]);
}

#[tokio::test]
async fn many_callers_at_once_make_one_token_request() {
    let registry = FakeRegistry::start().await;
    let manager = Arc::new(manager(&registry, &HandClock::new(), request()));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let manager = Arc::clone(&manager);
        callers.spawn(async move { text(&manager).await });
    }
    let tokens = callers.join_all().await;
    assert!(tokens.len() == 50 && tokens.iter().all(|token| token == "token-0"));
    assert_eq!(registry.asked().len(), 1);
}

#[tokio::test]
async fn an_unbound_token_is_thrown_away() {
    // DPOP-15
    for (kind, usable) in
        [("DPoP", true), ("dpop", true), ("Bearer", false), ("bearer", false), ("DPoP ", false), ("", false)]
    {
        let registry = with_tokens(move |n, _| token(n, kind, "task_1")).await;
        match manager(&registry, &HandClock::new(), request()).token().await {
            Ok(_) => assert!(usable, "{kind}"),
            Err(ClientError::Answer(AnswerError::TokenType)) => assert!(!usable, "{kind}"),
            Err(error) => panic!("{kind}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_no_field_can_carry_is_refused() {
    let long = "x".repeat(8193);
    for (text, usable) in
        [("a.b-c_d~e+f/g=", true), ("", false), ("a b", false), ("a\r\nX: y", false), ("\u{e9}", false), (&long, false)]
    {
        let body = json!({"access_token": text, "token_type": "DPoP", "expires_in": 300});
        let registry = with_tokens(move |_, _| Reply::json(200, &body)).await;
        assert_eq!(manager(&registry, &HandClock::new(), request()).token().await.is_ok(), usable, "{text}");
    }
}

#[tokio::test]
async fn the_token_endpoints_nonce_is_answered_once() {
    // DPOP-12, DPOP-56
    let nonce = |n: usize| Reply::json(400, &json!({"error": "use_dpop_nonce"})).with("dpop-nonce", &format!("as-{n}"));
    let registry = with_tokens(move |n, _| if n == 0 { nonce(n) } else { token(n, "DPoP", "task_1") }).await;
    let clock = HandClock::new();
    let kept = manager(&registry, &clock, request());
    assert_eq!(text(&kept).await, "token-1");
    clock.set(NOW + LIFE);
    assert_eq!(text(&kept).await, "token-2");
    let nonces: Vec<_> = registry.asked().iter().map(|asked| asked.nonce().map(str::to_owned)).collect();
    assert_eq!(nonces, [None, Some("as-0".to_owned()), Some("as-0".to_owned())]);
    assert_ne!(registry.asked()[0].proof_id(), registry.asked()[1].proof_id());

    let registry = with_tokens(move |n, _| if n < 5 { nonce(n) } else { token(n, "DPoP", "task_1") }).await;
    let refused = manager(&registry, &clock, request()).token().await;
    assert!(matches!(refused, Err(ClientError::Sign(SignError::NonceRepeated { .. }))), "{refused:?}");
    assert_eq!(registry.asked().len(), 2);
}

#[tokio::test]
async fn the_algorithm_name_of_the_metadata_is_used() {
    // DPOP-122; the document is the issuer's own, so a server of its own plays the registry
    let url: Arc<std::sync::Mutex<String>> = Arc::default();
    let known = Arc::clone(&url);
    let server = Server::start(move |_, seen| {
        if seen.path == "/oauth2/token" {
            return token(0, "DPoP", "task_1");
        }
        let mut metadata = metadata(&known.lock().unwrap());
        metadata["dpop_signing_alg_values_supported"] = json!(["ES256", "Ed25519"]);
        Reply::json(200, &metadata)
    })
    .await;
    *url.lock().unwrap() = server.url.clone();
    let registry = FakeRegistry { server };
    manager(&registry, &HandClock::new(), request()).token().await.unwrap();
    assert_eq!(registry.asked()[0].proof.as_ref().unwrap().0["alg"], json!("Ed25519"));
}

#[tokio::test]
async fn metadata_of_another_issuer_or_origin_is_not_used() {
    // MD-03, P-25
    let check = async |change: fn(&mut serde_json::Value, &str), expected: &str| {
        let url: Arc<std::sync::Mutex<String>> = Arc::default();
        let known = Arc::clone(&url);
        let server = Server::start(move |_, _| {
            let url = known.lock().unwrap().clone();
            let mut metadata = metadata(&url);
            change(&mut metadata, &url);
            Reply::json(200, &metadata)
        })
        .await;
        *url.lock().unwrap() = server.url.clone();
        let registry = FakeRegistry { server };
        let error = manager(&registry, &HandClock::new(), request()).token().await.err().unwrap();
        let found = match error {
            ClientError::Answer(AnswerError::Issuer { .. }) => "issuer",
            ClientError::Answer(AnswerError::ForeignEndpoint { .. }) => "endpoint",
            other => panic!("{other}"),
        };
        assert_eq!(found, expected);
        assert!(registry.asked().is_empty());
    };
    check(|metadata, url| metadata["issuer"] = json!(format!("{url}/")), "issuer").await;
    check(|metadata, _| metadata["issuer"] = json!("https://other.example"), "issuer").await;
    check(|metadata, _| metadata["token_endpoint"] = json!("https://other.example/token"), "endpoint").await;
    check(|metadata, _| metadata["token_endpoint"] = json!("http://127.0.0.1:1/oauth2/token"), "endpoint").await;
}

#[tokio::test]
async fn an_old_token_serves_while_it_is_good_and_the_registry_is_down() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let registry = with_tokens(move |n, _| match down.load(Ordering::SeqCst) {
        true => Reply::json(503, &json!({"reason": "store_unavailable"})),
        false => token(n, "DPoP", "task_1"),
    })
    .await;
    let clock = HandClock::new();
    let manager = manager(&registry, &clock, request());
    assert_eq!(text(&manager).await, "token-0");
    is_down.store(true, Ordering::SeqCst);
    // tried at 225 s, and again no sooner than 10 s later
    for (age, expected) in [(225, 2), (226, 2), (234, 2), (235, 3), (LIFE - 1, 4)] {
        clock.set(NOW + age);
        assert_eq!(text(&manager).await, "token-0", "{age}");
        assert_eq!(registry.asked().len(), expected, "{age}");
    }
    clock.set(NOW + LIFE);
    let error = manager.token().await.err().unwrap();
    assert!(matches!(&error, ClientError::Registry(refused) if refused.reason() == "store_unavailable"), "{error}");
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(text(&manager).await, "token-5");
}

#[tokio::test]
async fn a_refusal_ends_the_old_token_too() {
    let registry = with_tokens(|n, _| match n {
        0 => token(n, "DPoP", "task_1"),
        _ => Reply::json(400, &json!({"error": "invalid_grant", "reason": "agent_revoked"})),
    })
    .await;
    let clock = HandClock::new();
    let manager = manager(&registry, &clock, in_new_task());
    text(&manager).await;
    clock.set(NOW + 225);
    for asked in [2, 3] {
        let error = manager.token().await.err().unwrap();
        let ClientError::Registry(refused) = &error else { panic!("{error}") };
        assert_eq!(
            (refused.status(), refused.error(), refused.reason()),
            (400, Some("invalid_grant"), "agent_revoked")
        );
        assert_eq!(registry.asked().len(), asked);
    }
}

#[tokio::test]
async fn only_the_default_task_is_replaced_when_it_is_over() {
    let answer = |n: usize, seen: &Seen| match seen.form("task").is_empty() {
        true => token(n, "DPoP", &format!("task_{n}")),
        false => Reply::json(400, &json!({"error": "invalid_grant", "reason": "task_over"})),
    };
    let registry = with_tokens(answer).await;
    let clock = HandClock::new();
    let default = manager(&registry, &clock, request());
    assert_eq!(default.token().await.unwrap().task(), Some("task_0"));
    clock.set(NOW + LIFE);
    assert_eq!(default.token().await.unwrap().task(), Some("task_2"));

    let registry = with_tokens(answer).await;
    let named = manager(&registry, &clock, in_new_task());
    named.token().await.unwrap();
    clock.set(NOW + 2 * LIFE);
    assert!(matches!(named.token().await, Err(ClientError::Registry(_))));
    assert_eq!(registry.asked().len(), 2);
}

#[tokio::test]
async fn a_token_for_another_task_is_refused() {
    let registry = FakeRegistry::start().await;
    for (task, usable) in [("task_1", true), ("task_2", false)] {
        let request = request().in_task(TaskChoice::Known(task.into()));
        match manager(&registry, &HandClock::new(), request).token().await {
            Ok(_) => assert!(usable),
            Err(ClientError::Answer(AnswerError::OtherTask)) => assert!(!usable),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A registry whose claim `claim_1` stands as `status` says.
async fn claimed_as(status: serde_json::Value) -> FakeRegistry {
    FakeRegistry::answering(|n, _| token(n, "DPoP", "task_1"), move |_, _| Reply::json(200, &status)).await
}

fn expecting(registry: &FakeRegistry, owner: Option<Owner>) -> Result<TokenManager, ClientError> {
    let file = KeyFile {
        expected_owner: Some("owner:mine".into()),
        claim: Some("claim_1".into()),
        owner,
        ..key_file(registry)
    };
    let clock: Arc<dyn Clock> = HandClock::new();
    Agent::with_clock(file, clock).unwrap().tokens(request())
}

fn owner(id: &str) -> Owner {
    Owner { id: id.into(), name: "Eve".into() }
}

#[tokio::test]
async fn no_token_is_used_before_the_expected_owner_has_claimed_the_agent() {
    // P-13
    for (status, expected) in [
        (json!({"status": "pending"}), OwnerError::NotYet),
        (json!({"status": "refused"}), OwnerError::Unknown),
        (json!({"status": "expired"}), OwnerError::Unknown),
        (
            json!({"status": "claimed", "owner": {"id": "owner:other", "name": "Mallory"}}),
            OwnerError::Other { expected: "owner:mine".into(), found: "owner:other".into() },
        ),
    ] {
        let registry = claimed_as(status).await;
        let refused = expecting(&registry, None).unwrap().token().await;
        assert!(matches!(&refused, Err(ClientError::Owner(found)) if *found == expected), "{refused:?}");
        assert!(registry.asked().is_empty());
    }
}

#[tokio::test]
async fn the_expected_owner_is_asked_for_once() {
    let registry =
        claimed_as(json!({"status": "claimed", "owner": {"id": "owner:mine", "name": "Eve"}, "handle": "h"})).await;
    let manager = expecting(&registry, None).unwrap();
    for _ in 0..3 {
        assert_eq!(text(&manager).await, "token-0");
    }
    let polls = registry.at("/claims/claim_1");
    assert_eq!(polls.len(), 1);
    // a proof by the agent's key, and no token
    assert_eq!((polls[0].authorization.as_deref(), polls[0].claim("ath")), (None, None));
    assert_eq!(polls[0].claim("htm"), Some(&json!("GET")));
}

#[tokio::test]
async fn an_owner_in_the_key_file_is_compared_without_asking() {
    let registry = FakeRegistry::start().await;
    assert!(matches!(
        expecting(&registry, Some(owner("owner:other"))),
        Err(ClientError::Owner(OwnerError::Other { .. }))
    ));
    assert_eq!(text(&expecting(&registry, Some(owner("owner:mine"))).unwrap()).await, "token-0");
    assert!(registry.at("/claims/claim_1").is_empty());
}
