//! `GET /agents` by handle, owner and status.

use std::collections::BTreeSet;

use handfast_registry::store::{Batch, Table};
use handfast_testkit::{Agent, HandClock};
use serde_json::json;

use crate::bench::{Bench, Owner, approval, config, with};

struct Cast {
    bench: Bench,
    owner: Owner,
    other: Owner,
    admin: Owner,
}

/// Five agents: two of one owner, two of another, one of nobody; one is revoked.
async fn cast() -> Cast {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    for (number, owner, handle) in
        [(1, &owner, "billing-one"), (2, &owner, "billing-two"), (3, &other, "bi11ing-x"), (4, &other, "mailer")]
    {
        let agent = Agent::numbered(number);
        let claim = bench.register(&agent).await;
        bench.approve(owner, &claim, &with(approval(&claim), json!({"handle": handle}))).await.is(200);
    }
    bench.register(&Agent::numbered(5)).await;
    let body = json!({"kind": "agent", "id": "mailer"});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    Cast { bench, owner, other, admin }
}

/// The handles that a search finds, page by page.
async fn found(bench: &Bench, who: &Owner, scope: &str, query: &str) -> BTreeSet<String> {
    let token = bench.token(&who.key, &[("scope", scope), ("resource", &bench.issuer)]).await;
    let mut handles = BTreeSet::new();
    let query = if query.is_empty() { String::new() } else { format!("&{query}") };
    let mut path = format!("/agents?limit=1{query}");
    loop {
        let page = bench.call(&who.key, &token, "GET", &path, None).await.is(200);
        for agent in page.json["agents"].as_array().unwrap() {
            assert!(handles.insert(agent["handle"].as_str().unwrap().to_owned()), "twice: {agent}");
        }
        let Some(next) = page.json["next"].as_str() else { return handles };
        path = format!("/agents?limit=1&after={next}{query}");
    }
}

#[tokio::test]
async fn agents_are_found_by_what_is_asked_for() {
    let Cast { bench, owner, other, admin } = cast().await;
    let check = async |who: &Owner, scope: &str, query: &str, expected: &[&str]| {
        let handles = found(&bench, who, scope, query).await;
        let expected: BTreeSet<_> = expected.iter().map(|handle| (*handle).to_owned()).collect();
        assert_eq!(handles, expected, "{scope} {query}");
    };
    // exactly as written: a look-alike is another
    check(&admin, "registry:read", "handle=billing", &["billing-one", "billing-two"]).await;
    check(&admin, "registry:read", "handle=bi11", &["bi11ing-x"]).await;
    check(&admin, "registry:read", "handle=billing-t", &["billing-two"]).await;
    check(&admin, "registry:read", "handle=zz", &[]).await;
    check(&admin, "registry:read", "status=REVOKED", &["mailer"]).await;
    check(&admin, "registry:admin", "status=CLAIMED", &["billing-one", "billing-two", "bi11ing-x"]).await;
    check(&admin, "registry:read", "handle=mailer&status=CLAIMED", &[]).await;
    let theirs = format!("owner={}", other.id);
    check(&admin, "registry:read", &theirs, &["bi11ing-x", "mailer"]).await;
    check(&admin, "registry:read", &format!("{theirs}&status=REVOKED&handle=m"), &["mailer"]).await;
    assert_eq!(found(&bench, &admin, "registry:read", "status=UNCLAIMED").await.len(), 1);
    assert_eq!(found(&bench, &admin, "registry:read", "").await.len(), 5);
    // owners see theirs, whatever they ask
    check(&owner, "owner:self", "", &["billing-one", "billing-two"]).await;
    check(&owner, "owner:self", "handle=bi11", &[]).await;
    check(&owner, "owner:self", "status=CLAIMED&handle=billing-o", &["billing-one"]).await;
    check(&other, "owner:self", "status=REVOKED", &["mailer"]).await;
    check(&other, "owner:self", &theirs, &["bi11ing-x", "mailer"]).await;
    let refused = bench.manage(&owner.key, "owner:self", "GET", &format!("/agents?{theirs}"), None).await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    for query in ["status=open", "handle=A", "handle=-", "owner=x", "handle=a&after=-", "status=CLAIMED&after=x"] {
        let answer = bench.manage(&admin.key, "registry:read", "GET", &format!("/agents?{query}"), None).await;
        assert_eq!(answer.problem(), (400, "invalid_request"), "{query}");
    }
}

#[tokio::test]
async fn a_store_from_before_there_were_lists_by_status_gets_them_at_its_start() {
    let Cast { bench, admin, .. } = cast().await;
    let before = found(&bench, &admin, "registry:read", "status=CLAIMED").await;
    // as it was before: no entry, and no note that there are any
    let entries = bench.store().page(Table::new(80, ""), b"", None, 100).await.unwrap().records;
    assert_eq!(entries.len(), 5);
    let mut batch = Batch::new();
    for (key, _) in &entries {
        batch.delete(Table::new(80, ""), key).unwrap();
    }
    batch.delete(Table::new(86, ""), b"agents by status").unwrap();
    bench.store().commit(batch).await.unwrap();
    assert!(found(&bench, &admin, "registry:read", "status=CLAIMED").await.is_empty());
    let clock: HandClock = bench.clock.clone();
    let disk = bench.disk.clone();
    drop(bench);
    let bench = Bench::on(disk, clock, &config()).await;
    assert_eq!(found(&bench, &admin, "registry:read", "status=CLAIMED").await, before);
    // and they are kept from then on
    let body = json!({"kind": "agent", "id": "billing-one"});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(found(&bench, &admin, "registry:read", "status=REVOKED").await.len(), 2);
}
