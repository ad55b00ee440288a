//! What was measured, for people and for programs.

use std::fmt::Write;

use handfast_identity::signature_backend;
use serde_json::{Value, json};

use crate::meter::{Measured, slope};
use crate::ours::LENGTHS;

/// What each further hop adds, in U: by medians, and by low times. None where nothing was measured.
fn per_hop(measured: &[Measured], name: impl Fn(u8) -> String) -> Option<(f64, f64)> {
    let points = |of: fn(&Measured) -> f64| {
        let point = |hops: u8| measured.iter().find(|one| one.name == name(hops)).map(|one| (f64::from(hops), of(one)));
        LENGTHS.iter().map(|hops| point(*hops)).collect::<Option<Vec<_>>>()
    };
    Some((slope(&points(|one| one.ratio)?), slope(&points(|one| one.low_ratio)?)))
}

fn slopes(measured: &[Measured]) -> Vec<(String, f64, f64)> {
    let mut all = Vec::new();
    for (form, state) in [
        ("offline", "-cold"),
        ("exchanged", "-cold"),
        ("offline", "-known"),
        ("exchanged", "-known"),
        ("offline", "-often"),
        ("exchanged", "-often"),
        ("offline", "-kept"),
        ("exchanged", "-kept"),
        ("field", ""),
    ] {
        if let Some((by_median, by_low)) = per_hop(measured, |hops| format!("{form}-{hops}{state}")) {
            all.push((format!("{form}{state}"), by_median, by_low));
        }
    }
    all
}

/// As a table.
pub fn text(measured: &[Measured]) -> String {
    let mut out = format!("backend of ed25519-dalek 3: {}\n\n", signature_backend());
    let _ =
        writeln!(out, "{:44} {:>9} {:>9} {:>9} {:>9} {:>6}", "", "median ns", "low ns", "U median", "U low", "allocs");
    for one in measured {
        let Measured { name, median, low, ratio, low_ratio, allocations } = one;
        let _ = writeln!(out, "{name:44} {median:9.0} {low:9.0} {ratio:9.3} {low_ratio:9.3} {allocations:6}");
    }
    let _ = writeln!(out, "\n{:64} {:>9} {:>9}", "each further hop", "U median", "U low");
    for (name, by_median, by_low) in slopes(measured) {
        let _ = writeln!(out, "{name:64} {by_median:9.4} {by_low:9.4}");
    }
    out
}

/// As one JSON object.
pub fn json(measured: &[Measured]) -> Value {
    let candidates: Vec<_> = measured
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "median_ns": one.median, "low_ns": one.low,
                "u_median": one.ratio, "u_low": one.low_ratio, "allocations": one.allocations
            })
        })
        .collect();
    let slopes: Vec<_> = slopes(measured)
        .into_iter()
        .map(|(name, by_median, by_low)| json!({"name": name, "u_median": by_median, "u_low": by_low}))
        .collect();
    json!({"backend": signature_backend(), "candidates": candidates, "each_further_hop": slopes})
}
