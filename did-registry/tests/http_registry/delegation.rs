//! Token exchange and the tree: who gets a token for what was passed on, and who does not.

use handfast_delegation::{ChainText, Hop};
use handfast_identity::ContentHash;
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, HandClock};
use serde_json::{Value, json};

use crate::bench::{API, Answer, FILES, approval, claims_of, with};
use crate::delegation_bench::*;

const INVALID: &str = "invalid_request";

#[tokio::test]
async fn a_delegate_gets_a_token_of_its_own() {
    let scene = scene().await;
    let root = scene.root().await;
    let root_claims = claims_of(&root);
    assert_eq!((&root_claims["del_depth"], &root_claims["del_max_depth"]), (&json!(0), &json!(2)));
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| {
        hop.authority.scope = scope("echo:read");
        hop.authority.max_depth = 1;
    });
    let name = hop_name(&hop.sign());
    let hop = hop.sign();
    let answer = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
    assert_eq!(answer.json["issued_token_type"], ACCESS_TOKEN);
    assert_eq!((&answer.json["token_type"], &answer.json["scope"]), (&json!("DPoP"), &json!("echo:read")));
    assert_eq!((&answer.json["task"], answer.json.get("authorization_details")), (&root_claims["task"], None));
    assert_eq!((answer.json.get("refresh_token"), answer.header("cache-control")), (None, Some("no-store"))); // TX-09
    let mut claims = claims_of(&answer.str("access_token"));
    let members = claims.as_object_mut().unwrap();
    let (id, handle) = (members.remove("jti").unwrap(), members.remove("handle").unwrap());
    assert!(id.as_str().unwrap().starts_with("tok_") && handle.is_string());
    assert_ne!(id, root_claims["jti"]);
    assert_ne!(members.remove("status").unwrap(), root_claims["status"], "another delegation");
    let (now, planner) = (scene.bench.now(), scene.planner.did().to_string());
    let evidence = format!("{root},{hop}");
    let expected = json!({
        "iss": scene.bench.issuer, "sub": scene.owner.id, "client_id": planner, "aud": [API], "scope": "echo:read",
        "act": {"sub": planner, "act": {"sub": scene.orchestrator.did().as_str()}}, "env": "dev",
        "cnf": {"jkt": scene.planner.thumbprint().to_string()}, "task": root_claims["task"],
        "del_depth": 1, "del_max_depth": 1, "iat": now, "exp": now + 300, "hops": [name],
        "root_jti": root_claims["jti"], "chain_hash": ChainText::parse(&evidence, 32768).unwrap().hash().to_string(),
    });
    assert_eq!(claims, expected);
}

fn hop_name(hop: &str) -> String {
    ContentHash::of(hop.rsplit_once('.').unwrap().0.as_bytes()).to_string()
}

