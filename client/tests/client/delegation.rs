//! Passing authority on and using it (spec/delegation.md): what is signed, what is refused before, what is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{FakeRegistry, HandClock, LIFE, NOW, Reply, Seen, Server, agent};
use handfast_client::{
    Agent, AgentHttp, AnswerError, Bundle, ClientError, DelegationBuilder, DelegationError, DpopKey, ExchangeRequest,
    RegistryClient, Role, SignError, TokenRequest,
};
use handfast_delegation::{
    AccessToken, ActorChain, Arguments, Authority, Budget, ChainError, ChainText, Delegability, MAX_CHAIN_BYTES,
    ResourceId, Scope, Task, Tools, Trigger, TriggerKind, UnverifiedAccessToken, UnverifiedChain,
};
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime};
use serde_json::{Value, json};

const API: &str = "https://api.example";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Seconds the fake registry's root tokens live.
const ROOT_LIFE: u64 = 900;

fn issuer_key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[9; 32])
}

/// The root token of `client` that the `n`th answer gives, before `change`.
fn root(issuer: &str, client: &str, n: usize, issued_at: u64) -> AccessToken {
    let did = DidKey::parse(client).unwrap();
    let resources = [API, "https://other.example"].map(|text| ResourceId::parse(text).unwrap());
    AccessToken {
        issuer: issuer.into(),
        subject: "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE".into(),
        client_id: client.into(),
        authority: Authority {
            expires_at: UnixTime::from_secs(issued_at + ROOT_LIFE),
            max_depth: 2,
            ..Authority::of(Scope::parse("files:read files:write").unwrap(), BTreeSet::from(resources))
        },
        confirmation: Some(did.thumbprint()),
        actors: Some(ActorChain::root(client).unwrap()),
        task: Some(Task {
            id: "task_1".into(),
            intent: "report".into(),
            leaf: 7,
            trigger: Trigger { kind: TriggerKind::Owner, by: "owner:x".into(), reference: None },
        }),
        environment: None,
        handle: None,
        delegability: Some(Delegability { depth: 0, offline: true }),
        issued_at: UnixTime::from_secs(issued_at),
        not_before: None,
        token_id: format!("tok_{n}").into(),
        chain: None,
        status: None,
        has_unreadable_restriction: false,
    }
}

