//! Issuers: what a registry signs, publishes and is trusted with.

use std::sync::Arc;

use handfast_delegation::{
    AccessToken, ActorChain, Authority, Delegability, ResourceId, Scope, TOKEN_TYPE, Task, Trigger, TriggerKind,
};
use handfast_identity::jws::sign_with_header;
use handfast_identity::{DidKey, Seconds, SigningKey, UnixTime, random_id};
use handfast_verifier::revocation::FeedKeyStatement;
use handfast_verifier::trust::{KeySet, TrustedIssuer};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::agents::object;
use crate::{Agent, CountedRandom, Feed, keys};

/// How long the tokens made here live.
pub const TOKEN_LIFETIME: Seconds = Seconds::new(300);
/// The owner on whose behalf agents act.
pub const OWNER: &str = "owner:01JD0000000000000000000000";

/// A registry with its token key and feed key. Clones are the same issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    key: Arc<SigningKey>,
    feed_key: Arc<SigningKey>,
    recovery_key: Arc<SigningKey>,
}

impl Issuer {
    /// `https://registry.example`, with keys 200 and 201.
    #[must_use]
    pub fn example() -> Self {
        Self::at("https://registry.example")
    }

    /// The same keys under another issuer identifier.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::with_keys(url, keys::ed25519(200), keys::ed25519(201))
    }

    /// An issuer with these keys, and key 202 to replace the feed key with.
    #[must_use]
    pub fn with_keys(url: &str, key: SigningKey, feed_key: SigningKey) -> Self {
        let recovery_key = Arc::new(keys::ed25519(202));
        Self { url: url.to_owned(), key: Arc::new(key), feed_key: Arc::new(feed_key), recovery_key }
    }

    /// Its identifier.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that signs tokens.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The `kid` of the token key: its thumbprint (JWKS-02).
    #[must_use]
    pub fn kid(&self) -> String {
        self.key.public().thumbprint().to_string()
    }

    /// The key that signs the feed.
    #[must_use]
    pub fn feed_key(&self) -> &SigningKey {
        &self.feed_key
    }

    /// The same issuer, whose feed is signed with another key.
    #[must_use]
    pub fn with_feed_key(&self, feed_key: SigningKey) -> Self {
        Self { feed_key: Arc::new(feed_key), ..self.clone() }
    }

    /// The key that can replace the one for the feed.
    #[must_use]
    pub fn recovery_key(&self) -> &SigningKey {
        &self.recovery_key
    }

    /// The statement by which the feed goes on in `epoch` under this issuer's feed key, in the place of `replaced`.
    ///
    /// # Panics
    ///
    /// Never: statements of this length can be written.
    #[must_use]
    pub fn feed_key_statement(&self, seq: u64, replaced: &[DidKey], epoch: &str, now: UnixTime) -> String {
        let statement = FeedKeyStatement {
            issuer: self.url.clone(),
            issued_at: now,
            seq,
            replaces: replaced.to_vec(),
            key: self.feed_did(),
            epoch: epoch.to_owned(),
        };
        statement.sign(&self.recovery_key).expect("a statement can be written")
    }

    /// What a resource server pins.
    #[must_use]
    pub fn feed_did(&self) -> DidKey {
        self.feed_key.public().did()
    }

    /// An empty feed of its own.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(self)
    }

    /// The trust record of a resource server that trusts nobody else.
    #[must_use]
    pub fn trust(&self) -> TrustedIssuer {
        TrustedIssuer::single(&self.url, self.feed_did())
    }

    /// Its token keys, as read from [`Self::jwks`].
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::of_key(self.key.public())
    }

    /// Its key set as served.
    #[must_use]
    pub fn jwks(&self) -> String {
        json!({"keys": [self.jwk()]}).to_string()
    }

    /// Its token key as an entry of a key set.
    ///
    /// # Panics
    ///
    /// Never: our own JWKs are JSON.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.key.public().to_jwk()).expect("our own jwk is json");
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".into(), self.kid().into());
            members.insert("use".into(), "sig".into());
            members.insert("alg".into(), self.key.algorithm().as_str().into());
        }
        jwk
    }

    /// Its authorization server metadata (RFC 8414), with the key set at `/jwks.json`.
    #[must_use]
    pub fn metadata(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks.json", self.url),
            "token_endpoint": format!("{}/oauth2/token", self.url),
            "response_types_supported": ["none"],
        })
    }

    /// A good token for `agent`, acting for [`OWNER`] in a task of its own. Each has a `jti` and a task of its own.
    ///
    /// # Panics
    ///
    /// When `resource` or `scope` is none.
    #[must_use]
    pub fn token_for(&self, agent: &Agent, resource: &str, scope: &str, now: UnixTime) -> AccessToken {
        let did = agent.did().to_string();
        let mut random = CountedRandom::unshared();
        let trigger = Trigger { kind: TriggerKind::Owner, by: OWNER.into(), reference: None };
        let task = Task { id: random_id("task_", &mut random).into(), intent: "tests".into(), leaf: 7, trigger };
        AccessToken {
            actors: Some(ActorChain::root(&did).expect("a did is a name")),
            task: Some(task),
            handle: Some("brave-otter".into()),
            delegability: Some(Delegability::ROOT),
            client_id: did.into(),
            ..self.owner_token(agent, resource, scope, now)
        }
    }

    /// A good token for [`OWNER`] in person, whose key is that of `owner`.
    ///
    /// # Panics
    ///
    /// When `resource` or `scope` is none.
    #[must_use]
    pub fn owner_token(&self, owner: &Agent, resource: &str, scope: &str, now: UnixTime) -> AccessToken {
        AccessToken {
            issuer: self.url.clone().into(),
            subject: OWNER.into(),
            client_id: owner.did().text(),
            authority: Authority {
                expires_at: now.saturating_add(TOKEN_LIFETIME),
                ..Authority::of(
                    Scope::parse(scope).expect("a scope"),
                    [ResourceId::parse(resource).expect("a resource identifier")].into(),
                )
            },
            confirmation: Some(owner.thumbprint()),
            actors: None,
            task: None,
            environment: None,
            handle: None,
            delegability: None,
            issued_at: now,
            not_before: None,
            token_id: random_id("tok_", &mut CountedRandom::unshared()).into(),
            chain: None,
            status: None,
            has_unreadable_restriction: false,
        }
    }

    /// Signs a token with the token key.
    ///
    /// # Panics
    ///
    /// Never: tokens can be written.
    #[must_use]
    pub fn sign(&self, token: &AccessToken) -> String {
        token.sign(&self.kid(), &self.key).expect("a token can be written")
    }

    /// Header and claims of a token as JSON, to alter in ways the type does not allow; [`Self::sign_parts`] signs them.
    ///
    /// # Panics
    ///
    /// Never: tokens can be written and read.
    #[must_use]
    pub fn token_parts(&self, token: &AccessToken) -> (Map<String, Value>, Map<String, Value>) {
        let signed = self.sign(token);
        let payload = signed.split('.').nth(1).map(handfast_identity::base64url::decode);
        let payload = payload.and_then(Result::ok).expect("our own token has a payload");
        let claims = serde_json::from_slice(&payload).expect("our own claims are json");
        let header = json!({"typ": TOKEN_TYPE, "alg": self.key.algorithm().as_str(), "kid": self.kid()});
        (object(header), object(claims))
    }

    /// Signs any header and claims with the token key.
    ///
    /// # Panics
    ///
    /// When they cannot be written as JSON.
    #[must_use]
    pub fn sign_parts(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        sign_with_header(header, claims, &self.key).expect("header and claims can be written")
    }
}
