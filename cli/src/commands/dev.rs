//! `handfast dev`: a registry and a protected API with ready-made credentials, until stopped.

use handfast_client::{DpopKey, Role, TokenRequest};
use handfast_dpop::ProofWindow;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::DevArgs;
use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::local::{LONG_LIVED, Local, Ports, READ_FILE, READ_SCOPE};
use crate::ui::Ui;

pub(crate) async fn run(args: &DevArgs, ui: Ui) -> Result<(), Failure> {
    let ports = Ports { registry: args.registry_port, api: args.api_port, token_lifetime: Some(LONG_LIVED) };
    let local = Local::start(ports).await?;
    let admin = local.admin().await?.acting_as(Role::Admin)?;
    let mut credentials = Vec::new();
    for (name, key) in [("A", DpopKey::generate()), ("B", DpopKey::generate()), ("C", keyfiles::p256_key()?)] {
        credentials.push(credential(&local, name, key, &admin).await?);
    }
    let window = ProofWindow::default();
    let ready = json!({
        "issuer": local.issuer(),
        "feed_key": local.feed_key(),
        "token_endpoint": format!("{}/oauth2/token", local.issuer()),
        "public_origin": local.api_origin(),
        "resource": {"url": local.echo_url(), "method": "GET", "other_path": "/other"},
        "audience": local.api_origin(),
        "window": {"past": window.past(), "future": window.future()},
        "credentials": credentials,
    });
    ui.result(&ready, |_| {
        let names: Vec<_> = credentials.iter().map(|c| format!("  {}  {}", c.name, c.did)).collect();
        format!(
            "Registry {}\nAPI      {}  (GET and POST /echo with scope {READ_SCOPE}; GET /files/… is the tool {READ_FILE})\nFeed key {}\nAgents\n{}\n\
             Keys and tokens are printed with --json. Stop with Ctrl-C.",
            local.issuer(),
            local.api_origin(),
            local.feed_key(),
            names.join("\n")
        )
    })?;
    wait_for_stop().await?;
    local.stop().await;
    Ok(())
}

/// One agent with everything a foreign client needs, its secret key included: these live as long as this process.
#[derive(Serialize)]
struct Credential {
    name: &'static str,
    did: String,
    client_id: String,
    access_token: String,
    scope: &'static str,
    key: Value,
}

async fn credential(
    local: &Local,
    name: &'static str,
    key: DpopKey,
    admin: &handfast_client::Management,
) -> Result<Credential, Failure> {
    let private = keyfiles::secret_of(&key)?;
    let agent = local.claimed_agent(&format!("agent {name}"), key, admin).await?;
    let request = TokenRequest::new(local.api_origin(), &[READ_SCOPE]).map_err(handfast_client::ClientError::from)?;
    let token = agent.tokens(request)?.token().await?;
    Ok(Credential {
        name,
        did: agent.did().to_string(),
        client_id: agent.did().to_string(),
        access_token: token.expose().to_owned(),
        scope: READ_SCOPE,
        key: serde_json::from_str(&private).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?,
    })
}

/// Until Ctrl-C or a polite kill.
pub(crate) async fn wait_for_stop() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, format!("cannot listen for signals: {error}"));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
        _ = terminate.recv() => Ok(()),
    }
}
