//! What of the server changes between two requests.

use handfast_identity::base64url;
use serde_json::Value;

use super::sides::Sides;
use super::texts::Text;
use super::{Corpus, Dice};
use crate::make::keys::Who;
use crate::vector::{Callers, ChainSetting, Evidence, Revocation, Setting, StatusSetting, Step, Stopped, TrustRecord};

/// Changes the server in one way, or puts it back, or, mostly, leaves it alone.
pub(super) fn change(corpus: &Corpus, dice: &mut Dice, sides: &mut Sides, last: &Step) {
    match dice.below(16) {
        0 | 1 => sides.set(sides.first().clone()),
        2 | 3 => {
            let mut setting = sides.setting().clone();
            if dice.one_in(2) {
                of_issuer(corpus, dice, &mut setting, last);
            } else {
                of_place(dice, &mut setting, last);
            }
            sides.set(setting);
        }
        _ => {}
    }
}

fn of_place(dice: &mut Dice, setting: &mut Setting, last: &Step) {
    match dice.below(8) {
        0 => setting.environment = [None, Some("prod"), Some("dev")][dice.below(3)].map(str::to_owned),
        1 => setting.resource = (*dice.pick(&["https://api.example", "https://files.example"])).to_owned(),
        2 => {
            let evidence = *dice.pick(&[Evidence::Required, Evidence::Optional]);
            let (max_bytes, max_hops) = (*dice.pick(&[8192, 32 * 1024, 700]), dice.below(9).max(1));
            setting.chain = Some(ChainSetting { evidence, max_bytes, max_hops });
        }
        3 => setting.route.callers = *dice.pick(&[Callers::Agents, Callers::Owners, Callers::AgentsAndOwners]),
        4 => {
            let scopes: &[&[&str]] = &[&["files:read"], &["files:write"], &["files:read files:write"], &[""]];
            setting.route.scopes = dice.pick(scopes).iter().map(|scope| (*scope).to_owned()).collect();
        }
        5 => setting.route.bind_content = !setting.route.bind_content,
        6 => {
            let names = named(last);
            let task = names.iter().find(|(kind, _)| *kind == "task");
            let hop = names.iter().rfind(|(kind, _)| *kind == "hop");
            if let Some((_, task)) = task {
                let hop = hop.filter(|_| dice.one_in(2)).map(|(_, hop)| hop.clone());
                setting.stopped = vec![Stopped { task: task.clone(), hop }];
            }
        }
        _ => setting.stopped.clear(),
    }
}

fn of_issuer(corpus: &Corpus, dice: &mut Dice, setting: &mut Setting, last: &Step) {
    let place = dice.below(setting.issuers.len());
    let is_followed = setting.issuers.iter().all(|issuer| issuer.trust.agent_status.is_empty());
    let Some(issuer) = setting.issuers.get_mut(place) else { return };
    match dice.below(8) {
        // what is not followed cannot be asked, and trust in it would not be sound
        0 if issuer.trust.status == "feed" => {
            let as_of = last.now.saturating_sub([0, 29, 30, 31, 100][dice.below(5)]);
            let revoked = Vec::new();
            issuer.status = match dice.below(4) {
                0 => StatusSetting::Unknown,
                1 => StatusSetting::RolledBack,
                _ => StatusSetting::Known { as_of, revoked },
            };
        }
        1..=3 => {
            let names = named(last);
            if let (StatusSetting::Known { revoked, .. }, false) = (&mut issuer.status, names.is_empty()) {
                let (kind, id) = dice.pick(&names).clone();
                let cut = dice.one_in(3).then(|| last.now.saturating_sub([0, 10, 61, 1_000][dice.below(4)]));
                revoked.push(Revocation { kind: kind.to_owned(), id, cut });
            }
        }
        4 if issuer.keys.keys.len() > 1 => drop(issuer.keys.keys.pop()),
        5 => {
            // another key under the same id
            let key = corpus.any_signer(dice).public().to_jwk();
            let x = serde_json::from_str::<Value>(&key).unwrap()["x"].as_str().unwrap_or_default().to_owned();
            if let Some(first) =
                issuer.keys.keys.first_mut().filter(|key| key.get("kty").is_some_and(|kty| kty == "OKP"))
                && base64url::decode(&x).is_ok()
                && x != jwk_x(Who::P256Agent)
            {
                first.insert("x".to_owned(), x);
            }
        }
        6 => of_trust(dice, &mut issuer.trust),
        _ if setting.issuers.len() > 1 && is_followed => drop(setting.issuers.remove(place)),
        _ => {}
    }
}

fn of_trust(dice: &mut Dice, trust: &mut TrustRecord) {
    match dice.below(4) {
        0 => trust.max_lifetime = if trust.status == "feed" { [60, 300, 3_600][dice.below(3)] } else { 60 },
        1 => trust.scopes = Some((*dice.pick(&["files:read", "files:write", "files:read files:write"])).to_owned()),
        2 => trust.subjects = Some(vec![(*dice.pick(&["owner:", "did:", "user:"])).to_owned()]),
        _ => trust.resources = Some(vec![(*dice.pick(&["https://api.example", "https://other.example"])).to_owned()]),
    }
}

fn jwk_x(who: Who) -> String {
    serde_json::from_str::<Value>(&who.key().public().to_jwk()).unwrap()["x"].as_str().unwrap_or_default().to_owned()
}

/// Everything that can be revoked of what a request presents, by kind and id.
fn named(step: &Step) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    for (field, value) in &step.headers {
        let field = field.to_ascii_lowercase();
        let value = if field == "authorization" { value.split_once(' ').map_or("", |(_, token)| token) } else { value };
        if field == "authorization" || field == "delegation" {
            value.split(',').for_each(|text| of_text(text, &mut names));
        }
    }
    names
}

fn of_text(text: &str, names: &mut Vec<(&'static str, String)>) {
    let Some(read) = Text::read(text) else { return };
    let mut add = |kind, value: Option<&Value>| {
        if let Some(id) = value.and_then(Value::as_str).filter(|id| !id.is_empty()) {
            names.push((kind, id.to_owned()));
        }
    };
    let is_hop = read.claim("par_hash").is_some();
    add("agent", read.claim("client_id"));
    add("key", read.claim("cnf").and_then(|cnf| cnf.get("jkt")));
    add("agent", read.claim("aud"));
    if is_hop {
        let input = text.rsplit_once('.').map_or(text, |(input, _)| input);
        names.push(("hop", handfast_identity::ContentHash::of(input.as_bytes()).to_string()));
        return;
    }
    add("token", read.claim("jti"));
    add("task", read.claim("task").and_then(|task| task.get("id")));
    add("owner", read.claim("sub"));
    let kid = read.header.iter().find(|(name, _)| name == "kid").map(|(_, value)| value);
    add("issuer_key", kid);
}
