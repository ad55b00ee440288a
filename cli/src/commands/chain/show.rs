//! `handfast chain show`: what its members say, unverified.

use std::path::Path;

use handfast_delegation::{Authority, ChainText, MAX_CHAIN_BYTES, UnverifiedAccessToken, UnverifiedHop};
use serde_json::{Value, json};

use super::super::words;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// A member as it is shown.
struct Member {
    /// `root`, `hop 1` …
    place: String,
    /// Whose authority it is now.
    holder: String,
    lines: Vec<String>,
    json: Value,
}

pub(super) fn run(path: &Path, ui: Ui) -> Result<(), Failure> {
    let text = files::text(path)?;
    let chain = ChainText::parse(&text, MAX_CHAIN_BYTES).map_err(|error| unreadable("the text", &error.to_string()))?;
    let mut members = Vec::new();
    for (place, member) in chain.members().iter().enumerate() {
        let read = if place == 0 { root(member).or_else(|| hop(member)) } else { hop(member) };
        members
            .push(read.ok_or_else(|| unreadable(&format!("member {}", place + 1), "neither a root token nor a hop"))?);
    }
    let told = json!({
        "verified": false, "dch": chain.hash().to_string(),
        "members": members.iter().map(|member| &member.json).collect::<Vec<_>>(),
    });
    ui.result(&told, |_| {
        let shown = members.iter().enumerate().map(|(depth, member)| lines(depth, member, ui));
        format!(
            "{}\n{}",
            ui.bad("NOT VERIFIED: this is what it says, whoever wrote it."),
            shown.collect::<Vec<_>>().join("\n")
        )
    })
}

fn lines(depth: usize, member: &Member, ui: Ui) -> String {
    let indent = "  ".repeat(depth);
    let branch = if depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(depth - 1)) };
    let head = format!("{branch}{:<6} {}", member.place, ui.strong(&member.holder));
    let rest = member.lines.iter().map(|line| format!("{indent}  {line}"));
    std::iter::once(head).chain(rest).collect::<Vec<_>>().join("\n")
}

fn root(text: &str) -> Option<Member> {
    let token = UnverifiedAccessToken::parse(text).ok()?;
    let claims = token.unverified_claims();
    let mut lines = vec![
        format!("issuer    {}", shown(&claims.issuer)),
        format!("owner     {}", shown(&claims.subject)),
        format!("task      {}", claims.task.as_ref().map_or_else(|| "none".to_owned(), |task| shown(&task.id))),
    ];
    let depth = claims.delegability.map_or(0, |delegability| delegability.depth);
    let is_offline = claims.delegability.is_some_and(|delegability| delegability.offline);
    lines.extend(authority_lines(&claims.authority));
    lines.push(format!("offline   {}", if is_offline { "yes" } else { "no" }));
    if claims.has_unreadable_restriction {
        lines.push("it has restrictions that this version cannot read".to_owned());
    }
    let json = json!({
        "kind": "token", "name": token.name().to_string(), "kid": token.kid(), "iss": claims.issuer, "sub": claims.subject,
        "client_id": claims.client_id, "task": claims.task.as_ref().map(|task| &task.id), "del_depth": depth,
        "del_offline": is_offline, "jti": claims.token_id, "iat": claims.issued_at,
        "authority": super::authority(&claims.authority),
    });
    let place = if depth == 0 { "root" } else { "token" };
    Some(Member { place: place.to_owned(), holder: shown(&claims.client_id), lines, json })
}

fn hop(text: &str) -> Option<Member> {
    let unverified = UnverifiedHop::parse(text).ok()?;
    let hop = unverified.unverified_hop();
    let kind = if hop.is_instance { " (an instance)" } else { "" };
    let mut lines = vec![format!("from      {}", shown(&hop.delegator))];
    lines.extend(authority_lines(&hop.authority));
    lines.push(format!("name      {}", unverified.name()));
    let json = json!({
        "kind": "hop", "name": unverified.name().to_string(), "iss": hop.delegator, "aud": hop.delegate, "sub": hop.subject,
        "task": hop.task, "del_depth": hop.depth, "inst": hop.is_instance, "jti": hop.hop_id, "iat": hop.issued_at,
        "par_hash": hop.parent.to_string(), "authority": super::authority(&hop.authority),
    });
    Some(Member { place: format!("hop {}", hop.depth), holder: format!("{}{kind}", hop.delegate), lines, json })
}

fn authority_lines(authority: &Authority) -> Vec<String> {
    let resources: Vec<_> = authority.resources.iter().map(ToString::to_string).collect();
    let mut lines = vec![format!("scope     {}", authority.scope), format!("at        {}", resources.join(" "))];
    if let Some(tools) = &authority.tools {
        lines.push(format!(
            "tools     {}",
            tools.to_details().pointer("/0/tools").map(Value::to_string).unwrap_or_default()
        ));
    }
    if let Some(budget) = &authority.budget {
        lines.push(format!("budget    {}", words::budget(budget)));
    }
    lines.push(format!("until     {} (seconds since 1970)", authority.expires_at.as_secs()));
    lines.push(format!("depth     at most {}", authority.max_depth));
    lines
}

/// Text of others: it cannot move the cursor.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

fn unreadable(what: &str, why: &str) -> Failure {
    Failure::new(Exit::Refused, format!("{what} cannot be read: {why}"))
        .with_reason("chain_malformed")
        .with_help("a bundle is a root token and hops, a Delegation field may be hops alone, joined by `,`")
}
