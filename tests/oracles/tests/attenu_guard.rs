//! `attenu-guard` 0.21.0: the vectors of another draft of attenuated chains, carried over claim by claim.
//!
//! There one issuer signs every token of a chain; here each delegator signs its hop. What the claims say is comparable: who acts
//! for whom, scopes, limits, ends, depths and links. Each vector is written as its author would write it here, and then read by
//! our code. data/attenu-guard-draft02.json names the source.
#![allow(clippy::unwrap_used, reason = "a vector of another shape should stop the test")]

use std::collections::BTreeMap;

use handfast_delegation::{
    ChainError, DETAILS_TYPE, HOP_TYPE, MAX_HOPS, ResourceId, TOKEN_TYPE, UnverifiedAccessToken, UnverifiedChain,
    VerifiedAccessToken,
};
use handfast_identity::{ContentHash, DidKey, SigningKey, base64url};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const TASK: &str = "task_01jd7v3k8q5xw2t9m4n6r0abce";
const ACCEPTED: &str = "accept";
/// Written before a member's name that has to stand twice in the text.
const AGAIN: &str = "again:";

#[derive(Deserialize)]
struct Data {
    audience: String,
    valid_chain: Vec<Map<String, Value>>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    verdict: String,
    #[serde(default)]
    audience: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    tokens: Vec<Changes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    drop: Vec<String>,
}

fn data() -> Data {
    serde_json::from_str(include_str!("../data/attenu-guard-draft02.json")).unwrap()
}

fn tokens(vector: &Vector, base: &[Map<String, Value>]) -> Vec<Map<String, Value>> {
    let token = |(changes, base): (&Changes, &Map<String, Value>)| {
        let mut token = base.clone();
        token.extend(changes.set.clone());
        token.retain(|name, _| !changes.drop.contains(name));
        token
    };
    vector.tokens.iter().zip(base).map(token).collect()
}

fn key(number: usize) -> SigningKey {
    SigningKey::from_ed25519_seed(&[u8::try_from(number).unwrap() + 1; 32])
}

fn did(number: usize) -> DidKey {
    key(number).public().did()
}

fn issuer() -> SigningKey {
    key(100)
}

fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let claims = claims.to_string().replace(AGAIN, "");
    let input =
        format!("{}.{}", base64url::encode(header.to_string().as_bytes()), base64url::encode(claims.as_bytes()));
    format!("{input}.{}", base64url::encode(&key.sign(input.as_bytes())))
}

/// `crm.*` and the scopes below it in this chain, which have to be named here.
fn spelled_out(scope: &str, used: &[String]) -> Vec<String> {
    let is_below = |used: &&String| {
        scope.strip_suffix('*').is_some_and(|prefix| {
            used.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase()))
        })
    };
    let below = used.iter().filter(is_below).cloned();
    core::iter::once(scope.to_owned()).chain(below).collect()
}

fn scopes(token: &Map<String, Value>) -> Vec<String> {
    let scopes = token["authorization_details"][0]["scopes"].as_array().unwrap();
    scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect()
}

/// Their details as ours: one tool, an argument for each key. Counted calls become a budget, other running totals have no form
/// here and are left out, what is unknown to us stays what it is.
fn limits(details: &Value) -> (Option<Value>, Option<Value>) {
    let mut budget = None;
    let mut objects = Vec::new();
    for detail in details.as_array().unwrap() {
        let mut object = detail.as_object().unwrap().clone();
        let constraints = object.remove("constraints").unwrap();
        object.remove("scopes");
        let mut arguments: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for constraint in constraints.as_array().unwrap() {
            let mut rest = constraint.as_object().unwrap().clone();
            let key = rest.remove("key").unwrap().as_str().unwrap().to_owned();
            if let Some(total) = rest.remove("max_lifetime") {
                budget = budget.or((key == "max_calls").then(|| json!({"max_uses": total})));
                continue;
            }
            if rest.remove("max_subtree").is_some() {
                continue;
            }
            let argument = argument(rest);
            match arguments.get_mut(&key) {
                Some(one) if argument.keys().any(|name| name != "constraint_type" && one.contains_key(name)) => {
                    arguments.insert(format!("{AGAIN}{key}"), argument);
                }
                Some(one) => one.extend(argument),
                None => drop(arguments.insert(key, argument)),
            }
        }
        if object["type"] == "agent_delegation" {
            object.insert("type".to_owned(), json!(DETAILS_TYPE));
        }
        object.insert("tools".to_owned(), json!({"call": arguments}));
        objects.push((object, constraints != json!([])));
    }
    let is_limited = objects.len() > 1 || objects.iter().any(|(_, has_some)| *has_some);
    (is_limited.then(|| objects.into_iter().map(|(object, _)| Value::Object(object)).collect()), budget)
}