fn answer(text: &str, life: u64, more: &Value) -> Reply {
    let mut body = json!({"access_token": text, "token_type": "DPoP", "expires_in": life, "task": {"id": "task_1"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Reply::json(200, &body)
}

fn told(seen: &Seen, name: &str) -> String {
    seen.form(name).pop().unwrap_or_default()
}

/// A registry of signed root tokens that are changed by `change`, and of exchanged tokens `exchanged-n`.
pub(crate) async fn registry_of(change: impl Fn(&mut AccessToken) + Send + Sync + 'static) -> FakeRegistry {
    let tokens = move |n: usize, seen: &Seen| {
        if told(seen, "grant_type") == EXCHANGE {
            return answer(&format!("exchanged-{n}"), LIFE, &json!({"issued_token_type": ACCESS_TOKEN}));
        }
        let target = seen.claim("htu").unwrap().as_str().unwrap().to_owned();
        let issuer = target.trim_end_matches("/oauth2/token");
        let made = seen.claim("iat").unwrap().as_u64().unwrap();
        let mut token = root(issuer, &told(seen, "client_id"), n, made);
        change(&mut token);
        answer(&token.sign("k1", &issuer_key()).unwrap(), ROOT_LIFE, &json!({}))
    };
    FakeRegistry::answering(tokens, |_, _| Reply::status(404)).await
}

/// An orchestrator at a registry, a planner's key, and the clock of both.
struct Setting {
    registry: FakeRegistry,
    clock: Arc<HandClock>,
    agent: Agent,
    planner: RegistryClient,
}

async fn setting_of(change: impl Fn(&mut AccessToken) + Send + Sync + 'static) -> Setting {
    let (registry, clock) = (registry_of(change).await, HandClock::new());
    let agent = agent(&registry, &clock);
    let planner = client(&registry, &clock);
    Setting { registry, clock, agent, planner }
}

async fn setting() -> Setting {
    setting_of(|_| ()).await
}

fn client(registry: &FakeRegistry, clock: &Arc<HandClock>) -> RegistryClient {
    let clock: Arc<dyn handfast_client::Clock> = Arc::<HandClock>::clone(clock);
    RegistryClient::with_clock(&registry.server.url, DpopKey::generate(), clock).unwrap()
}

impl Setting {
    /// A hop of the agent's own root that the table changes; without `change` it is good.
    fn hop(&self) -> DelegationBuilder {
        let tokens = self.agent.tokens(TokenRequest::new(API, &["files:read", "files:write"]).unwrap()).unwrap();
        self.agent.delegate(tokens).to(self.planner.key().did()).scope("files:read").resource(API)
    }

    async fn bundle(&self) -> Bundle {
        self.hop().max_depth(2).sign().await.unwrap().bundle().clone()
    }

    /// A bundle of two hops, for a third key.
    async fn longer(&self) -> (RegistryClient, Bundle) {
        let browser = client(&self.registry, &self.clock);
        let hop = self.planner.delegate(self.bundle().await).to(browser.key().did()).scope("files:read").instance();
        let bundle = hop.sign().await.unwrap().bundle().clone();
        (browser, bundle)
    }
}

fn members(bundle: &Bundle) -> Vec<String> {
    bundle.expose().split(',').map(str::to_owned).collect()
}

fn hash(text: &str) -> Value {
    json!(ContentHash::of(text.as_bytes()).to_string())
}

fn refused(error: ClientError) -> DelegationError {
    match error {
        ClientError::Delegation(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_hop_leads_from_the_agents_own_root_to_the_delegate() {
    // DEL-27, DEL-28
    let here = setting().await;
    let tool = json!({"path": {"constraint_type": "path_containment", "root": "/reports"}});
    let hop = here.hop().tool("read_file", tool).tool("list", json!({})).max_uses(50).ttl(Duration::from_secs(600));
    let delegation = hop.sign().await.unwrap();
    let text = ChainText::parse(delegation.bundle().expose(), MAX_CHAIN_BYTES).unwrap();
    let (root, hops) = text.split_root().unwrap();
    let root = UnverifiedAccessToken::parse(root).unwrap().verify(issuer_key().public()).unwrap();
    let chain = UnverifiedChain::parse(hops).unwrap().verify(&root, 1).unwrap();
    let found = &chain.leaf().hop;
    assert_eq!((found.delegator.as_str(), &found.delegate), (here.agent.did().as_str(), here.planner.key().did()));
    assert_eq!((found.depth, found.authority.max_depth, found.is_instance), (1, 1, false));
    assert_eq!(found.authority.scope.to_string(), "files:read");
    assert_eq!(found.authority.tools.as_ref().unwrap().names().collect::<Vec<_>>(), ["list", "read_file"]);
    assert_eq!(found.authority.budget, Budget::new(Some(50), None).ok());
    assert_eq!(found.authority.expires_at, UnixTime::from_secs(NOW + 600));
    assert!(handfast_identity::is_random_id(&found.hop_id, "hop_"));
    let shown = format!("{delegation:?} {:?}", delegation.bundle());
    assert!(members(delegation.bundle()).iter().all(|member| !shown.contains(member.as_str())), "{shown}");
}

#[tokio::test]
async fn what_is_wider_than_the_root_is_not_signed() {
    // P-08, DEL-20 to DEL-26
    let tools = |names: &[&str]| Tools::new(names.iter().map(|name| ((*name).to_owned(), Arguments::Any))).unwrap();
    let here = setting_of(move |root| {
        root.authority.tools = Some(tools(&["read", "list"]));
        root.authority.budget = Budget::new(Some(100), None).ok();
    })
    .await;
    let check = async |change: fn(DelegationBuilder) -> DelegationBuilder, expected: Option<&str>| {
        let found = change(here.hop()).sign().await.map_err(refused);
        assert_eq!(found.as_ref().err().and_then(DelegationError::reason), expected, "{found:?}");
    };
    check(|hop| hop, None).await;
    check(|hop| hop.scope("files:write"), None).await;
    check(|hop| hop.scope("files:delete"), Some("scope_widened")).await;
    check(|hop| hop.resource("https://api.example/"), Some("resource_widened")).await;
    check(|hop| hop.tool("read", json!({})), None).await;
    check(|hop| hop.tool("write", json!({})), Some("details_widened")).await;
    check(|hop| hop.max_uses(100), None).await;
    check(|hop| hop.max_uses(101), Some("budget_widened")).await;
    check(|hop| hop.max_depth(2), None).await;
    check(|hop| hop.max_depth(3), Some("depth_invalid")).await;
    check(DelegationBuilder::instance, None).await;
    // what is not said is the parent's, and is there in the hop
    let kept = here.hop().sign().await.unwrap().bundle().authority().clone();
    assert_eq!((kept.tools.unwrap().names().count(), kept.budget.unwrap().max_uses()), (2, Some(100)));
}

#[tokio::test]
async fn what_is_missing_or_unreadable_is_named() {
    let here = setting().await;
    let tokens = || Arc::new(here.agent.tokens(TokenRequest::new(API, &["files:read"]).unwrap()).unwrap());
    let bare = || here.agent.delegate(tokens()).scope("files:read");
    let planner = here.planner.key();
    let to = planner.did();
    let incomplete = |found: DelegationError, word: &str| {
        assert!(matches!(found, DelegationError::Incomplete(told) if told.contains(word)), "{word}: {found}");
    };
    incomplete(refused(bare().resource(API).sign().await.unwrap_err()), "`to`");
    incomplete(refused(here.agent.delegate(tokens()).to(to).resource(API).sign().await.unwrap_err()), "`scope`");
    // the root is for two resources
    incomplete(refused(bare().to(to).sign().await.unwrap_err()), "`resource`");
    for (hop, expected) in [
        (here.hop().ttl(Duration::ZERO), "1 to 3600"),
        (here.hop().ttl(Duration::from_secs(3601)), "1 to 3600"),
        (here.hop().scope("a  b"), "single spaces"),
        (here.hop().resource("api"), "absolute uri"),
        (here.hop().max_uses(0), "max_uses"),
        (here.hop().tool("read", json!(["x"])), "authorization_details"),
        (here.hop().tool("read", json!({})).tool("read", json!({})), "authorization_details"),
    ] {
        let found = refused(hop.sign().await.unwrap_err()).to_string();
        assert!(found.contains(expected), "{found}");
    }
}

#[tokio::test]
async fn a_root_that_may_not_be_passed_on_is_not() {
    // DEL-26
    let here = setting_of(|root| root.authority.max_depth = 0).await;
    let found = refused(here.hop().sign().await.unwrap_err());
    assert_eq!(found, DelegationError::TooDeep { wanted: 1, allowed: 0 });
    assert!(found.to_string().contains("del_max_depth"));

    let here = setting().await;
    let (browser, bundle) = here.longer().await;
    let next = DpopKey::generate();
    let hop = |bundle: &Bundle| browser.delegate(bundle.clone()).to(next.did()).scope("files:read");
    assert_eq!(refused(hop(&bundle).sign().await.unwrap_err()), DelegationError::Instance);
    // nor is what was given to another key
    let other = here.planner.delegate(bundle).to(next.did()).scope("files:read").sign().await;
    assert!(matches!(refused(other.unwrap_err()), DelegationError::Root(told) if told.contains("another agent")));
    // and nobody stands in a chain twice
    let back = here.planner.delegate(here.bundle().await).to(here.agent.did()).scope("files:read").sign().await;
    assert_eq!(refused(back.unwrap_err()), DelegationError::Chain(ChainError::Duplicate));
}

#[tokio::test]
async fn only_readable_roots_are_passed_on() {
    let changes: [fn(&mut AccessToken); 3] = [
        |root| root.task = None,
        |root| root.delegability = None,
        |root| root.delegability = Some(Delegability { depth: 1, offline: false }),
    ];
    for change in changes {
        let here = setting_of(change).await;
        assert!(matches!(refused(here.hop().sign().await.unwrap_err()), DelegationError::Root(_)));
    }
}

#[tokio::test]
async fn a_hop_is_neither_older_than_its_root_nor_outlives_it() {
    // DEL-24: a registry whose clock is 20 s ahead
    let here = setting_of(|root| {
        root.issued_at = UnixTime::from_secs(NOW + 20);
        root.authority.expires_at = UnixTime::from_secs(NOW + 320);
    })
    .await;
    for (ttl, expected) in [(Some(100), NOW + 100), (Some(3600), NOW + 320), (None, NOW + 320)] {
        let hop = ttl.into_iter().fold(here.hop(), |hop, ttl| hop.ttl(Duration::from_secs(ttl)));
        let bundle = hop.sign().await.unwrap().bundle().clone();
        assert_eq!(bundle.expires_at(), UnixTime::from_secs(expected), "{ttl:?}");
        assert_eq!(bundle.hops().next().unwrap().issued_at, UnixTime::from_secs(NOW + 20));
    }
    // a root of many hours, as another registry may give
    let here = setting_of(|root| root.authority.expires_at = UnixTime::from_secs(NOW + 100_000)).await;
    assert_eq!(here.bundle().await.expires_at(), UnixTime::from_secs(NOW + 3600));
}

#[tokio::test]
async fn a_delegation_follows_its_root_until_its_time_is_over() {
    let here = setting().await;
    let mut delegation = here.hop().ttl(Duration::from_secs(1000)).sign().await.unwrap();
    let first = delegation.bundle().clone();
    assert_eq!(first.expires_at(), UnixTime::from_secs(NOW + 900));
    here.clock.set(NOW + 674);
    assert!(!delegation.refresh().await.unwrap());
    assert_eq!(delegation.bundle().expose(), first.expose());
    // at three quarters of its life the root token is renewed, and the hop signed below the new one
    here.clock.set(NOW + 675);
    assert!(delegation.refresh().await.unwrap());
    let second = delegation.bundle().clone();
    assert_ne!(members(&second)[0], members(&first)[0]);
    let (old, new) = (first.authority().clone(), second.authority().clone());
    assert_eq!(Authority { expires_at: old.expires_at, ..new }, old);
    assert_eq!(second.expires_at(), UnixTime::from_secs(NOW + 1000));
    assert_ne!(first.hops().next().unwrap().hop_id, second.hops().next().unwrap().hop_id);
    for now in [NOW + 1000, NOW + 675 + 675] {
        here.clock.set(now);
        assert_eq!(refused(delegation.refresh().await.unwrap_err()), DelegationError::Ended, "{now}");
    }
    assert_eq!(delegation.bundle().expose(), second.expose());
}

#[tokio::test]
async fn a_client_and_a_delegation_stand_on_the_same_token() {
    let (here, api) = with_api().await;
    let tokens = Arc::new(here.agent.tokens(TokenRequest::new(&api.url, &["files:read"]).unwrap()).unwrap());
    let http = AgentHttp::with_tokens(Arc::clone(&tokens)).build().unwrap();
    http.get(&api.url).send().await.unwrap();
    assert!(http.get("https://other.example/").send().await.is_err());
    let hop = here.agent.delegate(tokens).to(here.planner.key().did()).scope("files:read").sign().await.unwrap();
    assert_eq!(api.seen()[0].authorization, Some(format!("DPoP {}", members(hop.bundle())[0])));
    assert_eq!(here.registry.asked().len(), 1);
}

#[tokio::test]
async fn a_delegation_below_a_bundle_follows_its_newest() {
    let here = setting().await;
    let mut above = here.hop().max_depth(2).sign().await.unwrap();
    let delegated = here.planner.with_delegation(above.bundle().clone()).unwrap();
    let browser = DpopKey::generate();
    let mut below = here.planner.delegate(&delegated).to(browser.did()).scope("files:read").sign().await.unwrap();
    assert!(!below.refresh().await.unwrap());
    here.clock.set(NOW + 700);
    assert!(above.refresh().await.unwrap());
    assert!(!below.refresh().await.unwrap());
    delegated.renew(above.bundle().clone()).unwrap();
    assert!(below.refresh().await.unwrap());
    assert_eq!(members(below.bundle())[..2], members(above.bundle())[..]);
}

#[tokio::test]
async fn a_bundle_is_looked_at_before_it_is_used() {
    let here = setting().await;
    let (browser, bundle) = here.longer().await;
    let whole = members(&bundle);
    assert_eq!(Bundle::parse(&format!("\n {} \n", whole.join(" ,\t"))).unwrap().expose(), bundle.expose());
    let text = |parts: &[&String]| parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(",");
    let flipped = |part: &String| {
        let (at, last) = part.char_indices().rev().nth(3).unwrap();
        format!("{}{}{}", &part[..at], if last == 'A' { 'B' } else { 'A' }, &part[at + 1..])
    };
    let other = members(&here.bundle().await);
    for (parts, expected) in [
        (text(&[&whole[0]]), ChainError::Malformed),
        (text(&[&whole[1], &whole[2]]), ChainError::UntrustedRoot),
        (text(&[&whole[0], &whole[2]]), ChainError::DepthInvalid),
        (text(&[&whole[0], &whole[1], &whole[1]]), ChainError::DepthInvalid),
        (text(&[&whole[0], &flipped(&whole[1]), &whole[2]]), ChainError::SignatureInvalid),
        (text(&[&whole[0], &whole[1], &flipped(&whole[2])]), ChainError::SignatureInvalid),
        (text(&[&other[0], &whole[1], &whole[2]]), ChainError::ParentHashMismatch),
        (text(&[&whole[0], &other[1], &whole[2]]), ChainError::ParentHashMismatch),
        ("x".repeat(MAX_CHAIN_BYTES + 1), ChainError::TooLong),
        (String::new(), ChainError::Malformed),
    ] {
        assert_eq!(Bundle::parse(&parts).map(|_| ()), Err(DelegationError::Chain(expected)));
    }
    // a forged root is seen with the issuer's key, and only then
    bundle.require_signed_by(issuer_key().public()).unwrap();
    let forged = Bundle::parse(&text(&[&flipped(&whole[0]), &whole[1], &whole[2]])).unwrap();
    assert_eq!(forged.require_signed_by(issuer_key().public()), Err(DelegationError::Chain(ChainError::UntrustedRoot)));
    assert_eq!((bundle.root_key_id(), bundle.issuer()), (Some("k1"), here.registry.server.url.as_str()));

    // for this key, of this registry, and still running
    assert!(matches!(here.planner.with_delegation(bundle.clone()), Err(DelegationError::NotForUs { .. })));
    let elsewhere = RegistryClient::new("https://registry.example", browser.key().clone()).unwrap();
    assert!(matches!(elsewhere.with_delegation(bundle.clone()), Err(DelegationError::OtherIssuer { .. })));
    assert!(browser.with_delegation(bundle.clone()).is_ok());
    here.clock.set(NOW + ROOT_LIFE);
    assert!(matches!(browser.with_delegation(bundle), Err(DelegationError::Ended)));
}

/// A setting whose one resource is a server that notes what it sees.
async fn with_api() -> (Setting, Server) {
    let api = Server::start(|_, _| Reply::status(200)).await;
    let url = api.url.clone();
    let here =
        setting_of(move |root| root.authority.resources = BTreeSet::from([ResourceId::parse(&url).unwrap()])).await;
    (here, api)
}

impl Setting {
    async fn at_api(&self, api: &Server) -> Bundle {
        let tokens = self.agent.tokens(TokenRequest::new(&api.url, &["files:read"]).unwrap()).unwrap();
        let hop = self.agent.delegate(tokens).to(self.planner.key().did()).scope("files:read").max_depth(2);
        hop.sign().await.unwrap().bundle().clone()
    }
}

#[tokio::test]
async fn offline_the_root_token_goes_with_its_hops_and_their_hash() {
    // DEL-32, DEL-33
    let (here, api) = with_api().await;
    let bundle = here.at_api(&api).await;
    let delegated = here.planner.with_delegation(bundle.clone()).unwrap();
    let http = delegated.offline().unwrap().build().unwrap();
    assert_eq!(http.get(format!("{}/f", api.url)).send().await.unwrap().status(), 200);
    let [root, hop] = <[String; 2]>::try_from(members(&bundle)).unwrap();
    let seen = api.seen().pop().unwrap();
    assert_eq!(seen.authorization, Some(format!("DPoP {root}")));
    assert_eq!(seen.delegation.as_deref(), Some(hop.as_str()));
    assert_eq!((seen.claim("dch"), seen.claim("ath")), (Some(&hash(&hop)), Some(&hash(&root))));
    let jwk: Value = serde_json::from_str(&here.planner.key().did().public_key().to_jwk()).unwrap();
    assert_eq!(seen.proof.as_ref().unwrap().0["jwk"], jwk);
    assert_eq!(here.registry.asked().len(), 1, "the orchestrator's root, and nothing for the delegate");
    let token = delegated.offline_token().unwrap();
    assert_eq!((token.expose(), token.delegation()), (root.as_str(), Some(hop.as_str())));

    // a field of the caller's own would be a second one
    let sent = http.get(&api.url).header("Delegation", "x").send().await;
    let found = ClientError::from(sent.err().unwrap());
    assert!(matches!(found, ClientError::Sign(SignError::FieldPresent { field: "delegation" })), "{found}");
    // elsewhere nothing goes, nor after its end
    assert!(http.get("https://other.example/").send().await.is_err());
    here.clock.set(NOW + ROOT_LIFE);
    let found = ClientError::from(http.get(&api.url).send().await.err().unwrap());
    assert_eq!(refused(found), DelegationError::Ended);
    assert_eq!(api.count(), 1);
}

#[tokio::test]
async fn offline_use_needs_the_roots_word() {
    let here = setting_of(|root| root.delegability = Some(Delegability::ROOT)).await;
    let delegated = here.planner.with_delegation(here.bundle().await).unwrap();
    let found = refused(delegated.offline().map(|_| ()).unwrap_err());
    assert_eq!(found, DelegationError::OfflineNotPermitted);
    assert_eq!(refused(delegated.offline_token().map(|_| ()).unwrap_err()), found);
}

#[tokio::test]
async fn an_exchange_sends_root_and_last_hop_and_the_token_goes_with_all_of_it() {
    let (here, api) = with_api().await;
    let bundle = here.at_api(&api).await;
    let delegated = here.planner.with_delegation(bundle.clone()).unwrap();
    let http = delegated.exchange().build().unwrap();
    http.get(&api.url).send().await.unwrap();
    let asked = here.registry.asked().pop().unwrap();
    let [root, hop] = <[String; 2]>::try_from(members(&bundle)).unwrap();
    for (name, expected) in [
        ("grant_type", vec![EXCHANGE]),
        ("client_id", vec![here.planner.key().did().as_str()]),
        ("subject_token", vec![root.as_str()]),
        ("subject_token_type", vec![ACCESS_TOKEN]),
        ("actor_token", vec![hop.as_str()]),
        ("actor_token_type", vec!["urn:ietf:params:oauth:token-type:jwt"]),
        ("scope", vec![]),
        ("resource", vec![]),
        ("authorization_details", vec![]),
    ] {
        assert_eq!(asked.form(name), expected, "{name}");
    }
    assert_eq!((asked.delegation.as_deref(), asked.claim("dch"), asked.claim("ath")), (None, None, None));
    assert_eq!(asked.authorization, None);
    let seen = api.seen().pop().unwrap();
    assert_eq!(seen.authorization.as_deref(), Some("DPoP exchanged-1"));
    assert_eq!(seen.delegation.as_deref(), Some(bundle.expose()));
    assert_eq!((seen.claim("dch"), seen.claim("ath")), (Some(&hash(bundle.expose())), Some(&hash("exchanged-1"))));
}

#[tokio::test]
async fn the_hops_before_the_last_go_along_under_the_proof() {
    let here = setting().await;
    let (browser, bundle) = here.longer().await;
    let tools = Tools::new([("read".to_owned(), Arguments::Any)]).unwrap();
    let request = ExchangeRequest {
        scope: Scope::parse("files:read").ok(),
        resources: BTreeSet::from([ResourceId::parse(API).unwrap()]),
        tools: Some(tools.clone()),
    };
    let token = browser.with_delegation(bundle.clone()).unwrap().tokens(request).token().await.unwrap();
    assert_eq!((token.expose(), token.delegation()), ("exchanged-1", Some(bundle.expose())));
    let asked = here.registry.asked().pop().unwrap();
    let [_, first, second] = <[String; 3]>::try_from(members(&bundle)).unwrap();
    assert_eq!((asked.form("actor_token"), asked.delegation.as_deref()), (vec![second], Some(first.as_str())));
    assert_eq!(asked.claim("dch"), Some(&hash(&first)));
    assert_eq!((asked.form("scope"), asked.form("resource")), (vec!["files:read".to_owned()], vec![API.to_owned()]));
    assert_eq!(asked.form("authorization_details"), [tools.to_details().to_string()]);
}

#[tokio::test]
async fn exchanged_tokens_are_renewed_while_the_bundle_runs() {
    let here = setting().await;
    let mut delegation = here.hop().sign().await.unwrap();
    let delegated = here.planner.with_delegation(delegation.bundle().clone()).unwrap();
    let tokens = delegated.tokens(ExchangeRequest::default());
    let exchanged = async |age: u64, expected: &str| {
        here.clock.set(NOW + age);
        assert_eq!(tokens.token().await.unwrap().expose(), expected, "{age}");
    };
    exchanged(0, "exchanged-1").await;
    exchanged(224, "exchanged-1").await;
    exchanged(225, "exchanged-2").await;
    exchanged(899, "exchanged-3").await;
    // at its end nothing is asked any more
    here.clock.set(NOW + 2 * ROOT_LIFE);
    let asked = here.registry.asked().len();
    assert_eq!(refused(tokens.token().await.unwrap_err()), DelegationError::Ended);
    assert_eq!(here.registry.asked().len(), asked);
    // and a newer bundle goes on where the old one ended
    assert!(delegation.refresh().await.unwrap());
    delegated.renew(delegation.bundle().clone()).unwrap();
    let token = tokens.token().await.unwrap();
    assert_eq!(token.delegation(), Some(delegation.bundle().expose()));
}

#[tokio::test]
async fn a_bundle_is_replaced_by_its_own_successor_only() {
    let here = setting().await;
    let delegated = here.planner.with_delegation(here.bundle().await).unwrap();
    let (_, longer) = here.longer().await;
    assert_eq!(delegated.renew(longer), Err(DelegationError::OtherDelegation));
    // another registry, and another owner
    let other = setting_of(|root| root.subject = "owner:other".into()).await;
    let hop = |setting: &Setting| {
        let tokens = setting.agent.tokens(TokenRequest::new(API, &["files:read"]).unwrap()).unwrap();
        setting.agent.delegate(tokens).to(here.planner.key().did()).scope("files:read").resource(API)
    };
    let foreign = hop(&other).sign().await.unwrap().bundle().clone();
    assert_eq!(delegated.renew(foreign), Err(DelegationError::OtherDelegation));
    let newer = hop(&here).ttl(Duration::from_secs(5)).sign().await.unwrap().bundle().clone();
    assert_eq!(delegated.renew(newer.clone()), Ok(()));
    assert_eq!(delegated.bundle().expose(), newer.expose());
    here.clock.set(NOW + 5);
    assert_eq!(delegated.renew(newer), Err(DelegationError::Ended));
}

#[tokio::test]
async fn only_an_access_token_for_the_same_task_comes_out_of_an_exchange() {
    let check = async |more: Value, expected: &str| {
        let registry = FakeRegistry::answering(
            move |n, seen| match told(seen, "grant_type") == EXCHANGE {
                true => answer("exchanged", LIFE, &more),
                false => {
                    let issuer = seen.claim("htu").unwrap().as_str().unwrap().replace("/oauth2/token", "");
                    let token = root(&issuer, &told(seen, "client_id"), n, NOW);
                    answer(&token.sign("k1", &issuer_key()).unwrap(), ROOT_LIFE, &json!({}))
                }
            },
            |_, _| Reply::status(404),
        )
        .await;
        let clock = HandClock::new();
        let here = Setting { agent: agent(&registry, &clock), planner: client(&registry, &clock), registry, clock };
        let delegated = here.planner.with_delegation(here.bundle().await).unwrap();
        let found = match delegated.tokens(ExchangeRequest::default()).token().await {
            Ok(_) => "token",
            Err(ClientError::Answer(AnswerError::Member { member, .. })) => member,
            Err(ClientError::Answer(AnswerError::OtherTask)) => "task",
            Err(ClientError::Answer(AnswerError::TokenType)) => "bearer",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found, expected);
    };
    let kind = |text: &str| json!({"issued_token_type": text});
    check(kind(ACCESS_TOKEN), "token").await;
    check(kind("urn:ietf:params:oauth:token-type:refresh_token"), "issued_token_type").await;
    check(json!({}), "issued_token_type").await;
    check(json!({"issued_token_type": ACCESS_TOKEN, "task": {"id": "task_2"}}), "task").await;
    check(json!({"issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"}), "bearer").await;
}

#[tokio::test]
async fn the_tree_of_a_task_is_read_page_by_page() {
    let tree = json!({"task": "task_1", "next": "b", "delegations": [
        {"hop": "a", "parent": null, "delegator": "did:key:x", "delegate": "did:key:y", "depth": 1},
        {"hop": "b", "parent": "a", "depth": 2}]});
    let registry = FakeRegistry::answering(
        |n, _| crate::support::token(n, "DPoP", "task_1"),
        move |n, _| Reply::json(200, &if n == 0 { tree.clone() } else { json!({"delegations": [{"hop": 7}]}) }),
    )
    .await;
    let management = client(&registry, &HandClock::new()).acting_as(Role::Owner).unwrap();
    let page = management.task_tree("task_1", Some("z"), Some(2)).await.unwrap();
    let found: Vec<_> = page.delegations.iter().map(|one| (one.hop(), one.parent())).collect();
    assert_eq!((found, page.next.as_deref()), (vec![("a", None), ("b", Some("a"))], Some("b")));
    assert_eq!(page.delegations[0].members()["depth"], 1);
    let asked = registry.at("/tasks/task_1/tree").pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.query.as_str()), ("GET", "after=z&limit=2"));
    assert!(management.task_tree("task_1", None, None).await.is_err());
}
