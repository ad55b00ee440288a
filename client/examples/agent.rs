//! An agent that reads its owner's files: `cargo run --example agent` beside an `agent.json`.
#![allow(clippy::print_stdout)] // a program for a terminal

use handfast_client::Agent;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let agent = Agent::load("agent.json")?;
    let http = agent.http("http://127.0.0.1:4700", &["files:read"])?;
    let answer = http.get("http://127.0.0.1:4700/files").send().await?;
    print!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}
