//! `POST /agents`: what is registered, and every way in which it is not.

use handfast_audit_log::{Leaf, Opening};
use handfast_registry::store::Table;
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, HandClock};
use multibase::Base;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, config, signed, statement, with};

const TYP: &str = "agent-registration+jwt";

async fn post(bench: &Bench, body: String) -> Answer {
    bench.post("/agents", "application/jwt", body).await
}

/// A refusal, after which everything is as it was before.
#[track_caller]
fn refused(bench: &Bench, before: handfast_registry::store::Positions, answer: &Answer, expected: (u16, &str)) {
    assert_eq!(answer.problem(), expected, "{}", answer.text);
    assert_eq!(bench.positions(), before, "a refusal writes nothing");
}

async fn check(bench: &Bench, body: String, expected: (u16, &str)) {
    let before = bench.positions();
    refused(bench, before, &post(bench, body).await, expected);
}

#[tokio::test]
async fn the_record_is_answered_with_the_claim() {
    let bench = Bench::new().await;
    for (number, agent) in [Agent::numbered(1), Agent::p256(2)].into_iter().enumerate() {
        let answer = post(&bench, bench.agent_statement(&agent)).await.is(201);
        let did = agent.did().to_string();
        assert_eq!(answer.header("location"), Some(format!("{}/agents/{did}", bench.issuer).as_str()));
        let mut record = answer.json.clone();
        let claim = record.as_object_mut().unwrap().remove("claim").unwrap();
        let handle = record.as_object_mut().unwrap().remove("handle").unwrap();
        assert!(handle.as_str().unwrap().split('-').count() == 3, "{handle}");
        let expected = json!({
            "did": did, "status": "UNCLAIMED", "organisation": "default", "name": "billing", "version": "1.0",
            "purpose": "pays bills", "environment": "dev", "created_at": bench.now(),
            "requested": {"scope": "echo:read", "resource": [API]},
        });
        assert_eq!(record, expected);
        let id = claim["id"].as_str().unwrap();
        assert_eq!(claim["verification_uri"], format!("{}/claims/{id}", bench.issuer));
        assert_eq!((&claim["expires_in"], &claim["interval"]), (&json!(900), &json!(5)));
        assert_eq!(claim["user_code"].as_str().unwrap().len(), 8);
        // one of the start
        let leaves = u64::try_from(number + 2).unwrap();
        assert_eq!((bench.positions().log_size, bench.positions().feed_to), (leaves, 0), "one event, one leaf");
    }
}

fn did(codec: &[u8], key: &[u8]) -> String {
    format!("did:key:{}", multibase::encode(Base::Base58Btc, [codec, key].concat()))
}

/// A statement about `did`, signed by somebody who cannot hold its key.
fn about(bench: &Bench, did: &str) -> String {
    let signer = Agent::numbered(1);
    let claims = with(bench.agent_claims(&signer), json!({"iss": did}));
    signed(&json!({"typ": TYP, "alg": "EdDSA", "kid": format!("{did}#x")}), &claims, signer.key())
}

#[tokio::test]
async fn th45_th46_th47_dids_that_are_none() {
    let bench = Bench::new().await;
    let good = Agent::numbered(1).did();
    let raw = good.public_key().to_bytes();
    let off_curve = [&[2][..], &[0xff; 32]].concat();
    let mut y_is_p = [0xff; 32];
    (y_is_p[0], y_is_p[31]) = (0xed, 0x7f);
    let value = good.fragment();
    let in_the_middle = |character: char| format!("did:key:{}{character}{}", &value[..20], &value[21..]);
    let dids = [
        did(&[0xed, 1], &raw[..31]),
        did(&[0xed, 1], &[&raw[..], &[0]].concat()),
        did(&[0x80, 0x24], &off_curve),
        did(&[0xed, 1], &y_is_p),
        in_the_middle('0'),
        in_the_middle('O'),
        in_the_middle('I'),
        in_the_middle('l'),
        in_the_middle('\n'),
        format!("{good} "),
        format!("{good}#{value}"),
        "did:web:example.com".to_owned(),
        String::new(),
    ];
    for did in dids {
        check(&bench, about(&bench, &did), (400, "invalid_did")).await;
    }
}

