//! The whole matrix against the prediction, cell by cell.

use std::collections::BTreeSet;

use super::cells::{Cell, Presenter, Who};
use super::site::Site;
use super::world::World;
use crate::bench::claims_of;
use crate::status_lists::reference;
use handfast_verifier::status_list::EntryStatus;

/// Most differences that are printed one by one.
const SHOWN: usize = 30;

/// Cells that were found dead, and have to stay so.
#[derive(Default)]
pub(super) struct Graves(BTreeSet<Cell>);

/// Where a matrix is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The server that was there all the time.
    Following,
    /// One that started after all of it: it has what the registry still tells.
    Late,
}

impl World {
    /// The server that follows hears what is new.
    pub(super) async fn hear(&mut self) {
        self.site.hear(&self.scene.bench).await;
    }

    /// Presents every cell to the server that follows, once it has heard of it, and compares.
    pub(super) async fn compare(&mut self, graves: &mut Graves, step: &str) -> usize {
        self.hear().await;
        self.compare_lists(step).await;
        self.compare_at(&self.site, At::Following, graves, step).await
    }

    /// The same at a server that starts now.
    pub(super) async fn compare_late(&self, graves: &mut Graves, step: &str) -> usize {
        let late = Site::start(self.bench()).await;
        self.compare_at(&late, At::Late, graves, step).await
    }

    /// The lists speak against what is predicted to be dead and against nothing else, as far as they can: they name no single token and
    /// no key of the issuer's, and nothing that has expired.
    async fn compare_lists(&self, step: &str) {
        let now = self.bench().now();
        let list = self.bench().status_list(&format!("{}/status-lists/0", self.bench().issuer)).await;
        let mut differing = Vec::new();
        for (cell, presented) in self.cells() {
            if matches!(cell.presenter, Presenter::Offline | Presenter::OfflineBelow) {
                continue;
            }
            let expires_at = claims_of(&presented.token)["exp"].as_u64().unwrap();
            let expected = self.stopped.predict(cell, expires_at, now);
            let (_, index) = reference(&presented.token);
            let found = list.status(index).unwrap();
            let is_right = match expected {
                None => found == EntryStatus::Valid,
                Some("token_expired" | "token_revoked" | "issuer_key_revoked" | "chain_expired") => true,
                Some("agent_revoked") => matches!(found, EntryStatus::Invalid | EntryStatus::Suspended),
                Some(_) => found == EntryStatus::Invalid,
            };
            if !is_right {
                differing.push(format!("{}: {expected:?}, found {found:?}", shown(cell)));
            }
        }
        let count = differing.len();
        differing.truncate(SHOWN);
        assert!(count == 0, "{step}: {count} places differ\n  {}", differing.join("\n  "));
    }

    /// How many cells are dead.
    async fn compare_at(&self, site: &Site, at: At, graves: &mut Graves, step: &str) -> usize {
        let now = self.bench().now();
        let (mut differing, mut dead) = (Vec::new(), 0);
        for (cell, presented) in self.cells() {
            let expires_at = claims_of(&presented.token)["exp"].as_u64().unwrap();
            let expected = match self.stopped.predict(cell, expires_at, now) {
                // it has never seen the key that is not published any more
                Some("issuer_key_revoked") if at == At::Late => Some("token_key_unknown"),
                other => other,
            };
            let found = site.refusal(&presented, self.bench().clock.now()).await;
            dead += usize::from(found.is_some());
            let is_back = found.is_none() && graves.0.contains(&cell);
            if found.is_some() {
                graves.0.insert(cell);
            }
            if found.as_deref() != expected || is_back {
                let mark = if is_back { "CAME BACK " } else { "" };
                let (expected, found) = (expected.unwrap_or("taken"), found.as_deref().unwrap_or("taken"));
                differing.push(format!("{mark}{}: expected {expected}, found {found}", shown(cell)));
            }
        }
        let count = differing.len();
        differing.truncate(SHOWN);
        assert!(count == 0, "{step}, {at:?}: {count} cells differ\n  {}", differing.join("\n  "));
        dead
    }

    /// Has the registry exchange every chain again, which it does with those alone that are alive.
    pub(super) async fn compare_exchanges(&self, step: &str) {
        let now = self.bench().now();
        let mut differing = Vec::new();
        for (cell, presented) in self.cells() {
            let hops = match cell.presenter {
                Presenter::Exchanged | Presenter::ExchangedBelow => presented.evidence.unwrap(),
                _ => continue,
            };
            let (root, hops) = hops.split_once(',').unwrap();
            let hops: Vec<_> = hops.split(',').collect();
            let expires_at = claims_of(root)["exp"].as_u64().unwrap();
            let expected = self.stopped.is_exchanged(cell, expires_at, now);
            let answer = self.scene.exchange(&presented.by, root, &hops).await;
            if (answer.status == 200) != expected {
                differing.push(format!("{}: expected {expected}, found {answer:?}", shown(cell)));
            }
            assert!(answer.status < 500, "{answer:?}");
        }
        let count = differing.len();
        differing.truncate(SHOWN);
        assert!(count == 0, "{step}: {count} exchanges differ\n  {}", differing.join("\n  "));
    }
}

fn shown(cell: Cell) -> String {
    let Cell { owner, task, born, presenter } = cell;
    format!("owner {owner} {:?} task {} making {born} {presenter:?}", Who::Agent(task.agent), task.number)
}
