//! Delegations that are right until a test breaks one part.

use std::collections::BTreeSet;

use axum::body::Body;
use handfast_delegation::{
    Authority, Budget, ChainText, Hop, MAX_CHAIN_BYTES, ResourceId, Scope, Tools, UnverifiedAccessToken, UnverifiedHop,
};
use handfast_identity::{ContentHash, DidKey, UnixTime};
use handfast_registry::ConfigFile;
use handfast_registry::store::Positions;
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, HandClock};
use http::Request;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, FILES, FORM, Owner, approval, config, encode, with};

pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const PATH: &str = "/oauth2/token";

/// A request to the API with a token, a proof for it and, where there is one, the evidence.
pub(crate) fn echo(by: &Agent, token: &str, evidence: Option<&str>, now: UnixTime) -> Request<Body> {
    let mut parts = by.proof_parts("GET", &format!("{API}/echo"), Some(token), now);
    let mut request = Request::get("/echo").header("authorization", format!("DPoP {token}"));
    if let Some(evidence) = evidence {
        let hash = ChainText::parse(evidence, MAX_CHAIN_BYTES).unwrap().hash();
        parts.claims.insert("dch".to_owned(), hash.to_string().into());
        request = request.header("delegation", evidence);
    }
    request.header("dpop", by.sign(&parts)).body(Body::empty()).unwrap()
}

/// An owner with an orchestrator, whose ceiling lets it pass on over two hops, and two more agents.
pub(crate) struct Scene {
    pub(crate) bench: Bench,
    pub(crate) owner: Owner,
    pub(crate) orchestrator: Agent,
    pub(crate) planner: Agent,
    pub(crate) browser: Agent,
}

pub(crate) async fn scene() -> Scene {
    scene_with(json!({})).await
}

/// The same, with these changes to the orchestrator's ceiling.
pub(crate) async fn scene_with(ceiling: Value) -> Scene {
    on(MemoryDisk::default(), HandClock::default(), ceiling).await
}

pub(crate) async fn on(disk: MemoryDisk, clock: HandClock, ceiling: Value) -> Scene {
    at(Bench::on(disk, clock, &config_with_tools()).await, ceiling).await
}

/// The same at a registry that is there already.
pub(crate) async fn at(bench: Bench, ceiling: Value) -> Scene {
    let owner = bench.owner(100).await;
    let orchestrator = Agent::numbered(1);
    let claim = bench.register(&orchestrator).await;
    let base = json!({
        "scope": "echo:hello echo:read files:read", "resource": [API, FILES], "max_task_seconds": 7200,
        "del_max_depth": 2, "delegation": "exchange",
    });
    let body = with(approval(&claim), json!({"ceiling": with(base, ceiling)}));
    bench.approve(&owner, &claim, &body).await.is(200);
    let (planner, browser) = (bench.claimed(2, &owner).await, bench.claimed(3, &owner).await);
    Scene { bench, owner, orchestrator, planner, browser }
}

/// Of the two resources the API applies tools and budgets.
pub(crate) fn config_with_tools() -> ConfigFile {
    let mut file = config();
    file.resources[0] = file.resources[0].clone().applying_details();
    file
}

/// What a hop is made of; `parent` is the text of the token or hop before it.
#[derive(Clone)]
pub(crate) struct HopParts {
    pub(crate) from: Agent,
    pub(crate) hop: Hop,
}

impl HopParts {
    pub(crate) fn sign(&self) -> String {
        self.hop.sign(self.from.key()).unwrap()
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Hop)) -> Self {
        change(&mut self.hop);
        self
    }
}

impl Scene {
    /// A root token of the orchestrator for the API.
    pub(crate) async fn root(&self) -> String {
        self.root_with(&[("resource", API)]).await
    }

    pub(crate) async fn root_with(&self, parameters: &[(&str, &str)]) -> String {
        self.bench.token(&self.orchestrator, parameters).await
    }

    /// A hop that passes everything of `parent`, a root token or hop, on to `to`.
    pub(crate) fn hop(&self, from: &Agent, parent: &str, to: &Agent) -> HopParts {
        self.hop_to(from, parent, to.did())
    }

    pub(crate) fn hop_to(&self, from: &Agent, parent: &str, to: DidKey) -> HopParts {
        let parent = Parent::read(parent);
        let now = self.bench.clock.now();
        let hop = Hop {
            delegator: from.did().text(),
            delegate: to,
            subject: parent.subject.into(),
            task: parent.task.into(),
            authority: parent.authority,
            issued_at: now,
            not_before: None,
            hop_id: format!("hop_{}{}", from.did().fragment().get(8..20).unwrap(), parent.depth).into(),
            depth: parent.depth + 1,
            is_instance: false,
            parent: parent.name,
        };
        HopParts { from: from.clone(), hop }
    }

