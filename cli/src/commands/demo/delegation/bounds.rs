//! With which tools, and how often: bounds that travel with what is passed on, and hold at the API.

use handfast_client::{ClientError, Delegation, DelegationBuilder, DpopKey};
use handfast_delegation::{Arguments, Authority, Hop, Tools, UnverifiedHop};
use handfast_identity::{OsRandom, random_id};
use serde_json::json;

use super::message::{Message, answer, signing};
use super::{HOP_LIFETIME, SecondAct, Seen, missing};
use crate::exit::{Exit, Failure};
use crate::local::{READ_FILE, READ_SCOPE};

/// The only folder that is passed on.
const FOLDER: &str = "/reports";
/// How often another hop may be used.
const USES: u64 = 2;

impl SecondAct<'_> {
    /// A tool for one folder: a file in it is read, one beside it is not.
    pub(crate) async fn tool_argument_refused(&mut self) -> Result<Seen, Failure> {
        let folder = json!({"path": {"constraint_type": "path_containment", "root": FOLDER}});
        let delegation = self.hop()?.max_depth(2).tool(READ_FILE, folder).sign().await?;
        require_accepted(self.get(&delegation, &self.local.file_url("/reports/july.csv")).await?)?;
        let seen = self.get(&delegation, &self.local.file_url("/payroll/july.csv")).await;
        self.one_folder = Some(delegation);
        seen
    }

    /// The sub-agent passes the tool on to an instance, and leaves the folder out.
    pub(crate) async fn dropped_constraint(&self) -> Result<Seen, Failure> {
        let instance = DpopKey::generate();
        let above = self.one_folder.as_ref().ok_or_else(|| missing("a hop with a tool"))?;
        let hop = self.hop_below(above, &instance)?;
        require_accepted(self.exchange_below(above, &instance, hop.clone()).await?)?;
        let any_path = Tools::new([(READ_FILE.to_owned(), Arguments::Any)]).map_err(failed)?;
        let authority = Authority { tools: Some(any_path), ..hop.authority.clone() };
        self.exchange_below(above, &instance, Hop { authority, ..hop }).await
    }

    /// A hop for two uses: the third is one too many, whatever token it comes with.
    pub(crate) async fn budget_spent(&self) -> Result<Seen, Failure> {
        let delegation = self.hop()?.max_uses(USES).sign().await?;
        for _ in 0..USES {
            require_accepted(self.get(&delegation, &self.local.echo_url()).await?)?;
        }
        self.get(&delegation, &self.local.echo_url()).await
    }

    /// What the orchestrator passes on, before it is bounded.
    fn hop(&self) -> Result<DelegationBuilder, Failure> {
        let (agent, tokens) = self.tokens(&self.orchestrator)?;
        Ok(agent.delegate(tokens).to(self.worker.did()).scope(READ_SCOPE).ttl(HOP_LIFETIME))
    }

    /// The sub-agent calls as any program would, each time with a new token for what it was given.
    async fn get(&self, delegation: &Delegation, url: &str) -> Result<Seen, Failure> {
        let delegated = self.local.agent(self.worker.clone())?.with_delegation(delegation.bundle().clone());
        let http = delegated.map_err(ClientError::from)?.exchange().build()?;
        answer(http.get(url).send().await.map_err(ClientError::from)?).await
    }

    /// A second hop with all that the first gives, from the sub-agent to an instance.
    fn hop_below(&self, above: &Delegation, instance: &DpopKey) -> Result<Hop, Failure> {
        let (_, first) = above.bundle().expose().split_once(',').ok_or_else(|| missing("a hop"))?;
        let first = UnverifiedHop::parse(first).map_err(failed)?;
        Ok(Hop {
            delegator: self.worker.did().text(),
            delegate: instance.did().clone(),
            hop_id: random_id("hop_", &mut OsRandom).into(),
            depth: 2,
            is_instance: true,
            parent: first.name(),
            ..first.unverified_hop().clone()
        })
    }

    /// What the registry says to the instance about the hop it was given.
    async fn exchange_below(&self, above: &Delegation, instance: &DpopKey, hop: Hop) -> Result<Seen, Failure> {
        let (root, first) = above.bundle().expose().split_once(',').ok_or_else(|| missing("a hop"))?;
        let hop = hop.sign(&signing(&self.worker)?).map_err(failed)?;
        self.by_hand(instance).send(&Message::exchange(instance.did(), root, Some(first), &hop)).await
    }
}

/// What comes before a refusal has to be accepted, or the refusal would say nothing.
fn require_accepted(seen: Seen) -> Result<(), Failure> {
    match seen.reason {
        None => Ok(()),
        Some(reason) => Err(missing(&format!("an accepted request, and it was refused: {reason}"))),
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}
