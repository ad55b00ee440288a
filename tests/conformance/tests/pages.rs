//! The pages of `spec/` say what the code does: reasons, limits, links, and the places they name.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a page of another shape should stop the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use handfast_conformance::page::{
    all_constants, constants_shown, files_below, plain, request_reasons, rows, section, text,
};
use handfast_conformance::vector::{Expected, read_folder};
use handfast_conformance::{repository, vectors_folder};
use handfast_registry_model::Refusal;

/// A reason with its status and error.
type Row = (String, u16, Option<String>);

fn row(reason: &str, status: &str, error: &str) -> Row {
    let error = (error != "—").then(|| plain(error).to_owned());
    (plain(reason).to_owned(), status.parse().unwrap(), error)
}

#[test]
fn every_reason_at_a_resource_is_on_its_page() {
    let page = text("spec/reasons.md");
    let listed: BTreeSet<Row> =
        rows(section(&page, "## At a resource")).iter().map(|cells| row(&cells[1], &cells[2], &cells[3])).collect();
    let ours = ("receipt_mismatch".to_owned(), 503, Some("temporarily_unavailable".to_owned()));
    let shown: BTreeSet<Row> = read_folder(&vectors_folder().join("request"))
        .into_values()
        .flat_map(|vector| vector.steps)
        .filter_map(|step| match step.expect {
            Expected::Refused { reason, status, error, .. } => Some((reason, status, error)),
            Expected::Accepted => None,
        })
        .chain([ours])
        .collect();
    assert_eq!(listed, shown);
    let reasons: BTreeSet<String> = listed.into_iter().map(|(reason, ..)| reason).collect();
    assert_eq!(reasons, request_reasons());
}

#[test]
fn reasons_stand_in_the_order_of_the_steps() {
    let page = text("spec/reasons.md");
    let steps: Vec<_> = rows(section(&page, "## At a resource")).into_iter().map(|cells| cells[0].clone()).collect();
    let number = |step: &String| step.split(' ').next().unwrap().parse::<u8>().unwrap();
    assert!(steps.is_sorted_by_key(number), "{steps:?}");
}

#[test]
fn every_reason_around_the_check_is_on_its_page() {
    let page = text("spec/reasons.md");
    let listed: BTreeSet<String> =
        rows(section(&page, "## Around the check")).iter().map(|cells| plain(&cells[0]).to_owned()).collect();
    let given: BTreeSet<String> = files_below(&repository().join("server-middleware/src"), "rs")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .flat_map(|source| {
            // what tests of the same file say is nobody's answer
            let code = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            let named = |start: &str| {
                let found = code.split(start).skip(1).filter_map(|rest| rest.split('"').next());
                found.map(str::to_owned).collect::<Vec<_>>()
            };
            [
                named("reason: \""),
                named("StatusCode::PAYLOAD_TOO_LARGE, \""),
                named("StatusCode::REQUEST_TIMEOUT, \""),
                named("StatusCode::BAD_REQUEST, \""),
            ]
            .concat()
        })
        .collect();
    assert_eq!(listed, given);
}

#[test]
fn every_reason_of_the_registry_is_on_its_page() {
    let page = text("spec/reasons.md");
    // the words are those of the answers, but for the page's marks around names
    let bare = |words: &str| words.replace('`', "");
    let listed: BTreeSet<(Row, String, String)> = rows(section(&page, "## At the registry"))
        .iter()
        .map(|cells| (row(&cells[0], &cells[1], &cells[2]), bare(&cells[3]), bare(&cells[4])))
        .collect();
    let given: BTreeSet<(Row, String, String)> = Refusal::every()
        .into_iter()
        .map(|refusal| {
            let answer = refusal.answer();
            let error = answer.error.map(|error| error.as_str().to_owned());
            ((answer.reason.to_owned(), answer.status, error), bare(answer.title), bare(answer.detail))
        })
        .collect();
    let differing: Vec<_> = listed.symmetric_difference(&given).collect();
    assert!(differing.is_empty(), "page and answers differ: {differing:#?}");
}