#[tokio::test]
async fn hops_are_recorded_once_and_make_the_tasks_tree() {
    let scene = scene_with(json!({"instances": true})).await;
    let root = scene.root().await;
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second =
        scene.hop(&scene.planner, &first, &scene.browser).change(|hop| hop.authority.scope = scope("echo:read"));
    let second = second.sign();
    let before = scene.bench.positions();
    // the planner handed on at once and never exchanged its own hop: both are new, in one entry of the log
    let answer = scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
    assert_eq!(scene.bench.positions().log_size, before.log_size + 1);
    let claims = claims_of(&answer.str("access_token"));
    let dids = [&scene.browser, &scene.planner, &scene.orchestrator].map(|agent| agent.did().to_string());
    assert_eq!(claims["act"], json!({"sub": dids[0], "act": {"sub": dids[1], "act": {"sub": dids[2]}}}));
    assert_eq!((&claims["hops"], &claims["del_depth"]), (&json!([hop_name(&first), hop_name(&second)]), &json!(2)));
    // known hops are exchanged again without a write
    let before = scene.bench.positions();
    scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
    scene.exchange(&scene.planner, &root, &[&first]).await.is(200);
    assert_eq!(scene.bench.positions(), before);
    // a sibling below the same hop is one more
    scene.bench.clock.advance(1);
    let sibling = scene.hop(&scene.planner, &first, &Agent::numbered(50)).change(|hop| hop.is_instance = true).sign();
    scene.exchange(&Agent::numbered(50), &root, &[&first, &sibling]).await.is(200);

    let task = claims["task"]["id"].as_str().unwrap();
    let tree = scene.tree(&scene.owner.key, "owner:self", task, "").await.is(200);
    let now = scene.bench.now();
    let hop = |text: &str, parent: Value, from: &str, to: &str, depth: u8, is_instance: bool, scope: &str, at: u64| {
        json!({
            "hop": hop_name(text), "parent": parent, "delegator": from, "delegate": to, "depth": depth,
            "instance": is_instance, "scope": scope, "resource": [API], "expires_at": claims_of(text)["exp"],
            "created_at": at,
        })
    };
    let instance = Agent::numbered(50).did().to_string();
    let parent = json!(hop_name(&first));
    let expected = [
        hop(&first, json!(null), &dids[2], &dids[1], 1, false, "echo:hello echo:read", now - 1),
        hop(&second, parent.clone(), &dids[1], &dids[0], 2, false, "echo:read", now - 1),
        hop(&sibling, parent, &dids[1], &instance, 2, true, "echo:hello echo:read", now),
    ];
    assert_eq!(tree.json, json!({"task": task, "delegations": expected, "next": null}));

    let page = scene.tree(&scene.owner.key, "owner:self", task, "?limit=2").await.is(200);
    assert_eq!((&page.json["delegations"], &page.json["next"]), (&json!(expected[..2]), &json!("2")));
    let page = scene.tree(&scene.owner.key, "owner:self", task, "?after=2&limit=1").await.is(200);
    assert_eq!((&page.json["delegations"], &page.json["next"]), (&json!(expected[2..]), &json!(null)));
    for query in ["?after=x", "?after=-1", "?limit=0", "?limit=201", "?limit=1&limit=1", "?depth=1"] {
        let answer = scene.tree(&scene.owner.key, "owner:self", task, query).await;
        assert_eq!(answer.problem(), (400, INVALID), "{query}");
    }
}

#[tokio::test]
async fn a_tree_is_shown_to_the_tasks_own_people() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
    let task = claims_of(&root)["task"]["id"].as_str().unwrap().to_owned();
    let (stranger, admin) = (scene.bench.owner(101).await, scene.bench.admin(102).await);
    scene.tree(&scene.orchestrator, "agent:self", &task, "").await.is(200);
    scene.tree(&admin.key, "registry:read", &task, "").await.is(200);
    for (who, scope) in [(&stranger.key, "owner:self"), (&scene.planner, "agent:self")] {
        assert_eq!(scene.tree(who, scope, &task, "").await.problem(), (404, "unknown_task"));
    }
    let unknown = scene.tree(&scene.owner.key, "owner:self", "task_0123456789abcdefghjkmnpqrs", "").await;
    assert_eq!(unknown.problem(), (404, "unknown_task"));
    // a task nobody delegated in
    let other = scene.bench.token_answer(&scene.planner, &[("resource", API)]).await.is(200);
    let other = other.json["task"]["id"].as_str().unwrap().to_owned();
    let tree = scene.tree(&scene.owner.key, "owner:self", &other, "").await.is(200);
    assert_eq!(tree.json, json!({"task": other, "delegations": [], "next": null}));
}

/// What an injected agent tries: to make a key useful that its owner never named.
#[tokio::test]
async fn strangers_get_nothing_without_the_ceilings_leave() {
    // an agent whose owner said nothing of instances, and one whose owner lets them in
    strangers_below(scene().await, false).await;
    strangers_below(scene_with(json!({"instances": true})).await, true).await;
}

