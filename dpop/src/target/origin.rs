//! Scheme, host and port in normal form.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{TargetError, path};

/// `https://host[:port]`, normalised, and what else is known about it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    text: String,
    https: bool,
    loopback: bool,
}

impl Origin {
    /// Takes the origin off an absolute URI of visible ASCII; the second part starts with `/`, `?` or `#`, or is empty.
    pub(super) fn split(text: &str) -> Result<(Self, &str), TargetError> {
        let (scheme, rest) = text.split_once("://").ok_or(TargetError::NotAbsolute)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(TargetError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).ok_or(TargetError::Character)?;
        Ok((Self::new(https, authority)?, rest))
    }

    fn new(https: bool, authority: &str) -> Result<Self, TargetError> {
        if authority.contains('@') {
            return Err(TargetError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let host = normal_host(host)?;
        let (scheme, default_port) = if https { ("https", 443) } else { ("http", 80) };
        let text = match normal_port(port)? {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        Ok(Self { text, https, loopback: is_loopback(&host) })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) const fn is_https(&self) -> bool {
        self.https
    }

    pub(super) const fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// Host and port text; the colons inside an IPv6 literal do not count.
fn split_port(authority: &str) -> Result<(&str, &str), TargetError> {
    let after_literal = authority.rfind(']').map_or(0, |end| end + 1);
    let (literal, rest) = authority.split_at_checked(after_literal).ok_or(TargetError::Host)?;
    match (literal, rest.split_once(':')) {
        ("", None) => Ok((rest, "")),
        ("", Some(parts)) => Ok(parts),
        (literal, None) if rest.is_empty() => Ok((literal, "")),
        (literal, Some(("", port))) => Ok((literal, port)),
        _ => Err(TargetError::Host),
    }
}

/// An empty port is no port; leading zeros do not make another one.
fn normal_port(text: &str) -> Result<Option<u16>, TargetError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TargetError::Port);
    }
    match text.trim_start_matches('0') {
        "" if text.is_empty() => Ok(None),
        "" => Ok(Some(0)),
        digits => digits.parse().map(Some).map_err(|_| TargetError::Port),
    }
}

fn normal_host(host: &str) -> Result<String, TargetError> {
    if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // zone ids and future versions have no place in a public name
        literal.parse::<Ipv6Addr>().map_err(|_| TargetError::Host)?;
        return Ok(host.to_ascii_lowercase());
    }
    let name = path::normalise_percent(host, path::is_unreserved).map_err(|_| TargetError::Host)?;
    if name.is_empty() || name.contains('%') {
        return Err(TargetError::Host);
    }
    Ok(name.to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || literal.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback())
}
