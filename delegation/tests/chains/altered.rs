//! A good chain with one thing changed, signed again as well as the one who changed it could, is refused for that.

use handfast_delegation::{Budget, ChainError, Hop, MAX_HOPS, Rate, ResourceId, Scope, Widening};
use handfast_identity::{Seconds, UnixTime};
use proptest::prelude::*;

use crate::party;
use crate::tape::{Tape, cases, words};
use crate::world::Plan;

/// What a delegator may try at its own hop. Every hop behind is signed anew by its rightful party.
#[derive(Clone, Copy, Debug)]
enum Change {
    Scope,
    Resource,
    ToolsDropped,
    UsesMore,
    RateMore,
    BudgetDropped,
    EndLater,
    CeilingHigher,
    DepthSkipped,
    DepthAgain,
    OtherOwner,
    OtherTask,
    Older,
    Instance,
    IdAgain,
    DelegateAgain,
    OtherSigner,
    OtherDelegator,
}

const CHANGES: [Change; 18] = [
    Change::Scope,
    Change::Resource,
    Change::ToolsDropped,
    Change::UsesMore,
    Change::RateMore,
    Change::BudgetDropped,
    Change::EndLater,
    Change::CeilingHigher,
    Change::DepthSkipped,
    Change::DepthAgain,
    Change::OtherOwner,
    Change::OtherTask,
    Change::Older,
    Change::Instance,
    Change::IdAgain,
    Change::DelegateAgain,
    Change::OtherSigner,
    Change::OtherDelegator,
];

const SOMEBODY_ELSE: usize = 9;

/// Changes the hop at `place`, below `parent`; gives the refusal, or nothing where there is nothing to change.
fn change(what: Change, hops: &mut [Hop], place: usize, parent: &Plan) -> Option<ChainError> {
    let last = hops.len() - 1;
    let (before, rest) = hops.split_at_mut(place);
    let hop = &mut rest[0];
    let authority = &mut hop.authority;
    let budget = |max_uses, rate| Some(Budget::new(max_uses, rate).unwrap());
    let rate = parent.rate.map(|(uses, seconds)| Rate { uses, seconds });
    Some(match what {
        Change::Scope => {
            let excess = Scope::parse("admin").unwrap();
            authority.scope = authority.scope.union(&excess);
            ChainError::Widened(Widening::Scope(excess))
        }
        Change::Resource => {
            let excess = ResourceId::parse("https://c.example").unwrap();
            authority.resources.insert(excess.clone());
            ChainError::Widened(Widening::Resource(excess))
        }
        Change::ToolsDropped => {
            parent.tools.as_ref()?;
            authority.tools = None;
            ChainError::Widened(Widening::Tools(None))
        }
        Change::UsesMore => {
            authority.budget = budget(Some(parent.max_uses? + 1), rate);
            ChainError::Widened(Widening::Budget)
        }
        Change::RateMore => {
            authority.budget = budget(parent.max_uses, Some(Rate { uses: rate?.uses + 1, ..rate? }));
            ChainError::Widened(Widening::Budget)
        }
        Change::BudgetDropped => {
            parent.max_uses.or(parent.rate.map(|(uses, _)| uses))?;
            authority.budget = None;
            ChainError::Widened(Widening::Budget)
        }
        Change::EndLater => {
            authority.expires_at = parent.authority().expires_at.saturating_add(Seconds::new(1));
            ChainError::Widened(Widening::Expiry)
        }
        Change::CeilingHigher => {
            authority.max_depth = parent.depth + 1;
            ChainError::DepthInvalid
        }
        Change::DepthSkipped => {
            hop.depth += 1;
            ChainError::DepthInvalid
        }
        Change::DepthAgain => {
            // depth 0 has no form
            hop.depth = (hop.depth - 1).max(1);
            (place > 0).then_some(ChainError::DepthInvalid)?
        }
        Change::OtherOwner => {
            hop.subject = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCF".into();
            ChainError::PrincipalAltered
        }
        Change::OtherTask => {
            hop.task = "task_01jd7v3k8q5xw2t9m4n6r0abcf".into();
            ChainError::TaskAltered
        }
        Change::Older => {
            hop.issued_at = UnixTime::from_secs(hop.issued_at.as_secs() - 1);
            ChainError::BeforeParent
        }
        Change::Instance => {
            hop.is_instance = true;
            (place < last).then_some(ChainError::DepthInvalid)?
        }
        Change::IdAgain => {
            hop.hop_id = before.first()?.hop_id.clone();
            ChainError::Duplicate
        }
        Change::DelegateAgain => {
            hop.delegate = party::did(place);
            ChainError::Duplicate
        }
        Change::OtherSigner => ChainError::SignatureInvalid,
        Change::OtherDelegator => {
            hop.delegator = party::did(SOMEBODY_ELSE).text();
            ChainError::Malformed
        }
    })
}

