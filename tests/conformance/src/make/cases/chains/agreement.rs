//! Binding, and the exchanged token against its evidence: who acts, by which key, with how much.

use serde_json::{Value, json};

use super::{exchanged, offline};
use crate::make::case::{forbidden, wrong};
use crate::make::chain::act;
use crate::make::draft::{Draft, OTHER_RESOURCE, OWNER, RESOURCE, TASK};
use crate::make::keys::Who;
use crate::make::{Case, NOW};

pub(super) fn cases() -> Vec<Case> {
    [names(), actors(), holders(), authority()].into_iter().flatten().collect()
}

fn names() -> Vec<Case> {
    let other = handfast_dpop::ContentHash::of(b"other").to_string();
    let malformed = |name: &str, rules, about: &str, claims: Value| {
        exchanged(name, "chain_malformed", rules, about, |draft| draft.claims(claims))
    };
    vec![
        malformed("token-of-another-hop", "DEL-38", "the token names another hop", json!({"hops": ["{hop 1}", other]})),
        malformed("token-of-fewer-hops", "DEL-38", "the token names one of two hops", json!({"hops": ["{hop 1}"]})),
        malformed("token-hops-reordered", "DEL-38", "the token names the hops last first", {
            json!({"hops": ["{hop 2}", "{hop 1}"]})
        }),
        malformed("token-of-another-root", "DEL-38", "the token names another root", json!({"root_jti": "tok_other"})),
        malformed("token-of-another-chain", "DEL-32", "`chain_hash` of another chain", json!({"chain_hash": other})),
        malformed("token-depth-short", "DEL-31", "the token says depth 1 behind two hops", json!({"del_depth": 1})),
        malformed("token-depth-0", "DEL-31", "the token says depth 0 and names hops", json!({"del_depth": 0})),
        exchanged(
            "token-without-names",
            "chain_malformed",
            "DEL-38",
            "a token that names neither hops nor root",
            |draft| draft.without_claims(&["hops", "root_jti", "chain_hash"]),
        ),
        exchanged(
            "offline-permitted-too",
            "chain_malformed",
            "DEL-34 DEL-36",
            "hops below an exchanged token, which is never a parent",
            |draft| draft.claims(json!({"del_offline": true})).members(|members| members[1..].to_vec()),
        ),
        exchanged(
            "task-of-another-trigger",
            "task_altered",
            "DEL-31 DEL-45",
            "the token says that the owner asked for the task, the root that it is the agent's own",
            |draft| {
                draft.claims(json!({
                    "task": {"id": TASK, "intent": "", "leaf": 7, "trigger": {"type": "owner", "by": OWNER}}
                }))
            },
        ),
        exchanged(
            "root-of-another-environment",
            "environment_mismatch",
            "DEL-31",
            "a token for production below a root for development",
            |draft| draft.root_claims(json!({"env": "dev"})),
        ),
    ]
}

fn actors() -> Vec<Case> {
    let (agent, first, last) = (Who::Agent.did(), Who::Delegate(1).did(), Who::Delegate(2).did());
    let mismatch = |name: &str, about: &str, act: Value| {
        exchanged(name, "actor_mismatch", "DEL-31 DEL-37", about, |draft| draft.claims(json!({"act": act})))
    };
    let (agent, first, last) = (agent.as_str(), first.as_str(), last.as_str());
    vec![
        mismatch("act-reversed", "`act` begins with the root's agent", {
            json!({"sub": agent, "act": {"sub": first, "act": {"sub": last}}})
        }),
        mismatch("act-a-level-short", "`act` leaves out the root's agent", json!({"sub": last, "act": {"sub": first}})),
        mismatch("act-without-the-middle", "`act` leaves out the first delegate", {
            json!({"sub": last, "act": {"sub": agent}})
        }),
        mismatch("act-a-level-long", "`act` names somebody before the root's agent", {
            let root = json!({"sub": agent, "act": {"sub": Who::OtherAgent.did().as_str()}});
            json!({"sub": last, "act": {"sub": first, "act": root}})
        }),
        mismatch("act-of-another", "`act` names another middle agent", {
            json!({"sub": last, "act": {"sub": Who::OtherAgent.did().as_str(), "act": {"sub": agent}}})
        }),
        exchanged("client-of-the-delegator", "actor_mismatch", "ACT-09", "the client is the delegator", |draft| {
            draft.claims(json!({"client_id": first}))
        }),
    ]
}

