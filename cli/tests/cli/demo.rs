//! `handfast demo`: the whole story, as a newcomer runs it.

use std::process::{Command, Output};

use serde_json::Value;

/// Every step, what it has to end in, and the stable reason where it is refused.
const STORY: [(&str, &str, Option<&str>); 55] = [
    ("register", "accepted", None),
    ("register_without_proof", "refused", Some("proof_required")),
    ("pre_claim_call", "refused", Some("insufficient_scope")),
    ("claim", "accepted", None),
    ("claim_code_reused", "refused", Some("code_used")),
    ("token", "accepted", None),
    ("call", "accepted", None),
    ("replayed_proof", "refused", Some("proof_replayed")),
    ("stolen_token", "refused", Some("holder_mismatch")),
    ("wrong_method", "refused", Some("method_mismatch")),
    ("wrong_target", "refused", Some("target_mismatch")),
    ("bearer_downgrade", "refused", Some("bearer_downgrade")),
    ("wrong_audience", "refused", Some("audience_mismatch")),
    ("expired_token", "refused", Some("token_expired")),
    ("missing_scope", "refused", Some("insufficient_scope")),
    ("delegate", "accepted", None),
    ("exchange", "accepted", None),
    ("subagent_call", "accepted", None),
    ("offline_refused_by_default", "refused", Some("offline_not_permitted")),
    ("offline_call", "accepted", None),
    ("widen_scope", "refused", Some("scope_widened")),
    ("widen_expiry", "refused", Some("expiry_widened")),
    ("splice", "refused", Some("parent_hash_mismatch")),
    ("tool_argument_refused", "refused", Some("tool_refused")),
    ("dropped_constraint", "refused", Some("details_widened")),
    ("budget_spent", "refused", Some("budget_spent")),
    ("stripped_chain", "refused", Some("evidence_required")),
    ("revoke_token", "accepted", None),
    ("call_with_revoked_token", "refused", Some("token_revoked")),
    ("sibling_token_still_works", "accepted", None),
    ("revoke_hop_subtree", "accepted", None),
    ("subagent_after_revoke", "refused", Some("hop_revoked")),
    ("delegator_still_works", "accepted", None),
    ("revoke_task", "accepted", None),
    ("call_in_revoked_task", "refused", Some("task_revoked")),
    ("other_task_still_works", "accepted", None),
    ("suspend", "accepted", None),
    ("call_while_suspended", "refused", Some("agent_revoked")),
    ("sibling_still_works", "accepted", None),
    ("resume", "accepted", None),
    ("call_after_resume", "accepted", None),
    ("suspend_resume_old_token_dead", "refused", Some("agent_revoked")),
    ("revoke_owner", "accepted", None),
    ("call_for_stopped_owner", "refused", Some("principal_revoked")),
    ("other_owner_still_works", "accepted", None),
    ("rotate_key", "accepted", None),
    ("old_key_refused", "refused", Some("invalid_client")),
    ("handle_unchanged", "accepted", None),
    ("new_key_call", "accepted", None),
    ("thief_takes_over", "accepted", None),
    ("recover", "accepted", None),
    ("recovery_beats_thief", "refused", Some("key_compromised")),
    ("recovered_key_call", "accepted", None),
    ("revoke_agent", "accepted", None),
    ("call_after_revoke", "refused", Some("agent_revoked")),
];

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handfast")).arg("demo").args(arguments).output().unwrap()
}

#[test]
fn the_json_story_has_every_step_in_order_with_its_reason() {
    let output = demo(&["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().map(|line| line["step"].as_str().unwrap()).collect();
    assert_eq!(told, STORY.map(|(step, ..)| step));
    for (line, (step, expected, reason)) in lines.iter().zip(STORY) {
        let mut members: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["expect", "ms", "outcome", "reason", "status", "step"], "{step}");
        assert_eq!((line["expect"].as_str(), line["outcome"].as_str()), (Some(expected), Some(expected)), "{step}");
        assert_eq!(line["reason"].as_str(), reason, "{step}");
        assert_eq!(line["status"] == 429, step == "budget_spent", "{step}: {line}");
        assert!(line["status"].is_u64() && line["ms"].is_number(), "{step}: {line}");
    }
}

#[test]
fn the_readable_story_names_every_step_without_colour_in_a_pipe() {
    let output = demo(&[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for (step, ..) in STORY {
        assert!(text.contains(&step.replace('_', " ")), "{step} is missing in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colour in a pipe");
}
