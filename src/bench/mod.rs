//! Measuring: the gate, and the aggregation of models ([`aggregation()`]: `hbe bench aggregation`, `benches/aggregation.rs`).
//!
//! The gate is measured on a devnet of its own: `hbe bench confirm`, and `cargo bench` through `benches/confirm.rs`.
//! For 1, 8, 64 and 512 requesters who each ask again as soon as they are answered, three ways in the same run:
//!
//! | Way | What it is |
//! | --- | --- |
//! | gate | [`Licensing::confirm`](crate::licensing::Licensing::confirm): group commit, durable ledger, a permit each |
//! | singly | one transaction per confirm by the same key: nonce, signature, send, receipt, event; no ledger |
//! | ceiling | the gate's own batches signed beforehand and fired at the node, the answers not even read |
//!
//! and for a lone requester, taking turns, a bare transaction. A confirm counts when its event was read back from the
//! chain afterwards and says what the requester was told.
//!
//! | File | What |
//! | --- | --- |
//! | [`site`] | devnet, contracts, licences, gate |
//! | [`load`] | requesters and their clocks |
//! | [`ways`] | the three ways, and the bare transaction |
//! | [`proof`] | reading the events back |
//! | [`breakdown`] | where the time of one batch goes |
//! | [`report`] | figures, goals, and how they print |
//! | [`mod@aggregation`] | every rule of aggregation over models that do not fit in memory |

mod aggregation;
mod breakdown;
mod load;
mod proof;
mod report;
mod site;
mod ways;

use std::{path::PathBuf, time::Duration};

pub use aggregation::{Aggregations, Size, Taken, aggregation};
pub use breakdown::Breakdown;
pub use report::{Alone, Figures, Goal, Report, Row};
use site::Site;

use crate::{
    aims::federated_learning::aggregation::AggregationError,
    chain::{ChainError, deploy::DeployError},
    db::DbError,
    licensing::{LicensingError, ledger::LedgerError},
    mpai_store::models::ModelError,
    startup::devnet::DevnetError,
};

/// Numbers of requesters at once.
const REQUESTERS: [usize; 4] = [1, 8, 64, 512];
/// Sizes of batches taken apart.
const BATCHES: [usize; 3] = [1, 64, 512];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The anvil binary.
    pub anvil: PathBuf,
    /// Seconds each cell is measured for.
    pub cell: Duration,
}

impl Options {
    /// Cells of eight seconds, or of two when it should be quick.
    pub fn new(anvil: PathBuf, quick: bool) -> Self {
        Self { anvil, cell: Duration::from_secs(if quick { 2 } else { 8 }) }
    }
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The devnet.
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    /// The contracts.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The gate.
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    /// The rules.
    #[error(transparent)]
    Aggregation(#[from] AggregationError),
    /// A model file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file.
    #[error("a file cannot be read or written")]
    File(#[from] std::io::Error),
    /// A folder for it all.
    #[error("no temporary folder")]
    Folder(#[source] std::io::Error),
    /// A confirm that was counted is not on the chain as it was told.
    #[error("a confirm was answered but is not recorded so: {0}")]
    NotRecorded(String),
}

/// Measures Licence Confirm.
///
/// # Errors
/// When the devnet does not come up, a confirm fails, or one that was answered is not recorded.
pub async fn confirm(options: &Options) -> Result<Report, BenchError> {
    let site = Site::start(options).await?;
    let alone = ways::alone(&site, options.cell).await?;
    let mut rows = Vec::new();
    for requesters in REQUESTERS {
        let (gate, batches) = ways::gate(&site, requesters, options.cell).await?;
        let singly = ways::singly(&site, requesters, options.cell).await?;
        let ceiling = ways::ceiling(&site, &batches, options.cell).await?;
        rows.push(Row { requesters, gate, singly, ceiling });
    }
    let mut breakdown = Vec::new();
    for batch in BATCHES {
        breakdown.push(breakdown::measure(&site, batch).await?);
    }
    site.stop().await;
    Ok(Report { alone, rows, breakdown })
}