fn holders() -> Vec<Case> {
    let mismatch = "holder_mismatch";
    vec![
        offline(
            "proof-by-the-delegator",
            mismatch,
            "DEL-33",
            "the proof is by the delegate before the last",
            |draft| draft.proof_by(Who::Delegate(1)),
        ),
        offline("proof-by-the-root", mismatch, "DEL-33", "the proof is by the root's own key", |draft| {
            draft.proof_by(Who::Agent)
        }),
        offline("proof-by-a-stranger", mismatch, "DEL-33", "the proof is by a stranger", |draft| {
            draft.proof_by(Who::Stranger)
        }),
        exchanged(
            "proof-by-the-delegator",
            mismatch,
            "DEL-33 DPOP-35",
            "the proof is by the delegate before",
            |draft| draft.proof_by(Who::Delegate(1)),
        ),
        exchanged(
            "token-bound-to-the-delegator",
            mismatch,
            "DEL-33",
            "token and proof are the delegate's before",
            |draft| draft.claims(json!({"cnf": {"jkt": Who::Delegate(1).jkt()}})).proof_by(Who::Delegate(1)),
        ),
        exchanged("token-unbound", "token_unbound", "DPOP-103", "the token is bound to no key", |draft| {
            draft.without_claims(&["cnf"])
        }),
        exchanged(
            "token-of-the-delegator",
            "actor_mismatch",
            "DEL-31",
            "the delegator's token, with hops to its delegate",
            {
                |draft| {
                    let key =
                        json!({"client_id": Who::Delegate(1).did().as_str(), "cnf": {"jkt": Who::Delegate(1).jkt()}});
                    draft.claims(key).claims(json!({"act": act(1)})).proof_by(Who::Delegate(1))
                }
            },
        ),
    ]
}

/// The token is within the last hop, whoever signed it; offline the last hop is all there is.
fn authority() -> Vec<Case> {
    let exceeds = |name: &str, about: &str, claims: Value| {
        exchanged(name, "token_exceeds_chain", "DEL-34", about, |draft| draft.claims(claims))
    };
    let of_root = |form: &str, draft: Draft| {
        let about = format!("{form}: a scope that the root has and the last hop not");
        let draft = draft.route(crate::vector::Callers::Agents, &["files:write"]);
        let expect = forbidden("insufficient_scope", "files:write");
        wrong(format!("{form}-scope-of-the-root"), expect, "DEL-34 DEL-35", about, draft).twin(format!("{form}-2"))
    };
    let unlike = exchanged(
        "budget-dropped-by-the-token",
        "token_exceeds_chain",
        "DEL-34",
        "every hop has a budget, the token has none",
        |draft| {
            let budget = || json!({"budget": {"max_uses": 10}});
            draft.root_claims(budget()).hop_claims(1, budget()).hop_claims(2, budget())
        },
    );
    vec![
        exceeds("token-scope-wider", "the token has a scope that its last hop has not", {
            json!({"scope": "files:read files:write"})
        }),
        exceeds("token-resource-wider", "the token is for a resource that its last hop has not", {
            json!({"aud": [RESOURCE, OTHER_RESOURCE]})
        }),
        exceeds("token-exp-later", "the token ends a second after its last hop", json!({"exp": NOW + 541})),
        exceeds("token-max-depth-larger", "the token may be passed on further than its last hop", {
            json!({"del_max_depth": 4})
        }),
        unlike,
        of_root("offline", Draft::offline(2)),
        of_root("exchanged", Draft::exchanged(2)),
    ]
}
