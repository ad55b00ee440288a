//! Settings that go together, under one name.

use handfast_dpop::ProofWindow;

/// What kind of clients a resource serves. It decides how old their proofs may be; each setting after it decides for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Clients of HTTP APIs: proofs of 60 s past and 30 s future. The default.
    #[default]
    Web,
    /// Clients of the Model Context Protocol: 300 s past and 60 s future. Sessions are long, messages wait in queues of hosts, and
    /// hosts run on people's machines, whose clocks are worse than a server's. Proofs are remembered for so much longer, and nonces
    /// demanded for so much longer after a start.
    Mcp,
}

impl Profile {
    /// How old proofs may be.
    #[must_use]
    pub const fn window(self) -> ProofWindow {
        match self {
            Self::Web => ProofWindow::web(),
            Self::Mcp => ProofWindow::mcp(),
        }
    }
}
