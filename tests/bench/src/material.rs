//! A root token, hops below it, and a resource server that knows their issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use handfast_delegation::{AccessToken, ActorChain, Authority, ChainClaims, Delegability, Hop, ResourceId, Tools};
use handfast_dpop::{ContentHash, NoncePolicy, ProofHeader, ProofRequest, ProofWindow, Target};
use handfast_identity::{DidKey, SigningKey, UnixTime};
use handfast_testkit::{Agent, CountedRandom, Issuer, START, facts_of};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::{Facts, Status};
use handfast_verifier::{
    CLOCK_LEEWAY, ChainPolicy, ChainVerdict, DEFAULT_STALENESS, EnforcementPoint, KnownToken, NoStops, VerdictKey,
    Verdicts,
};
use quick_cache::sync::Cache;
use serde_json::json;

/// The resource.
pub const RESOURCE: &str = "https://api.example";
/// The path that is called; the tools allow what lies below `/reports`.
pub const PATH: &str = "/reports/2026/q3.txt";
/// Names in the issuer's revocation set, none of them ours.
const REVOKED: u32 = 10_000;

/// What the last delegate presents.
pub struct Presented {
    /// The token.
    pub token: String,
    /// The `Delegation` field.
    pub field: String,
    delegate: Agent,
}

/// The party at a place of the chain; 0 is the agent of the root.
fn party(place: u8) -> Agent {
    Agent::numbered(place + 1)
}

fn tools() -> Tools {
    let constraint = json!({"constraint_type": "path_containment", "root": "/reports"});
    let tools = json!({"read_file": {"path": constraint}});
    Tools::from_details(&json!([{"type": "attenuating_agent_token", "tools": tools}])).expect("tools")
}

fn name(text: &str) -> ContentHash {
    ContentHash::of(text.rsplit_once('.').expect("a signature").0.as_bytes())
}

fn root(issuer: &Issuer) -> AccessToken {
    let mut root = issuer.token_for(&party(0), RESOURCE, "files:read", START);
    root.authority.max_depth = 8;
    root.authority.tools = Some(tools());
    root.delegability = Some(Delegability { depth: 0, offline: true });
    root
}

fn hops(root: &AccessToken, root_text: &str, count: u8) -> Vec<String> {
    let mut texts = Vec::new();
    let mut parent = name(root_text);
    for place in 1..=count {
        let hop = Hop {
            delegator: party(place - 1).did().text(),
            delegate: party(place).did(),
            subject: root.subject.clone(),
            task: root.task.as_ref().expect("a task").id.clone(),
            authority: root.authority.clone(),
            issued_at: START,
            not_before: None,
            hop_id: format!("hop_01jd7v3k8q5xw2t9m4n6r0abc{place}").into(),
            depth: place,
            is_instance: false,
            parent,
        };
        let text = hop.sign(party(place - 1).key()).expect("a hop can be written");
        parent = name(&text);
        texts.push(text);
    }
    texts
}

impl Presented {
    /// A root token and `count` hops below it.
    pub fn offline(count: u8) -> Self {
        let issuer = Issuer::example();
        let root = root(&issuer);
        let token = issuer.sign(&root);
        let field = hops(&root, &token, count).join(",");
        Self { token, field, delegate: party(count) }
    }

    /// The last delegate's own token, and the evidence for it.
    pub fn exchanged(count: u8) -> Self {
        let issuer = Issuer::example();
        let root = root(&issuer);
        let root_text = issuer.sign(&root);
        let hops = hops(&root, &root_text, count);
        let field = [vec![root_text], hops.clone()].concat().join(",");
        let delegate = party(count);
        let actors = (0..=count).rev().map(|place| party(place).did().text()).collect();
        let token = AccessToken {
            client_id: delegate.did().text(),
            confirmation: Some(delegate.thumbprint()),
            actors: Some(ActorChain::from_names(actors).expect("names")),
            delegability: Some(Delegability { depth: count, offline: false }),
            token_id: "tok_exchanged".into(),
            chain: Some(ChainClaims {
                hops: hops.iter().map(|hop| name(hop)).collect(),
                root_token_id: root.token_id.clone(),
                hash: ContentHash::of(field.as_bytes()),
            }),
            ..root
        };
        Self { token: issuer.sign(&token), field, delegate }
    }

    /// The delegate's proof for one call.
    pub fn proof(&self, target: &Target) -> String {
        let request = ProofRequest {
            method: "GET",
            target,
            token_hash: Some(ContentHash::of(self.token.as_bytes())),
            nonce: None,
            delegation_hash: Some(ContentHash::of(self.field.as_bytes())),
            content_digest: None,
        };
        request.sign(self.delegate.key(), START, &mut CountedRandom::unshared()).expect("a proof")
    }
}

