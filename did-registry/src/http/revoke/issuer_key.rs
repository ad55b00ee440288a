//! The end of one of our own token keys.

use handfast_identity::UnixTime;
use handfast_registry_model::{Caller, FeedKind, IssuerKeyToStop, Refusal, RevocationRecord, revoke_issuer_key};

use super::{Wanted, committed, revocation};
use crate::http::App;
use crate::state::ATTEMPTS;

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    wanted: &Wanted,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = revocation(app, FeedKind::IssuerKey, &wanted.id).await?;
        let id = app.keys.has_token_key(&wanted.id).then_some(wanted.id.as_str());
        let case = IssuerKeyToStop { id, before: before.as_ref() };
        if let Some(record) = committed(app, &caller, revoke_issuer_key(caller, case, wanted.why.clone(), now)?).await?
        {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}
