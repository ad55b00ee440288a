//! How an owner holds an agent. Pairs are lists, for the record of an agent has little room left.

use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::Damage;
use crate::OwnerId;
use crate::record::{Offer, Suspension, Tenure};

/// Not there in records from before format 4, and where there is nothing to say: the default.
#[derive(Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenureWire {
    /// When, and whether an admin did it.
    #[serde(default, rename = "stop", deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    suspended: Option<(UnixTime, bool)>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    retired: Option<UnixTime>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    cut: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "is_first")]
    era: u32,
    /// To whom, and until when.
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    offer: Option<(OwnerId, UnixTime)>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
pub(super) const fn is_first(era: &u32) -> bool {
    *era == 0
}

impl TenureWire {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Tenure> for TenureWire {
    fn from(Tenure { suspended, retired, cut, era, offer }: Tenure) -> Self {
        let suspended = suspended.map(|Suspension { at, by_admin }| (at, by_admin));
        let offer = offer.map(|Offer { to, expires }| (to, expires));
        Self { suspended, retired, cut, era, offer }
    }
}

impl TryFrom<TenureWire> for Tenure {
    type Error = Damage;

    fn try_from(TenureWire { suspended, retired, cut, era, offer }: TenureWire) -> Result<Self, Damage> {
        if retired.is_some() && (suspended.is_some() || offer.is_some()) {
            return Err(Damage("a retired agent that is suspended or offered"));
        }
        let suspended = suspended.map(|(at, by_admin)| Suspension { at, by_admin });
        let offer = offer.map(|(to, expires)| Offer { to, expires });
        Ok(Self { suspended, retired, cut, era, offer })
    }
}
