//! What checks cost, of requests and of delegation chains, told in U: one signature check of `ed25519-dalek` 3 with a decoded key, in the same build.
//!
//! ```text
//! scripts/bench                      the table
//! scripts/bench --json               the same as one JSON object
//! scripts/bench --rounds 1000        more rounds (default 200)
//! scripts/bench --only offline       only the unit and candidates whose names begin so
//! scripts/bench --replay             the replay store with ten million live entries, and honest callers of it beside a flood
//! scripts/bench --store              the registry's store beside a bare log, on the disk of `--directory` (default: where this is built)
//! scripts/bench --status             status lists of ten million places, and pushed revocations
//! scripts/bench revocation           how long a revocation takes to bite (a program of its own: tests/bench/revocation)
//! scripts/bench --quick              every candidate once; fails when a verdict is not what it should be
//! tests/bench/instructions           instruction counts, by callgrind
//! tests/bench/instructions --gate    the same against the limits of tests/bench/gate
//! ```
//!
//! `sign-proof` and `sign-token` are told beside a bare signature of the same library over as many bytes.
//! `check` is one signature check of ours, `often` the same under a key that was found often and so was prepared, as issuers' keys are.
//! `cold` is from the texts of token and field to the verdict, `known` the same where the delegates' keys were decoded before, `often`
//! where they were found often, `kept` the same with the chain's verdict remembered and the field read already; reading it, hash
//! included, is `field`. `whole` is a request from its fields to the handler's argument, replay store included: `warm` with token and
//! proof header seen often, `warm-new` seen before but not often, `known` with the header alone seen often, `never` with neither;
//! `replay-insert` and `replay-foreseen` are one entry of the replay store, alone and foreseen, for callgrind only;
//! `refused` are requests that are not let in, by a server that has seen token and header unless it says so. Ratios are what counts: the machine may be busy with something else.

mod count;
mod flood;
mod log;
#[cfg(feature = "peers")]
mod map;
mod material;
mod meter;
mod mutations;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod replay;
mod requests;
mod signing;
mod stalls;
mod status;
mod store;
mod table;

use std::path::PathBuf;

use meter::Candidate;

const DEFAULT_ROUNDS: u32 = 200;
const DEFAULT_TURNS: u32 = 30;

fn candidates() -> Vec<Candidate> {
    let mut all = vec![ours::unit()];
    all.extend(ours::checks());
    all.extend(ours::all_chains());
    all.extend(ours::requests());
    all.extend(requests::all());
    all.push(ours::authorisation());
    all.extend(signing::all());
    #[cfg(feature = "peers")]
    all.extend(peers::all());
    all
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name).skip(1);
        rest.next().map(String::as_str)
    };
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    requests::ARE_FEW.store(has("--once"), std::sync::atomic::Ordering::Relaxed);
    let mut candidates = candidates();
    // a store that is full is filled anew, which would be part of what is timed
    if ["--list", "--once", "--quick"].into_iter().any(has) {
        candidates.extend(replay::candidates());
    }
    if let Some(start) = value("--only") {
        candidates.retain(|candidate| candidate.name == "unit" || candidate.name.starts_with(start));
    }
    if has("--list") {
        candidates.iter().for_each(|candidate| println!("{}", candidate.name));
    } else if let Some(name) = value("--once") {
        let candidate =
            candidates.iter_mut().find(|candidate| candidate.name == name).expect("a candidate of that name");
        candidate.run_once();
        candidate.run_for_callgrind();
    } else if has("--replay") {
        replay::measure();
        flood::measure();
    } else if has("--store") {
        let built = std::env::current_exe().expect("a program has a path");
        let directory = value("--directory").map_or_else(|| built.with_file_name(""), PathBuf::from);
        store::measure(&directory, rounds(value("--rounds"), DEFAULT_TURNS));
    } else if has("--status") {
        status::measure();
    } else if has("--quick") {
        candidates.iter_mut().for_each(Candidate::run_once);
        println!("{} candidates, each with the verdict it should have", candidates.len());
    } else {
        let measured = meter::measure(candidates, rounds(value("--rounds"), DEFAULT_ROUNDS));
        println!("{}", if has("--json") { table::json(&measured).to_string() } else { table::text(&measured) });
    }
}

fn rounds(told: Option<&str>, default: u32) -> u32 {
    told.map_or(default, |rounds| rounds.parse().expect("a number"))
}