/// A chain every step of which narrows.
fn good(tape: &mut Tape) -> Vec<Plan> {
    let wanted = 1 + tape.below(MAX_HOPS);
    let mut plans = vec![Plan::wide(tape)];
    for _ in 0..4 * wanted {
        let parent = &plans[plans.len() - 1];
        let child = Plan { depth: parent.depth, ..parent.narrowed(tape) };
        if plans.len() <= wanted && child.authority().narrows(&parent.authority()).is_ok() {
            plans.push(child);
        }
    }
    if plans.len() == 1 {
        // nothing drawn was narrower; the same is
        plans.push(plans[0].clone());
    }
    plans
}

/// Another good chain of the same parties below the same root.
fn good_again(first: &Plan, hops: usize, tape: &mut Tape) -> Vec<Plan> {
    let mut plans = vec![first.clone()];
    for _ in 0..hops {
        plans.push(Plan { end: 1, scope: 1 + tape.bits(3), ..plans[0].clone() });
    }
    plans
}

proptest! {
    #![proptest_config(cases(1_500, 100_000))]

    #[test]
    fn every_claim_that_is_altered_is_refused_for_it(words in words(), what in 0..CHANGES.len(), at in any::<prop::sample::Index>()) {
        let plans = good(&mut Tape::new(words));
        let root = party::root(&plans[0]);
        let mut hops = party::hops(&plans[1..]);
        let what = CHANGES[what];
        let place = at.index(hops.len());
        let Some(expected) = change(what, &mut hops, place, &plans[place]) else { return Ok(()) };
        let by_other = matches!(what, Change::OtherSigner);
        // the header of a hop names the key that signs it: somebody else has to write the name of the rightful one there
        let texts = if by_other {
            signed_by_other(&root, &hops, place)
        } else {
            party::sign(&root, &hops, |place| place)
        };
        prop_assert_eq!(party::verify(&root, &texts).map(drop), Err(expected), "{:?} at {} of {:?}", what, place, plans);
    }

    #[test]
    fn members_that_are_moved_are_refused(words in words(), what in 0..5, at in any::<prop::sample::Index>()) {
        let tape = &mut Tape::new(words);
        let plans = good(tape);
        let root = party::root(&plans[0]);
        let mut texts = party::sign(&root, &party::hops(&plans[1..]), |place| place);
        prop_assert!(party::verify(&root, &texts).is_ok());
        let place = at.index(texts.len());
        let is_last = place + 1 == texts.len();
        match what {
            0 if is_last => return Ok(()), // a shorter chain is a good one, for whoever holds its last key
            0 => drop(texts.remove(place)),
            1 if is_last => return Ok(()),
            1 => texts.swap(place, place + 1),
            2 => texts.insert(place, texts[place].clone()),
            3 => {
                // the same place in another chain of the same parties; the last one may be exchanged for its twin
                let other = party::sign(&root, &party::hops(&good_again(&plans[0], texts.len(), tape)[1..]), |place| place);
                if is_last || other[place] == texts[place] {
                    return Ok(());
                }
                texts[place].clone_from(&other[place]);
            }
            _ => {
                let other = party::root(&Plan { end: plans[0].end + 1, ..plans[0].clone() });
                prop_assert_eq!(party::verify(&other, &texts).map(drop), Err(ChainError::ParentHashMismatch));
                return Ok(());
            }
        }
        prop_assert!(party::verify(&root, &texts).is_err(), "{} at {} of {:?}", what, place, plans);
    }

    #[test]
    fn any_changed_character_is_refused(words in words(), at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.-]") {
        let plans = good(&mut Tape::new(words));
        let root = party::root(&plans[0]);
        let mut texts = party::sign(&root, &party::hops(&plans[1..]), |place| place);
        let hop = at.index(texts.len());
        let place = at.index(texts[hop].len());
        if texts[hop][place..=place] == *other {
            return Ok(());
        }
        texts[hop].replace_range(place..=place, &other);
        prop_assert!(party::verify(&root, &texts).is_err(), "{} at {} of hop {}", other, place, hop);
    }
}

/// The signature of the hop at `place` taken from the same text signed by somebody else.
fn signed_by_other(root: &handfast_delegation::VerifiedAccessToken, hops: &[Hop], place: usize) -> Vec<String> {
    let mut texts = party::sign(root, hops, |place| place);
    let (input, _) = texts[place].rsplit_once('.').unwrap();
    let signature = party::KEYS[SOMEBODY_ELSE].sign(input.as_bytes());
    texts[place] = format!("{input}.{}", handfast_identity::base64url::encode(&signature));
    texts
}
