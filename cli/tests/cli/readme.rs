//! The README's programs are the examples, to the letter, and its commands are this program's.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::site::{Site, free_port};

const README: &str = include_str!("../../../README.md");

/// The code block that follows the comment naming `file`.
fn block_of(file: &str) -> &'static str {
    let marker = format!("<!-- {file} -->\n```rust\n");
    let (_, rest) = README.split_once(&marker).unwrap_or_else(|| panic!("the README has no block of {file}"));
    rest.split_once("```").unwrap().0
}

fn check(file: &str, example: &str, most_lines: usize) {
    // an example's own heading is a module comment and its lints, which the README replaces by prose
    let program: String = example
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.starts_with("#![") || line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(block_of(file), program, "{file}");
    let code = program.lines().filter(|line| !line.is_empty() && !line.starts_with("use ")).count();
    assert!(code <= most_lines, "{file} has {code} lines of code");
}

#[test]
fn the_programs_in_the_readme_are_the_examples() {
    check(
        "server-middleware/examples/protected_api.rs",
        include_str!("../../../server-middleware/examples/protected_api.rs"),
        20,
    );
    check("client/examples/agent.rs", include_str!("../../../client/examples/agent.rs"), 10);
    check("client/examples/delegate.rs", include_str!("../../../client/examples/delegate.rs"), 29);
    check("client/examples/mcp_agent.rs", include_str!("../../../client/examples/mcp_agent.rs"), 19);
}

#[test]
fn the_lines_in_the_readme_stand_in_the_example() {
    let trimmed = |text: &str| text.lines().map(|line| format!("{}\n", line.trim_start())).collect::<String>();
    for (file, example, count) in [
        ("tool_api", include_str!("../../../server-middleware/examples/tool_api.rs"), 2),
        ("mcp_server", include_str!("../../../server-middleware/examples/mcp_server.rs"), 3),
    ] {
        let example = trimmed(example);
        let file = format!("from server-middleware/examples/{file}.rs");
        let parts: Vec<_> = block_of(&file).split("\n\n").collect();
        assert_eq!(parts.len(), count);
        for part in parts {
            assert!(example.contains(trimmed(part).as_str()), "{part}");
        }
    }
}

#[test]
fn every_command_of_the_readme_exists() {
    let rows = README.split_once("| command | does |").unwrap().1.split_once("\n\n").unwrap().0;
    let cells = rows.lines().filter_map(|row| row.split('|').nth(1));
    let commands: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let help =
            Command::new(env!("CARGO_BIN_EXE_handfast")).args(command.split(' ')).arg("--help").output().unwrap();
        assert!(help.status.success(), "{command}");
    }
}

#[test]
fn the_readme_names_both_commands() {
    assert!(README.contains("cargo run --release -- demo") && README.contains("\nscripts/test\n"));
}

/// The address that stands in both programs.
const API: &str = "127.0.0.1:4700";

/// A program under `examples/`, built as the README says, in the profile of this test.
pub(crate) fn example(package: &str, name: &str) -> Command {
    // as the README says; the one that needs a feature is told so there
    let features = if name == "mcp_agent" { &["--features", "mcp"][..] } else { &[] };
    let build = ["build", "--quiet", "--locked", "-p", package, "--example", name];
    let built = Command::new(env!("CARGO")).args(build).args(features).status().unwrap();
    assert!(built.success(), "{name}");
    Command::new(Path::new(env!("CARGO_BIN_EXE_handfast")).parent().unwrap().join("examples").join(name))
}

pub(crate) struct Running(pub(crate) Child);

/// Waits until somebody listens.
pub(crate) fn wait_for(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "the service does not listen");
        std::thread::yield_now();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_programs_in_the_readme_run() {
    let url = format!("http://{API}");
    let site = Site::start_for_tools(&url);
    let registered = site.claimed_agent(&url);

    let mut api = example("handfast-middleware", "protected_api");
    let running = Running(api.args([&site.issuer, &site.feed_key]).spawn().unwrap());
    wait_for(API);
    let did = registered["agent"]["did"].as_str().unwrap();
    let output = example("handfast-client", "agent").current_dir(site.home()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("200 OK files of owner:") && told.contains(&format!("read by {did}")), "{told}");

    // the two of the delegation, at the service whose route is a tool
    drop(running);
    let orchestrator = ["--scope", "files:read files:write", "--del-max-depth", "1"];
    site.claimed_by_key("orchestrator.json", &url, &orchestrator);
    let mut api = example("handfast-middleware", "tool_api");
    let _running = Running(api.args([&site.issuer, &site.feed_key, &url]).spawn().unwrap());
    wait_for(API);
    let output = example("handfast-client", "delegate").current_dir(site.home()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told, "200 OK /reports/q1.csv as it might be\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_programs_for_the_model_context_protocol_run() {
    let address = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{address}/mcp");
    let site = Site::start_for_tools(&url);
    let reports = r#"{"read_file":{"path":{"constraint_type":"path_containment","root":"/reports"}}}"#;
    site.claimed_agent_with(&url, &["--tool", reports]);
    let mut server = example("handfast-middleware", "mcp_server");
    let _running = Running(server.args([&site.issuer, &site.feed_key, &url]).spawn().unwrap());
    wait_for(&address);
    let output = example("handfast-client", "mcp_agent").arg(&url).current_dir(site.home()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "/reports/q1.csv: /reports/q1.csv as it might be\n/secret: Some(\"tool_refused\")\n";
    assert_eq!(told, expected, "{}", String::from_utf8_lossy(&output.stderr));
}