fn argument(mut rest: Map<String, Value>) -> Map<String, Value> {
    if let Some(rank) = rest.remove("rank") {
        // a rank is the set of itself and all below it
        let order = rest.remove("order").unwrap_or_else(|| json!([]));
        let order = order.as_array().unwrap();
        let place = order.iter().position(|one| *one == rank).map_or(0, |place| place + 1);
        rest.insert("constraint_type".to_owned(), json!("one_of"));
        rest.insert("values".to_owned(), order.iter().take(place).cloned().collect());
    } else if rest.contains_key("max") || rest.contains_key("min") {
        rest.insert("constraint_type".to_owned(), json!("range"));
    } else {
        let kind = rest.keys().next().cloned().unwrap();
        rest.insert("constraint_type".to_owned(), json!(kind));
    }
    rest
}

fn shared_claims(token: &Map<String, Value>, scope: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    for name in ["sub", "iat", "exp", "jti", "del_depth"] {
        claims.insert(name.to_owned(), token[name].clone());
    }
    claims.insert("scope".to_owned(), json!(scope.join(" ")));
    let (details, budget) = limits(&token["authorization_details"]);
    claims.extend(details.map(|details| ("authorization_details".to_owned(), details)));
    claims.extend(budget.map(|budget| ("budget".to_owned(), budget)));
    claims
}

fn audiences(token: &Map<String, Value>) -> Value {
    if token["aud"].is_string() { json!([token["aud"]]) } else { token["aud"].clone() }
}

fn confirmation(token: &Map<String, Value>, of: usize) -> Option<Value> {
    let given = token.get("cnf")?;
    Some(if given.get("jkt").is_some() { json!({"jkt": did(of).thumbprint().to_string()}) } else { given.clone() })
}

fn root(token: &Map<String, Value>, scope: &[String]) -> Result<VerifiedAccessToken, &'static str> {
    let mut claims = shared_claims(token, scope);
    claims.insert("iss".to_owned(), json!("https://registry.example"));
    claims.insert("client_id".to_owned(), json!(did(0).as_str()));
    claims.insert("aud".to_owned(), audiences(token));
    claims.insert(
        "task".to_owned(),
        json!({"id": TASK, "intent": "", "leaf": 0, "trigger": {"type": "owner", "by": "o"}}),
    );
    claims.insert("act".to_owned(), json!({"sub": did(0).as_str()}));
    claims.insert("del_max_depth".to_owned(), token["del_max_depth"].clone());
    claims.insert("del_offline".to_owned(), json!(true));
    claims.extend(confirmation(token, 0).map(|cnf| ("cnf".to_owned(), cnf)));
    let header = json!({"typ": TOKEN_TYPE, "alg": "EdDSA", "kid": "k"});
    let text = signed(&header, &Value::Object(claims), &issuer());
    let token = UnverifiedAccessToken::parse(&text).map_err(|_| "token_malformed")?;
    let token = token.verify(issuer().public()).map_err(|_| "signature_invalid")?;
    if token.claims().has_unreadable_restriction { Err("token_malformed") } else { Ok(token) }
}

