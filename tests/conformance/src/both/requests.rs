//! Requests made from others: honest ones with a fresh proof, odd ones, and hostile ones.

use handfast_identity::{ContentHash, UnixTime};
use serde_json::{Value, json};

use super::sides::Sides;
use super::texts::{Kind, Text, odd};
use super::{Corpus, Dice};
use crate::vector::Step;

/// Seconds by which clocks are moved: the edges of windows, leeways and lives, and what lies on either side.
const SECONDS: [i64; 16] = [0, 1, -1, 5, 30, 31, 59, 60, 61, -30, -31, -60, 90, 270, 331, 3_700];

/// The credentials of a request, apart.
struct Parts {
    scheme: String,
    token: String,
    proof: String,
    chain: Option<Vec<String>>,
}

impl Parts {
    fn of(step: &Step) -> Self {
        let field = |name: &str| {
            step.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
        };
        let (scheme, token) = field("authorization").and_then(|value| value.split_once(' ')).unwrap_or(("DPoP", ""));
        Self {
            scheme: scheme.to_owned(),
            token: token.to_owned(),
            proof: field("dpop").unwrap_or_default().to_owned(),
            chain: field("delegation").map(|value| value.split(',').map(str::to_owned).collect()),
        }
    }

    fn chain_hash(&self) -> Option<Value> {
        self.chain.as_ref().map(|chain| json!(ContentHash::of(chain.join(",").as_bytes()).to_string()))
    }
}

/// A request like `last`, changed in no, one or a few ways.
pub(super) fn make(corpus: &Corpus, dice: &mut Dice, sides: &Sides, last: &Step) -> Step {
    let mut step = if dice.one_in(8) { corpus.any_step(dice).clone() } else { last.clone() };
    if dice.one_in(24) {
        return step; // byte for byte: a replay, as often as not
    }
    let mut parts = Parts::of(&step);
    let moved = if dice.one_in(6) { *dice.pick(&SECONDS) } else { 0 };
    step.now = step.now.saturating_add_signed(moved);
    request_line(dice, sides, &mut step);

    let (is_token_new, is_chain_new) = (dice.one_in(8), parts.chain.is_some() && dice.one_in(5));
    if is_token_new {
        parts.token = text_like(corpus, dice, &parts.token, Kind::Token);
    }
    if is_chain_new || dice.one_in(64) {
        parts.chain = chain_like(corpus, dice, parts.chain.take());
    }
    if let Some(mut proof) = Text::read(&parts.proof) {
        // most proofs are for what they come with
        if dice.below(8) < 7 {
            let id = [json!(format!("{:022x}", dice.next_u64())), odd(dice)][usize::from(dice.one_in(24))].clone();
            proof.set("jti", id);
        }
        if is_token_new && dice.below(4) < 3 {
            proof.set("ath", json!(ContentHash::of(parts.token.as_bytes()).to_string()));
        }
        if dice.below(8) < 7 {
            match parts.chain_hash() {
                Some(hash) => proof.set("dch", hash),
                None => proof.remove("dch"),
            }
        }
        if moved != 0 && dice.below(4) < 3 || dice.one_in(16) {
            let early = if dice.one_in(3) { *dice.pick(&SECONDS) } else { 0 };
            proof.set("iat", json!(step.now.saturating_add_signed(early)));
        }
        if dice.one_in(8) {
            nonce(dice, sides, &step, &mut proof);
        }
        if dice.one_in(8) {
            proof.set("htu", json!(target(dice, sides, &step)));
        }
        if step.method != "GET" && dice.one_in(2) {
            proof.set("htm", json!(step.method));
        }
        for _ in 0..[0, 0, 0, 0, 0, 1, 1, 2][dice.below(8)] {
            proof.change(corpus, dice, Kind::Proof);
        }
        let is_odd = dice.one_in(6);
        parts.proof = proof.signed(corpus, dice, is_odd);
    }
    if dice.one_in(24) {
        parts.proof = mangled(corpus, dice, &parts.proof, Kind::Proof);
    }
    fields(corpus, dice, &mut step, parts);
    step
}

