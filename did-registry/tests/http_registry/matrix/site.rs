//! Resource servers that know of the registry what its feed and its key set say.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use handfast_identity::UnixTime;
use handfast_middleware::{Caller, FactsSource, Mode, NonceUse, ResourceServer, TrustedIssuer};
use handfast_testkit::Agent;
use handfast_verifier::revocation::{FeedState, UnverifiedFeedMessage, VerifiedFeedMessage};
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Status};
use handfast_verifier::{ChainPolicy, EvidencePolicy};
use tower::ServiceExt as _;

use crate::bench::{API, Answer, Bench};
use crate::delegation_bench::echo;

/// What is sent to a resource server.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    pub(super) by: Agent,
    pub(super) token: String,
    pub(super) evidence: Option<String>,
    /// To the server that takes the issuer's word.
    pub(super) on_word: bool,
}

/// One that follows the feed: its state, in front of it a server that asks for evidence and one that does not.
pub(super) struct Site {
    reader: FeedState,
    trust: Arc<TrustedIssuer>,
    keys: Arc<KeySet>,
    facts: Arc<Heard>,
    strict: Router,
    trusting: Router,
}

#[derive(Default)]
struct Heard(Mutex<Arc<Facts>>);

impl FactsSource for Heard {
    fn facts(&self, _: UnixTime) -> Arc<Facts> {
        self.0.lock().unwrap().clone()
    }
}

fn read(bench: &Bench, answer: &Answer) -> VerifiedFeedMessage {
    UnverifiedFeedMessage::parse(&answer.text).unwrap().verify(&bench.registry.feed_key()).unwrap()
}

impl Site {
    /// One that starts now: it has the snapshot, and the keys that are published.
    pub(super) async fn start(bench: &Bench) -> Self {
        let snapshot = bench.get("/revocations/snapshot").await.is(200);
        let reader = FeedState::start(&bench.issuer, read(bench, &snapshot), bench.clock.now()).unwrap();
        let keys = KeySet::parse(bench.get("/jwks.json").await.is(200).text.as_bytes()).unwrap();
        let facts = Arc::new(Heard::default());
        let strict = serve(bench, &facts, EvidencePolicy::Required).await;
        let trusting = serve(bench, &facts, EvidencePolicy::Optional).await;
        let trust = Arc::new(TrustedIssuer::single(&bench.issuer, bench.registry.feed_key()));
        let site = Self { reader, trust, keys: Arc::new(keys), facts, strict, trusting };
        site.tell();
        site
    }

    /// Takes in what the feed says next, a heartbeat if nothing, and forgets what is over.
    pub(super) async fn hear(&mut self, bench: &Bench) {
        let news = bench.get(&format!("/revocations?after={}", self.reader.position().seq)).await.is(200);
        self.reader.apply(read(bench, &news), bench.clock.now()).unwrap();
        self.reader.forget(bench.clock.now());
        self.tell();
    }

    fn tell(&self) {
        let status = Status::Known { set: self.reader.set().clone(), as_of: self.reader.as_of() };
        let facts = IssuerFacts { trust: self.trust.clone(), keys: self.keys.clone(), status };
        *self.facts.0.lock().unwrap() = Arc::new(Facts::new([facts]));
    }

    /// Why it is refused, `None` if it is taken; any other answer ends the test.
    pub(super) async fn refusal(&self, presented: &Presented, now: UnixTime) -> Option<String> {
        let Presented { by, token, evidence, on_word } = presented;
        let request = echo(by, token, evidence.as_deref(), now);
        let server = if *on_word { &self.trusting } else { &self.strict };
        let answer = Answer::read(server.clone().oneshot(request).await.unwrap()).await;
        match answer.status {
            200 => None,
            401 => Some(answer.str("reason")),
            _ => panic!("{answer:?}"),
        }
    }
}

async fn serve(bench: &Bench, facts: &Arc<Heard>, evidence: EvidencePolicy) -> Router {
    let clock = bench.clock.clone();
    let server = ResourceServer::builder(API, API)
        .mode(Mode::Development)
        .facts(facts.clone())
        .nonces(NonceUse::Off)
        .delegation(ChainPolicy { evidence, ..ChainPolicy::default() })
        .clock(move || clock.now())
        .start()
        .await
        .unwrap();
    let answer = |caller: Caller| async move { caller.subject().to_owned() };
    Router::new().route("/echo", get(answer)).layer(server.scope("echo:read").unwrap())
}
