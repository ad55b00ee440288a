//! From what a client may have and what it asked for to resources and a scope (RFC 8707, RFC 9068 3).

use std::collections::BTreeSet;

use handfast_delegation::{ResourceId, Scope};

use crate::Refusal;

/// What a client may have at one resource.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) resource: ResourceId,
    /// The most it may ask for.
    pub(super) scope: Scope,
    /// What it gets when it asks for nothing.
    pub(super) default: Scope,
}

impl Offer {
    /// An offer whose default is all of it.
    pub(super) fn whole(resource: ResourceId, scope: Scope) -> Self {
        Self { resource, default: scope.clone(), scope }
    }

    fn take(&self, asked: Option<&Scope>) -> Result<Target, Refusal> {
        let scope = asked.unwrap_or(&self.default);
        let excess = scope.excess_over(&self.scope);
        // a token that allows nothing would only hide the mistake
        if excess.is_empty() && !scope.is_empty() {
            Ok(Target { resources: [self.resource.clone()].into(), scope: scope.clone() })
        } else {
            Err(Refusal::InvalidScope { excess })
        }
    }
}

/// Where a token is for, and what it may there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) resources: BTreeSet<ResourceId>,
    pub(super) scope: Scope,
}

/// Chooses among `offers`, the first of which is the registry itself.
///
/// Without a resource the scope decides, and without either the one resource the client has; the registry if it has none.
/// Several resources are for tokens that may be passed on, which is for the caller to see (AT-10, RES-08).
pub(super) fn choose(offers: &[Offer], resources: &[ResourceId], asked: Option<&Scope>) -> Result<Target, Refusal> {
    match (resources, asked) {
        ([resource], _) => {
            let offer = offers.iter().find(|offer| offer.resource == *resource);
            offer.ok_or(Refusal::InvalidTarget)?.take(asked)
        }
        ([], Some(asked)) => by_scope(offers, asked),
        ([], None) => by_default(offers),
        _ => several(offers, resources, asked),
    }
}

/// Each of them once, and never the registry, whose scope is not for others.
fn several(offers: &[Offer], resources: &[ResourceId], asked: Option<&Scope>) -> Result<Target, Refusal> {
    let chosen: BTreeSet<_> = resources.iter().cloned().collect();
    let others: Vec<_> = offers.iter().skip(1).filter(|offer| chosen.contains(&offer.resource)).collect();
    if chosen.len() != resources.len() || others.len() != resources.len() {
        return Err(Refusal::InvalidTarget);
    }
    let all = |part: fn(&Offer) -> &Scope| others.iter().fold(Scope::default(), |all, offer| all.union(part(offer)));
    let scope = asked.cloned().unwrap_or_else(|| all(|offer| &offer.default));
    let excess = scope.excess_over(&all(|offer| &offer.scope));
    if excess.is_empty() && !scope.is_empty() {
        Ok(Target { resources: chosen, scope })
    } else {
        Err(Refusal::InvalidScope { excess })
    }
}

fn by_scope(offers: &[Offer], asked: &Scope) -> Result<Target, Refusal> {
    let all = offers.iter().fold(Scope::default(), |all, offer| all.union(&offer.scope));
    let excess = asked.excess_over(&all);
    if !excess.is_empty() {
        return Err(Refusal::InvalidScope { excess });
    }
    let mut fitting = offers.iter().filter(|offer| asked.is_within(&offer.scope));
    match (fitting.next(), fitting.next()) {
        (Some(offer), None) => offer.take(Some(asked)),
        (Some(_), Some(_)) => Err(Refusal::InvalidTarget),
        // AT-09: scopes of different resources
        (None, _) => Err(Refusal::InvalidScope { excess: asked.clone() }),
    }
}

