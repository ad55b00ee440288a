//! Targets: a URI, or a public base on the first line and the path of a request on the second.

use std::net::Ipv6Addr;

use handfast_delegation::{MAX_RESOURCE_BYTES, ResourceId};
use handfast_dpop::{MAX_TARGET_BYTES, PublicBase, Target};

pub fn run(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match text.split_once('\n') {
        Some((base, path)) => require_inside(base, path),
        None => {
            require_normal(text);
            require_resource(text);
        }
    }
}

/// The normal form is the second reader's, and its own.
fn require_normal(text: &str) {
    let target = Target::parse(text).ok();
    let normal = slow_normal(text);
    assert_eq!(target.as_ref().map(Target::as_str), normal.as_deref(), "{text}");
    let Some(target) = target else { return };
    require_form(&target);
    let protected = target.as_str().starts_with("https://");
    assert!(target.is_protected() || !protected);
}

fn require_form(target: &Target) {
    let text = target.as_str();
    assert_eq!(Target::parse(text).as_ref(), Ok(target), "a normal form is its own");
    assert_eq!(format!("{}{}", target.origin(), target.path()), text);
    assert!(text.len() <= MAX_TARGET_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(target.path().starts_with('/') && !text.contains(['?', '#']));
    assert!(!target.path().split('/').any(|segment| segment == "." || segment == ".."));
}

/// A request is below its base, and nothing in it says otherwise.
fn require_inside(base: &str, path: &str) {
    let Ok(base) = PublicBase::parse(base) else { return };
    let shown = base.to_string();
    assert_eq!(PublicBase::parse(&shown).as_ref(), Ok(&base), "{shown}");
    let Ok(target) = Target::join(&base, path) else { return };
    require_form(&target);
    assert_eq!(target.origin(), base.origin());
    let shown = shown.strip_suffix('/').unwrap_or(&shown);
    let below = target.as_str().strip_prefix(shown);
    assert!(below.is_some_and(|below| below.starts_with('/')), "{target} is not below {shown}");
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let whole = format!("{shown}{}", &path[..end]);
    if whole.len() <= MAX_TARGET_BYTES {
        assert_eq!(slow_normal(&whole).as_deref(), Some(target.as_str()));
    }
}

fn require_resource(text: &str) {
    let Ok(resource) = ResourceId::parse(text) else { return };
    assert_eq!(resource.as_str(), text, "a resource is its text");
    assert!(text.len() <= MAX_RESOURCE_BYTES && text.is_ascii() && !text.contains('#'));
}

/// spec/dpop-profile.md, target, in the order of its six rules.
fn slow_normal(text: &str) -> Option<String> {
    // 1, and 2 on the way
    if text.len() > MAX_TARGET_BYTES || text.chars().any(|letter| !('!'..='~').contains(&letter)) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    // 3
    let scheme = scheme.to_lowercase();
    let default_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let cut = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = cut.split_at(cut.find('/').unwrap_or(cut.len()));
    let host_end = authority.find(']').map_or_else(|| authority.find(':').unwrap_or(authority.len()), |end| end + 1);
    let (host, port) = authority.split_at(host_end);
    let host = if let Some(literal) = host.strip_prefix('[') {
        literal.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        host.to_lowercase()
    } else {
        let name = decoded(host)?.to_lowercase();
        let is_name = !name.is_empty() && name.chars().all(is_unreserved);
        is_name.then_some(name)?
    };
    // 6
    let port = if port.is_empty() { "" } else { port.strip_prefix(':')? };
    if !port.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let port = match port.trim_start_matches('0') {
        "" if port.is_empty() => String::new(),
        "" => ":0".to_owned(),
        digits if digits.len() > 5 || digits.parse::<u32>().ok()? > 65_535 => return None,
        digits if digits == default_port => String::new(),
        digits => format!(":{digits}"),
    };
    // 4, 5
    if !path.chars().all(|letter| is_unreserved(letter) || "%!$&'()*+,;=:@/".contains(letter)) {
        return None;
    }
    let normal = format!("{scheme}://{host}{port}{}", without_dots(&decoded(path)?));
    (normal.len() <= MAX_TARGET_BYTES).then_some(normal)
}

fn is_unreserved(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~".contains(letter)
}

/// Triplets: decoded where that is another spelling of a plain character, else in capitals.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()))?;
        match char::from(u8::from_str_radix(digits, 16).ok()?) {
            plain if is_unreserved(plain) => out.push(plain),
            _ => out.extend(["%", &digits.to_uppercase()]),
        }
        out.push_str(&part[2..]);
    }
    Some(out)
}

/// RFC 3986 5.2.4, step by step as it stands there, with an input and an output.
fn without_dots(path: &str) -> String {
    let (mut input, mut output) = (path.to_owned(), String::new());
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix("/./") {
            input = format!("/{rest}");
        } else if input == "/." {
            input = "/".to_owned();
        } else if input.starts_with("/../") || input == "/.." {
            input = format!("/{}", input.get(4..).unwrap_or_default());
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |end| end + 1);
            output.extend(input.drain(..end));
        }
    }
    if output.is_empty() { "/".to_owned() } else { output }
}