async fn strangers_below(scene: Scene, lets_instances_in: bool) {
    let stranger_owner = scene.bench.owner(101).await;
    let stranger = scene.bench.claimed(4, &stranger_owner).await;
    let root = scene.root().await;
    let unregistered = Agent::numbered(60);
    let hop = |to: &Agent, is_instance: bool| {
        scene.hop(&scene.orchestrator, &root, to).change(|hop| hop.is_instance = is_instance).sign()
    };
    let not_permitted = (400, INVALID, "delegate_not_permitted");
    for (to, is_instance, expected) in [
        (&stranger, false, not_permitted),
        // somebody else's agent is no instance by being called one
        (&stranger, true, not_permitted),
        (&scene.owner.key, true, not_permitted),
        (&scene.owner.key, false, not_permitted),
        (&unregistered, false, (401, "invalid_client", "invalid_client")),
    ] {
        let hop = hop(to, is_instance);
        let before = scene.bench.positions();
        scene.check(&before, &scene.exchange(to, &root, &[&hop]).await, expected);
    }
    let instance = hop(&unregistered, true);
    let before = scene.bench.positions();
    let answer = scene.exchange(&unregistered, &root, &[&instance]).await;
    if lets_instances_in {
        answer.is(200);
    } else {
        scene.check(&before, &answer, not_permitted);
    }
    // nor as the last hop behind somebody who is permitted
    if !lets_instances_in {
        let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
        let second = scene.hop(&scene.planner, &first, &unregistered).change(|hop| hop.is_instance = true).sign();
        scene.check(&before, &scene.exchange(&unregistered, &root, &[&first, &second]).await, not_permitted);
    }
    // an UNCLAIMED agent is nobody's
    let unclaimed = Agent::numbered(5);
    scene.bench.register(&unclaimed).await;
    let hop = hop(&unclaimed, false);
    let before = scene.bench.positions();
    scene.check(&before, &scene.exchange(&unclaimed, &root, &[&hop]).await, not_permitted);
    // through a middle man who is permitted
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second = scene.hop(&scene.planner, &first, &stranger).sign();
    let before = scene.bench.positions();
    scene.check(&before, &scene.exchange(&stranger, &root, &[&first, &second]).await, not_permitted);
}

#[tokio::test]
async fn the_ceilings_list_lets_others_in() {
    let stranger = Agent::numbered(4);
    let scene = scene_with(json!({"delegates": [stranger.did().as_str()]})).await;
    let stranger_owner = scene.bench.owner(101).await;
    scene.bench.claimed(4, &stranger_owner).await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &stranger).sign();
    let answer = scene.exchange(&stranger, &root, &[&hop]).await.is(200);
    assert_eq!(claims_of(&answer.str("access_token"))["sub"], scene.owner.id.as_str());
}

#[tokio::test]
async fn a_ceiling_without_depth_passes_nothing_on() {
    for ceiling in [json!({"del_max_depth": 0}), json!({"del_max_depth": null}), json!({"delegation": "none"})] {
        let scene = scene_with(ceiling.clone()).await;
        let root = scene.root().await;
        assert_eq!(claims_of(&root)["del_max_depth"], 0, "{ceiling}");
        let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
        let before = scene.bench.positions();
        let answer = scene.exchange(&scene.planner, &root, &[&hop]).await;
        scene.check(&before, &answer, (400, INVALID, "depth_invalid"));
    }
}

#[tokio::test]
async fn only_the_delegates_own_key_exchanges() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let before = scene.bench.positions();
    // DEL-36: neither another agent of the same owner, nor the delegator
    for who in [&scene.browser, &scene.orchestrator] {
        let answer = scene.exchange(who, &root, &[&hop]).await;
        scene.check(&before, &answer, (400, INVALID, "holder_mismatch"));
    }
    // nor in the delegate's name
    let planner = scene.planner.did().to_string();
    let answer = scene.exchange_with(&scene.browser, &root, &[&hop], &[("client_id", &planner)]).await;
    scene.check(&before, &answer, (401, "invalid_client", "invalid_client"));
    // a root token that leaked is no use to whoever has it
    let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    let answer = scene.send(&scene.planner, None, None, &form).await;
    scene.check(&before, &answer, (400, INVALID, "holder_mismatch"));
}