fn by_default(offers: &[Offer]) -> Result<Target, Refusal> {
    let mut others = offers.iter().skip(1).filter(|offer| !offer.default.is_empty());
    match (others.next(), others.next()) {
        (Some(offer), None) => offer.take(None),
        (None, _) => offers.first().ok_or(Refusal::InvalidTarget)?.take(None),
        (Some(_), Some(_)) => Err(Refusal::InvalidTarget),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn resource(text: &str) -> ResourceId {
        ResourceId::parse(text).unwrap()
    }

    fn offers(list: &[(&str, &str)]) -> Vec<Offer> {
        let registry = Offer::whole(resource("urn:registry"), scope("agent:self"));
        let others = list.iter().map(|(id, text)| Offer::whole(resource(id), scope(text)));
        [registry].into_iter().chain(others).collect()
    }

    fn check(list: &[(&str, &str)], resources: &[&str], asked: Option<&str>, expected: Result<(&str, &str), Refusal>) {
        let resources: Vec<_> = resources.iter().map(|text| resource(text)).collect();
        let found = choose(&offers(list), &resources, asked.map(scope).as_ref());
        let expected = expected
            .map(|(ids, text)| Target { resources: ids.split(' ').map(resource).collect(), scope: scope(text) });
        assert_eq!(found, expected, "{list:?} {resources:?} {asked:?}");
    }

    fn too_much(text: &str) -> Result<(&'static str, &'static str), Refusal> {
        Err(Refusal::InvalidScope { excess: scope(text) })
    }

    #[test]
    fn one_named_resource() {
        let list = [("urn:a", "r w"), ("urn:b", "r")];
        check(&list, &["urn:a"], None, Ok(("urn:a", "r w")));
        check(&list, &["urn:a"], Some("r"), Ok(("urn:a", "r")));
        check(&list, &["urn:b"], Some("r w"), too_much("w"));
        check(&list, &["urn:a"], Some("r agent:self"), too_much("agent:self"));
        check(&list, &["urn:registry"], None, Ok(("urn:registry", "agent:self")));
        check(&list, &["urn:c"], Some("r"), Err(Refusal::InvalidTarget));
        check(&[("urn:a", "")], &["urn:a"], None, too_much(""));
    }

    #[test]
    fn several_named_resources() {
        let list = [("urn:a", "r w"), ("urn:b", "x"), ("urn:c", "y")];
        check(&list, &["urn:a", "urn:b"], None, Ok(("urn:a urn:b", "r w x")));
        check(&list, &["urn:b", "urn:a"], Some("r x"), Ok(("urn:a urn:b", "r x")));
        check(&list, &["urn:a", "urn:b"], Some("r y"), too_much("y"));
        for wrong in [&["urn:a", "urn:a"][..], &["urn:a", "urn:d"], &["urn:a", "urn:registry"]] {
            check(&list, wrong, Some("r"), Err(Refusal::InvalidTarget));
        }
        check(&[("urn:a", ""), ("urn:b", "")], &["urn:a", "urn:b"], None, too_much(""));
    }

    #[test]
    fn the_scope_decides_where_no_resource_is_named() {
        let list = [("urn:a", "r w"), ("urn:b", "r x")];
        check(&list, &[], Some("w"), Ok(("urn:a", "w")));
        check(&list, &[], Some("agent:self"), Ok(("urn:registry", "agent:self")));
        check(&list, &[], Some("r"), Err(Refusal::InvalidTarget));
        check(&list, &[], Some("w x"), too_much("w x"));
        check(&list, &[], Some("w y"), too_much("y"));
    }

    #[test]
    fn the_default_is_the_only_resource_or_the_registry() {
        check(&[("urn:a", "r w")], &[], None, Ok(("urn:a", "r w")));
        check(&[("urn:a", "r"), ("urn:b", "")], &[], None, Ok(("urn:a", "r")));
        check(&[("urn:a", "r"), ("urn:b", "r")], &[], None, Err(Refusal::InvalidTarget));
        check(&[], &[], None, Ok(("urn:registry", "agent:self")));
    }
}
