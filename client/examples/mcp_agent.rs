//! An agent that calls a tool over the Model Context Protocol: `cargo run --features mcp --example mcp_agent URL` beside an `agent.json`.
#![allow(clippy::print_stdout, clippy::indexing_slicing)] // a program for a terminal, and a server of one's own

use handfast_client::{Agent, mcp};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, JsonObject};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("which server?")?;
    let agent = Agent::load("agent.json")?;
    let session = ().serve(agent.mcp(&url, &["files:read"])?).await?;
    for path in ["/reports/q1.csv", "/secret"] {
        let arguments = JsonObject::from_iter([("path".to_owned(), path.into())]);
        match session.call_tool(CallToolRequestParams::new("read_file").with_arguments(arguments)).await {
            Ok(answer) => println!("{path}: {}", answer.content[0].as_text().ok_or("no text")?.text),
            Err(error) => println!("{path}: {:?}", mcp::refusal(&error).and_then(mcp::Refusal::reason)),
        }
    }
    session.cancel().await?;
    Ok(())
}