#[tokio::test]
async fn faults_of_the_chain_keep_their_reasons() {
    let scene = scene_with(json!({"resource": [API], "scope": "echo:hello echo:read", "budget": {"max_uses": 9},
        "authorization_details": details("/reports")}))
    .await;
    let root = scene.root().await;
    let other_root = scene.root_with(&[("resource", API), ("task_intent", "other")]).await;
    let good = || scene.hop(&scene.orchestrator, &root, &scene.planner);
    scene.exchange(&scene.planner, &root, &[&good().sign()]).await.is(200);
    type Change = fn(&mut Hop);
    let cases: [(Change, &str, &str, Option<&str>); 13] = [
        (
            |hop| hop.authority.scope = scope("echo:write echo:read"),
            "invalid_scope",
            "scope_widened",
            Some("echo:write"),
        ),
        (|hop| hop.authority.resources = resources(&[API, FILES]), "invalid_target", "resource_widened", Some(FILES)),
        (
            |hop| hop.authority.tools = Some(tools("/")),
            "invalid_authorization_details",
            "details_widened",
            Some("argument `path` of tool `read`"),
        ),
        (|hop| hop.authority.tools = None, "invalid_authorization_details", "details_widened", None),
        (|hop| hop.authority.budget = Some(uses(10)), INVALID, "budget_widened", None),
        (|hop| hop.authority.budget = None, INVALID, "budget_widened", None),
        (|hop| hop.authority.expires_at = later(hop.authority.expires_at, 1), INVALID, "expiry_widened", None),
        (|hop| hop.authority.max_depth = 3, INVALID, "depth_invalid", None),
        (|hop| hop.depth = 2, INVALID, "depth_invalid", None),
        (|hop| hop.subject = "owner:somebody".into(), INVALID, "principal_altered", None),
        (|hop| hop.task = "task_0123456789abcdefghjkmnpqrs".into(), INVALID, "task_altered", None),
        (|hop| hop.parent = ContentHash::of(b"x"), INVALID, "parent_hash_mismatch", None),
        (|hop| hop.not_before = Some(later(hop.issued_at, 31)), INVALID, "hop_not_yet_valid", None),
    ];
    for (change, error, reason, named) in cases {
        let hop = good().change(change).sign();
        let before = scene.bench.positions();
        let answer = scene.exchange(&scene.planner, &root, &[&hop]).await;
        scene.check(&before, &answer, (400, error, reason));
        let description = answer.str("error_description");
        assert!(named.is_none_or(|named| description.contains(named)), "{description}");
    }
    let before = scene.bench.positions();
    let refused = async |who: &Agent, root: &str, hops: &[&str], reason: &str| {
        let answer = scene.exchange(who, root, hops).await;
        scene.check(&before, &answer, (400, INVALID, reason));
    };
    let hop = good().sign();
    // by another's key, in the delegator's name and in his own
    let forged = HopParts { from: scene.browser.clone(), ..good() };
    refused(&scene.planner, &root, &[&forged.sign()], "chain_malformed").await;
    let forged = forged.change(|hop| hop.delegator = scene.browser.did().text()).sign();
    refused(&scene.planner, &root, &[&forged], "hop_signature_invalid").await;
    // splicing: a hop of another root of the same agent, owner and resource
    refused(&scene.planner, &other_root, &[&hop], "parent_hash_mismatch").await;
    let second = scene.hop(&scene.planner, &hop, &scene.browser).sign();
    refused(&scene.browser, &root, &[&second], "depth_invalid").await;
    let other_first = scene.hop(&scene.orchestrator, &other_root, &scene.planner).sign();
    refused(&scene.browser, &other_root, &[&other_first, &second], "parent_hash_mismatch").await;
    // round in a circle
    let back = scene.hop(&scene.planner, &hop, &scene.orchestrator).sign();
    refused(&scene.orchestrator, &root, &[&hop, &back], "duplicate_hop").await;
    // nothing follows an instance
    let instance = good().change(|hop| hop.is_instance = true).sign();
    let behind = scene.hop(&scene.planner, &instance, &scene.browser).sign();
    refused(&scene.browser, &root, &[&instance, &behind], "depth_invalid").await;
    // over the ceiling's two
    let third = scene.hop(&scene.browser, &second, &Agent::numbered(50)).change(|hop| hop.is_instance = true).sign();
    refused(&Agent::numbered(50), &root, &[&hop, &second, &third], "depth_invalid").await;
    // not roots: an exchanged token, an owner's, one of nobody's
    let exchanged = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).str("access_token");
    let below = scene.hop(&scene.planner, &exchanged, &scene.browser).change(|hop| hop.depth = 1).sign();
    refused(&scene.browser, &exchanged, &[&below], "untrusted_root").await;
    let own = scene.bench.token(&scene.owner.key, &[]).await;
    let below = scene.hop(&scene.owner.key, &own, &scene.browser).sign();
    refused(&scene.browser, &own, &[&below], "untrusted_root").await;
    let tampered = format!("{}.{}", root.rsplit_once('.').unwrap().0, "A".repeat(86));
    refused(&scene.planner, &tampered, &[&hop], "untrusted_root").await;
    refused(&scene.planner, "x.y.z", &[&hop], "chain_malformed").await;
    refused(&scene.planner, &root, &["x.y.z"], "chain_malformed").await;
    refused(&scene.planner, &root, &[&root], "chain_malformed").await;
}

