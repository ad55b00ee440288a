//! Token exchange and the tree: who gets a token for what was passed on, and who does not.

use handfast_delegation::ChainText;
use handfast_testkit::Agent;
use serde_json::json;

use crate::bench::{API, FILES, claims_of};
use crate::delegation_bench::*;

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
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut claims = claims_of(&answer.str("access_token"));
    let members = claims.as_object_mut().unwrap();
    let (id, handle) = (members.remove("jti").unwrap(), members.remove("handle").unwrap());
    assert!(id.as_str().unwrap().starts_with("tok_") && handle.is_string());
    assert_ne!(id, root_claims["jti"]);
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
    handfast_identity::ContentHash::of(hop.rsplit_once('.').unwrap().0.as_bytes()).to_string()
}
