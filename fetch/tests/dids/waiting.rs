//! What only tests that wait ask of the host.

use super::host::Host;

impl Host {
    /// What was asked, in order.
    pub(super) fn paths(&self) -> Vec<String> {
        self.0.seen.lock().unwrap().paths.clone()
    }

    /// Waits until it was asked so often.
    pub(super) async fn reached(&self, times: usize) {
        self.0.reached.subscribe().wait_for(|reached| *reached >= times).await.unwrap();
    }

    /// Answers all who are held, now and later.
    pub(super) fn let_go(&self) {
        self.0.gate.add_permits(1000);
    }
}
