//! The request vectors through `handfast chain verify`: where it runs the steps that decide, it says what a server says.

mod question;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use handfast_conformance::vector::{Evidence, Vector, read_folder};
use handfast_conformance::vectors_folder;
use question::{GOOD, Question, Steps};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::handfast;

/// Fewer would mean that the rule of what can be asked has grown too narrow.
const MIN_QUESTIONS: usize = 680;
/// Of these, refusals by the command.
const MIN_REFUSALS: usize = 430;
/// Reasons that need what the command cannot be told: what a server stopped by itself, a feed over time, status lists.
const NEVER_GIVEN: [&str; 5] =
    ["delegation_suspended", "feed_rolled_back", "status_reference_invalid", "task_halted", "token_suspended"];

fn questions(steps: &Steps) -> Vec<Question> {
    let vectors = read_folder(&vectors_folder().join("request"));
    let steps_of = |(name, vector): (&String, &Vector)| {
        let asked = vector.steps.iter().filter_map(|step| Question::of(name, &vector.setting, step, steps));
        asked.collect::<Vec<_>>()
    };
    vectors.iter().flat_map(steps_of).collect()
}

/// Asks the command, with everything in files of `home`.
fn verdict(question: &Question, home: &Path) -> String {
    let write = |name: &str, text: &str| std::fs::write(home.join(name), text).unwrap();
    let (setting, issuer) = (&question.setting, question.issuer());
    let policy = setting.chain_policy();
    write("token", &question.token);
    write("jwks", &serde_json::to_string(&issuer.keys).unwrap());
    let mut command = handfast(home);
    command.args(["chain", "verify", "--token", "token", "--jwks", "jwks"]);
    command.args([
        "--resource",
        &setting.resource,
        "--issuer",
        &issuer.trust.issuer,
        "--at",
        &question.now.to_string(),
    ]);
    command.args(["--max-depth", &policy.max_hops.to_string(), "--max-bytes", &policy.max_bytes.to_string()]);
    let is_optional = setting.chain.is_some_and(|chain| chain.evidence == Evidence::Optional);
    command.args(["--evidence", if is_optional { "optional" } else { "required" }]);
    if let Some(environment) = &setting.environment {
        command.args(["--environment", environment]);
    }
    if let Some((snapshot, key)) = question.snapshot() {
        write("snapshot", &snapshot);
        command.args(["--revocations", "snapshot", "--feed-key", &key]);
    }
    if let Some(field) = &question.field {
        write("field", field);
        command.arg("field");
    }
    let output = command.output().unwrap();
    let (told, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{}: {told}{error}", question.name));
    if output.status.success() {
        assert_eq!(told["verdict"], GOOD, "{}", question.name);
        return GOOD.to_owned();
    }
    let error: Value = serde_json::from_str(&error).unwrap();
    let reason = error["error"]["reason"].as_str().unwrap();
    assert_eq!(told, json!({"verdict": "refused", "reason": reason}), "{}", question.name);
    let exit = if reason == "status_unknown" { 4 } else { 3 };
    assert_eq!(output.status.code(), Some(exit), "{}", question.name);
    reason.to_owned()
}

/// Every answer, by as many processes at a time as there are cores.
fn verdicts(questions: &[Question]) -> Vec<(&Question, String)> {
    let found = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for part in questions.chunks(questions.len().div_ceil(threads)) {
            let found = &found;
            scope.spawn(move || {
                let home = TempDir::new().unwrap();
                for question in part {
                    let verdict = verdict(question, home.path());
                    found.lock().unwrap().push((question, verdict));
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn the_command_gives_every_answer_that_it_can() {
    let steps = Steps::read();
    let questions = questions(&steps);
    let found = verdicts(&questions);
    let wrong: Vec<_> = found
        .iter()
        .filter(|(question, verdict)| !question.agreeing.contains(verdict))
        .map(|(question, verdict)| format!("{}: expected {:?}, found {verdict}", question.name, question.agreeing))
        .collect();
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));

    let refusals = found.iter().filter(|(_, verdict)| verdict != GOOD).count();
    assert!(found.len() >= MIN_QUESTIONS && refusals >= MIN_REFUSALS, "{} asked, {refusals} refused", found.len());
    let given: BTreeSet<_> = found.iter().map(|(_, verdict)| verdict).collect();
    let never: Vec<_> = steps.its_reasons().filter(|reason| !given.contains(reason)).collect();
    assert_eq!(never, NEVER_GIVEN);
}
