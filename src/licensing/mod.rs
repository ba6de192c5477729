//! The gate: Model Licences become contracts here, and nothing touches data without passing here first.
//!
//! ```text
//! Model Licence ──compile──▶ Offer ──issue──▶ licence on chain ─────▶ Permit to store
//! request ─────────────────────────confirm──▶ recorded yes ─────────▶ Permit ──spend──▶ Warrant ──▶ a SubAIM
//!                                        └──▶ recorded no  ─────────▶ Denial, with every failing term
//! result ──────────────────────────derive───▶ licence of the result ▶ Permit to store
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`terms`] | Model Licence to terms, pure and total |
//! | [`permit`] | proof of a recorded yes |
//! | [`vigil`] | the doubts under which nothing is permitted |
//! | [`queue`] (`clerk`, `batch`) | one operator key, group commit |
//! | [`settle`] | how a transaction ended that was not mined in time |
//! | [`ledger`] | where transactions are made durable |
//! | [`past`] | where the acts on an item stand on chain |
//! | [`read`] | what stands on chain about a licence, and what an End User would sign |
//! | [`confirm`] [`issue`] (and change) [`derive`] [`revoke`] | the five acts |

pub mod batch;
mod clerk;
pub mod confirm;
pub mod derive;
mod error;
pub mod issue;
pub mod ledger;
pub mod past;
pub mod permit;
pub mod queue;
pub mod read;
pub mod revoke;
pub mod settle;
pub mod terms;
pub mod vigil;

use std::time::Duration;

use alloy::primitives::Bytes;

pub use crate::chain::{ChainError, Refusal};
pub use error::LicensingError;

use crate::{chain::node::Node, clock::Clock, db::Database, domain::ids::UserId};

/// The gate of one Back End. Copies share the queue.
#[derive(Debug, Clone)]
pub struct Licensing {
    node: Node,
    queue: queue::Queue,
    vigil: vigil::Vigil,
    clock: Clock,
    /// The copy of the register, to say where a past act stands.
    copy: Option<Database>,
}

/// How long an act may wait for the chain before it is refused.
pub const ACT_TIME: Duration = Duration::from_secs(20);

impl Licensing {
    /// A gate on a registry, with the queue that writes to it and the watch that doubts it.
    pub fn new(node: Node, queue: queue::Queue, vigil: vigil::Vigil, clock: Clock) -> Self {
        Self { node, queue, vigil, clock, copy: None }
    }

    /// The same, which looks up past acts in the copy of the register first. Without one the whole chain is searched.
    #[must_use]
    pub fn remembering(self, copy: Database) -> Self {
        Self { copy: Some(copy), ..self }
    }

    /// Reading the chain.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Signs a text with this instance's operator key (EIP-191): the account, and its signature.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn attest(&self, text: &[u8]) -> Result<(UserId, Bytes), LicensingError> {
        let attestor = self.queue.attestor();
        Ok((UserId::new(self.node.chain_id(), attestor.address()), attestor.sign(text)?))
    }

    /// The doubts of now.
    pub fn vigil(&self) -> &vigil::Vigil {
        &self.vigil
    }
}
