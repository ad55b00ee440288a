//! `handfast curl`: one signed request.

use std::io::Write;

use handfast_client::reqwest::header::{HeaderName, HeaderValue};
use handfast_client::reqwest::{Method, Url};
use handfast_client::{AgentHttp, ClientError, ExchangeRequest, TaskChoice, TokenRequest};
use serde_json::json;

use super::{resources, scope, usage};
use crate::args::CurlArgs;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{files, keyfiles};

pub(crate) async fn run(args: CurlArgs, ui: Ui) -> Result<(), Failure> {
    let url = Url::parse(&args.url).map_err(|error| usage(format!("`{}`: {error}", args.url.escape_debug())))?;
    let origin = url.origin().ascii_serialization();
    // the URL was typed by whoever holds the key: its origin may have the token
    let http = signing(&args, &origin, ui)?.also_to(origin).build()?;

    let default = if args.data.is_some() { Method::POST } else { Method::GET };
    let method = match &args.request {
        Some(name) => Method::from_bytes(name.as_bytes()).map_err(|_| usage(format!("`{name}` is no method")))?,
        None => default,
    };
    let mut sent = http.request(method, url);
    for field in &args.header {
        let (name, value) = header(field)?;
        sent = sent.header(name, value);
    }
    if let Some(data) = &args.data {
        sent = sent.body(body(data)?);
    }
    let answer = sent.send().await.map_err(ClientError::from)?;

    let status = answer.status();
    let headers = answer.headers().clone();
    let bytes = answer.bytes().await.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
    if ui.is_json() {
        let text = String::from_utf8_lossy(&bytes);
        ui.json_line(&json!({"status": status.as_u16(), "body": text}))?;
    } else {
        if args.include {
            ui.line(&format!("{status}"))?;
            for (name, value) in &headers {
                ui.line(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()).escape_debug()))?;
            }
            ui.line("")?;
        }
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    }
    judge(status.as_u16(), headers.contains_key("retry-after"), &bytes)
}

/// The agent's own authority at `origin`, or a bundle's.
fn signing(args: &CurlArgs, origin: &str, ui: Ui) -> Result<AgentHttp, Failure> {
    let wanted = scope(&args.scope)?;
    let Some(path) = &args.chain else {
        let resource = args.resource.clone().unwrap_or_else(|| origin.to_owned());
        let task = args.task.clone().map_or(TaskChoice::Own, TaskChoice::Known);
        let resources = resources(&[resource])?;
        let request = TokenRequest { scope: wanted, resources, task, max_depth: None, tools: None };
        return Ok(keyfiles::agent(&args.key.key, ui)?.http_for(request)?);
    };
    let bundle = files::bundle(path)?;
    let delegated =
        files::registry_of(&bundle, &args.key.key, ui)?.with_delegation(bundle).map_err(ClientError::from)?;
    if args.offline {
        return Ok(delegated.offline()?);
    }
    let resources = resources(args.resource.as_slice())?.into_iter().collect();
    let request = ExchangeRequest { scope: (!wanted.is_empty()).then_some(wanted), resources, tools: None };
    Ok(delegated.exchange_for(request))
}

/// Like `curl --fail-with-body`: the body is printed either way, and the exit code tells.
fn judge(status: u16, says_when: bool, body: &[u8]) -> Result<(), Failure> {
    if status < 400 {
        return Ok(());
    }
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let reason = problem.as_ref().and_then(|problem| problem.get("reason")?.as_str());
    // a total that is spent stays so (spec/delegation.md, counting); every other 429 is over some time
    let is_for_good = reason == Some("budget_spent") && !says_when;
    let exit = if status >= 500 || (status == 429 && !is_for_good) { Exit::Unavailable } else { Exit::Refused };
    let failure = Failure::new(exit, format!("the server answered {status}"));
    match reason {
        Some(reason) => Err(failure.with_reason(reason.escape_debug().to_string())),
        None => Err(failure),
    }
}

fn header(field: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let (name, value) = field.split_once(':').ok_or_else(|| usage(format!("`{field}` is no `Name: value`")))?;
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| usage(format!("`{name}` is no field name")))?;
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| usage(format!("`{field}` holds control characters")))?;
    Ok((name, value))
}

fn body(data: &str) -> Result<Vec<u8>, Failure> {
    match data.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(|error| Failure::new(Exit::File, format!("`{path}`: {error}"))),
        None => Ok(data.as_bytes().to_vec()),
    }
}
