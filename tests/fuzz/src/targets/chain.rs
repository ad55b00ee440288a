//! Chains: a field as it is, or headers and claims that are signed as each header says.

use handfast_conformance::make::keys::Who;
use handfast_delegation::{
    ChainError, ChainText, DEFAULT_CHAIN_BYTES, Hop, MAX_CHAIN_BYTES, MAX_HOP_BYTES, MAX_HOPS, UnverifiedAccessToken,
    UnverifiedChain, UnverifiedHop,
};
use handfast_identity::{ContentHash, DidKey};

use crate::form;

pub fn run(data: &[u8]) {
    let Some(text) = form::text(data) else { return };
    let Ok(field) = ChainText::parse(&text, MAX_CHAIN_BYTES) else {
        let is_refused = text.len() > MAX_CHAIN_BYTES || text.split(',').count() > MAX_HOPS + 1;
        return assert!(is_refused || text.split(',').any(|member| member.trim_matches([' ', '\t']).is_empty()));
    };
    require_one_spelling(&text, &field);
    field.members().iter().for_each(|member| require_hop(member));
    require_hops_together(field.members());
    let Some((root, hops)) = field.split_root() else { panic!("a field has a member") };
    if let (Ok(root), Ok(chain)) = (UnverifiedAccessToken::parse(root), UnverifiedChain::parse(hops)) {
        require_narrowing(&root, chain);
    }
}

/// Blanks around commas are no part of a chain; everything else is.
fn require_one_spelling(text: &str, field: &ChainText<'_>) {
    let tight = field.to_field();
    assert_eq!(ChainText::parse(&tight, MAX_CHAIN_BYTES).as_ref(), Ok(field));
    assert_eq!(field.hash(), ContentHash::of(tight.as_bytes()));
    assert_eq!(field.bytes() + field.members().len() - 1, tight.len());
    assert!(field.members().len() <= MAX_HOPS + 1);
    assert!(field.members().iter().all(|member| !member.is_empty() && !member.contains(',')));
    let short = ChainText::parse(text, DEFAULT_CHAIN_BYTES);
    assert_eq!(short.is_ok(), text.len() <= DEFAULT_CHAIN_BYTES, "only its length is against it");
}

/// A hop says the same when it is written again; it is its delegator's, whose key its DID is.
fn require_hop(text: &str) {
    let Ok(read) = UnverifiedHop::parse(text) else { return };
    let hop = read.unverified_hop().clone();
    let (input, _) = text.rsplit_once('.').expect("three segments");
    assert_eq!(read.name(), ContentHash::of(input.as_bytes()));
    assert_eq!(hop.authority.narrows(&hop.authority), Ok(()), "nothing is wider than itself");
    // whoever signs is named in it
    let key = Who::Delegate(1).key();
    let own = Hop { delegator: key.public().did().text(), ..hop };
    let again = own.sign(&key).expect("what was read can be written");
    if again.len() <= MAX_HOP_BYTES {
        let signed = UnverifiedHop::parse(&again).and_then(UnverifiedHop::verify);
        assert_eq!(signed.map(|signed| signed.hop().clone()), Ok(own));
    }
    match read.verify() {
        Ok(signed) => assert!(DidKey::parse(&signed.hop().delegator).is_ok()),
        Err(error) => assert!(matches!(error, ChainError::Malformed | ChainError::SignatureInvalid), "{error:?}"),
    }
}

/// Members are hops together if each is one, whatever keys are known.
fn require_hops_together(members: &[&str]) {
    let are_hops = members.iter().all(|member| UnverifiedHop::parse(member).is_ok());
    let expected = if members.len() > MAX_HOPS {
        Err(ChainError::TooLong)
    } else if are_hops {
        Ok(())
    } else {
        Err(ChainError::Malformed)
    };
    assert_eq!(UnverifiedChain::parse(members).map(drop), expected);
    let somebody = Who::Delegate(1).did();
    assert_eq!(UnverifiedChain::parse_known(members, &|_| Some(somebody.clone())).map(drop), expected);
}

/// A chain that was verified leads step by step from its root to its leaf, and nobody in it may do what the root may not.
fn require_narrowing(root: &UnverifiedAccessToken, chain: UnverifiedChain) {
    let Ok(chain) = chain.verify_unrooted(root, MAX_HOPS) else { return };
    let claims = root.unverified_claims();
    let (mut delegator, mut parent) = (claims.client_id.clone(), root.name());
    for (link, depth) in chain.links().zip(1..) {
        let Hop { authority, subject, task, .. } = &link.hop;
        assert_eq!(authority.narrows(&claims.authority), Ok(()), "hop {depth} is wider than the root");
        assert_eq!(chain.leaf().hop.authority.narrows(authority), Ok(()), "the leaf is wider than hop {depth}");
        assert_eq!((&link.hop.delegator, &link.hop.parent, link.hop.depth), (&delegator, &parent, depth));
        assert_eq!((subject, Some(task)), (&claims.subject, claims.task.as_ref().map(|task| &task.id)));
        delegator = link.hop.delegate.text();
        parent = link.name;
    }
}
