//! Calls of the registry's API: what is sent, and what is made of the answers.

use std::sync::Arc;

use crate::support::{FakeRegistry, HandClock, NOW, Reply, Seen, token};
use handfast_client::{
    AgentRegistration, AgentStatus, AnswerError, Approval, ApprovalAnswer, Ceiling, ClaimStatus, ClientError, Clock,
    DelegationMode, DpopKey, NewEnrolment, NewTask, OwnerRegistration, RegistryClient, Revocable, Role, Secret,
};
use handfast_delegation::{Environment, ResourceId, Scope};
use handfast_identity::json::Limits;
use handfast_identity::jws::UnverifiedJws;
use handfast_identity::{DidKey, Seconds};
use handfast_registry_model::{
    ApproveRequest, EnrolmentRequest, OwnerCodeRequest, RefuseRequest, TaskRequest, UnverifiedAgentRegistration,
    UnverifiedOwnerRegistration,
};
use serde_json::{Value, json};

fn client(registry: &FakeRegistry, key: &DpopKey) -> RegistryClient {
    let clock: Arc<dyn Clock> = HandClock::new();
    RegistryClient::with_clock(&registry.server.url, key.clone(), clock).unwrap()
}

/// A registry that answers every call but those for tokens with this.
async fn answering(status: u16, body: Value) -> FakeRegistry {
    FakeRegistry::answering(|n, _| token(n, "DPoP", "task_1"), move |_, _| Reply::json(status, &body)).await
}

/// The one call that was made besides those for metadata and tokens.
fn only_call(registry: &FakeRegistry) -> Seen {
    let calls = registry.server.seen().into_iter();
    let mut calls = calls.filter(|seen| !seen.path.starts_with("/.well-known") && seen.path != "/oauth2/token");
    let call = calls.next().unwrap();
    assert!(calls.next().is_none());
    call
}

fn body(call: &Seen) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn registration() -> AgentRegistration {
    AgentRegistration {
        name: "billing".into(),
        version: "1.0".into(),
        purpose: "pays".into(),
        environment: Environment::Dev,
        scope: scope("echo:read"),
        resources: vec![ResourceId::parse("https://api.example").unwrap()],
        expected_owner: None,
        enrolment: None,
    }
}

fn record(did: &DidKey, status: &str) -> Value {
    json!({"did": did, "handle": "amber-otter-00017", "status": status, "organisation": "default", "created_at": NOW})
}

fn unclaimed(did: &DidKey) -> Value {
    let mut answer = record(did, "UNCLAIMED");
    answer["claim"] = json!({
        "id": "claim_1", "user_code": "WDJB-MJHT", "verification_uri": "https://reg.example/claims/claim_1",
        "expires_in": 900, "interval": 5,
    });
    answer
}

#[tokio::test]
async fn an_agent_registers_with_a_statement_and_nothing_else() {
    let key = DpopKey::generate();
    let registry = answering(201, unclaimed(key.did())).await;
    let registered = client(&registry, &key).register_agent(&registration()).await.unwrap();
    assert_eq!((registered.record.did(), registered.record.handle()), (key.did(), "amber-otter-00017"));
    assert_eq!(registered.record.status(), AgentStatus::Unclaimed);
    assert_eq!(registered.record.members()["organisation"], json!("default"));
    assert!(registered.record.members().get("claim").is_none());
    // TH73
    assert!(!format!("{registered:?}").contains("WDJB"));
    let claim = registered.claim.unwrap();
    assert_eq!((claim.id.as_str(), claim.user_code.expose()), ("claim_1", "WDJB-MJHT"));
    assert_eq!((claim.expires_in, claim.interval), (900, 5));

    let call = only_call(&registry);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/agents"));
    assert_eq!(call.content_type.as_deref(), Some("application/jwt"));
    assert!(call.authorization.is_none() && call.proof.is_none());
    let claims: Value = UnverifiedJws::parse(&call.body, &Limits::plain(8192)).unwrap().unverified_claims().unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(key.did()), &json!(registry.server.url)));
    assert_eq!(claims["iat"], json!(NOW));
    assert!(UnverifiedAgentRegistration::parse(&call.body).is_ok());
    assert!(registry.asked().is_empty());
}

#[tokio::test]
async fn an_answer_about_another_key_is_none() {
    let (key, other) = (DpopKey::generate(), DpopKey::generate());
    let registry = answering(201, unclaimed(other.did())).await;
    let refused = client(&registry, &key).register_agent(&registration()).await;
    assert!(matches!(refused, Err(ClientError::Answer(AnswerError::Member { member: "did", .. }))), "{refused:?}");
}