#[tokio::test]
async fn evidence_and_proof_belong_together() {
    let scene = scene().await;
    let root = scene.root().await;
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second = scene.hop(&scene.planner, &first, &scene.browser).sign();
    let form = |last: &str, root: &str| {
        [
            ("subject_token", root.to_owned()),
            ("subject_token_type", ACCESS_TOKEN.to_owned()),
            ("actor_token", last.to_owned()),
            ("actor_token_type", JWT.to_owned()),
        ]
    };
    let before = scene.bench.positions();
    let malformed = (400, INVALID, "chain_malformed");
    let check = async |field: Option<&str>, covered: Option<&str>, root: &str, last: &str, expected| {
        let form = form(last, root);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = scene.send(&scene.browser, field, covered, &form).await;
        scene.check(&before, &answer, expected);
    };
    check(Some(&first), None, &root, &second, malformed).await;
    check(None, Some(&first), &root, &second, malformed).await;
    check(Some(&first), Some(&second), &root, &second, malformed).await;
    // two tokens in the place of one would be covered by no proof
    check(None, None, &format!("{root},{first}"), &second, malformed).await;
    check(None, None, &root, &format!("{first},{second}"), malformed).await;
    check(Some(&format!("{first},")), None, &root, &second, malformed).await;
    let long = "x".repeat(32 * 1024 + 1);
    check(Some(&long), None, &root, &second, (400, INVALID, "chain_too_long")).await;
    let many = ["x"; 8].join(",");
    check(Some(&many), Some(&many), &root, &second, (400, INVALID, "chain_too_long")).await;
    check(
        Some(&format!("{first} , {second}")),
        Some(&format!("{first},{second}")),
        &root,
        &second,
        (400, INVALID, "depth_invalid"),
    )
    .await;
    // one field line, also where the proof covers the first of two
    let whole = form(&second, &root);
    let whole: Vec<_> = whole.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = scene.send_lines(&scene.browser, &[&first, &first], Some(&first), &whole).await;
    scene.check(&before, &answer, malformed);
    // without a hop there is nothing to cover
    let root_only = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    let answer = scene.send(&scene.orchestrator, Some(&first), Some(&first), &root_only).await;
    scene.check(&before, &answer, malformed);
    // and nothing of it at the other grant
    let plain = [("grant_type", "client_credentials"), ("resource", API)];
    let answer = scene.send(&scene.orchestrator, Some(&first), Some(&first), &plain).await;
    scene.check(&before, &answer, (400, INVALID, INVALID));
    let answer = scene.send(&scene.orchestrator, Some(&first), None, &plain).await;
    scene.check(&before, &answer, malformed);
    scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
}

#[tokio::test]
async fn a_proof_is_used_once_and_a_hop_as_long_as_it_lives() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| {
        hop.authority.expires_at = later(hop.issued_at, 400);
    });
    let hop = hop.sign();
    let twice = async |who: &Agent, hop: &[(&str, &str)]| {
        let url = format!("{}/oauth2/token", scene.bench.issuer);
        let mut parts = who.proof_parts("POST", &url, None, scene.bench.clock.now());
        parts.claims.insert("nonce".to_owned(), scene.bench.nonce().unwrap().into());
        let (proof, did) = (who.sign(&parts), who.did().to_string());
        let root = [("subject_token", root.as_str()), ("subject_token_type", JWT)];
        let client = [("grant_type", EXCHANGE), ("client_id", did.as_str())];
        let form = crate::bench::encode(&[&client, &root, hop].concat());
        let send = || {
            let request =
                http::Request::post("/oauth2/token").header("content-type", crate::bench::FORM).header("dpop", &proof);
            scene.bench.send(request.body(axum::body::Body::from(form.clone())).unwrap())
        };
        send().await.is(200);
        assert_eq!(send().await.oauth(), (400, "invalid_dpop_proof", "proof_replayed"));
    };
    twice(&scene.planner, &[("actor_token", hop.as_str()), ("actor_token_type", JWT)]).await;
    // and for a narrower root
    twice(&scene.orchestrator, &[]).await;
    let expires_in = async || scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).json["expires_in"].clone();
    scene.bench.clock.advance(300);
    assert_eq!(expires_in().await, 100);
    scene.bench.clock.advance(99);
    assert_eq!(expires_in().await, 1);
    let before = scene.bench.positions();
    for seconds in [1, 30, 1] {
        // neither in the leeway of the check nor after it
        scene.bench.clock.advance(seconds);
        let answer = scene.exchange(&scene.planner, &root, &[&hop]).await;
        scene.check(&before, &answer, (400, INVALID, "hop_expired"));
    }
}