    /// Exchanges the last of `hops` below `root`, as `who`.
    pub(crate) async fn exchange(&self, who: &Agent, root: &str, hops: &[&str]) -> Answer {
        self.exchange_with(who, root, hops, &[]).await
    }

    pub(crate) async fn exchange_with(&self, who: &Agent, root: &str, hops: &[&str], more: &[(&str, &str)]) -> Answer {
        let (last, field) = hops.split_last().unwrap();
        let field = (!field.is_empty()).then(|| field.join(","));
        let form = [
            ("subject_token", root),
            ("subject_token_type", ACCESS_TOKEN),
            ("actor_token", last),
            ("actor_token_type", JWT),
        ];
        let form: Vec<_> = form.into_iter().chain(more.iter().copied()).collect();
        self.send(who, field.as_deref(), field.as_deref(), &form).await
    }

    /// Sends a form with this `Delegation` field and a proof that covers `covered`; repeats once when asked for a nonce.
    pub(crate) async fn send(
        &self,
        who: &Agent,
        field: Option<&str>,
        covered: Option<&str>,
        form: &[(&str, &str)],
    ) -> Answer {
        self.send_lines(who, field.as_slice(), covered, form).await
    }

    /// The same with any number of lines of the field.
    pub(crate) async fn send_lines(
        &self,
        who: &Agent,
        lines: &[&str],
        covered: Option<&str>,
        form: &[(&str, &str)],
    ) -> Answer {
        let did = who.did().to_string();
        let mut pairs = vec![("grant_type", EXCHANGE), ("client_id", did.as_str())];
        pairs.retain(|(name, _)| !form.iter().any(|(known, _)| known == name));
        pairs.extend(form);
        let send = || {
            let url = format!("{}{PATH}", self.bench.issuer);
            let mut parts = who.proof_parts("POST", &url, None, self.bench.clock.now());
            if let Some(nonce) = self.bench.nonce() {
                parts.claims.insert("nonce".to_owned(), nonce.into());
            }
            if let Some(covered) = covered {
                let hash = ChainText::parse(covered, MAX_CHAIN_BYTES).unwrap().hash();
                parts.claims.insert("dch".to_owned(), hash.to_string().into());
            }
            let mut request = Request::post(PATH).header("content-type", FORM).header("dpop", who.sign(&parts));
            for line in lines {
                request = request.header("delegation", *line);
            }
            self.bench.send(request.body(Body::from(encode(&pairs))).unwrap())
        };
        let answer = send().await;
        if answer.json["error"] == "use_dpop_nonce" { send().await } else { answer }
    }

    /// Checks a refusal, which writes nothing.
    #[track_caller]
    pub(crate) fn check(&self, before: &Positions, answer: &Answer, expected: (u16, &str, &str)) {
        assert_eq!(answer.oauth(), expected, "{}", answer.text);
        assert_eq!(self.bench.positions(), *before);
    }

    pub(crate) async fn revoke(&self, agent: &Agent) {
        let body = json!({"kind": "agent", "id": agent.did().as_str()});
        self.bench.manage(&self.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    }

    pub(crate) async fn tree(&self, who: &Agent, scope: &str, task: &str, query: &str) -> Answer {
        self.bench.manage(who, scope, "GET", &format!("/tasks/{task}/tree{query}"), None).await
    }
}

struct Parent {
    subject: String,
    task: String,
    authority: Authority,
    depth: u8,
    name: ContentHash,
}

impl Parent {
    fn read(text: &str) -> Self {
        let name = ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes());
        if let Ok(hop) = UnverifiedHop::parse(text) {
            let hop = hop.unverified_hop().clone();
            return Self {
                subject: hop.subject.to_string(),
                task: hop.task.to_string(),
                authority: hop.authority,
                depth: hop.depth,
                name,
            };
        }
        let token = UnverifiedAccessToken::parse(text).unwrap();
        let token = token.unverified_claims().clone();
        Self {
            subject: token.subject.to_string(),
            // an owner's token has none
            task: token.task.map_or("task".to_owned(), |task| task.id.to_string()),
            authority: token.authority,
            depth: 0,
            name,
        }
    }
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) fn resources(ids: &[&str]) -> BTreeSet<ResourceId> {
    ids.iter().map(|id| ResourceId::parse(id).unwrap()).collect()
}

/// `authorization_details` of one tool `read` below `root`.
pub(crate) fn details(root: &str) -> Value {
    let path = json!({"constraint_type": "path_containment", "root": root});
    json!([{"type": "attenuating_agent_token", "tools": {"read": {"path": path}}}])
}

pub(crate) fn tools(root: &str) -> Tools {
    Tools::from_details(&details(root)).unwrap()
}

pub(crate) fn uses(count: u64) -> Budget {
    Budget::new(Some(count), None).unwrap()
}

pub(crate) fn later(time: UnixTime, seconds: u64) -> UnixTime {
    UnixTime::from_secs(time.as_secs() + seconds)
}
