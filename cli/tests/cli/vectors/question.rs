//! What of a request vector can be asked of `handfast chain verify`, and which verdicts agree with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use handfast_conformance::make::keys::Who;
use handfast_conformance::page;
use handfast_conformance::vector::{Expected, IssuerSetting, Revocation, Setting, StatusSetting, Step};
use handfast_delegation::ChainText;
use handfast_identity::{UnixTime, base64url};
use handfast_verifier::CLOCK_LEEWAY;
use handfast_verifier::revocation::{FeedEvent, FeedMessage, Head, RevocationName};
use serde_json::Value;

/// What the command says of good credentials.
pub(crate) const GOOD: &str = "good";
/// The steps of the check that it runs: token, revocation, chain (spec/reasons.md).
const ITS_STEPS: RangeInclusive<u8> = 3..=5;

/// The steps at which each reason is given.
pub(crate) struct Steps(BTreeMap<String, BTreeSet<u8>>);

impl Steps {
    pub(crate) fn read() -> Self {
        let page = page::text("spec/reasons.md");
        let mut steps = BTreeMap::<String, BTreeSet<u8>>::new();
        for cells in page::rows(page::section(&page, "## At a resource")) {
            let step = cells[0].split(' ').next().unwrap().parse().unwrap();
            steps.entry(page::plain(&cells[1]).to_owned()).or_default().insert(step);
        }
        Self(steps)
    }

    /// The reasons that the command can give.
    pub(crate) fn its_reasons(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|(_, steps)| steps.iter().any(|step| ITS_STEPS.contains(step))).map(|(reason, _)| reason)
    }
}

/// One request of a vector, as far as the command is told of it.
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) setting: Setting,
    pub(crate) now: u64,
    pub(crate) token: String,
    pub(crate) field: Option<String>,
    /// One verdict; two where the vector's reason is given at one of the command's steps and at a later one.
    pub(crate) agreeing: BTreeSet<String>,
}

impl Question {
    /// None where the answer hangs on what the command is not told: the proof, how often a field stands there, other issuers,
    /// what a server stopped by itself.
    pub(crate) fn of(name: &str, setting: &Setting, step: &Step, steps: &Steps) -> Option<Self> {
        told_issuer(setting).filter(|issuer| is_signed_by(issuer, step.now) && setting.stopped.is_empty())?;
        let authorization = only_line(step, "authorization")??;
        let (_, token) = authorization.split_once(' ')?;
        let field = only_line(step, "delegation")?;
        let agreeing = agreeing(step, field.as_deref(), setting.chain_policy().max_bytes, steps)?;
        let (name, token) = (name.to_owned(), token.to_owned());
        Some(Self { name, setting: setting.clone(), now: step.now, token, field, agreeing })
    }

    /// The one issuer.
    pub(crate) fn issuer(&self) -> &IssuerSetting {
        told_issuer(&self.setting).unwrap()
    }

    /// A signed snapshot of what the issuer has revoked, and the key it is signed with.
    pub(crate) fn snapshot(&self) -> Option<(String, String)> {
        let issuer = self.issuer();
        let StatusSetting::Known { as_of, revoked } = &issuer.status else { return None };
        let key = issuer.trust.feed_key.clone().unwrap();
        let signer = Who::all().find(|who| who.did().as_str() == key).unwrap().key();
        Some((snapshot(&issuer.trust.issuer, *as_of, revoked).sign(&signer).unwrap(), key))
    }
}

/// The issuer of a setting, if the command can be told all of it: the only one, trusted with everything, its feed known or not
/// followed.
fn told_issuer(setting: &Setting) -> Option<&IssuerSetting> {
    let [issuer] = setting.issuers.as_slice() else { return None };
    let trust = &issuer.trust;
    let is_open = trust.resources.is_none() && trust.scopes.is_none() && trust.subjects.is_none();
    let is_usual = trust.profile == "handfast" && trust.agent_status.is_empty() && trust.max_lifetime == 3600;
    let is_known = matches!(issuer.status, StatusSetting::Known { .. } | StatusSetting::NotFollowed);
    (is_open && is_usual && is_known).then_some(issuer)
}

/// Whether what is known of the issuer was signed by then: of a vector with several requests it is as the last one finds it.
fn is_signed_by(issuer: &IssuerSetting, now: u64) -> bool {
    !matches!(issuer.status, StatusSetting::Known { as_of, .. } if as_of > now + CLOCK_LEEWAY.get())
}

/// The value of a field that stands there once at most and is a text.
fn only_line(step: &Step, name: &str) -> Option<Option<String>> {
    match step.field(name).as_slice() {
        [] => Some(None),
        [one] => String::from_utf8(one.clone()).ok().map(Some),
        _ => None,
    }
}

/// The verdicts that agree with the vector's answer; none where it is given before the command's steps.
fn agreeing(step: &Step, field: Option<&str>, max_bytes: usize, steps: &Steps) -> Option<BTreeSet<String>> {
    let Expected::Refused { reason, .. } = &step.expect else { return Some([GOOD.to_owned()].into()) };
    let steps = &steps.0[reason];
    let is_its = steps.iter().any(|step| ITS_STEPS.contains(step));
    let is_earlier = steps.iter().any(|step| step < ITS_STEPS.start());
    let is_later = steps.iter().any(|step| step > ITS_STEPS.end());
    if is_earlier && !(is_its && field_decides(step, field, max_bytes)) {
        return None;
    }
    Some([is_its.then(|| reason.clone()), is_later.then(|| GOOD.to_owned())].into_iter().flatten().collect())
}

/// Whether a fault of the chain's form is in the field and not beside it: it cannot be taken apart, or the proof covers it.
fn field_decides(step: &Step, field: Option<&str>, max_bytes: usize) -> bool {
    match field.map(|field| ChainText::parse(field, max_bytes)) {
        Some(Err(_)) => true,
        Some(Ok(text)) => covered(step) == Some(text.hash().to_string()),
        None => covered(step).is_none(),
    }
}

/// `dch` of the proof.
fn covered(step: &Step) -> Option<String> {
    let proof = only_line(step, "dpop")??;
    let claims = base64url::decode(proof.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Value>(&claims).ok()?["dch"].as_str()?.to_owned())
}

/// The feed holds hashed names, a vector ids.
fn snapshot(issuer: &str, as_of: u64, revoked: &[Revocation]) -> FeedMessage {
    let event = |(entry, seq): (&Revocation, u64)| {
        let kind = serde_json::from_value(entry.kind.as_str().into()).unwrap();
        let name = RevocationName::of(issuer, kind, &entry.id);
        FeedEvent { seq, kind, name, cut: entry.cut.map(UnixTime::from_secs), until: None }
    };
    let events: Vec<_> = revoked.iter().zip(1..).map(event).collect();
    let epoch = "2026-11-21".to_owned();
    let start = Head::start(issuer, &epoch);
    FeedMessage {
        issuer: issuer.to_owned(),
        issued_at: UnixTime::from_secs(as_of),
        epoch,
        from: 0,
        to: u64::try_from(events.len()).unwrap(),
        prev: None,
        base: None,
        follows: Vec::new(),
        head: events.iter().fold(start, |head, event| head.after(event).unwrap()),
        events,
    }
}