#[tokio::test]
async fn whoever_is_revoked_in_the_chain_ends_it() {
    for place in 0..3 {
        let scene = scene().await;
        let root = scene.root().await;
        let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
        let second = scene.hop(&scene.planner, &first, &scene.browser).sign();
        scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
        scene.revoke([&scene.orchestrator, &scene.planner, &scene.browser][place]).await;
        let before = scene.bench.positions();
        let answer = scene.exchange(&scene.browser, &root, &[&first, &second]).await;
        scene.check(&before, &answer, (400, INVALID, "agent_revoked"));
        let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
        let narrower = scene.send(&scene.orchestrator, None, None, &form).await;
        if place == 0 {
            scene.check(&before, &narrower, (400, INVALID, "agent_revoked"));
        } else {
            narrower.is(200);
        }
    }
}

#[tokio::test]
async fn the_task_has_to_be_open() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let task = claims_of(&root)["task"]["id"].as_str().unwrap().to_owned();
    let path = format!("/tasks/{task}/complete");
    scene.bench.manage(&scene.owner.key, "owner:self", "POST", &path, None).await.is(200);
    let before = scene.bench.positions();
    let ended = (400, INVALID, "task_ended");
    scene.check(&before, &scene.exchange(&scene.planner, &root, &[&hop]).await, ended);
    let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    scene.check(&before, &scene.send(&scene.orchestrator, None, None, &form).await, ended);
}

#[tokio::test]
async fn environments_do_not_mix() {
    let scene = scene().await;
    let foreign = Agent::numbered(6);
    let claims = with(scene.bench.agent_claims(&foreign), json!({"environment": "prod"}));
    let statement = crate::bench::statement("agent-registration+jwt", &claims, &foreign);
    let answer = scene.bench.post("/agents", "application/jwt", statement).await.is(201);
    let claim = crate::bench::claim(&answer.json["claim"]);
    scene.bench.approve(&scene.owner, &claim, &approval(&claim)).await.is(200);
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &foreign).sign();
    let before = scene.bench.positions();
    scene.check(&before, &scene.exchange(&foreign, &root, &[&hop]).await, (400, INVALID, "environment_mismatch"));
}

#[tokio::test]
async fn less_than_the_hop_may_be_asked_for_and_more_is_refused() {
    let scene = scene().await;
    let root = scene.root_with(&[("resource", API), ("resource", FILES)]).await;
    assert_eq!(claims_of(&root)["aud"], json!([API, FILES]));
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let ask = async |more: &[(&str, &str)]| scene.exchange_with(&scene.planner, &root, &[&hop], more).await;
    let read = |answer: &Answer| {
        let claims = claims_of(&answer.str("access_token"));
        (claims["aud"].clone(), claims["scope"].clone())
    };
    let all = "echo:hello echo:read files:read";
    assert_eq!(read(&ask(&[]).await.is(200)), (json!([API, FILES]), json!(all)));
    let narrow = [("resource", FILES), ("scope", "files:read"), ("requested_token_type", ACCESS_TOKEN)];
    assert_eq!(read(&ask(&narrow).await.is(200)), (json!([FILES]), json!("files:read")));
    let details = details("/reports").to_string();
    let with_tools = ask(&[("resource", API), ("authorization_details", &details)]).await.is(200);
    assert_eq!(with_tools.json["authorization_details"].to_string(), details); // RAR-05
    assert_eq!(claims_of(&with_tools.str("access_token"))["authorization_details"].to_string(), details);
    let before = scene.bench.positions();
    let target = (400, "invalid_target", "invalid_target");
    for (more, expected) in [
        (&[("scope", "echo:read echo:write")][..], (400, "invalid_scope", "invalid_scope")),
        (&[("resource", "https://elsewhere.example")], target),
        (&[("resource", API), ("resource", API)], target),
        // nobody there applies them
        (&[("authorization_details", &details)], target),
        (&[("resource", FILES), ("authorization_details", &details)], target),
        (&[("authorization_details", "[]")], (400, "invalid_authorization_details", "invalid_authorization_details")),
        (&[("del_max_depth", "3")], (400, INVALID, "depth_invalid")),
        (&[("audience", API)], target),
        (&[("act", "{}")], (400, INVALID, INVALID)),
        (&[("may_act", "{}")], (400, INVALID, INVALID)),
        (&[("requested_token_type", JWT)], (400, INVALID, INVALID)),
        (&[("scope", "echo:read"), ("scope", "echo:read")], (400, INVALID, INVALID)),
    ] {
        scene.check(&before, &ask(more).await, expected);
    }
    // tools that a hop added are refused where nobody applies them, whoever leaves what out
    let tooled =
        scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| hop.authority.tools = Some(tools("/")));
    let answer = scene.exchange(&scene.planner, &root, &[&tooled.sign()]).await;
    scene.check(&before, &answer, target);
}

