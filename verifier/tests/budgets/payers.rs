//! Who pays for a request, as the check finds it: under which names, within which limits, until when.

use handfast_delegation::{AccessToken, TriggerKind};
use handfast_verifier::Rejection;
use handfast_verifier::budget::TASK_COUNT_LIFETIME;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::{Facts, TrustedIssuer};

use super::support::{self, OWNER, RESOURCE, Request, Server, agent, claims, did, other_agent};
use super::*;

const ELSEWHERE: &str = "https://other.example";

fn id(text: &str) -> handfast_delegation::ResourceId {
    handfast_delegation::ResourceId::parse(text).unwrap()
}

/// A token with this budget, good at two resources.
fn budgeted(budget: Budget, kind: TriggerKind) -> AccessToken {
    let mut token = claims(&agent());
    token.authority.budget = Some(budget);
    token.authority.resources.insert(id(ELSEWHERE));
    token.task.as_mut().unwrap().trigger.kind = kind;
    token
}

fn charges_at(resource: &'static str, token: &AccessToken) -> Charges {
    let server = Server { resource, ..Server::new() };
    server.bound(&Request::with(token, &agent()), &RequestContent::default()).unwrap().charges().clone()
}

fn payers(charges: &Charges) -> Vec<Payer> {
    charges.iter().map(|charge| *charge.payer()).collect()
}

#[test]
fn a_request_without_budgets_costs_nothing() {
    assert_eq!(charges_at(RESOURCE, &claims(&agent())), Charges::none());
}

#[test]
fn the_task_pays_and_of_its_own_task_the_agent_too() {
    let payer = |kind, id: &str| Payer::of(kind, RESOURCE, support::ISSUER, id);
    let task = payer(PayerKind::Task, "task_1");
    let of_agent = payer(PayerKind::Agent, did(&agent()).as_str());
    for (kind, expected) in [
        (TriggerKind::OnItsOwn, vec![task, of_agent]),
        (TriggerKind::Owner, vec![task]),
        (TriggerKind::Schedule, vec![task]),
        (TriggerKind::Event, vec![task]),
        (TriggerKind::Agent, vec![task]),
    ] {
        let charges = charges_at(RESOURCE, &budgeted(both(9, 2, 60), kind));
        assert_eq!(payers(&charges), expected, "{kind}");
        assert_eq!(charges.share(), payer(PayerKind::Owner, OWNER).key());
        for charge in &charges {
            let each = [(9, None), (2, Some(Seconds::new(60)))].map(|(uses, each)| Limit { uses, each });
            assert_eq!(charge.limits(), each);
        }
    }
}

#[test]
fn resources_count_apart() {
    let token = budgeted(uses(1), TriggerKind::Owner);
    let (here, there) = (charges_at(RESOURCE, &token), charges_at(ELSEWHERE, &token));
    assert_ne!(payers(&here), payers(&there));
    let store = store();
    for charges in [&here, &there] {
        assert_eq!(spend(&store, charges, support::NOW), Ok(()));
        assert_eq!(spend(&store, charges, support::NOW), over(None));
    }
}

#[test]
fn a_task_is_counted_for_a_day_and_through_its_token() {
    let leeway = handfast_verifier::CLOCK_LEEWAY;
    let mut token = budgeted(uses(1), TriggerKind::Owner);
    let until = |token: &AccessToken| charges_at(RESOURCE, token).iter().next().unwrap().until();
    assert_eq!(until(&token), token.issued_at.saturating_add(TASK_COUNT_LIFETIME).saturating_add(leeway));
    // an issuer that is trusted with more than a day
    token.authority.expires_at = support::at(100_000);
    let trust = TrustedIssuer { max_lifetime: Seconds::new(200_000), ..support::trust() };
    let facts = Facts::new([support::facts_of(trust, &support::issuer(), support::nothing_revoked())]);
    let server = Server { facts, ..Server::new() };
    let bound = server.bound(&Request::with(&token, &agent()), &RequestContent::default()).unwrap();
    assert!(bound.charges().iter().all(|charge| charge.until() == support::at(100_030)));
}

#[test]
fn one_budget_is_used_to_its_end_and_no_further() {
    // the whole check, the same server
    let server = Server::new();
    let token = budgeted(uses(2), TriggerKind::Owner);
    let request = |number| {
        let text = token.sign(&support::kid(&support::issuer()), &support::issuer()).unwrap();
        let proof = support::proof(&agent(), &text, number);
        Request::of(&text, proof)
    };
    assert!(server.answer(&request(1 << 8)).is_ok() && server.answer(&request(2 << 8)).is_ok());
    let spent = server.answer(&request(3 << 8)).map(drop);
    assert_eq!(spent, Err(Rejection::Budget(BudgetError::Spent { retry_after: None })));
}

#[test]
fn what_was_spent_admits_the_request_it_is_for() {
    use handfast_dpop::Receipt;

    let server = Server::new();
    let bound = |budget: Option<Budget>| {
        let mut token = claims(&agent());
        token.authority.budget = budget;
        server.bound(&Request::with(&token, &agent()), &RequestContent::default()).unwrap()
    };
    let admit = |budget, spent| {
        let bound = bound(budget);
        let receipt = Receipt::assertion(bound.replay_entry());
        bound.admit(receipt, spent).map(drop)
    };
    let spent_for = |budget| Spent::assertion(bound(budget).charges());
    let mismatch = Err(Rejection::ReceiptMismatch);
    assert_eq!(admit(Some(uses(2)), Spent::nothing()), mismatch);
    assert_eq!(admit(Some(uses(2)), spent_for(Some(uses(3)))), mismatch);
    assert_eq!(admit(None, spent_for(Some(uses(2)))), mismatch);
    assert_eq!(admit(Some(uses(2)), spent_for(Some(uses(2)))), Ok(()), "the twin");
    assert_eq!(admit(None, spent_for(None)), Ok(()));
}

#[test]
fn who_has_no_task_has_no_budget() {
    let mut owners = budgeted(uses(5), TriggerKind::Owner);
    (owners.actors, owners.task, owners.delegability, owners.environment) = (None, None, None, None);
    assert_eq!(owners.subject, OWNER);
    let server = Server { route: handfast_verifier::RouteRule::owners(support::scope("files:read")), ..Server::new() };
    assert_eq!(server.reason(&Request::with(&owners, &agent())), "restriction_unsupported");
    // that is seen on the token, before it is asked who presents it
    assert_eq!(server.reason(&Request::with(&owners, &other_agent())), "restriction_unsupported");
    owners.authority.budget = None;
    assert_eq!(server.reason(&Request::with(&owners, &other_agent())), "holder_mismatch");
    assert_eq!(server.reason(&Request::with(&owners, &agent())), "accepted", "the twin");
}

/// Two budgets of one payer: the lesser limit, and a count that is remembered to the later end, in either order.
#[test]
fn charges_of_one_payer_are_counted_to_the_later_end() {
    let parts = [(hop("h"), both(5, 2, 60), 100), (hop("h"), uses(3), 200)];
    for parts in [parts, [parts[1], parts[0]]] {
        let charges = charges(&parts);
        let [charge] = charges.iter().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((charge.limits().iter().map(|limit| limit.uses).min(), charge.until()), (Some(2), at(200)));
        assert!(charge.limits().contains(&Limit { uses: 3, each: None }));
    }
}
