//! `handfast bench serve`: a short run says what it should. What it measures is nobody's promise on a busy machine.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handfast")).args(["--json", "bench", "serve"]).args(arguments).output().unwrap()
}

#[test]
fn a_short_run_measures_each_kind_of_answer() {
    let output = bench(&["--requests", "40", "--rounds", "2", "--connections", "3"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["requests"].as_u64(), report["rounds"].as_u64()), (Some(40), Some(2)));
    assert!(["avx512", "avx2", "serial"].contains(&report["backend"].as_str().unwrap()));
    for kind in ["plain", "one_signature", "protected"] {
        for figure in ["cpu_us", "one_core_per_second", "answered_per_second"] {
            assert!(report[kind][figure].as_f64().is_some_and(|value| value > 0.0), "{kind} {figure}: {report}");
        }
    }
    assert!(report["check_units"].is_number() && report["unit_us"].is_number());
}

#[test]
fn what_cannot_be_measured_is_wrong_usage() {
    for arguments in [["--requests", "0"], ["--rounds", "101"], ["--connections", "513"]] {
        assert_eq!(bench(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_version_names_the_arithmetic() {
    let output = Command::new(env!("CARGO_BIN_EXE_handfast")).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected =
        format!("handfast {} (signatures: {})\n", env!("CARGO_PKG_VERSION"), handfast_identity::signature_backend());
    assert_eq!(text, expected);
}