/// What our code says to the vector, its wildcards spelled out in the root or not.
fn verdict(vector: &Vector, data: &Data, with_wildcards: bool) -> &'static str {
    let tokens = tokens(vector, &data.valid_chain);
    let used: Vec<_> = tokens.iter().skip(1).flat_map(scopes).collect();
    let mut root_scopes = scopes(&tokens[0]);
    if !with_wildcards {
        root_scopes = root_scopes.iter().flat_map(|scope| spelled_out(scope, &used)).collect();
        root_scopes.sort();
        root_scopes.dedup();
    }
    let root = match root(&tokens[0], &root_scopes) {
        Ok(root) => root,
        Err(reason) => return reason,
    };
    let mut parent = root.name();
    let mut ceiling = tokens[0]["del_max_depth"].clone();
    let mut texts = Vec::new();
    for (place, token) in tokens.iter().enumerate().skip(1) {
        let mut claims = shared_claims(token, &scopes(token));
        claims.insert("iss".to_owned(), json!(did(place - 1).as_str()));
        claims.extend(token.get("client_id").map(|_| ("aud".to_owned(), json!(did(place).as_str()))));
        claims.extend(confirmation(token, place).map(|cnf| ("cnf".to_owned(), cnf)));
        claims.insert("task".to_owned(), json!(TASK));
        claims.insert("resource".to_owned(), audiences(token));
        ceiling = token.get("del_max_depth").cloned().unwrap_or(ceiling);
        claims.insert("del_max_depth".to_owned(), ceiling.clone());
        let parent_hash = if token.contains_key("par_hash") { ContentHash::of(b"another") } else { parent };
        claims.insert("par_hash".to_owned(), json!(parent_hash.to_string()));
        let alg = vector.alg.as_deref().unwrap_or("EdDSA");
        let header = json!({"typ": HOP_TYPE, "alg": alg, "kid": did(place - 1).key_id()});
        let text = signed(&header, &Value::Object(claims), &key(place - 1));
        parent = ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes());
        texts.push(text);
    }
    let members: Vec<_> = texts.iter().map(String::as_str).collect();
    let answer = UnverifiedChain::parse(&members).and_then(|chain| chain.verify(&root, MAX_HOPS));
    let resource = ResourceId::parse(vector.audience.as_ref().unwrap_or(&data.audience)).unwrap();
    match answer {
        Ok(chain) if chain.leaf().hop.authority.resources.contains(&resource) => ACCEPTED,
        Ok(_) => "audience_mismatch",
        Err(error) => ChainError::reason(&error),
    }
}

/// Our reasons for one of theirs.
fn same(theirs: &str) -> &'static [&'static str] {
    match theirs {
        "accept" => &[ACCEPTED],
        "malformed" => &["chain_malformed", "token_malformed"],
        // an unknown `alg` is a matter of form here
        "signature_invalid" => &["hop_signature_invalid", "chain_malformed"],
        "par_hash_mismatch" => &["parent_hash_mismatch"],
        "principal_altered" => &["principal_altered"],
        "not_narrower" => &["scope_widened", "details_widened", "budget_widened", "depth_invalid"],
        "expired" => &["expiry_widened"],
        "audience_mismatch" => &["audience_mismatch"],
        other => unreachable!("{other}"),
    }
}

/// Vector, our verdict, and why it is another one (spec/delegation.md, "Differences from others").
const DIFFERENT: [(&str, &str, &str); 4] = [
    ("reject_max_subtree_widened", ACCEPTED, "amounts are not added up: the limit has no form here"),
    ("reject_mixed_case_wildcard", "scope_widened", "a scope is any text: `User.*` is one that the parent lacks"),
    ("reject_rank_order_mismatch", ACCEPTED, "a rank is the set of its values, and that is the same under both orders"),
    ("valid_unknown_constraint_identical", "chain_malformed", "unknown denies, below an equal one too"),
];

#[test]
fn verdicts_agree_but_for_listed_differences() {
    let data = data();
    assert_eq!(data.vectors.len(), 35);
    let mut different = Vec::new();
    for vector in &data.vectors {
        let ours = verdict(vector, &data, false);
        if !same(&vector.verdict).contains(&ours) {
            different.push((vector.name.as_str(), ours));
        }
    }
    assert_eq!(different, DIFFERENT.map(|(name, ours, _)| (name, ours)));
}

/// `crm.*` does not cover `crm.read`: without spelling it out their good chains are refused.
#[test]
fn there_are_no_wildcards_in_scopes() {
    let data = data();
    let refused = |vector: &&Vector| vector.verdict == ACCEPTED && verdict(vector, &data, true) == "scope_widened";
    let names: Vec<_> = data.vectors.iter().filter(refused).map(|vector| vector.name.as_str()).collect();
    assert_eq!(names, ["valid_audience_array", "valid_chain"]);
}

/// Their details as they are stop a chain here: neither type is read by the other.
#[test]
fn their_details_are_not_read() {
    let data = data();
    for vector in data.vectors.iter().filter(|vector| vector.verdict == ACCEPTED) {
        for token in tokens(vector, &data.valid_chain) {
            assert!(handfast_delegation::Tools::from_details(&token["authorization_details"]).is_err());
        }
    }
}