#[tokio::test]
async fn th48_a_key_for_which_anybody_could_sign() {
    let bench = Bench::new().await;
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    let weak = did(&[0xed, 1], &order_two);
    check(&bench, about(&bench, &weak), (400, "weak_key")).await;
    // R = identity, S = 0: for such a key this needs no secret
    let good = about(&bench, &weak);
    let (input, _) = good.rsplit_once('.').unwrap();
    let mut signature = [0; 64];
    signature[0] = 1;
    let forged = format!("{input}.{}", handfast_identity::base64url::encode(&signature));
    check(&bench, forged, (400, "weak_key")).await;
}

#[tokio::test]
async fn th57_possession_is_proved_or_nothing_is_registered() {
    let bench = Bench::new().await;
    let (agent, other) = (Agent::numbered(1), Agent::numbered(2));
    let claims = bench.agent_claims(&agent);
    let header = json!({"typ": TYP, "alg": "EdDSA", "kid": agent.did().key_id()});
    check(&bench, signed(&header, &claims, other.key()), (401, "proof_required")).await;
    let good = bench.agent_statement(&agent);
    let (input, _) = good.rsplit_once('.').unwrap();
    check(&bench, format!("{input}."), (401, "proof_required")).await;
    check(&bench, input.to_owned(), (401, "proof_required")).await;
    check(&bench, signed(&with(header, json!({"alg": "none"})), &claims, agent.key()), (401, "proof_required")).await;
    check(&bench, claims.to_string(), (401, "proof_required")).await;
    check(&bench, String::new(), (401, "proof_required")).await;
    // as wherever a signature is missing (RFC 9110 15.5.2)
    let challenge = post(&bench, "junk".to_owned()).await.header("www-authenticate").map(str::to_owned);
    assert_eq!(challenge.as_deref(), Some("DPoP algs=\"EdDSA Ed25519 ES256\""));
    assert_eq!(challenge.as_deref(), bench.get("/agents").await.header("www-authenticate"));
    post(&bench, good).await.is(201);
}

#[tokio::test]
async fn statements_are_for_this_registry_now_and_complete() {
    let bench = Bench::new().await;
    let agent = Agent::numbered(1);
    let now = bench.now();
    let changes = [
        json!({"aud": "http://127.0.0.1:4501"}),
        json!({"aud": format!("{}/", bench.issuer)}),
        json!({"aud": null}),
        json!({"iat": now - 61}),
        json!({"iat": now + 31}),
        json!({"iat": now.to_string()}),
        json!({"jti": ""}),
        json!({"jti": "x".repeat(129)}),
        json!({"jti": null}),
        json!({"name": ""}),
        json!({"name": null}),
        json!({"name": "x".repeat(65)}),
        json!({"name": "bil\u{202e}ling"}),
        json!({"purpose": "x".repeat(257)}),
        json!({"version": 1}),
        json!({"environment": "production"}),
        json!({"scope": "a  b"}),
        json!({"resource": API}),
        json!({"resource": ["/relative"]}),
        json!({"expected_owner": "ada"}),
        json!({"status": "CLAIMED"}), // TH67: an unknown member
    ];
    for change in changes {
        let claims = with(bench.agent_claims(&agent), change.clone());
        let before = bench.positions();
        let answer = post(&bench, statement(TYP, &claims, &agent)).await;
        assert_eq!(answer.problem(), (400, "invalid_registration"), "{change}");
        assert_eq!(bench.positions(), before);
    }
    let claims = bench.agent_claims(&agent);
    check(&bench, statement("owner-registration+jwt", &claims, &agent), (400, "invalid_registration")).await;
    let foreign_kid = json!({"typ": TYP, "alg": "EdDSA", "kid": Agent::numbered(2).did().key_id()});
    check(&bench, signed(&foreign_kid, &claims, agent.key()), (400, "invalid_registration")).await;
    let enrolled = with(claims.clone(), json!({"enrolment": "code"}));
    check(&bench, statement(TYP, &enrolled, &agent), (403, "invalid_enrolment")).await;
    // the twins: both ends of the window, and everything optional left out
    for (number, change) in
        [json!({"iat": now - 60}), json!({"iat": now + 30}), json!({"scope": null, "resource": null})]
            .into_iter()
            .enumerate()
    {
        let agent = Agent::numbered(u8::try_from(number + 10).unwrap());
        post(&bench, statement(TYP, &with(bench.agent_claims(&agent), change), &agent)).await.is(201);
    }
}

