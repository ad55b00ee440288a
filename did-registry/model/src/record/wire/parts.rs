//! Parts that several records share.

use handfast_delegation::{Authority, Budget, ResourceId, Scope, Tools};
use handfast_identity::{DidKey, Handle, Seconds, UnixTime, base64url, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Damage;
use crate::Ceiling;
use crate::authority::{bounded, plain_authority};
use crate::ceiling::DelegationMode;
use crate::record::Rate;

/// A DID, parsed again on the way in.
pub(super) struct DidText(pub(super) DidKey);

impl Serialize for DidText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for DidText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DidKey::parse(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A handle, parsed again on the way in.
pub(super) struct HandleText(pub(super) Handle);

impl Serialize for HandleText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for HandleText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Handle::parse(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// 32 bytes as base64url.
pub(super) struct Hash32(pub(super) [u8; 32]);

impl Serialize for Hash32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hash32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        base64url::decode_array(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads a list whose elements stand as JSON objects each.
pub(super) fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Element<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Element<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            json::object(deserializer).map(Self)
        }
    }

    let elements = Vec::<Element<T>>::deserialize(deserializer)?;
    Ok(elements.into_iter().map(|Element(value)| value).collect())
}

/// A count of what an agent did lately.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateWire {
    from: UnixTime,
    last: UnixTime,
    count: u8,
}

impl From<Rate> for RateWire {
    fn from(Rate { from, last, count }: Rate) -> Self {
        Self { from, last, count }
    }
}

impl From<RateWire> for Rate {
    fn from(RateWire { from, last, count }: RateWire) -> Self {
        Self { from, last, count }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityWire {
    scope: Scope,
    resource: Vec<ResourceId>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    expires: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "is_zero")]
    del_max_depth: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_zero(depth: &u8) -> bool {
    *depth == 0
}

impl From<&Authority> for AuthorityWire {
    fn from(authority: &Authority) -> Self {
        Self {
            scope: authority.scope.clone(),
            resource: authority.resources.iter().cloned().collect(),
            authorization_details: authority.tools.as_ref().map(Tools::to_details),
            budget: authority.budget,
            expires: (authority.expires_at != Authority::NO_END).then_some(authority.expires_at),
            del_max_depth: authority.max_depth,
        }
    }
}

impl TryFrom<AuthorityWire> for Authority {
    type Error = Damage;

    fn try_from(wire: AuthorityWire) -> Result<Self, Damage> {
        const BEYOND: Damage = Damage("an authority beyond its bounds");
        let tools = wire.authorization_details.as_ref().map(Tools::from_details).transpose().map_err(|_| BEYOND)?;
        bounded(Self {
            tools,
            budget: wire.budget,
            expires_at: wire.expires.unwrap_or(Self::NO_END),
            max_depth: wire.del_max_depth,
            ..plain_authority(wire.scope, wire.resource).map_err(|_| BEYOND)?
        })
        .map_err(|_| BEYOND)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CeilingWire {
    #[serde(deserialize_with = "json::object")]
    authority: AuthorityWire,
    max_task_seconds: u64,
    delegation: String,
    delegates: Vec<DidText>,
    /// Not there in records from before there was this leave: they give none.
    #[serde(default, skip_serializing_if = "is_false")]
    instances: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
pub(super) const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl From<&Ceiling> for CeilingWire {
    fn from(ceiling: &Ceiling) -> Self {
        Self {
            authority: ceiling.authority().into(),
            max_task_seconds: ceiling.max_task().get(),
            delegation: ceiling.delegation().as_str().to_owned(),
            delegates: ceiling.delegates().iter().cloned().map(DidText).collect(),
            instances: ceiling.instances(),
        }
    }
}

impl TryFrom<CeilingWire> for Ceiling {
    type Error = Damage;

    fn try_from(wire: CeilingWire) -> Result<Self, Damage> {
        let delegation = DelegationMode::parse(&wire.delegation).ok_or(Damage("an unknown delegation mode"))?;
        let delegates = wire.delegates.into_iter().map(|DidText(did)| did).collect();
        Self::new(wire.authority.try_into()?, Seconds::new(wire.max_task_seconds), delegation, delegates)
            .map(|ceiling| ceiling.with_instances(wire.instances))
            .map_err(|_| Damage("a ceiling beyond its bounds"))
    }
}