/// The crates whose constants the page lists, and where their code is.
const CRATES: [(&str, &str); 10] = [
    ("identity", "identity/src"),
    ("dpop", "dpop/src"),
    ("delegation", "delegation/src"),
    ("audit-log", "audit-log/src"),
    ("verifier", "verifier/src"),
    ("fetch", "fetch/src"),
    ("server-middleware", "server-middleware/src"),
    ("client", "client/src"),
    ("did-registry/model", "did-registry/model/src"),
    ("did-registry", "did-registry/src"),
];

#[test]
fn every_bound_is_on_the_page_on_limits_with_its_value() {
    let page = text("spec/limits.md");
    let all = all_constants(&CRATES.map(|(_, folder)| folder));
    for (name, folder) in CRATES {
        let listed: BTreeMap<_, _> = rows(section(&page, &format!("## {name}")))
            .iter()
            .map(|cells| (plain(&cells[0]).to_owned(), cells[1].clone()))
            .collect();
        let found = constants_shown(folder, &all);
        for (constant, shown) in
            found.iter().filter(|(constant, shown)| shown.is_bound || listed.contains_key(*constant))
        {
            let row = listed.get(constant);
            assert_eq!(row, Some(&shown.value), "`{constant}` of {name}: add or correct its row in spec/limits.md");
        }
        let gone: Vec<_> = listed.keys().filter(|constant| !found.contains_key(*constant)).collect();
        assert!(gone.is_empty(), "{name} has no constants called {gone:?} any more");
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for path in files_below(&repository(), "md") {
        let page = std::fs::read_to_string(&path).unwrap();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(path.parent().unwrap().join(target).exists(), "{}: {link}", path.display());
        }
    }
}

#[test]
fn every_page_that_code_names_exists() {
    let pages: BTreeSet<_> = files_below(&repository().join("spec"), "md")
        .iter()
        .map(|path| path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned())
        .collect();
    for source in files_below(&repository(), "rs") {
        let code = std::fs::read_to_string(&source).unwrap();
        for rest in code.split("spec/").skip(1) {
            let word: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || matches!(c, '-' | '.' | '/')).collect();
            let Some(name) = word.trim_end_matches('.').strip_suffix(".md") else { continue };
            assert!(pages.contains(&format!("spec/{name}.md")), "{}: spec/{name}.md", source.display());
        }
    }
}

#[test]
fn the_example_of_the_identity_page_is_true() {
    let page = text("spec/identity.md");
    let examples = text("spec/vectors/did-key.json");
    let line = |name: &str| {
        let found = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no line `{name}`"));
        found.trim().split("  ").next().unwrap().to_owned()
    };
    let key = handfast_identity::SigningKey::from_ed25519_seed(
        &handfast_conformance::make::keys::hex(&line("seed ")).try_into().unwrap(),
    );
    let did = key.public().did();
    assert_eq!(line("public key "), handfast_conformance::make::keys::to_hex(&key.public().to_bytes()));
    assert_eq!(line("JWK "), key.public().to_jwk());
    assert_eq!(line("thumbprint "), key.public().thumbprint().to_string());
    assert_eq!(line("DID "), did.as_str());
    assert_eq!(line("key id "), did.key_id());
    assert_eq!(line("fingerprint "), handfast_identity::fingerprint(&did));
    assert!(examples.contains(did.as_str()));
}

/// Whether something a row names as its evidence is there.
fn exists(evidence: &str) -> bool {
    if let Some(name) = evidence.strip_prefix("request/") {
        return vectors_folder().join(format!("request/{name}.json")).exists();
    }
    match evidence.split_once('#') {
        Some((file, name)) => {
            let path = repository().join(file);
            std::fs::read_to_string(path).is_ok_and(|code| code.contains(&format!("fn {name}(")))
        }
        None => vectors_folder().join(evidence).exists(),
    }
}