/// Writes and signs a root token, again and again.
pub fn issuing() -> impl Fn() -> String {
    let issuer = Issuer::example();
    let root = AccessToken { authority: Authority { tools: None, ..root(&issuer).authority }, ..root(&issuer) };
    let key = SigningKey::from_ed25519_seed(&[7; 32]);
    let kid = key.public().thumbprint().to_string();
    move || root.sign(&kid, &key).expect("a token can be written")
}

/// What a resource server knows: the issuer's key, and revocations of others.
pub fn facts() -> Facts {
    let issuer = Issuer::example();
    let set = RevocationSet::default();
    for number in 0..REVOKED {
        let kind = RevocationKind::Token;
        let name = RevocationName::of(issuer.url(), kind, number.to_string());
        set.insert(&FeedEvent { seq: 1, kind, name, cut: None, until: None });
    }
    facts_of(&issuer, Status::Known { set: Arc::new(set), as_of: now() })
}

/// The time of every check.
pub fn now() -> UnixTime {
    START
}

/// The resource server, which remembers in `verdicts`.
pub fn point<'a>(resource: &'a ResourceId, verdicts: &'a dyn Verdicts) -> EnforcementPoint<'a> {
    EnforcementPoint {
        resource,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
        leeway: CLOCK_LEEWAY,
        staleness: DEFAULT_STALENESS,
        environment: None,
        chain: ChainPolicy { max_hops: 8, max_bytes: 32 * 1024, ..ChainPolicy::default() },
        verdicts,
        stops: &NoStops,
    }
}

/// Decoded keys in memory, and no verdict.
#[derive(Debug, Default)]
pub struct KnownKeys {
    keys: Mutex<HashMap<String, DidKey>>,
    /// As a server has those that it found often.
    are_prepared: bool,
}

impl KnownKeys {
    /// Keys that were found often.
    pub fn often() -> Self {
        Self { are_prepared: true, ..Self::default() }
    }
}

impl Verdicts for KnownKeys {
    fn find(&self, _: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        None
    }

    fn keep(&self, _: VerdictKey, _: Arc<ChainVerdict>) {}

    fn find_key(&self, did: &str) -> Option<DidKey> {
        self.keys.lock().expect("nobody panics").get(did).cloned()
    }

    fn keep_key(&self, key: &DidKey) {
        let mut keys = self.keys.lock().expect("nobody panics");
        if !keys.contains_key(key.as_str()) {
            keys.insert(key.as_str().to_owned(), if self.are_prepared { key.prepared() } else { key.clone() });
        }
    }
}

/// Entries that a memory has room for.
const ROOM: usize = 1_024;

/// Verdicts about chains and tokens in memory, in the same kind of cache as the middleware's.
#[derive(Debug)]
pub struct Kept {
    chains: Mutex<HashMap<VerdictKey, Arc<ChainVerdict>>>,
    tokens: Cache<[u8; 43], Arc<KnownToken>>,
    headers: Cache<Box<[u8]>, Arc<ProofHeader>>,
    forgets_tokens: bool,
    /// As a server has those that it found often.
    are_headers_prepared: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            chains: Mutex::default(),
            tokens: Cache::new(ROOM),
            headers: Cache::new(ROOM),
            forgets_tokens: false,
            are_headers_prepared: false,
        }
    }
}

impl Kept {
    /// One to which every header is one that was found often.
    pub fn often() -> Self {
        Self { are_headers_prepared: true, ..Self::default() }
    }

    /// The same, which forgets tokens at once.
    pub fn without_tokens() -> Self {
        Self { forgets_tokens: true, ..Self::often() }
    }
}

impl Verdicts for Kept {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.chains.lock().expect("nobody panics").get(key).cloned()
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.chains.lock().expect("nobody panics").insert(key, verdict);
    }

    // by the end of the text, as the middleware's memory does
    fn find_token(&self, text: &[u8], _: UnixTime) -> Option<Arc<KnownToken>> {
        self.tokens.get(text.last_chunk()?)
    }

    fn keep_token(&self, token: &Arc<KnownToken>) {
        if let Some(tail) = token.text().as_bytes().last_chunk().filter(|_| !self.forgets_tokens) {
            self.tokens.insert(*tail, Arc::clone(token));
        }
    }

    fn find_header(&self, text: &[u8]) -> Option<Arc<ProofHeader>> {
        self.headers.get(text)
    }

    fn keep_header(&self, header: &Arc<ProofHeader>) {
        let kept = if self.are_headers_prepared { Arc::new(header.prepared()) } else { Arc::clone(header) };
        self.headers.insert(header.text().as_bytes().into(), kept);
    }
}
