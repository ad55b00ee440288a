//! The resolver of DIDs against hosts that mean it well and hosts that do not.

mod host;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handfast_fetch::{DidResolver, FetchError, Fetcher, Mode, ResolveError, ResolvedDocument};
use handfast_identity::{Did, DidJwk, DidKey, DocumentError};
use host::{Host, TestNames};
use tokio::task::JoinSet;

/// Fetches at once of one host (spec/limits.md).
const OF_HOST: u32 = 4;
/// Wrong answers of one host that are taken one behind the other, and so many more a second (spec/limits.md).
const WRONG: f64 = 16.0;
const WRONG_A_SECOND: f64 = 20.0;
/// What is kept of one host (spec/limits.md).
const KEPT_OF_HOST: usize = 32;
/// Lookups of hostile hosts: each kind has some hundreds.
const LOOKUPS: usize = 6000;
/// How long a fetch may take in these tests, and how much later its host may hear of its end on a busy machine.
const DEADLINE: Duration = Duration::from_millis(400);
const SLACK: Duration = Duration::from_secs(2);
/// What is read of a document (spec/limits.md), and what a machine's buffers can hold beyond it.
const DOCUMENT_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 8 << 20;
/// So many ask at once.
const AT_ONCE: usize = 100;

fn resolver() -> DidResolver {
    let fetcher = Fetcher::with_test_names(Mode::Development, TestNames::default()).unwrap();
    DidResolver::new(fetcher).with_test_deadline(DEADLINE)
}

async fn resolve(resolver: &DidResolver, did: &str) -> Result<ResolvedDocument, ResolveError> {
    resolver.resolve(&Did::parse(did).unwrap()).await
}

/// What became of a lookup, in a word.
fn word(outcome: &Result<ResolvedDocument, ResolveError>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(ResolveError::NotFound(error)) => match &**error {
            FetchError::Address(refused) => format!("address {}", refused.address()),
            FetchError::Redirect(_) => "redirect".to_owned(),
            FetchError::Status(status) => status.to_string(),
            FetchError::MediaType => "type".to_owned(),
            FetchError::TooLarge { .. } => "large".to_owned(),
            FetchError::Deadline { .. } => "slow".to_owned(),
            FetchError::Transport(_) => "broken".to_owned(),
            other => panic!("{other}"),
        },
        Err(ResolveError::HostPaused) => "paused".to_owned(),
        Err(ResolveError::Document(DocumentError::OtherSubject)) => "other".to_owned(),
        Err(ResolveError::Document(_)) => "document".to_owned(),
        Err(ResolveError::Busy) => "busy".to_owned(),
    }
}

#[tokio::test]
async fn methods_without_a_host_ask_nobody() {
    let key = DidKey::parse("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw").unwrap();
    let jwk = DidJwk::from_public_key(key.public_key().clone());
    let resolver = DidResolver::new(Fetcher::production().unwrap());
    for did in [key.as_str(), jwk.as_str()] {
        let document = serde_json::to_value(resolve(&resolver, did).await.unwrap()).unwrap();
        assert_eq!(document["id"], did);
    }
    assert_eq!(resolver.held(), (0, 0));
}

#[tokio::test]
async fn a_lookup_that_needs_no_fetch_has_no_room_for_one() {
    let did = Did::parse("did:web:a.example").unwrap();
    let resolver = resolver();
    let bytes = size_of_val(&resolver.resolve(&did));
    assert!(bytes <= 512, "{bytes}");
}

