//! Tools and budgets by the command line: an owner sets them, an agent meets them at the service of the README.

use serde_json::{Value, json};

use crate::readme::{Running, example, wait_for};
use crate::site::{Site, free_port};

const FOLDER: &str = r#"{"read_file":{"path":{"constraint_type":"path_containment","root":"/reports"}}}"#;

/// A registry and the service whose route is a tool.
struct Scene {
    site: Site,
    url: String,
    _api: Running,
}

impl Scene {
    fn start() -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}");
        let site = Site::start_for_tools(&url);
        let mut api = example("handfast-middleware", "tool_api");
        let api = Running(api.args([&site.issuer, &site.feed_key, &url]).spawn().unwrap());
        wait_for(&address);
        Self { site, url, _api: api }
    }

    /// Status, exit code and reason of one call.
    fn call(&self, path: &str, more: &[&str]) -> (u64, i32, Option<String>) {
        let url = format!("{}/files{path}", self.url);
        let output = self.site.run(&[&["curl", &url], more].concat());
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{path}: {}", String::from_utf8_lossy(&output.stderr)));
        let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
        let reason = error["error"]["reason"].as_str().map(str::to_owned);
        (told["status"].as_u64().unwrap(), output.status.code().unwrap(), reason)
    }

    /// The command line for a task of the owner's agent.
    fn new_task<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let new = ["task", "new", "--agent", "filer", "--intent", "read", "--scope", "files:read"];
        [&new[..], &["--resource", &self.url], more].concat()
    }
}

fn refused(status: u64, exit: i32, reason: &str) -> (u64, i32, Option<String>) {
    (status, exit, Some(reason.to_owned()))
}

const OK: (u64, i32, Option<String>) = (200, 0, None);

#[test]
fn a_ceiling_with_a_tool_and_a_budget_holds_at_the_service() {
    let scene = Scene::start();
    let ceiling = ["--tool", FOLDER, "--max-uses", "3", "--rate", "100/24h", "--handle", "filer"];
    scene.site.claimed_agent_with(&scene.url, &ceiling);
    let shown = &scene.site.ok(&["agent", "show"])["ceiling"];
    assert_eq!(shown["budget"], json!({"max_uses": 3, "rate": {"uses": 100, "seconds": 86_400}}));
    assert_eq!(shown["authorization_details"][0]["tools"], serde_json::from_str::<Value>(FOLDER).unwrap());

    // each command takes a token for a task of its own; what is refused for another reason is no use
    let scope = ["--scope", "files:read"];
    assert_eq!(scene.call("/reports/july.csv", &scope), OK);
    assert_eq!(scene.call("/payroll/july.csv", &scope), refused(403, 3, "tool_refused"));
    assert_eq!(scene.call("/reports/july.csv", &scope), OK);
    assert_eq!(scene.call("/reports/july.csv", &scope), OK);
    // a total that is spent is no matter of waiting
    assert_eq!(scene.call("/reports/july.csv", &scope), refused(429, 3, "budget_spent"));

    // a task that the owner asks for has its own, as narrow as the owner says
    let wide = scene.new_task(&["--tool", "read_file"]);
    assert_eq!(scene.site.refused(&wide), (3, Some("details_widened".to_owned())));
    let task = scene.site.ok(&scene.new_task(&["--max-uses", "3", "--rate", "1/24h"]));
    assert_eq!(task["budget"], json!({"max_uses": 3, "rate": {"uses": 1, "seconds": 86_400}}));
    let inside = ["--scope", "files:read", "--task", task["id"].as_str().unwrap()];
    assert_eq!(scene.call("/reports/july.csv", &inside), OK);
    assert_eq!(scene.call("/reports/july.csv", &inside), refused(429, 4, "budget_spent"), "until tomorrow");
    // the ceiling's tool is the task's, and the third wish beyond the task ends it there
    for _ in 0..3 {
        assert_eq!(scene.call("/payroll/july.csv", &inside), refused(403, 3, "tool_refused"));
    }
    assert_eq!(scene.call("/reports/july.csv", &inside), refused(401, 3, "task_halted"));
}

#[test]
fn a_hop_has_its_own_tool_and_budget() {
    let scene = Scene::start();
    scene.site.claimed_agent_with(
        &scene.url,
        &["--del-max-depth", "1", "--delegation", "offline", "--instances", "--handle", "filer"],
    );
    assert!(scene.site.told(&["agent", "show"]).contains(r#""instances":true"#));
    let delegate = scene.site.ok(&["agent", "init", "--key", "instance.json"]);
    let to = delegate["did"].as_str().unwrap();
    let task = scene.site.ok(&scene.new_task(&[]));
    let hop = ["delegate", "--to", to, "--scope", "files:read", "--resource", &scene.url, "--instance"];
    let hop = [&hop[..], &["--task", task["id"].as_str().unwrap(), "--tool", "read_file", "-o", "bundle"]].concat();
    scene.site.ok(&[&hop[..], &["--max-uses", "1", "--rate", "50/1h"]].concat());
    assert_eq!(scene.site.run(&[&hop[..], &["--rate", "0/24h"]].concat()).status.code(), Some(2));

    let shown = scene.site.ok(&["chain", "show", "bundle"]);
    let authority = &shown["members"][1]["authority"];
    assert_eq!(authority["budget"], json!({"max_uses": 1, "rate": {"uses": 50, "seconds": 3600}}));
    let text = scene.site.told(&["chain", "show", "bundle"]);
    assert!(text.contains("budget    at most 1 in total, 50 in 3600 s"), "{text}");
    assert!(text.contains(r#"tools     {"read_file":{}}"#), "{text}");
    let jwks = format!("{}/jwks.json", scene.site.issuer);
    let text = scene.site.told(&["chain", "verify", "bundle", "--issuer", &scene.site.issuer, "--jwks", &jwks]);
    assert!(text.contains(r#"tools   {"read_file":{}}"#) && text.contains(r#"budget  {"max_uses":1,"#), "{text}");

    let presented = ["--chain", "bundle", "--key", "instance.json"];
    assert_eq!(scene.call("/a", &presented), OK);
    // offline or exchanged, it is the same hop
    let offline = [&presented[..], &["--offline"]].concat();
    assert_eq!(scene.call("/a", &offline), refused(429, 3, "budget_spent"));
    let tree = scene.site.told(&["task", "tree", task["id"].as_str().unwrap()]);
    assert!(tree.contains("with read_file, at most 1 in total, 50 in 3600 s"), "{tree}");
}

#[test]
fn bounds_are_said_once_and_readable() {
    let site = Site::start_for_tools("http://127.0.0.1:9");
    site.ok(&["owner", "init", "--registry", &site.issuer, "--enrol", &site.admin_code]);
    let claim = ["claim", "claim_1", "--code", "BCDFGHJK", "--scope", "files:read"];
    let details = r#"[{"type":"attenuating_agent_token","tools":{}}]"#;
    for wrong in [
        &["--tool", "read", "--authorization-details", details][..],
        &["--tool", "read", "--tool", r#"{"read":{}}"#],
        &["--tool", r#"{"read":{"path":{"constraint_type":"nonsense"}}}"#],
        &["--max-uses", "0"],
        &["--rate", "10"],
        &["--rate", "10/25h"],
    ] {
        assert_eq!(site.run(&[&claim[..], wrong].concat()).status.code(), Some(2), "{wrong:?}");
    }
}
