//! A message in parts: the good one, and ways to change one part of it before it is put together.

use handfast_dpop::ContentHash;
use serde_json::{Value, json};

use super::NOW;
use super::chain::ChainDraft;
use super::jws::{Jws, jwk, members, put};
use super::keys::{Who, to_hex};
use crate::vector::{
    Callers, Expected, IssuerSetting, Jwks, NonceSetting, Route, Setting, StatusSetting, Step, TrustRecord, Window,
};

pub(super) const ISSUER: &str = "https://registry.example";
pub(super) const SECOND_ISSUER: &str = "https://second.example";
pub(super) const RESOURCE: &str = "https://api.example";
pub(super) const OTHER_RESOURCE: &str = "https://other.example";
pub(super) const OWNER: &str = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE";
pub(super) const TASK: &str = "task_01jd7v3k8q5xw2t9m4n6r0abce";
pub(super) const TOKEN_ID: &str = "tok_01jd7v3k8q5xw2t9m4n6r0abce";

/// A request that is still in parts.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) setting: Setting,
    pub(super) now: u64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// Field lines; `{token}`, `{proof}` and `{chain}` stand for the finished texts.
    pub(super) headers: Vec<(String, String)>,
    token: Jws,
    proof: Jws,
    /// The chain it comes with, if any.
    pub(super) chain: Option<ChainDraft>,
}

impl Draft {
    /// The request that every refusal is one step away from.
    pub(super) fn good() -> Self {
        let did = Who::Agent.did().to_string();
        let token = Jws::new(
            json!({"typ": "at+jwt", "alg": "EdDSA", "kid": Who::Issuer.jkt()}),
            json!({
                "iss": ISSUER, "sub": OWNER, "client_id": did, "aud": [RESOURCE], "scope": "files:read",
                "cnf": {"jkt": Who::Agent.jkt()}, "act": {"sub": did}, "env": "prod", "handle": "amber-falcon-00042",
                "task": {"id": TASK, "intent": "", "leaf": 7, "trigger": {"type": "self", "by": did}},
                "del_depth": 0, "del_max_depth": 0, "iat": NOW - 60, "exp": NOW + 240, "jti": TOKEN_ID
            }),
            Who::Issuer,
        );
        let proof = Jws::new(
            json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(Who::Agent)}),
            json!({
                "jti": "proof-1", "htm": "GET", "htu": "https://api.example/files/42", "iat": NOW, "ath": "{ath}"
            }),
            Who::Agent,
        );
        let headers = [("Host", "api.example"), ("Authorization", "DPoP {token}"), ("DPoP", "{proof}")];
        Self {
            setting: setting(),
            now: NOW,
            method: "GET".into(),
            path: "/files/42".into(),
            body: None,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            token,
            proof,
            chain: None,
        }
    }

    /// The same request by the agent with the P-256 key.
    pub(super) fn good_es256() -> Self {
        Self::good().of(Who::P256Agent).proof_header(json!({"alg": "ES256"}))
    }

    /// The same request by an owner in person, at a route for owners.
    pub(super) fn good_owner() -> Self {
        let draft = Self::good()
            .without_claims(&["act", "task", "del_depth", "del_max_depth", "env", "handle"])
            .claims(json!({"client_id": Who::Owner.did().as_str(), "cnf": {"jkt": Who::Owner.jkt()}}))
            .claims(json!({"scope": "owner:self"}))
            .proof_by(Who::Owner);
        draft.route(Callers::Owners, &["owner:self"])
    }

    /// Token and proof of another agent.
    pub(super) fn of(self, who: Who) -> Self {
        let did = who.did().to_string();
        self.claims(json!({"client_id": did, "act": {"sub": did}, "cnf": {"jkt": who.jkt()}})).proof_by(who)
    }

    /// The proof with another party's key in it, and signed with it.
    pub(super) fn proof_by(self, who: Who) -> Self {
        self.proof_header(json!({"jwk": jwk(who)})).proof_signed_by(who)
    }

    /// One change of the proof.
    pub(super) fn proof(mut self, change: impl FnOnce(Jws) -> Jws) -> Self {
        self.proof = change(self.proof);
        self
    }

    /// The presented token in parts.
    pub(super) const fn token_draft(&self) -> &Jws {
        &self.token
    }

    /// One change of the presented token.
    pub(super) fn token(mut self, change: impl FnOnce(Jws) -> Jws) -> Self {
        self.token = change(self.token);
        self
    }

    pub(super) fn proof_signed_by(self, who: Who) -> Self {
        self.proof(|proof| proof.signed_by(who))
    }

    pub(super) fn proof_signer(self, signer: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.proof(|proof| proof.signer(signer))
    }

    pub(super) fn proof_header(self, changes: Value) -> Self {
        self.proof(|proof| proof.header(changes))
    }

    pub(super) fn proof_claims(self, changes: Value) -> Self {
        self.proof(|proof| proof.claims(changes))
    }

    pub(super) fn without_proof_header(self, name: &str) -> Self {
        self.proof(|proof| proof.without_header(name))
    }

    pub(super) fn without_proof_claim(self, name: &str) -> Self {
        self.proof(|proof| proof.without(&[name]))
    }

    pub(super) fn proof_header_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof(|proof| proof.header_text(edit))
    }

    pub(super) fn proof_claims_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof(|proof| proof.claims_text(edit))
    }

    pub(super) fn proof_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof(|proof| proof.edited(edit))
    }

    /// Member changes in the proof's `jwk`.
    pub(super) fn proof_jwk(self, changes: Value) -> Self {
        let mut key = members(self.proof.header_value("jwk"));
        put(&mut key, changes);
        self.proof_header(json!({"jwk": key.into_iter().collect::<serde_json::Map<_, _>>()}))
    }

    pub(super) fn without_proof_jwk(self, member: &str) -> Self {
        let mut key = members(self.proof.header_value("jwk"));
        key.retain(|(known, _)| known != member);
        self.proof_header(json!({"jwk": key.into_iter().collect::<serde_json::Map<_, _>>()}))
    }

    pub(super) fn token_header(self, changes: Value) -> Self {
        self.token(|token| token.header(changes))
    }

    pub(super) fn without_token_header(self, name: &str) -> Self {
        self.token(|token| token.without_header(name))
    }

    pub(super) fn claims(self, changes: Value) -> Self {
        self.token(|token| token.claims(changes))
    }

    pub(super) fn without_claims(self, names: &[&str]) -> Self {
        self.token(|token| token.without(names))
    }

    pub(super) fn token_signed_by(self, who: Who) -> Self {
        self.token(|token| token.signed_by(who))
    }

    pub(super) fn token_signer(self, signer: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.token(|token| token.signer(signer))
    }

    pub(super) fn token_header_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token(|token| token.header_text(edit))
    }

    pub(super) fn token_claims_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token(|token| token.claims_text(edit))
    }

    pub(super) fn token_text(self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token(|token| token.edited(edit))
    }

    /// Another text in the place of the access token; the proof covers it.
    pub(super) fn token_is(self, text: &'static str) -> Self {
        self.token_text(move |_| text.to_owned())
    }

    /// All lines of a field replaced by these.
    pub(super) fn field(mut self, name: &str, values: &[&str]) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.extend(values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
        self
    }

    pub(super) fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Another request target: public base, path as sent, and `htu` as the client would write it.
    pub(super) fn target(mut self, base: &str, path: &str, htu: &str) -> Self {
        base.clone_into(&mut self.setting.public_base);
        path.clone_into(&mut self.path);
        self.proof_claims(json!({"htu": htu}))
    }

    pub(super) fn set(mut self, change: impl FnOnce(&mut Setting)) -> Self {
        change(&mut self.setting);
        self
    }

    pub(super) fn route(self, callers: Callers, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.set(|setting| setting.route = Route { callers, scopes, tool: None, bind_content: false })
    }

    /// Puts everything together.
    pub(super) fn step(self, expect: Expected) -> Step {
        let (token, sent) = match &self.chain {
            None => (self.token.text(), None),
            Some(chain) => {
                let (token, sent) = chain.finished(&self.token);
                (token, Some(sent))
            }
        };
        let hash = ContentHash::of(token.as_bytes());
        let of_field = ContentHash::of(format!("DPoP {token}").as_bytes());
        let proof = self.proof.filled(&|text| {
            let text = text
                .replace("{ath}", &hash.to_string())
                .replace("{ath of field}", &of_field.to_string())
                .replace("{ath in hex}", &to_hex(hash.as_bytes()));
            sent.iter().fold(text, |text, sent| text.replace("{dch}", &sent.hash))
        });
        let proof = proof.text();
        let filled = |text: &str| {
            let text = text.replace("{token}", &token).replace("{proof}", &proof);
            sent.iter().fold(text, |text, sent| text.replace("{chain}", &sent.field))
        };
        Step {
            now: self.now,
            method: self.method,
            path: filled(&self.path),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), filled(value))).collect(),
            body: self.body.map(|body| filled(&body)),
            expect,
        }
    }
}