#[tokio::test]
async fn a_document_is_found_where_the_did_says_and_kept_for_a_while() {
    let (host, resolver) = (Host::start().await, resolver());
    for did in [host.did("honest", ""), host.did("honest", ":a:b")] {
        for _ in 0..3 {
            let document = serde_json::to_value(resolve(&resolver, &did).await.unwrap()).unwrap();
            assert_eq!((&document["id"], &document["unknown"]), (&did.as_str().into(), &1.into()));
        }
    }
    assert_eq!(host.paths(), ["/.well-known/did.json", "/a/b/did.json"]);
    assert_eq!(resolver.held().0, 2);
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_one_fetch_and_nobody_ends_it_for_others() {
    let (host, resolver) = (Host::start().await, resolver());
    let did = host.did("held", "");
    let ask = || {
        let (resolver, did) = (resolver.clone(), did.clone());
        tokio::spawn(async move { word(&resolve(&resolver, &did).await) })
    };
    let first = ask();
    host.reached(1).await;
    let others: Vec<_> = (0..20).map(|_| ask()).collect();
    first.abort();
    assert!(first.await.is_err());
    host.let_go();
    for other in others {
        assert_eq!(other.await.unwrap(), "ok");
    }
    // the one that was ended, and the one of those who waited
    assert_eq!(host.paths().len(), 2);
}

#[tokio::test]
async fn each_wrong_answer_is_told_apart_and_kept_as_well() {
    // DW-04 to DW-06, DW-09, DW-13, TH51 to TH53
    let (host, resolver) = (Host::start().await, resolver());
    for (kind, expected) in [
        ("gone", "410"),
        ("missing", "404"),
        ("redirecting", "redirect"),
        ("elsewhere", "redirect"),
        ("huge", "large"),
        ("endless", "large"),
        ("text", "type"),
        ("garbage", "broken"),
        ("other", "other"),
        ("html", "document"),
        ("slow", "slow"),
        ("dripping", "slow"),
        ("mixed", "address 10.0.0.1"),
        ("nowhere", "broken"),
    ] {
        let did = host.did(kind, "");
        assert_eq!(word(&resolve(&resolver, &did).await), expected, "{kind}");
        let before = host.paths().len();
        assert_eq!(word(&resolve(&resolver, &did).await), expected, "{kind}, again");
        assert_eq!(host.paths().len(), before, "{kind} was asked again");
    }
    assert_eq!(host.elsewhere(), 0, "a redirect was followed");
    let error = resolve(&resolver, &host.did("other", "")).await.unwrap_err();
    assert_eq!((error.code(), ResolveError::HostPaused.code()), ("INVALID_DID_DOCUMENT", "NOT_FOUND"));
}

#[tokio::test]
async fn a_name_that_moves_inside_is_judged_each_time_it_is_looked_up() {
    let (host, resolver) = (Host::start().await, resolver());
    assert_eq!(word(&resolve(&resolver, &host.did("rebinding", ":a")).await), "ok");
    assert_eq!(word(&resolve(&resolver, &host.did("rebinding", ":b")).await), "address 10.0.0.1");
}

#[tokio::test]
async fn in_production_this_machine_is_nobodys_host() {
    let host = Host::start().await;
    let fetcher = Fetcher::with_test_names(Mode::Production, TestNames::default()).unwrap();
    let resolver = DidResolver::new(fetcher);
    for kind in ["honest", "mixed"] {
        assert_eq!(word(&resolve(&resolver, &host.did(kind, "")).await), "address 127.0.0.1");
    }
    assert_eq!(host.paths().len(), 0);
}

#[tokio::test]
async fn p18_a_host_is_asked_at_a_pace_for_what_it_does_not_have() {
    let (host, resolver, begun) = (Host::start().await, resolver(), Instant::now());
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..600 {
        let outcome = resolve(&resolver, &host.did("missing", &format!(":u{number}"))).await;
        *seen.entry(word(&outcome)).or_default() += 1;
        // others are asked as ever
        if number % 20 == 0 {
            assert_eq!(word(&resolve(&resolver, &host.did("honest", &format!(":u{number}"))).await), "ok");
        }
    }
    let may = WRONG + WRONG_A_SECOND * begun.elapsed().as_secs_f64();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["404", "busy"]);
    assert!((WRONG..=may).contains(&f64::from(seen["404"])), "{seen:?}, {may}");
    assert_eq!(host.kind("missing").asked, seen["404"]);
}

