//! An orchestrator hands a part of its authority to a sub-agent, which calls a tool with it: `cargo run --example delegate` beside
//! `orchestrator.json` and `agent.json`.
#![allow(clippy::print_stdout)] // a program for a terminal

use std::time::Duration;

use handfast_client::{Agent, Bundle, TokenRequest};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (orchestrator, agent) = (Agent::load("orchestrator.json")?, Agent::load("agent.json")?);

    // the orchestrator: less than it has itself, for ten minutes
    let tokens = orchestrator.tokens(TokenRequest::new("http://127.0.0.1:4700", &["files:read", "files:write"])?)?;
    let reports = json!({"path": {"constraint_type": "path_containment", "root": "/reports"}});
    let hop = orchestrator.delegate(tokens).to(agent.did()).scope("files:read").resource("http://127.0.0.1:4700");
    let delegation = hop.tool("read_file", reports).ttl(Duration::from_secs(600)).sign().await?;
    let handed_over = delegation.bundle().expose();

    // the sub-agent: a token of its own for that, and the call
    let http = agent.with_delegation(Bundle::parse(handed_over)?)?.exchange().build()?;
    let answer = http.get("http://127.0.0.1:4700/files/reports/q1.csv").send().await?;
    print!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}