fn request_line(dice: &mut Dice, sides: &Sides, step: &mut Step) {
    if dice.one_in(16) {
        step.method = (*dice.pick(&["GET", "POST", "get", "DELETE", "M-SEARCH"])).to_owned();
    }
    if dice.one_in(12) {
        let tail =
            *dice.pick(&["?page=2", "/", "/../42", "/%41", "/%7e", "//x", "?access_token=x", "/a%2fb", ";v=1", "?"]);
        let path = format!("{}{tail}", step.path.split('?').next().unwrap_or_default());
        if sides.world().target(&path).is_some() {
            step.path = path;
        }
    }
    // the path of another vector may lie outside this one's base
    if sides.world().target(&step.path).is_none() {
        step.path = "/files/42".to_owned();
    }
}

/// One of the many ways to write the target of the request, or another's.
fn target(dice: &mut Dice, sides: &Sides, step: &Step) -> String {
    let own = sides.world().target(&step.path).map_or_else(String::new, |target| target.as_str().to_owned());
    let (scheme, rest) = own.split_once("://").unwrap_or(("https", ""));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match dice.below(16) {
        0 => format!("{own}?q=1"),
        1 => format!("{own}#f"),
        2 => format!("{}://{host}/{path}", scheme.to_uppercase()),
        3 => format!("{scheme}://{}/{path}", host.to_uppercase()),
        4 => format!("{scheme}://{host}:443/{path}"),
        5 => format!("{scheme}://{host}:8443/{path}"),
        6 => format!("{scheme}://{host}/./{path}"),
        7 => format!("{scheme}://{host}/x/../{path}"),
        8 => format!("{scheme}://user@{host}/{path}"),
        9 => own.replace('f', "%66"),
        10 => own.replace("%2F", "%2f"),
        11 => format!("{own}/"),
        12 => format!("{own} "),
        13 => path.to_owned(),
        14 => format!("{scheme}://{host}/{}", "x".repeat(4_000)),
        _ => own,
    }
}

fn nonce(dice: &mut Dice, sides: &Sides, step: &Step, proof: &mut Text) {
    let at = |seconds| sides.world().nonce(UnixTime::from_secs(step.now.saturating_add_signed(seconds)));
    match dice.below(6) {
        0 => proof.remove("nonce"),
        1 => proof.set("nonce", odd(dice)),
        2 => at(-600).into_iter().for_each(|nonce| proof.set("nonce", json!(nonce))),
        _ => at([0, -60, 60][dice.below(3)]).into_iter().for_each(|nonce| proof.set("nonce", json!(nonce))),
    }
}

/// A token or hop like this one: with other members, written otherwise, of somebody else, or broken.
fn text_like(corpus: &Corpus, dice: &mut Dice, text: &str, kind: Kind) -> String {
    let (is_other, is_broken) = (dice.one_in(6), dice.one_in(6));
    if is_other {
        return corpus.any_text(dice, kind).to_owned();
    }
    match Text::read(text) {
        Some(mut read) if !is_broken => {
            for _ in 0..dice.below(3) {
                read.change(corpus, dice, kind);
            }
            let is_odd = dice.one_in(3);
            read.signed(corpus, dice, is_odd)
        }
        _ => mangled(corpus, dice, text, kind),
    }
}

fn chain_like(corpus: &Corpus, dice: &mut Dice, chain: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut chain = chain.unwrap_or_default();
    let place = dice.below(chain.len());
    match dice.below(9) {
        0 => return None,
        1 if !chain.is_empty() => drop(chain.remove(place)),
        2 if !chain.is_empty() => chain.push(chain[place].clone()),
        3 if !chain.is_empty() => chain.swap(0, place),
        4 => chain.insert(place, corpus.any_text(dice, Kind::Hop).to_owned()),
        5 => chain.push(String::new()),
        6 if !chain.is_empty() => chain[place].insert(0, ' '),
        7 => chain = vec![corpus.any_text(dice, Kind::Hop).to_owned(); dice.below(11)],
        _ if !chain.is_empty() => chain[place] = text_like(corpus, dice, &chain[place], Kind::Hop),
        _ => {}
    }
    Some(chain)
}