#[tokio::test]
async fn a_did_is_registered_once() {
    let bench = Bench::new().await;
    let agent = Agent::numbered(1);
    let statement = bench.agent_statement(&agent);
    post(&bench, statement.clone()).await.is(201);
    check(&bench, statement, (409, "did_registered")).await;
    let another = with(bench.agent_claims(&agent), json!({"jti": "k"}));
    check(&bench, crate::bench::statement(TYP, &another, &agent), (409, "did_registered")).await;
    // AT-20: a client is an agent or an owner
    let owner = bench.owner(100).await;
    check(&bench, bench.agent_statement(&owner.key), (409, "did_registered")).await;
}

#[tokio::test]
async fn a_statement_stays_used_over_a_restart() {
    // TH75: the answer was lost, and maybe the process; the repetition does nothing a second time
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let first = Bench::on(disk.clone(), clock.clone(), &config()).await;
    let statement = first.agent_statement(&Agent::numbered(1));
    post(&first, statement.clone()).await.is(201);
    drop(first);
    let second = Bench::on(disk, clock, &config()).await;
    check(&second, statement, (409, "did_registered")).await;
    assert_eq!(second.positions().log_size, 2, "the start, and one registration");
}

#[tokio::test]
async fn the_statement_is_kept_apart_from_its_leaf() {
    // P-16: the leaf holds a salted commitment, and what it commits to can be erased without touching the log
    let bench = Bench::new().await;
    let agent = Agent::numbered(1);
    let text = bench.agent_statement(&agent);
    post(&bench, text.clone()).await.is(201);
    let leaf = bench.store().get(Table::LOG, &1_u64.to_be_bytes()).await.unwrap().unwrap();
    let leaf = Leaf::parse(&leaf.value).unwrap();
    assert_eq!((leaf.kind(), leaf.time(), leaf.did()), ("agent_registered", bench.clock.now(), Some(&agent.did())));
    let kept = bench.store().get(Table::DETAILS, &1_u64.to_be_bytes()).await.unwrap().unwrap();
    assert_eq!(kept.leaf, Some(1));
    let opening = Opening::parse(&kept.value).unwrap();
    assert_eq!(opening.opens(&leaf).unwrap().statement(), text.as_bytes());
}

#[tokio::test]
async fn parallel_registrations_of_one_did_have_one_winner() {
    let bench = std::sync::Arc::new(Bench::new().await);
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..16 {
        let bench = bench.clone();
        tries.spawn(async move {
            let agent = Agent::numbered(1);
            let claims = with(bench.agent_claims(&agent), json!({"jti": number.to_string()}));
            post(&bench, statement(TYP, &claims, &agent)).await.status
        });
    }
    let mut statuses = tries.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[201].as_slice(), &[409; 15]].concat());
    assert_eq!(bench.positions().log_size, 2, "the start, and one registration");
}

#[tokio::test]
async fn the_media_type_is_jwt() {
    let bench = Bench::new().await;
    for media_type in ["application/json", "text/plain", "application/jwt; charset=latin1"] {
        let answer = bench.post("/agents", media_type, bench.agent_statement(&Agent::numbered(1))).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type"));
    }
}

#[tokio::test]
async fn strangers_register_so_many_a_minute() {
    let mut file = config();
    (file.limits.registrations_per_source, file.limits.registrations_in_total) = (4, 2);
    let bench = Bench::with(&file).await;
    bench.clock.advance(18);
    let register = |number: u8| {
        let statement = bench.agent_statement(&Agent::numbered(number));
        let bench = &bench;
        async move { post(bench, statement).await }
    };
    // junk uses up tries and no places
    check(&bench, "junk".to_owned(), (401, "proof_required")).await;
    register(1).await.is(201);
    register(2).await.is(201);
    let third = register(3).await;
    assert_eq!((third.problem(), third.header("retry-after")), ((429, "slow_down"), Some("42")));
    // the source's tries are used up as well by now
    let before = bench.positions();
    refused(&bench, before, &register(1).await, (429, "slow_down"));
    bench.clock.advance(42);
    register(3).await.is(201);
}

#[tokio::test]
async fn th65_a_store_that_fails_is_said_to() {
    let bench = Bench::new().await;
    bench.disk.fail_syncs();
    let answer = post(&bench, bench.agent_statement(&Agent::numbered(1))).await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "store_unavailable"), Some("5")));
    assert_eq!(bench.get("/readyz").await.problem(), (503, "store_unavailable"));
    assert!(bench.get("/livez").await.is(200).text.starts_with("ok\n"));
    let Value::Object(members) = answer.json else { panic!() };
    assert!(!members.contains_key("claim"));
}
