//! The measured server, from inside: one thread, three answers.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use handfast_client::{ClientError, DpopKey, Role, TokenRequest};
use handfast_dpop::ReplayLimits;
use handfast_identity::{OsRandom, PublicKey, SIGNATURE_BYTES, SigningKey, random_bytes};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Mode, NonceUse, ResourceServer, TrustedIssuer};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::server::{Place, Ready, failed};
use crate::args::BenchTargetArgs;
use crate::exit::Failure;
use crate::keyfiles;
use crate::local::{LONG_LIVED, Local, Ports, READ_SCOPE};
use crate::ui::Ui;

/// The answer of each place.
const HELLO: &str = "hello\n";
/// Bytes under the one signature: the signing input of a proof.
const MESSAGE_BYTES: usize = 365;
/// Signatures that are checked in turn: a processor learns the way through one that comes again and again.
const SIGNATURES: usize = 16;

pub(crate) async fn run(args: &BenchTargetArgs, ui: Ui) -> Result<(), Failure> {
    let local = Local::start(Ports { token_lifetime: Some(LONG_LIVED), ..Ports::default() }).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed("no server", error))?;
    let address = listener.local_addr().map_err(|error| failed("no server", error))?;
    let origin = format!("http://{address}");
    let app = app(&local, &origin, args.proofs).await?;
    let server = serve(listener, app, ServerLimits::default(), until_the_parent_ends());
    let server = tokio::spawn(server);

    let key = DpopKey::generate();
    let private = keyfiles::secret_of(&key)?;
    let admin = local.admin().await?.acting_as(Role::Admin)?;
    let agent = local.claimed_agent("bench", key, &admin).await?;
    let request = TokenRequest::new(local.api_origin(), &[READ_SCOPE]).map_err(ClientError::from)?;
    let token = agent.tokens(request)?.token().await?;
    ui.json_line(&Ready { origin, access_token: token.expose().to_owned(), key: private.to_string() })?;

    // a server that panicked has said so already
    let _ = server.await;
    local.stop().await;
    Ok(())
}

async fn app(local: &Local, origin: &str, proofs: usize) -> Result<Router, Failure> {
    let server = ResourceServer::builder(local.api_origin(), origin)
        .trust(TrustedIssuer::single(local.issuer(), local.feed_key().clone()))
        .mode(Mode::Development)
        // a client of a server that has run for a while is asked for none
        .nonces(NonceUse::Off)
        .replay_limits(ReplayLimits { total: proofs + 1, per_key: proofs + 1 })
        .start()
        .await
        .map_err(|error| failed("no server", error))?;
    server.ready().await;
    let protected = server.scope(READ_SCOPE).map_err(|error| failed("no server", error))?;
    Ok(Router::new()
        .route(Place::Plain.path(), get(hello))
        .route(Place::OneSignature.path(), get(one_signature))
        .route(Place::Protected.path(), get(hello).layer(protected))
        .with_state(Arc::new(Signatures::new())))
}

async fn hello() -> &'static str {
    HELLO
}

async fn one_signature(State(signatures): State<Arc<Signatures>>) -> &'static str {
    if signatures.check_next() { HELLO } else { "a good signature was refused\n" }
}

/// Good signatures and their keys, decoded.
struct Signatures {
    all: Vec<(PublicKey, Vec<u8>, [u8; SIGNATURE_BYTES])>,
    next: AtomicUsize,
}

impl Signatures {
    fn new() -> Self {
        let all = (0..SIGNATURES).map(|_| {
            let seed: [u8; 32] = random_bytes(&mut OsRandom);
            let key = SigningKey::from_ed25519_seed(&seed);
            let message: Vec<u8> = seed.iter().copied().cycle().take(MESSAGE_BYTES).collect();
            let signature = key.sign(&message);
            (key.public().clone(), message, signature)
        });
        Self { all: all.collect(), next: AtomicUsize::new(0) }
    }

    fn check_next(&self) -> bool {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % SIGNATURES;
        self.all.get(place).is_some_and(|(key, message, signature)| {
            key.verify(handfast_identity::Algorithm::EdDsa, message, signature).is_ok()
        })
    }
}

/// The parent holds the other end of standard input: it closes with it, however that ends.
async fn until_the_parent_ends() {
    let mut nothing = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut nothing).await;
}