/// A text with something wrong in its characters.
fn mangled(corpus: &Corpus, dice: &mut Dice, text: &str, kind: Kind) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let place = dice.below(chars.len());
    match dice.below(12) {
        0 => return String::new(),
        1 => return "a.b.c".to_owned(),
        2 => return "x".repeat([4_095, 4_096, 4_097, 8_193, 9_000][dice.below(5)]),
        3 => chars.push('='),
        4 => chars.push('.'),
        5 => chars.insert(place, *dice.pick(&[',', ' ', '.', '=', '+', '/', '\u{e9}', '"'])),
        6 if !chars.is_empty() => drop(chars.remove(place)),
        7 => chars.truncate(place),
        8 if !chars.is_empty() => *chars.last_mut().unwrap() = *dice.pick(&['A', 'B', 'Q', 'w', '_']),
        9 => {
            // parts of two that are both good
            let other = corpus.any_text(dice, kind).split('.').map(str::to_owned).collect::<Vec<_>>();
            let mut own: Vec<_> = text.split('.').map(str::to_owned).collect();
            let place = dice.below(3);
            if let (Some(own), Some(other)) = (own.get_mut(place), other.get(place)) {
                own.clone_from(other);
            }
            return own.join(".");
        }
        10 => return text.replace('.', ".."),
        _ if !chars.is_empty() => chars[place] = *dice.pick(&['A', 'b', '0', '-', '_', '~']),
        _ => {}
    }
    chars.into_iter().collect()
}

/// Puts the credentials back into the fields of the request.
fn fields(corpus: &Corpus, dice: &mut Dice, step: &mut Step, parts: Parts) {
    let is_credential =
        |name: &str| ["authorization", "dpop", "delegation"].iter().any(|known| name.eq_ignore_ascii_case(known));
    step.headers.retain(|(name, _)| !is_credential(name));
    let Parts { mut scheme, token, proof, chain } = parts;
    let mut blanks = " ";
    if dice.one_in(24) {
        scheme = (*dice.pick(&["dpop", "DPOP", "Bearer", "bearer", "Basic", "DPoP,", ""])).to_owned();
        blanks = dice.pick::<&str>(&[" ", "  ", "\t", "", " , "]);
    }
    let mut headers =
        vec![("Authorization".to_owned(), format!("{scheme}{blanks}{token}")), ("DPoP".to_owned(), proof)];
    headers.extend(chain.map(|chain| ("Delegation".to_owned(), chain.join(","))));
    if dice.one_in(24) {
        let place = dice.below(headers.len());
        match dice.below(4) {
            0 => drop(headers.remove(place)),
            1 => headers.push(headers[place].clone()),
            2 => headers.push(("Delegation".to_owned(), corpus.any_text(dice, Kind::Hop).to_owned())),
            _ => headers[place].1 = format!("{0}, {0}", headers[place].1),
        }
    }
    // a character of a value is one byte
    headers.retain(|(_, value)| value.chars().all(|c| u8::try_from(u32::from(c)).is_ok()));
    step.headers.extend(headers);
    if dice.one_in(16) {
        let body = (*dice.pick(&["", "{}", "{\"path\":\"/reports/x\"}", "access_token=x"])).to_owned();
        let digest = handfast_dpop::ContentDigest::of(body.as_bytes());
        step.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-digest") || dice.one_in(3));
        step.headers.push(("Content-Digest".to_owned(), digest.as_str().to_owned()));
        step.body = Some(body);
    }
}
