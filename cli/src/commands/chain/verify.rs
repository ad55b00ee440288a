//! `handfast chain verify`: the check of a resource server, on trust anchors that were named.

use handfast_delegation::{ChainText, ResourceId, VerifiedChain};
use handfast_dpop::{NoncePolicy, ProofWindow};
use handfast_identity::UnixTime;
use handfast_verifier::trust::{Facts, IssuerFacts};
use handfast_verifier::{
    CLOCK_LEEWAY, ChainPolicy, Credentials, DEFAULT_STALENESS, EnforcementPoint, EvidencePolicy, NoStops, NoVerdicts,
    Rejection, verify_evidence,
};
use serde_json::{Value, json};

use super::super::usage;
use super::anchors;
use crate::args::{Evidence, VerifyArgs};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::local::now;
use crate::ui::Ui;

pub(super) async fn run(args: &VerifyArgs, ui: Ui) -> Result<(), Failure> {
    let field = args.bundle.as_deref().map(files::text).transpose()?;
    let token = args.token.as_deref().map(files::text).transpose()?;
    let now = args.at.map_or_else(now, UnixTime::from_secs);
    let issuer = anchors::facts(args, now).await?;
    let policy = ChainPolicy {
        evidence: match args.evidence {
            Evidence::Required => EvidencePolicy::Required,
            Evidence::Optional => EvidencePolicy::Optional,
        },
        max_bytes: args.max_bytes,
        max_hops: args.max_depth,
    };
    let chain =
        field.as_deref().map(|text| ChainText::parse(text, policy.max_bytes).map_err(Rejection::from)).transpose();
    let verdict = match (&token, &args.resource) {
        (Some(token), Some(resource)) => {
            let resource = ResourceId::parse(resource).map_err(|error| usage(error.to_string()))?;
            let point = point(&resource, args, policy);
            chain.and_then(|chain| presented(token, chain.as_ref(), &point, issuer, now))
        }
        _ => chain.and_then(|chain| {
            let chain = chain.ok_or(Rejection::EvidenceRequired)?;
            alone(&chain, &issuer, policy.max_hops, now)
        }),
    };
    match verdict {
        Ok(mut told) => {
            let knows_revocations = args.revocations.is_some();
            if let Some(members) = told.as_object_mut() {
                let revocation = if knows_revocations { "checked" } else { "not_checked" };
                members.insert("revocation".to_owned(), revocation.into());
            }
            ui.result(&told, |told| good(told, knows_revocations, ui))
        }
        Err(rejection) => refused(&rejection, ui),
    }
}

/// Token and field as a resource server is presented them.
fn presented(
    token: &str,
    chain: Option<&ChainText<'_>>,
    point: &EnforcementPoint<'_>,
    issuer: IssuerFacts,
    now: UnixTime,
) -> Result<Value, Rejection> {
    let credentials = Credentials::verify(token, chain, point, &Facts::new([issuer]), now)?;
    let claims = credentials.token();
    Ok(json!({
        "verdict": "good", "client_id": credentials.client_id(), "sub": claims.subject,
        "task": claims.task.as_ref().map(|task| &task.id),
        "authority": super::authority(credentials.authority()),
        "hops": credentials.chain().map(hops).unwrap_or_default(),
    }))
}

/// A bundle alone: evidence in its exchanged form, and the times of its hops.
fn alone(chain: &ChainText<'_>, issuer: &IssuerFacts, max_hops: usize, now: UnixTime) -> Result<Value, Rejection> {
    let evidence = verify_evidence(chain, issuer, max_hops)?;
    evidence.chain().require_current(now, CLOCK_LEEWAY)?;
    evidence.require_not_revoked_as_known(issuer, DEFAULT_STALENESS, now)?;
    let (root, leaf) = (evidence.root().claims(), &evidence.chain().leaf().hop);
    Ok(json!({
        "verdict": "good", "client_id": leaf.delegate, "sub": root.subject,
        "task": root.task.as_ref().map(|task| &task.id),
        "authority": super::authority(&leaf.authority), "hops": hops(evidence.chain()),
    }))
}

fn hops(chain: &VerifiedChain) -> Vec<Value> {
    let shown = |link: &handfast_delegation::Link| json!({"name": link.name.to_string(), "iss": link.hop.delegator, "aud": link.hop.delegate});
    chain.links().map(shown).collect()
}

fn good(told: &Value, knows_revocations: bool, ui: Ui) -> String {
    let text = |place: &str| match told.pointer(place) {
        Some(Value::String(text)) => text.escape_debug().to_string(),
        Some(Value::Null) | None => "none".to_owned(),
        Some(other) => other.to_string(),
    };
    // shown where there are any: scope alone would say too much
    let bound = |name: &str, place: &str| match told.pointer(place) {
        Some(Value::Null) | None => String::new(),
        Some(_) => format!("\n{name:<7} {}", text(place)),
    };
    format!(
        "{}\nactor   {}\nowner   {}\ntask    {}\nscope   {}\nat      {}{}{}\nhops    {}\n{}",
        ui.good("GOOD"),
        text("/client_id"),
        text("/sub"),
        text("/task"),
        text("/authority/scope"),
        text("/authority/resource"),
        bound("tools", "/authority/authorization_details/0/tools"),
        bound("budget", "/authority/budget"),
        told.get("hops").and_then(Value::as_array).map_or(0, Vec::len),
        ui.dim(if knows_revocations {
            "Not checked: the proof of the key, the route."
        } else {
            "Not checked: revocation, the proof of the key, the route."
        })
    )
}

/// The verdict on standard output, the failure behind the exit code.
fn refused(rejection: &Rejection, ui: Ui) -> Result<(), Failure> {
    let reason = rejection.reason();
    ui.result(&json!({"verdict": "refused", "reason": reason}), |_| format!("{} {reason}", ui.bad("REFUSED")))?;
    // what is not known is no fault of the chain's
    let exit = if rejection.answer().status == 503 { Exit::Unavailable } else { Exit::Refused };
    Err(Failure::new(exit, rejection.to_string()).with_reason(reason))
}

fn point<'a>(resource: &'a ResourceId, args: &VerifyArgs, chain: ChainPolicy) -> EnforcementPoint<'a> {
    EnforcementPoint {
        resource,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
        leeway: CLOCK_LEEWAY,
        staleness: DEFAULT_STALENESS,
        environment: args.environment.map(Into::into),
        chain,
        verdicts: &NoVerdicts,
        stops: &NoStops,
    }
}