#[tokio::test]
async fn a_holder_gets_a_narrower_root() {
    let scene = scene_with(json!({"delegation": "offline"})).await;
    let root = scene.root().await;
    let before = claims_of(&root);
    assert_eq!((&before["del_offline"], &before["exp"]), (&json!(true), &json!(scene.bench.now() + 900)));
    scene.bench.clock.advance(60);
    let ask = async |more: &[(&str, &str)]| {
        let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
        let form: Vec<_> = form.into_iter().chain(more.iter().copied()).collect();
        scene.send(&scene.orchestrator, None, None, &form).await
    };
    let positions = scene.bench.positions();
    let answer = ask(&[("scope", "echo:read"), ("del_max_depth", "1")]).await.is(200);
    let claims = claims_of(&answer.str("access_token"));
    let same = ["iss", "sub", "client_id", "act", "task", "cnf", "aud", "env", "del_depth", "del_offline", "exp"];
    for member in same {
        assert_eq!(claims[member], before[member], "{member}");
    }
    assert_ne!(claims["jti"], before["jti"]);
    assert_eq!((&claims["scope"], &claims["del_max_depth"]), (&json!("echo:read"), &json!(1)));
    assert_eq!((&claims["iat"], answer.json["expires_in"].as_u64()), (&json!(scene.bench.now()), Some(840)));
    assert_eq!(claims.get("hops"), None);
    // not to be passed on, it is an ordinary token and lives as long as one
    let last = ask(&[("del_max_depth", "0")]).await.is(200);
    let last_claims = claims_of(&last.str("access_token"));
    assert_eq!((&last.json["expires_in"], last_claims.get("del_offline")), (&json!(300), None));
    assert_eq!(scene.bench.positions(), positions);
    for (more, expected) in [
        (&[("scope", "files:read")][..], (400, "invalid_scope", "invalid_scope")),
        (&[("resource", FILES)], (400, "invalid_target", "invalid_target")),
        (&[("del_max_depth", "3")], (400, INVALID, "depth_invalid")),
        (&[("actor_token_type", JWT)], (400, INVALID, INVALID)),
    ] {
        scene.check(&positions, &ask(more).await, expected);
    }
    // it is as good a root as the first
    let narrower = answer.str("access_token");
    let hop = scene.hop(&scene.orchestrator, &narrower, &scene.planner).sign();
    scene.exchange(&scene.planner, &narrower, &[&hop]).await.is(200);
    // and ends with it
    scene.bench.clock.advance(839);
    assert_eq!(ask(&[]).await.is(200).json["expires_in"], 1);
    scene.bench.clock.advance(1);
    let positions = scene.bench.positions();
    scene.check(&positions, &ask(&[]).await, (400, INVALID, "token_expired"));
}