#[tokio::test]
async fn an_owner_registers_with_a_code() {
    let key = DpopKey::generate();
    let registry = answering(201, json!({"id": "owner:x", "did": key.did()})).await;
    let registration = OwnerRegistration { enrolment: Secret::new("CODE") };
    let owner = client(&registry, &key).register_owner(&registration).await.unwrap();
    assert_eq!((owner.id.as_str(), &owner.did), ("owner:x", key.did()));
    let call = only_call(&registry);
    assert_eq!((call.path.as_str(), call.content_type.as_deref()), ("/owners", Some("application/jwt")));
    assert!(UnverifiedOwnerRegistration::parse(&call.body).is_ok());
}

#[tokio::test]
async fn refusals_are_typed_with_an_open_reason() {
    let key = DpopKey::generate();
    for (status, body, reason) in [
        (
            409,
            json!({"title": "Taken", "status": 409, "reason": "did_registered", "detail": "use another key"}),
            "did_registered",
        ),
        (401, json!({"reason": "proof_required"}), "proof_required"),
        (429, json!({"reason": "slow_down"}), "slow_down"),
        (422, json!({"reason": "something_new"}), "something_new"),
        (500, json!([]), "unknown"),
    ] {
        let registry = answering(status, body).await;
        let refused = client(&registry, &key).register_agent(&registration()).await;
        let Err(ClientError::Registry(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!((refused.status(), refused.reason()), (status, reason));
    }
}

#[tokio::test]
async fn claims_are_polled_with_a_proof_and_without_a_token() {
    let key = DpopKey::generate();
    let claimed = json!({"status": "claimed", "owner": {"id": "owner:x", "name": "Eve"}, "handle": "billing-bot"});
    for (body, expected) in [
        (json!({"status": "pending"}), Some("pending")),
        (json!({"status": "refused"}), Some("refused")),
        (json!({"status": "expired"}), Some("expired")),
        (claimed, Some("owner:x billing-bot")),
        (json!({"status": "claimed"}), None),
        (json!({"status": "CLAIMED"}), None),
        (json!({}), None),
    ] {
        let registry = answering(200, body).await;
        let found = match client(&registry, &key).claim_status("claim_1").await {
            Ok(ClaimStatus::Pending) => Some("pending".to_owned()),
            Ok(ClaimStatus::Refused) => Some("refused".to_owned()),
            Ok(ClaimStatus::Expired) => Some("expired".to_owned()),
            Ok(ClaimStatus::Claimed { owner, handle }) => Some(format!("{} {}", owner.id, handle.unwrap())),
            Err(ClientError::Answer(_)) => None,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found.as_deref(), expected);
        let call = only_call(&registry);
        assert_eq!((call.path.as_str(), call.authorization.as_deref()), ("/claims/claim_1", None));
        assert_eq!(call.claim("htu"), Some(&json!(format!("{}/claims/claim_1", registry.server.url))));
    }
}

fn approval() -> Approval {
    let ceiling = Ceiling {
        scope: scope("echo:read"),
        resources: vec![ResourceId::parse("https://api.example").unwrap()],
        max_task: Some(Seconds::new(3600)),
        delegation: Some(DelegationMode::None),
        max_depth: None,
        delegates: vec![],
        instances: false,
        tools: None,
        budget: None,
    };
    Approval { user_code: Secret::new("WDJB-MJHT"), handle: Some("billing-bot".into()), ceiling }
}

#[tokio::test]
async fn an_approval_is_sent_twice_and_the_second_confirms() {
    let (key, agent) = (DpopKey::generate(), DpopKey::generate());
    let (did, claimed) = (agent.did().clone(), record(agent.did(), "CLAIMED"));
    let confirm =
        json!({"status": "confirm", "did": did, "name": "billing", "purpose": "pays", "fingerprint": "a b c d e f"});
    let registry = FakeRegistry::answering(
        |n, _| token(n, "DPoP", "task_1"),
        move |n, _| Reply::json(200, if n == 0 { &confirm } else { &claimed }),
    )
    .await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let first = owner.approve_claim("claim_1", &approval(), None).await.unwrap();
    let ApprovalAnswer::Confirm(confirmation) = first else { panic!("{first:?}") };
    assert_eq!((&confirmation.did, confirmation.fingerprint.as_str()), (agent.did(), "a b c d e f"));
    let second = owner.approve_claim("claim_1", &approval(), Some(&confirmation.fingerprint)).await.unwrap();
    assert!(matches!(second, ApprovalAnswer::Claimed(record) if record.status() == AgentStatus::Claimed));

    let calls = registry.at("/claims/claim_1/approve");
    let mut expected = json!({
        "user_code": "WDJB-MJHT", "handle": "billing-bot",
        "ceiling": {"scope": "echo:read", "resource": ["https://api.example"], "max_task_seconds": 3600, "delegation": "none"},
    });
    assert_eq!(body(&calls[0]), expected);
    expected["confirm"] = json!("a b c d e f");
    assert_eq!(body(&calls[1]), expected);
    assert!(calls.iter().all(|call| call.authorization.as_deref() == Some("DPoP token-0")));
    assert!(calls.iter().all(|call| call.claim("ath").is_some()));
    assert!(calls.iter().all(|call| ApproveRequest::parse(call.body.as_bytes()).is_ok()));
}

#[tokio::test]
async fn leave_for_instances_is_said_where_it_is_given() {
    let (key, agent) = (DpopKey::generate(), DpopKey::generate());
    let registry = answering(200, record(agent.did(), "CLAIMED")).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let mut approval = approval();
    approval.ceiling.instances = true;
    owner.approve_claim("claim_1", &approval, None).await.unwrap();
    let call = only_call(&registry);
    assert_eq!(body(&call)["ceiling"]["instances"], json!(true));
    assert!(ApproveRequest::parse(call.body.as_bytes()).is_ok_and(|sent| sent.ceiling.instances()));
}

#[tokio::test]
async fn each_role_asks_for_its_scope_at_the_registry() {
    let key = DpopKey::generate();
    for (role, scope) in [
        (Role::Agent, "agent:self"),
        (Role::Owner, "owner:self"),
        (Role::Reader, "registry:read"),
        (Role::Admin, "registry:admin"),
    ] {
        let registry = answering(200, record(key.did(), "CLAIMED")).await;
        client(&registry, &key).acting_as(role).unwrap().agent("amber-otter-00017").await.unwrap();
        let asked = &registry.asked()[0];
        assert_eq!(
            (asked.form("scope"), asked.form("resource")),
            (vec![scope.to_owned()], vec![registry.server.url.clone()])
        );
        assert_eq!(only_call(&registry).path, "/agents/amber-otter-00017");
    }
}

#[tokio::test]
async fn agents_are_listed_by_page() {
    let (key, other) = (DpopKey::generate(), DpopKey::generate());
    let page = json!({"agents": [record(key.did(), "CLAIMED"), record(other.did(), "REVOKED")], "next": "x&y"});
    let registry = answering(200, page).await;
    let reader = client(&registry, &key).acting_as(Role::Reader).unwrap();
    let page = reader.agents(Some("a b&c"), Some(2)).await.unwrap();
    assert_eq!((page.agents.len(), page.next.as_deref()), (2, Some("x&y")));
    assert_eq!(page.agents[1].status(), AgentStatus::Revoked);
    assert_eq!(only_call(&registry).query, "after=a+b%26c&limit=2");
}

#[tokio::test]
async fn an_unknown_status_is_not_taken_for_a_known_one() {
    let key = DpopKey::generate();
    for (status, known) in [("CLAIMED", true), ("claimed", false), ("SUSPENDED", false)] {
        let registry = answering(200, record(key.did(), status)).await;
        let answer = client(&registry, &key).acting_as(Role::Reader).unwrap().agent("x").await;
        assert_eq!(answer.is_ok(), known, "{status}");
    }
}

#[tokio::test]
async fn an_admin_makes_codes() {
    let key = DpopKey::generate();
    for (admin, role) in [(false, "owner"), (true, "admin")] {
        let registry = answering(201, json!({"code": "CODE-1", "role": role, "expires_in": 86400})).await;
        let management = client(&registry, &key).acting_as(Role::Admin).unwrap();
        let code = if admin { management.new_admin_code().await } else { management.new_owner_code().await };
        assert_eq!(code.unwrap().expose(), "CODE-1");
        let call = only_call(&registry);
        assert_eq!((call.path.as_str(), &body(&call)), ("/owners/codes", &json!({"role": role})));
        assert!(OwnerCodeRequest::parse(call.body.as_bytes()).is_ok());
    }
}

#[tokio::test]
async fn an_owner_gives_tasks() {
    let (key, agent) = (DpopKey::generate(), DpopKey::generate());
    let new = |resources, reference, seconds| NewTask {
        agent: agent.did().clone(),
        intent: "pay".into(),
        scope: scope("echo:read"),
        resources,
        reference,
        seconds,
        tools: None,
        budget: None,
    };
    let plain = json!({"agent": agent.did(), "intent": "pay", "scope": "echo:read"});
    let mut full = plain.clone();
    full["resource"] = json!(["urn:pay"]);
    full["ref"] = json!("T-1");
    full["task_seconds"] = json!(60);
    let pay = vec![ResourceId::parse("urn:pay").unwrap()];
    for (task, expected) in
        [(new(vec![], None, None), plain), (new(pay, Some("T-1".into()), Some(Seconds::new(60))), full)]
    {
        let registry = answering(201, json!({"id": "task_9", "intent": "pay"})).await;
        let given = client(&registry, &key).acting_as(Role::Owner).unwrap().new_task(&task).await.unwrap();
        assert_eq!(given.id(), "task_9");
        let call = only_call(&registry);
        assert_eq!(body(&call), expected);
        assert!(TaskRequest::parse(call.body.as_bytes()).is_ok());
    }
}

#[tokio::test]
async fn an_owner_refuses_with_the_code() {
    let key = DpopKey::generate();
    let registry = answering(200, json!({"status": "refused"})).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    owner.refuse_claim("claim_1", &Secret::new("WDJB-MJHT")).await.unwrap();
    let call = only_call(&registry);
    assert_eq!((call.path.as_str(), &body(&call)), ("/claims/claim_1/refuse", &json!({"user_code": "WDJB-MJHT"})));
    assert!(RefuseRequest::parse(call.body.as_bytes()).is_ok());
}

#[tokio::test]
async fn a_new_claim_code_is_asked_for_with_a_proof_alone() {
    let key = DpopKey::generate();
    let registry = answering(201, unclaimed(key.did())["claim"].clone()).await;
    let claim = client(&registry, &key).new_claim_code().await.unwrap();
    assert_eq!((claim.id.as_str(), claim.user_code.expose()), ("claim_1", "WDJB-MJHT"));
    let call = only_call(&registry);
    assert_eq!((call.method.as_str(), call.path.as_str(), call.body.as_str()), ("POST", "/claims", ""));
    assert!(call.authorization.is_none() && call.proof.is_some());
}

#[tokio::test]
async fn revoking_says_so_only_when_the_registry_did() {
    // TH65
    let (key, agent) = (DpopKey::generate(), DpopKey::generate());
    let registry = answering(200, json!({"seq": 7})).await;
    let admin = client(&registry, &key).acting_as(Role::Admin).unwrap();
    let answer = admin.revoke_agent(agent.did().as_str(), Some("stolen")).await.unwrap();
    assert_eq!(answer["seq"], json!(7));
    let call = only_call(&registry);
    assert_eq!(call.path, "/revocations");
    assert_eq!(body(&call), json!({"kind": "agent", "id": agent.did(), "reason": "stolen"}));

    let registry = answering(503, json!({"reason": "store_unavailable"})).await;
    let refused = client(&registry, &key).acting_as(Role::Admin).unwrap().revoke_agent("x", None).await;
    assert!(matches!(refused, Err(ClientError::Registry(refused)) if refused.status() == 503));
}

#[tokio::test]
async fn a_task_is_looked_at_and_stopped() {
    let key = DpopKey::generate();
    let told = json!({"kind": "task", "id": "task_1", "agents": 3, "tasks": 1, "delegations": 2, "latest_expiry": 9});
    let registry = answering(200, told.clone()).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let reach = owner.preview_revocation(&Revocable::Task("task_1".to_owned())).await.unwrap();
    assert_eq!((reach.agents(), reach.tasks(), reach.delegations()), (Some(3), Some(1), Some(2)));
    assert_eq!(json!(reach.members()), told);
    let call = only_call(&registry);
    assert_eq!((call.path.as_str(), body(&call)), ("/revocations/preview", json!({"kind": "task", "id": "task_1"})));

    let registry = answering(200, json!({"status": "REVOKED"})).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    owner.revoke(&Revocable::Task("task_1".to_owned()), Some("over")).await.unwrap();
    let call = only_call(&registry);
    assert_eq!(call.path, "/revocations");
    assert_eq!(body(&call), json!({"kind": "task", "id": "task_1", "reason": "over"}));

    assert!(Revocable::token("no token").is_err());

    let registry = answering(200, json!({"agents": 3, "latest_expiry": 9})).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let reach = owner.preview_revocation(&Revocable::Owner("owner:1".to_owned())).await.unwrap();
    assert_eq!((reach.agents(), reach.tasks(), reach.members().get("tasks")), (Some(3), None, None));
    assert_eq!(body(&only_call(&registry)), json!({"kind": "owner", "id": "owner:1"}));

    let registry = answering(200, json!({"kind": "issuer_key", "id": "kid", "latest_expiry": 1})).await;
    let owner = client(&registry, &key).acting_as(Role::Admin).unwrap();
    let reach = owner.preview_revocation(&Revocable::IssuerKey("kid".to_owned())).await.unwrap();
    assert_eq!(reach.agents(), None);
    assert_eq!(body(&only_call(&registry)), json!({"kind": "issuer_key", "id": "kid"}));

    let registry = answering(200, json!({"tasks": 3})).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let unread = owner.preview_revocation(&Revocable::Task("x".to_owned())).await;
    assert!(matches!(unread, Err(ClientError::Answer(_))), "{unread:?}");
}

#[tokio::test]
async fn an_answer_over_the_size_limit_is_not_read() {
    let key = DpopKey::generate();
    let registry = answering(200, json!({"status": "pending", "padding": "x".repeat(1024 * 1024)})).await;
    let refused = client(&registry, &key).claim_status("claim_1").await;
    assert!(matches!(refused, Err(ClientError::Answer(AnswerError::Body(_)))), "{refused:?}");
}

#[tokio::test]
async fn nonces_of_the_token_endpoint_stay_there() {
    // DPOP-10, TH25: one origin, two roles
    let key = DpopKey::generate();
    let registry = FakeRegistry::answering(
        |n, _| token(n, "DPoP", "task_1").with("dpop-nonce", "of-tokens"),
        |_, _| Reply::json(200, &json!({"id": "task_1"})).with("dpop-nonce", "of-the-api"),
    )
    .await;
    let registry_client = client(&registry, &key);
    let owner = registry_client.acting_as(Role::Owner).unwrap();
    for _ in 0..2 {
        owner.task("task_1").await.unwrap();
    }
    // another role asks for another token, at the same endpoint
    registry_client.acting_as(Role::Admin).unwrap().task("task_1").await.unwrap();
    let nonces = |seen: &[Seen]| seen.iter().map(|seen| seen.nonce().map(str::to_owned)).collect::<Vec<_>>();
    let api = Some("of-the-api".to_owned());
    assert_eq!(nonces(&registry.at("/tasks/task_1")), [None, api.clone(), api]);
    assert_eq!(nonces(&registry.asked()), [None, Some("of-tokens".to_owned())]);
}

/// The calls that were made besides those for metadata and tokens.
fn calls(registry: &FakeRegistry) -> Vec<Seen> {
    let calls = registry.server.seen().into_iter();
    calls.filter(|seen| !seen.path.starts_with("/.well-known") && seen.path != "/oauth2/token").collect()
}

/// A registry that answers so, one after the other; the last answer is repeated.
async fn answering_in_turn(replies: Vec<Reply>) -> FakeRegistry {
    let answer = move |n: usize, _: &Seen| replies.get(n).or_else(|| replies.last()).unwrap().clone();
    FakeRegistry::answering(|n, _| token(n, "DPoP", "task_1"), answer).await
}

fn task(did: &DidKey) -> NewTask {
    NewTask {
        agent: did.clone(),
        intent: "pay".into(),
        scope: scope("echo:read"),
        resources: Vec::new(),
        reference: None,
        seconds: None,
        tools: None,
        budget: None,
    }
}

#[tokio::test]
async fn what_creates_something_is_repeated_under_one_key_while_it_is_open_whether_it_was_done() {
    let key = DpopKey::generate();
    let unavailable = || Reply::json(503, &json!({"reason": "store_unavailable"}));
    let in_progress = || Reply::json(409, &json!({"reason": "idempotency_in_progress"}));
    let made = || Reply::json(201, &json!({"id": "task_1", "status": "open"}));
    let registry = answering_in_turn(vec![unavailable(), in_progress(), made()]).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    owner.new_task(&task(key.did())).await.unwrap();
    let seen = calls(&registry);
    assert_eq!(seen.len(), 3);
    let keys: Vec<_> = seen.iter().map(|seen| seen.idempotency_key.clone().unwrap()).collect();
    assert!(keys[0].len() == 22 && keys.iter().all(|other| *other == keys[0]), "{keys:?}");
    assert!(seen.iter().all(|call| call.body == seen[0].body));
    // signed anew each time
    assert_ne!(seen[0].proof_id(), seen[1].proof_id());
    // another call has another key; what was refused is not repeated, and in the end neither is what is not answered
    owner.new_task(&task(key.did())).await.unwrap();
    assert_ne!(calls(&registry)[3].idempotency_key.as_ref(), Some(&keys[0]));
    let registry = answering_in_turn(vec![Reply::json(409, &json!({"reason": "agent_revoked"}))]).await;
    let refused = client(&registry, &key).acting_as(Role::Owner).unwrap().new_task(&task(key.did())).await;
    assert!(refused.is_err());
    assert_eq!(calls(&registry).len(), 1);
    let registry = answering_in_turn(vec![unavailable()]).await;
    let refused = client(&registry, &key).acting_as(Role::Owner).unwrap().new_task(&task(key.did())).await;
    assert!(matches!(refused, Err(ClientError::Registry(error)) if error.reason() == "store_unavailable"));
    assert_eq!(calls(&registry).len(), 3);
}

#[tokio::test]
async fn a_repeated_registration_lacks_the_code_and_another_is_asked_for() {
    let key = DpopKey::generate();
    let claim = json!({
        "id": "claim_2", "user_code": "BCDFGHJK", "verification_uri": "https://reg.example/claims/claim_2",
        "expires_in": 900, "interval": 5,
    });
    let replies = vec![
        Reply::json(503, &json!({"reason": "store_unavailable"})),
        Reply::json(201, &record(key.did(), "UNCLAIMED")),
        Reply::json(201, &claim),
    ];
    let registry = answering_in_turn(replies).await;
    let registered = client(&registry, &key).register_agent(&registration()).await.unwrap();
    assert_eq!(registered.claim.unwrap().id, "claim_2");
    let seen = calls(&registry);
    let paths: Vec<_> = seen.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/agents", "/agents", "/claims"]);
    assert_eq!(seen[0].idempotency_key, seen[1].idempotency_key);
    assert_ne!(seen[0].body, seen[1].body, "signed anew");
}

#[tokio::test]
async fn an_enrolled_agent_is_its_owners_at_once() {
    let key = DpopKey::generate();
    let mut answer = record(key.did(), "CLAIMED");
    answer["owner"] = json!({"id": "owner:x", "name": "Ada"});
    let registry = answering(201, answer).await;
    let enrolment = Some(Secret::new("enrolment_x.y"));
    let registration = AgentRegistration { enrolment, ..registration() };
    let registered = client(&registry, &key).register_agent(&registration).await.unwrap();
    assert!(registered.claim.is_none());
    assert_eq!(registered.record.owner().unwrap().id, "owner:x");
    let call = only_call(&registry);
    let claims: Value = UnverifiedJws::parse(&call.body, &Limits::plain(8192)).unwrap().unverified_claims().unwrap();
    assert_eq!(claims["enrolment"], json!("enrolment_x.y"));
}

#[tokio::test]
async fn an_enrolment_is_made_and_its_token_is_a_secret() {
    let key = DpopKey::generate();
    let registry = answering(201, json!({"id": "enrolment_x", "status": "open", "token": "enrolment_x.y"})).await;
    let owner = client(&registry, &key).acting_as(Role::Owner).unwrap();
    let ceiling = Ceiling {
        scope: scope("echo:read"),
        resources: vec![ResourceId::parse("https://api.example").unwrap()],
        max_task: Some(Seconds::new(600)),
        delegation: None,
        max_depth: None,
        delegates: Vec::new(),
        instances: false,
        tools: None,
        budget: None,
    };
    let wanted = NewEnrolment {
        ceiling,
        environment: Some(Environment::Prod),
        label: Some("runners".into()),
        lifetime: Some(Seconds::new(3600)),
    };
    let made = owner.new_enrolment(&wanted).await.unwrap();
    assert_eq!(
        (made.enrolment.id(), made.enrolment.status(), made.token.expose()),
        ("enrolment_x", "open", "enrolment_x.y")
    );
    assert!(!format!("{made:?}").contains("enrolment_x.y"));
    let call = only_call(&registry);
    let read = EnrolmentRequest::parse(call.body.as_bytes()).unwrap();
    assert_eq!((read.environment, read.lifetime), (Some(Environment::Prod), Seconds::new(3600)));
    assert!(call.idempotency_key.is_some());
}
