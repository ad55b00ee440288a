//! A narrower root token, for whoever holds a root.

use handfast_delegation::Authority;
use handfast_identity::{DidKey, RandomSource, UnixTime};

use super::permission::Grounds;
use super::{Exchange, ExchangeCase, require_holder};
use crate::token::TokenGrant;
use crate::token::agent::require_one_meaning;
use crate::token::grant::Root;
use crate::token::narrow::{narrowed, require_applied};
use crate::{DelegationFault, DelegationMode, Refusal, RegistryPolicy};

/// Decides about a narrower root token for the holder of `exchange.root`: the same client and task, less of everything else.
///
/// # Errors
///
/// [`DelegationFault::HolderMismatch`] for anybody else (TX-17); the root's agent and its ceiling; the task; what is asked for
/// beyond the root; [`DelegationFault::RootExpired`].
pub fn narrower_root(
    exchange: Exchange<'_>,
    case: &ExchangeCase,
    policy: &RegistryPolicy,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<TokenGrant, Refusal> {
    let root = exchange.root.claims();
    let client = DidKey::parse(&root.client_id).map_err(|_| DelegationFault::HolderMismatch)?;
    require_holder(exchange.request.client(), exchange.prover, &client)?;
    case.agent.living(now).require_current(&client)?;
    let grounds = Grounds::of(root, &case.agent, case.task.as_ref(), now)?;
    let (most_depth, mode) =
        grounds.owned.map_or((0, DelegationMode::None), |(_, ceiling)| (ceiling.max_depth(), ceiling.delegation()));
    // a ceiling that was lowered since bounds it too
    let within = Authority { max_depth: root.authority.max_depth.min(most_depth), ..root.authority.clone() };
    let mut authority = narrowed(&within, &exchange.request.wish)?;
    require_one_meaning(&authority, policy)?;
    require_applied(&authority, policy)?;
    let ends = now.saturating_add(policy.root_lifetime(authority.max_depth));
    authority.expires_at = root.authority.expires_at.min(ends);
    if authority.expires_at <= now {
        return Err(DelegationFault::RootExpired.into());
    }
    let was_offline = root.delegability.is_some_and(|delegability| delegability.offline);
    let is_offline = was_offline && mode == DelegationMode::Offline && authority.max_depth > 0;
    Ok(TokenGrant::narrower(root, Root { authority, is_offline }, policy, now, random))
}
