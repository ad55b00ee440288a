//! A message in parts: the good one, and ways to change one part of it before it is put together.

use std::rc::Rc;

use handfast_dpop::ContentHash;
use handfast_identity::base64url;
use serde_json::{Value, json};

use super::NOW;
use super::keys::{Who, to_hex};
use crate::vector::{
    Callers, Expected, IssuerSetting, Jwks, NonceSetting, Route, Setting, StatusSetting, Step, TrustRecord, Window,
};

pub(super) const ISSUER: &str = "https://registry.example";
pub(super) const SECOND_ISSUER: &str = "https://second.example";
pub(super) const RESOURCE: &str = "https://api.example";
pub(super) const OWNER: &str = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE";
pub(super) const TASK: &str = "task_01jd7v3k8q5xw2t9m4n6r0abce";
pub(super) const TOKEN_ID: &str = "tok_01jd7v3k8q5xw2t9m4n6r0abce";

type Edit = Rc<dyn Fn(&str) -> String>;
type Signer = Rc<dyn Fn(&[u8]) -> Vec<u8>>;

/// One compact JWS in parts.
#[derive(Clone)]
pub(super) struct Jws {
    header: Vec<(String, Value)>,
    claims: Vec<(String, Value)>,
    header_edit: Option<Edit>,
    claims_edit: Option<Edit>,
    edit: Option<Edit>,
    signer: Signer,
}

impl Jws {
    fn new(header: Value, claims: Value, who: Who) -> Self {
        Self {
            header: members(header),
            claims: members(claims),
            header_edit: None,
            claims_edit: None,
            edit: None,
            signer: by(who),
        }
    }

    fn text(&self) -> String {
        let edited = |text: String, edit: &Option<Edit>| edit.as_ref().map_or(text.clone(), |edit| edit(&text));
        let header = edited(object(&self.header), &self.header_edit);
        let claims = edited(object(&self.claims), &self.claims_edit);
        let input = format!("{}.{}", base64url::encode(&latin1(&header)), base64url::encode(&latin1(&claims)));
        let text = format!("{input}.{}", base64url::encode(&(self.signer)(input.as_bytes())));
        edited(text, &self.edit)
    }
}

/// The bytes of a JSON text: one for each character up to U+00FF, so that a text can hold what is no UTF-8.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("the texts of vectors are bytes")).collect()
}

fn by(who: Who) -> Signer {
    let key = who.key();
    Rc::new(move |message| key.sign(message).to_vec())
}

fn members(value: Value) -> Vec<(String, Value)> {
    let Value::Object(map) = value else { panic!("not an object: {value}") };
    map.into_iter().collect()
}

/// Members replaced, or put at the end.
fn put(list: &mut Vec<(String, Value)>, changes: Value) {
    for (name, value) in members(changes) {
        match list.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => list.push((name, value)),
        }
    }
}

/// JSON with sorted members, whatever order the map has in this build.
///
/// # Panics
///
/// On text outside ASCII: its bytes would not be the ones meant. Write an escape into the finished text instead.
fn object(list: &[(String, Value)]) -> String {
    let mut members: Vec<_> = list.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| *name);
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{}", json!(name), sorted(value))).collect();
    let text = format!("{{{}}}", members.join(","));
    assert!(text.is_ascii(), "not ascii: {text}");
    text
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(_) => object(&members(value.clone())),
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// A request that is still in parts.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) setting: Setting,
    pub(super) now: u64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// Field lines; `{token}` and `{proof}` stand for the finished texts.
    pub(super) headers: Vec<(String, String)>,
    token: Jws,
    proof: Jws,
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

    pub(super) fn proof_signed_by(mut self, who: Who) -> Self {
        self.proof.signer = by(who);
        self
    }

    pub(super) fn proof_signer(mut self, signer: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.proof.signer = Rc::new(signer);
        self
    }

    pub(super) fn proof_header(mut self, changes: Value) -> Self {
        put(&mut self.proof.header, changes);
        self
    }

    pub(super) fn proof_claims(mut self, changes: Value) -> Self {
        put(&mut self.proof.claims, changes);
        self
    }

    pub(super) fn without_proof_header(mut self, name: &str) -> Self {
        self.proof.header.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn without_proof_claim(mut self, name: &str) -> Self {
        self.proof.claims.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn proof_header_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof.header_edit = Some(Rc::new(edit));
        self
    }

    pub(super) fn proof_claims_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof.claims_edit = Some(Rc::new(edit));
        self
    }

    pub(super) fn proof_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.proof.edit = Some(Rc::new(edit));
        self
    }

    /// Member changes in the proof's `jwk`.
    pub(super) fn proof_jwk(self, changes: Value) -> Self {
        let mut key = members(self.proof.header.iter().find(|(name, _)| name == "jwk").unwrap().1.clone());
        put(&mut key, changes);
        self.proof_header(json!({"jwk": key.into_iter().collect::<serde_json::Map<_, _>>()}))
    }

    pub(super) fn without_proof_jwk(self, member: &str) -> Self {
        let mut key = members(self.proof.header.iter().find(|(name, _)| name == "jwk").unwrap().1.clone());
        key.retain(|(known, _)| known != member);
        self.proof_header(json!({"jwk": key.into_iter().collect::<serde_json::Map<_, _>>()}))
    }

    pub(super) fn token_header(mut self, changes: Value) -> Self {
        put(&mut self.token.header, changes);
        self
    }

    pub(super) fn without_token_header(mut self, name: &str) -> Self {
        self.token.header.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn claims(mut self, changes: Value) -> Self {
        put(&mut self.token.claims, changes);
        self
    }

    pub(super) fn without_claims(mut self, names: &[&str]) -> Self {
        self.token.claims.retain(|(known, _)| !names.contains(&known.as_str()));
        self
    }

    pub(super) fn token_signed_by(mut self, who: Who) -> Self {
        self.token.signer = by(who);
        self
    }

    pub(super) fn token_signer(mut self, signer: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.token.signer = Rc::new(signer);
        self
    }

    pub(super) fn token_header_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token.header_edit = Some(Rc::new(edit));
        self
    }

    pub(super) fn token_claims_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token.claims_edit = Some(Rc::new(edit));
        self
    }

    pub(super) fn token_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.token.edit = Some(Rc::new(edit));
        self
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
        self.set(|setting| setting.route = Route { callers, scopes })
    }

    /// Puts everything together.
    pub(super) fn step(mut self, expect: Expected) -> Step {
        let token = self.token.text();
        let hash = ContentHash::of(token.as_bytes());
        let of_field = ContentHash::of(format!("DPoP {token}").as_bytes());
        for (_, value) in &mut self.proof.claims {
            if let Value::String(text) = value {
                *text = text.replace("{ath}", &hash.to_string());
                *text = text.replace("{ath of field}", &of_field.to_string());
                *text = text.replace("{ath in hex}", &to_hex(hash.as_bytes()));
            }
        }
        let proof = self.proof.text();
        let filled = |text: &str| text.replace("{token}", &token).replace("{proof}", &proof);
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

/// A public key as JWK.
pub(super) fn jwk(who: Who) -> Value {
    serde_json::from_str(&who.key().public().to_jwk()).unwrap()
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
        environment: Some("prod".into()),
        route: Route { callers: Callers::Agents, scopes: vec!["files:read".into()] },
        issuers: vec![IssuerSetting {
            trust: TrustRecord {
                issuer: ISSUER.into(),
                profile: "handfast".into(),
                status: "feed".into(),
                feed_key: Some(Who::Feed.did().to_string()),
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
