//! `handfast delegate`: pass a part of an agent's authority on.

use std::time::Duration;

use handfast_client::{Bundle, ClientError, DelegationBuilder, TaskChoice, TokenRequest};
use handfast_delegation::{Authority, ResourceId};
use handfast_identity::DidKey;
use serde_json::json;

use super::{resources, scope, usage};
use crate::args::DelegateArgs;
use crate::exit::Failure;
use crate::ui::Ui;
use crate::{files, keyfiles, rehearsal};

pub(crate) async fn run(args: DelegateArgs, ui: Ui) -> Result<(), Failure> {
    let to = DidKey::parse(&args.to).map_err(|error| {
        usage(format!("`{}`: {error}", args.to.escape_debug()))
            .with_help("a delegate is named by its did:key, not by a handle")
    })?;
    if ui.rehearses() {
        return rehearse(&args, &to, ui).await;
    }
    let delegation = hop(&args, ui)?.to(&to).sign().await?;
    let bundle = delegation.bundle();
    if let Some(path) = &args.output {
        files::write(path, bundle.expose())?;
    }
    let told = json!({
        "bundle": args.output.is_none().then(|| bundle.expose()), "file": args.output,
        "delegate": to.as_str(), "depth": bundle.hops().count(), "task": bundle.task(),
        "scope": bundle.authority().scope.to_string(), "expires_at": bundle.expires_at().as_secs(),
    });
    ui.result(&told, |_| human(bundle, &args))
}

/// A hop below a bundle is signed to see whether it may be, and let go; below a token, which is not asked for, that is not known.
async fn rehearse(args: &DelegateArgs, to: &DidKey, ui: Ui) -> Result<(), Failure> {
    let mut steps = Vec::new();
    match hop(args, ui)?.to(to).sign().await {
        Ok(delegation) => {
            let bundle = delegation.bundle();
            let Authority { scope, resources, .. } = bundle.authority();
            let resources: Vec<_> = resources.iter().map(ResourceId::as_str).collect();
            let until = Some(bundle.expires_at().as_secs());
            steps.push(rehearsal::sign(to.as_str(), &scope.to_string(), &resources, until));
        }
        Err(ClientError::Rehearsed(planned)) => {
            let resources: Vec<_> = args.resource.iter().map(String::as_str).collect();
            steps.push(rehearsal::send(&planned));
            steps.push(rehearsal::sign(to.as_str(), &args.scope, &resources, None));
        }
        Err(error) => return Err(error.into()),
    }
    steps.extend(args.output.iter().map(|path| rehearsal::write(path, "the bundle")));
    ui.rehearsed(&steps)
}

fn human(bundle: &Bundle, args: &DelegateArgs) -> String {
    match &args.output {
        None => bundle.expose().to_owned(),
        Some(path) => {
            format!("Bundle {} for {}, until {}", path.display(), bundle.delegate(), bundle.expires_at().as_secs())
        }
    }
}

/// What is passed on, and of what.
fn hop(args: &DelegateArgs, ui: Ui) -> Result<DelegationBuilder, Failure> {
    let hop = if let Some(path) = &args.from {
        let bundle = files::bundle(path)?;
        files::registry_of(&bundle, &args.key.key, ui)?.delegate(bundle)
    } else {
        let task = args.task.clone().map_or(TaskChoice::Own, TaskChoice::Known);
        let (scope, resources) = (scope(&args.scope)?, resources(&args.resource)?);
        let agent = keyfiles::agent(&args.key.key, ui)?;
        agent.delegate(agent.tokens(TokenRequest { scope, resources, task, max_depth: None, tools: None })?)
    };
    let hop = args.resource.iter().fold(hop.scope(&args.scope), |hop, resource| hop.resource(resource));
    let hop = args.bounds.tools()?.into_iter().fold(hop, DelegationBuilder::tools);
    let hop = args.bounds.budget()?.into_iter().fold(hop, DelegationBuilder::budget);
    let hop = args.ttl.into_iter().fold(hop, |hop, ttl| hop.ttl(Duration::from_secs(ttl.get())));
    let hop = args.max_depth.into_iter().fold(hop, DelegationBuilder::max_depth);
    Ok(if args.instance { hop.instance() } else { hop })
}