/// The ids of a row: one, several, or a range of attack examples.
fn ids(cell: &str) -> Vec<String> {
    let number = |id: &str| id.trim_start_matches("TH").parse::<u8>().unwrap();
    match cell.split_once(" to ") {
        Some((first, last)) => (number(first)..=number(last)).map(|n| format!("TH{n:02}")).collect(),
        None => cell.split(", ").map(|id| plain(id).to_owned()).collect(),
    }
}

#[test]
fn every_requirement_names_what_shows_it() {
    for cells in rows(&text("spec/conformance.md")) {
        let [id, rule, state, evidence] = cells.as_slice() else { panic!("{cells:?}") };
        assert!(!rule.is_empty() && !evidence.is_empty(), "{id}");
        match state.as_str() {
            "met" => {
                let named: Vec<_> = evidence.split(", ").map(plain).collect();
                assert!(named.iter().all(|name| exists(name)), "{id}: {named:?}");
            }
            "not yet" | "not applicable" => {}
            other => panic!("{id}: {other}"),
        }
    }
}

#[test]
fn requirements_stand_once_and_vectors_name_known_ones() {
    let page = text("spec/conformance.md");
    let mut known = BTreeSet::new();
    for cells in rows(page.split("\n## ").skip(1).collect::<Vec<_>>().join("\n## ").as_str()) {
        for id in ids(&cells[0]) {
            assert!(known.insert(id.clone()), "{id} stands twice");
        }
    }
    for (name, vector) in read_folder(&vectors_folder().join("request")) {
        let unknown: Vec<_> = vector.rules.iter().filter(|rule| !known.contains(*rule)).collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}");
    }
}

/// Name and version of every foreign package that is pinned for trying it: JavaScript, Python, Rust.
fn pinned_strangers() -> Vec<(String, String)> {
    let package: serde_json::Value = serde_json::from_str(&text("tests/interop/package.json")).unwrap();
    let javascript = package["dependencies"].as_object().unwrap().clone();
    // a framework that one of the peers is a part of, and no peer itself
    let javascript = javascript.into_iter().filter(|(name, _)| name != "express");
    let javascript = javascript.map(|(name, version)| (name, version.as_str().unwrap().to_owned()));
    let requirements = text("tests/interop/python/requirements.txt");
    let python = requirements.lines().filter_map(|line| line.strip_prefix("# ")?.split_once("=="));
    let python: Vec<_> = python.map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
    javascript.chain(python).chain(pinned_crates("tests/oracles/server/Cargo.toml")).collect()
}

/// Name and version of every crate that a manifest pins.
fn pinned_crates(manifest: &str) -> Vec<(String, String)> {
    let pinned = |line: &str| {
        let (name, rest) = line.split_once(" = ")?;
        Some((name.to_owned(), rest.split_once("\"=")?.1.split('"').next()?.to_owned()))
    };
    text(manifest).lines().filter_map(pinned).collect()
}

#[test]
fn the_oracles_of_the_page_are_those_that_are_pinned() {
    let page = text("spec/interop.md");
    let section = section(&page, "## Oracles");
    let pinned = pinned_crates("tests/oracles/dids/Cargo.toml");
    assert!(!pinned.is_empty());
    for (name, version) in pinned {
        assert!(section.contains(&format!("`{name}` {version}")), "{name} {version}");
    }
}

#[test]
fn the_strangers_of_the_page_are_those_that_are_pinned() {
    let page = text("spec/interop.md");
    let rows = ["## JavaScript", "## Python", "## Rust"].map(|name| rows(section(&page, name)));
    let listed: BTreeSet<_> = rows
        .into_iter()
        .flatten()
        .flat_map(|cells| cells[0].split(" through ").map(str::to_owned).collect::<Vec<_>>())
        .map(|name| name.split_once(' ').map(|(name, version)| (name.to_owned(), version.to_owned())).unwrap())
        .collect();
    assert_eq!(listed, pinned_strangers().into_iter().collect());
}