#[tokio::test]
async fn tools_and_budgets_bound_every_token_below() {
    let limits = json!({"authorization_details": details("/reports"), "budget": {"max_uses": 100}});
    let scene = scene_with(limits).await;
    let path = format!("/agents/{}", scene.orchestrator.did());
    let ceiling =
        scene.bench.manage(&scene.orchestrator, "agent:self", "GET", &path, None).await.is(200).json["ceiling"].clone();
    assert_eq!(
        (&ceiling["authorization_details"], &ceiling["budget"]),
        (&details("/reports"), &json!({"max_uses": 100}))
    );
    assert_eq!((&ceiling["del_max_depth"], &ceiling["delegation"]), (&json!(2), &json!("exchange")));
    assert_eq!((&ceiling["instances"], &ceiling["delegates"]), (&json!(false), &Value::Null));
    let metadata = scene.bench.get("/.well-known/oauth-authorization-server").await.is(200);
    assert_eq!(metadata.json["authorization_details_types_supported"], json!(["attenuating_agent_token"]));
    // a plain server would ignore them
    let elsewhere = scene.bench.token_answer(&scene.orchestrator, &[("resource", FILES)]).await;
    assert_eq!(elsewhere.oauth(), (400, "invalid_target", "invalid_target"));
    let answer = scene.bench.token_answer(&scene.orchestrator, &[("resource", API)]).await.is(200);
    assert_eq!(answer.json["authorization_details"], details("/reports"));
    // a task narrows them, and inherits what it does not name
    let body =
        json!({"agent": scene.orchestrator.did().as_str(), "intent": "read", "scope": "echo:read", "resource": [API]});
    let task = async |changes: Value| {
        scene.bench.manage(&scene.owner.key, "owner:self", "POST", "/tasks", Some(with(body.clone(), changes))).await
    };
    let narrow = task(json!({"authorization_details": details("/reports/2026")})).await.is(201);
    assert_eq!(narrow.json["authorization_details"], details("/reports/2026"));
    assert_eq!(narrow.json["budget"], json!({"max_uses": 100}));
    for (changes, reason) in [
        (json!({"authorization_details": details("/")}), "details_widened"),
        (json!({"authorization_details": [{"type": "x"}]}), "invalid_authorization_details"),
        (json!({"budget": {"max_uses": 101}}), "budget_widened"),
        (json!({"budget": {}}), INVALID),
    ] {
        assert_eq!(task(changes).await.problem(), (400, reason));
    }
    let id = narrow.str("id");
    let ask = async |details: &str| {
        let parameters = [("resource", API), ("task", id.as_str()), ("authorization_details", details)];
        scene.bench.token_answer(&scene.orchestrator, &parameters).await
    };
    let root = ask("").await.is(200);
    assert_eq!(root.json["authorization_details"], details("/reports/2026"));
    assert_eq!(claims_of(&root.str("access_token"))["budget"], json!({"max_uses": 100}));
    let narrower = ask(&details("/reports/2026/q1").to_string()).await.is(200);
    assert_eq!(narrower.json["authorization_details"], details("/reports/2026/q1"));
    let wider = ask(&details("/reports").to_string()).await;
    assert_eq!(wider.oauth(), (400, "invalid_authorization_details", "details_widened"));
    assert!(wider.str("error_description").contains("tool `read`"), "{}", wider.text);
    // and so does an exchange
    let root = root.str("access_token");
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| hop.authority.budget = Some(uses(5)));
    let answer = scene.exchange(&scene.planner, &root, &[&hop.sign()]).await.is(200);
    assert_eq!(answer.json["authorization_details"], details("/reports/2026"));
    assert_eq!(claims_of(&answer.str("access_token"))["budget"], json!({"max_uses": 5}));
    let tree = scene.tree(&scene.owner.key, "owner:self", &id, "").await.is(200);
    let shown = &tree.json["delegations"][0];
    assert_eq!(
        (&shown["authorization_details"], &shown["budget"]),
        (&details("/reports/2026"), &json!({"max_uses": 5}))
    );
}

#[tokio::test]
async fn a_restart_knows_the_hops_that_were_exchanged() {
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let first = on(disk.clone(), clock.clone(), json!({})).await;
    let root = first.root().await;
    let hop = first.hop(&first.orchestrator, &root, &first.planner).sign();
    first.exchange(&first.planner, &root, &[&hop]).await.is(200);
    let task = claims_of(&root)["task"]["id"].as_str().unwrap().to_owned();
    let tree = first.tree(&first.owner.key, "owner:self", &task, "").await.is(200).json;
    drop(first.bench);
    let bench = crate::bench::Bench::on(disk, clock, &config_with_tools()).await;
    let second = Scene { bench, ..first };
    let before = second.bench.positions();
    second.exchange(&second.planner, &root, &[&hop]).await.is(200);
    assert_eq!(second.bench.positions(), before);
    assert_eq!(second.tree(&second.owner.key, "owner:self", &task, "").await.is(200).json, tree);
}

#[tokio::test]
async fn th65_nothing_is_given_for_hops_that_were_not_recorded() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    scene.bench.disk.fail_syncs();
    let answer = scene.exchange(&scene.planner, &root, &[&hop]).await;
    assert_eq!(answer.oauth(), (503, "temporarily_unavailable", "store_unavailable"));
}

#[tokio::test]
async fn exchanges_at_once_record_a_hop_once() {
    let scene = std::sync::Arc::new(scene().await);
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    scene.bench.token(&scene.planner, &[("scope", "agent:self")]).await; // a nonce to begin with
    let before = scene.bench.positions();
    let mut exchanges = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (scene, root, hop) = (scene.clone(), root.clone(), hop.clone());
        exchanges.spawn(async move { scene.exchange(&scene.planner, &root, &[&hop]).await.status });
    }
    assert_eq!(exchanges.join_all().await, [200; 8]);
    assert_eq!(scene.bench.positions().log_size, before.log_size + 1);
}
