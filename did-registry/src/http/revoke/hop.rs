//! The end of one delegation, and of all below it.

use handfast_delegation::{SignedHop, UnverifiedHop};
use handfast_identity::{ContentHash, UnixTime};
use handfast_registry_model::limits::MAX_WHY_BYTES;
use handfast_registry_model::{
    Caller, FeedKind, HopRecord, HopToStop, KnownHop, Loaded, Refusal, RevocationRecord, ShownText, Slot, revoke_hop,
};

use super::{committed, revocation, stops_of};
use crate::http::{App, tasks};
use crate::state::ATTEMPTS;

/// A hop from its task's tree, or as it was shown.
pub(in crate::http) enum FoundHop {
    Recorded(Box<HopRecord>),
    Shown(Box<SignedHop>),
}

impl FoundHop {
    pub(in crate::http) fn hop(&self) -> KnownHop<'_> {
        match self {
            Self::Recorded(record) => KnownHop::Recorded(record),
            Self::Shown(signed) => KnownHop::Shown(signed),
        }
    }
}

/// The hop of this name. One that was exchanged need not be shown; what is shown has to be the one.
///
/// # Errors
///
/// [`Refusal::InvalidEvidence`].
pub(super) async fn found(app: &App, id: &str, text: Option<&str>) -> Result<FoundHop, Refusal> {
    let name = ContentHash::from_claim(id).ok_or(Refusal::InvalidEvidence)?;
    let shown = text.map(|text| signed(text, &name)).transpose()?;
    let record: Option<Loaded<HopRecord>> = app.state.load(&Slot::hop(&name)).await?;
    match (record, shown) {
        (Some(record), _) => Ok(FoundHop::Recorded(Box::new(record.record))),
        (None, Some(signed)) => Ok(FoundHop::Shown(Box::new(signed))),
        (None, None) => Err(Refusal::InvalidEvidence),
    }
}

fn signed(text: &str, name: &ContentHash) -> Result<SignedHop, Refusal> {
    let hop = UnverifiedHop::parse(text).and_then(UnverifiedHop::verify).map_err(|_| Refusal::InvalidEvidence)?;
    if hop.name() == name { Ok(hop) } else { Err(Refusal::InvalidEvidence) }
}

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    found: &FoundHop,
    why: Option<&ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    let hop = found.hop();
    for _ in 0..ATTEMPTS {
        let before = revocation(app, FeedKind::Hop, &hop.name().to_string()).await?;
        let tasks::Case { task, agent } = tasks::load(app, hop.task()).await?;
        let stops = stops_of(app, &caller).await?;
        let case = HopToStop {
            hop,
            task: task.as_ref().map(|task| &task.record),
            agent: agent.as_ref(),
            stops: stops.as_ref(),
            before: before.as_ref(),
        };
        if let Some(record) = committed(app, &caller, revoke_hop(caller, case, why.cloned(), now)?).await? {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}