#[tokio::test]
async fn a_document_that_was_found_is_asked_for_again_whatever_else_the_host_lacks() {
    let (host, resolver) = (Host::start().await, resolver());
    let known = host.did("partial", ":good:known");
    assert_eq!(word(&resolve(&resolver, &known).await), "ok");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let mut number = 0;
    while word(&resolve(&resolver, &host.did("partial", &format!(":u{number}"))).await) == "404" {
        number += 1;
    }
    assert_eq!(word(&resolve(&resolver, &host.did("partial", ":good:new")).await), "busy");
    assert_eq!(word(&resolve(&resolver, &known).await), "ok");
    assert_eq!(host.paths().iter().filter(|path| *path == "/good/known/did.json").count(), 2);
}

#[tokio::test]
async fn hostile_hosts_cost_what_the_limits_say_and_take_nothing_from_honest_ones() {
    const KINDS: [(&str, &[&str]); 12] = [
        ("slow", &["slow", "paused", "busy"]),
        ("dripping", &["slow", "paused", "busy"]),
        ("huge", &["large", "busy"]),
        ("endless", &["large", "busy"]),
        ("redirecting", &["redirect", "busy"]),
        ("elsewhere", &["redirect", "busy"]),
        ("garbage", &["broken", "paused", "busy"]),
        ("html", &["document", "busy"]),
        ("other", &["other", "busy"]),
        ("text", &["type", "busy"]),
        ("mixed", &["address 10.0.0.1", "paused", "busy"]),
        ("missing", &["404", "busy"]),
    ];
    let (host, resolver, begun) = (Arc::new(Host::start().await), resolver(), Instant::now());
    let kept = host.did("honest", ":kept");
    assert_eq!(word(&resolve(&resolver, &kept).await), "ok");
    let mut seen: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for first in (0..LOOKUPS).step_by(AT_ONCE) {
        let mut asking = JoinSet::new();
        for number in first..first + AT_ONCE {
            let kind = KINDS[number % KINDS.len()].0;
            let (resolver, did) = (resolver.clone(), host.did(kind, &format!(":u{number}")));
            asking.spawn(async move { (kind, word(&resolve(&resolver, &did).await)) });
        }
        // one that has to be fetched, while the others are under way
        let honest = resolve(&resolver, &host.did("honest", &format!(":u{first}"))).await;
        assert_eq!(word(&honest), "ok", "after {first}");
        while let Some(outcome) = asking.join_next().await {
            let (kind, word) = outcome.unwrap();
            *seen.entry(kind).or_default().entry(word).or_default() += 1;
        }
        let (entries, bytes) = resolver.held();
        assert!(entries <= KINDS.len() * KEPT_OF_HOST + KEPT_OF_HOST && bytes <= 8 << 20, "{entries}, {bytes}");
    }
    for (kind, allowed) in KINDS {
        let found: Vec<_> = seen[kind].keys().map(String::as_str).collect();
        assert!(found.iter().all(|word| allowed.contains(word)), "{kind}: {found:?}");
        assert!(found.contains(&allowed[0]), "{kind}: {found:?}");
    }
    // hosts that let callers wait were asked a few times, not five hundred
    for kind in ["slow", "dripping"] {
        assert!(host.kind(kind).asked <= 50, "{kind}: {}", host.kind(kind).asked);
        assert!(host.kind(kind).most_at_once <= OF_HOST, "{kind}: {} at once", host.kind(kind).most_at_once);
    }
    // and hosts that answered wrongly at a pace
    let may = WRONG + WRONG_A_SECOND * begun.elapsed().as_secs_f64() + f64::from(OF_HOST);
    for (kind, _) in KINDS {
        assert!(f64::from(host.kind(kind).asked) <= may, "{kind}: {} of {may}", host.kind(kind).asked);
    }
    // as the hosts see it: nobody holds on for longer than the deadline, and no more is taken than the limit and what buffers hold
    for (kind, _) in KINDS {
        let seen = host.kind(kind);
        assert!(seen.longest <= DEADLINE + SLACK, "{kind}: {:?}", seen.longest);
        assert!(seen.most_bytes <= DOCUMENT_BYTES + BUFFER_BYTES, "{kind}: {}", seen.most_bytes);
    }
    assert!(host.kind("endless").most_bytes > DOCUMENT_BYTES);
    assert_eq!(host.elsewhere(), 0, "a redirect was followed");
}
