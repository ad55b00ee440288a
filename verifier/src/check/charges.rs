//! Step 10, its beginning: who pays for the request (DEL-45; spec/delegation.md, counting).

use handfast_delegation::{AccessToken, Budget, Link};
use handfast_identity::Seconds;

use super::Standing;
use crate::budget::{Charge, Charges, Payer, PayerKind, RootBudget};
use crate::{Attribution, Rejection};

/// One charge for each payer: the task and the agent for the root's budget, each hop for its own, the last hop for that of a
/// token made from it too. Nothing is hashed or allocated where there is no budget.
pub(super) fn charges_of(by: &Attribution, point: &str, leeway: Seconds) -> Result<Charges, Rejection> {
    let token = by.claims();
    let mut bill = Bill { token, point, leeway, charges: Vec::new() };
    let Some(verdict) = by.standing.verdict() else {
        // a token without evidence is a root, or has no budget
        if let Some(root) = RootBudget::of(token) {
            bill.add_root(&root)?;
        }
        return bill.total();
    };
    if let Some(root) = &verdict.root_budget {
        bill.add_root(root)?;
    }
    for link in verdict.chain().links() {
        if let Some(budget) = &link.hop.authority.budget {
            bill.add_hop(link, budget);
        }
    }
    if let (Standing::Exchanged(_), Some(budget)) = (&by.standing, &token.authority.budget) {
        bill.add_hop(verdict.chain().leaf(), budget);
    }
    bill.total()
}

struct Bill<'a> {
    token: &'a AccessToken,
    point: &'a str,
    leeway: Seconds,
    charges: Vec<Charge>,
}

impl Bill<'_> {
    fn add_root(&mut self, root: &RootBudget) -> Result<(), Rejection> {
        let until = root.until.saturating_add(self.leeway);
        self.charges.push(Charge::new(self.task()?, &root.budget, until));
        if let Some(agent) = &root.agent {
            self.charges.push(Charge::new(self.payer(PayerKind::Agent, agent), &root.budget, until));
        }
        Ok(())
    }

    fn add_hop(&mut self, link: &Link, budget: &Budget) {
        let payer = self.payer(PayerKind::Hop, &link.name.to_string());
        self.charges.push(Charge::new(payer, budget, link.hop.authority.expires_at.saturating_add(self.leeway)));
    }

    fn total(self) -> Result<Charges, Rejection> {
        if self.charges.is_empty() {
            return Ok(Charges::none());
        }
        Ok(Charges::new(&self.payer(PayerKind::Owner, &self.token.subject), self.charges))
    }

    fn task(&self) -> Result<Payer, Rejection> {
        match &self.token.task {
            Some(task) => Ok(self.payer(PayerKind::Task, &task.id)),
            // step 3 has refused a token with a budget and no task, step 5 a chain below one without
            None => Err(Rejection::RestrictionUnsupported),
        }
    }

    fn payer(&self, kind: PayerKind, id: &str) -> Payer {
        Payer::of(kind, self.point, &self.token.issuer, id)
    }
}
