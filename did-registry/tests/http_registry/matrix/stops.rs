//! Every kind of stop: the call over HTTP, and what it means for the prediction.

use handfast_delegation::UnverifiedHop;
use handfast_identity::ContentHash;
use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_testkit::Agent;
use http::Method;
use serde_json::{Value, json};

use super::cells::{Name, Task, Who};
use super::world::{Work, World, ceiling};
use crate::bench::{Owner, claims_of, encode};

fn token_body(token: &str) -> Value {
    json!({"kind": "token", "id": claims_of(token)["jti"], "evidence": token})
}

fn hop_body(hop: &str) -> Value {
    json!({"kind": "hop", "id": UnverifiedHop::parse(hop).unwrap().name().to_string(), "evidence": hop})
}

/// The id of the key that signed a token.
pub(super) fn kid_of(token: &str) -> String {
    let header = handfast_identity::base64url::decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

impl World {
    async fn by_owner(&self, owner: &Owner, path: &str, body: Value) {
        self.bench().manage(&owner.key, "owner:self", "POST", path, Some(body)).await.is(200);
    }

    async fn by_admin(&self, path: &str, body: Value) -> Value {
        self.bench().manage(&self.admin.key, "registry:admin", "POST", path, Some(body)).await.is(200).json
    }

    /// Has the owner of a task revoke one thing of its newest credentials.
    async fn revoke_of(&mut self, task: Task, name: impl Fn(u32) -> Name, body: impl Fn(&Work) -> Value) {
        let work = self.work(task);
        let (name, body) = (name(work.born), body(work));
        self.by_owner(&self.owners[work.owner], "/revocations", body).await;
        self.stopped.for_good(name);
    }

    pub(super) async fn revoke_root(&mut self, task: Task) {
        self.revoke_of(task, |born| Name::Root(task, born), |work| token_body(&work.root)).await;
    }

    pub(super) async fn revoke_token_of_second(&mut self, task: Task) {
        self.revoke_of(task, |born| Name::TokenOfSecond(task, born), |work| token_body(&work.token_of_second)).await;
    }

    /// The first sub-agent gives its token up itself (RFC 7009).
    pub(super) async fn give_up_token_of_first(&mut self, task: Task) {
        let work = self.work(task);
        let (born, one) = (work.born, self.party(Who::First(work.owner)));
        let form = encode(&[("client_id", one.did().as_str()), ("token", work.token_of_first.as_str())]);
        self.bench().prove(one, Method::POST, "/oauth2/revoke", Some(&form)).await.is(200);
        self.stopped.for_good(Name::TokenOfFirst(task, born));
    }

    pub(super) async fn revoke_first(&mut self, task: Task) {
        self.revoke_of(task, |born| Name::First(task, born), |work| hop_body(&work.first)).await;
    }

    pub(super) async fn revoke_under(&mut self, task: Task) {
        self.revoke_of(task, |born| Name::Under(task, born), |work| hop_body(&work.under)).await;
    }

    pub(super) async fn revoke_branch(&mut self, task: Task) {
        self.revoke_of(task, |born| Name::Branch(task, born), |work| hop_body(&work.branch)).await;
    }

    pub(super) async fn revoke_task(&mut self, task: Task) {
        self.revoke_of(task, |_| Name::Task(task), |work| json!({"kind": "task", "id": work.id})).await;
    }

    pub(super) async fn revoke_party(&mut self, who: Who) {
        let body = json!({"kind": "agent", "id": self.party(who).did().as_str()});
        self.by_owner(self.owner_of(who), "/revocations", body).await;
        self.stopped.for_good(Name::Party(who));
    }

    /// One key of somebody's, who goes on with another.
    pub(super) async fn revoke_key(&mut self, who: Who) {
        let body = json!({"kind": "key", "id": self.party(who).did().as_str()});
        self.by_owner(self.owner_of(who), "/revocations", body).await;
        self.stopped.for_good(Name::Key(who));
    }

    /// The place behind the registration of an agent, which is all there is of its history.
    async fn place(&self, who: Who, after: u16) -> Succession {
        let did = self.party(who).did();
        let history = self.bench().get(&format!("/agents/{did}/keys")).await.is(200).json;
        let previous = history["keys"][0]["statement_hash"].as_str().and_then(ContentHash::from_claim);
        Succession {
            audience: self.bench().issuer.clone(),
            issued_at: self.bench().clock.now(),
            statement_id: "j".into(),
            predecessor: did,
            after,
            previous: previous.filter(|_| after > 0),
        }
    }

    /// An agent puts another key in its place: what it made until now lives on.
    pub(super) async fn rotate(&mut self, who: Who, key: u8) {
        let place = self.place(who, 1).await;
        let accepted = place.accept(Agent::numbered(key).key()).unwrap();
        let statement = place.sign(KeyChangeKind::Rotation, accepted, self.party(who).key()).unwrap();
        let path = format!("/agents/{}/rotate", self.party(who).did());
        self.bench().post(&path, "application/jwt", statement).await.is(200);
    }

    /// Its owner says that no key of an agent was ever good, and puts another in its place.
    pub(super) async fn recover(&mut self, who: Who, key: u8) {
        let place = self.place(who, 0).await;
        let accepted = place.accept(Agent::numbered(key).key()).unwrap();
        let statement = place.sign(KeyChangeKind::Recovery, accepted, self.owner_of(who).key.key()).unwrap();
        self.life(who, "recover", json!({"statement": statement})).await;
        self.stopped.for_good(Name::Key(who));
    }

    /// Everything of an owner, up to now.
    pub(super) async fn cut_owner(&mut self, owner: usize) {
        let body = json!({"kind": "owner", "id": self.owners[owner].id});
        self.by_owner(&self.owners[owner], "/revocations", body).await;
        self.stopped.up_to(Name::Owner(owner), self.born);
    }

    /// An owner leaves, and the agents are retired.
    pub(super) async fn offboard(&mut self, owner: usize) {
        let path = format!("/owners/{}/offboarding", self.owners[owner].id);
        let told = self.by_admin(&path, json!({"agents": "retire"})).await;
        assert_eq!((&told["status"], &told["agents"]), (&json!("running"), &json!(5)), "{told}");
        self.stopped.for_good(Name::Owner(owner));
        let agents = (0..self.owner_of.len()).filter(|agent| self.owner_of[*agent] == owner).map(Who::Agent);
        for who in agents.chain([Who::First(owner), Who::Second(owner)]) {
            self.stopped.for_good(Name::Party(who));
        }
    }

    /// The key that signed everything so far.
    pub(super) async fn revoke_issuer_key(&mut self) {
        let kid = kid_of(&self.works[0].root);
        self.by_admin("/revocations", json!({"kind": "issuer_key", "id": kid})).await;
        self.stopped.up_to(Name::IssuerKey, self.born);
    }

    async fn life(&self, who: Who, event: &str, body: Value) {
        let path = format!("/agents/{}/{event}", self.party(who).did());
        self.by_owner(self.owner_of(who), &path, body).await;
    }

    pub(super) async fn suspend(&mut self, who: Who) {
        self.life(who, "suspend", json!({})).await;
        self.stopped.for_good(Name::Party(who));
    }

    /// After a suspension: what was made before it stays dead.
    pub(super) async fn resume(&mut self, who: Who) {
        self.life(who, "resume", json!({})).await;
        self.stopped.up_to(Name::Party(who), self.born);
    }

    pub(super) async fn retire(&mut self, who: Who) {
        self.life(who, "retire", json!({})).await;
        self.stopped.for_good(Name::Party(who));
    }

    /// A ceiling of the same with less scope.
    pub(super) async fn lower(&mut self, who: Who) {
        self.life(who, "ceiling", json!({"ceiling": ceiling("echo:read")})).await;
        self.stopped.up_to(Name::Party(who), self.born);
    }

    pub(super) async fn move_environment(&mut self, who: Who) {
        self.life(who, "environment", json!({"environment": "prod"})).await;
        self.stopped.up_to(Name::Party(who), self.born);
    }

    /// An agent changes hands, and may do under its new owner what it could.
    pub(super) async fn transfer(&mut self, agent: usize, to: usize) {
        let who = Who::Agent(agent);
        self.life(who, "transfer", json!({"to": self.owners[to].id})).await;
        self.owner_of[agent] = to;
        self.life(who, "transfer/accept", json!({})).await;
        self.life(who, "ceiling", json!({"ceiling": ceiling("echo:hello echo:read")})).await;
        self.stopped.up_to(Name::Party(who), self.born);
    }
}