/// The JWK set of an issuer with one key.
pub(super) fn key_set(who: Who) -> Jwks {
    let mut key: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&who.key().public().to_jwk()).unwrap();
    key.extend([("kid", who.jkt()), ("use", "sig".into()), ("alg", "EdDSA".into())].map(|(n, v)| (n.to_owned(), v)));
    Jwks { keys: vec![key] }
}

/// A resource server that trusts one registry and knows of no revocation.
fn setting() -> Setting {
    Setting {
        resource: RESOURCE.into(),
        public_base: RESOURCE.into(),
        window: Window { past: 60, future: 30 },
        nonces: NonceSetting::Off,
        replay: None,
        budgets: None,
        chain: None,
        stopped: Vec::new(),
        environment: Some("prod".into()),
        route: Route { callers: Callers::Agents, scopes: vec!["files:read".into()], tool: None, bind_content: false },
        issuers: vec![IssuerSetting {
            trust: TrustRecord {
                issuer: ISSUER.into(),
                profile: "handfast".into(),
                status: "feed".into(),
                feed_key: Some(Who::Feed.did().to_string()),
                status_key: None,
                status_origins: Vec::new(),
                resources: None,
                scopes: None,
                subjects: None,
                agent_status: Vec::new(),
                max_lifetime: 3600,
            },
            keys: key_set(Who::Issuer),
            status: StatusSetting::Known { as_of: NOW - 5, revoked: Vec::new() },
        }],
    }
}
