//! **Checking the Back End from outside**: everything an audit says, recomputed from any node of the chain, without the
//! Back End, its database or its word.
//!
//! ```text
//! all events of the registry ─▶ register rebuilt ─▶ every recorded answer judged again at its block's time
//!                                                └▶ decisions about this End User's items ─ compared ─ Audit Response
//! ```
//!
//! What remains to be trusted: the node (ask another, or your own), and that the registry at the address is the one whose
//! code you read. What cannot be seen from the chain: whether a permitted operation was carried out. So `executed` and
//! `permitted` count as the same here, and the non-conformities of a response are repeated, not confirmed; as is what it tells of a
//! chain that was reset.

mod acts;
mod compare;
mod report;
mod scan;

pub use report::{Finding, Training, VerifyReport};

use alloy::primitives::B256;

use crate::{
    chain::{ChainError, node::Node},
    domain::{
        ids::{AihDataId, UserId},
        licence_event::{Confirmation, Evidence},
        operation::{Operation, Operations},
        taxonomy::UserClass,
        verdict::Verdict,
    },
    schema::wire::{AuditResponse, Processing},
};

/// What is to be checked.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Whose items.
    pub end_user: UserId,
    /// Period of the audit in seconds since 1970, half-open; `None` for all time.
    pub period: Option<(u64, u64)>,
    /// Operations of the audit; `None` for all.
    pub operations: Option<Operations>,
    /// What the Back End answered, when that is to be checked as well.
    pub response: Option<AuditResponse>,
    /// Block in which the register begins; 0 when it is not known.
    pub first_block: u64,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain moved while it was read.
    #[error("the chain moved while it was read; try again")]
    Moved,
    /// The account is of another chain.
    #[error("the account is of chain {found}, the node serves chain {expected}")]
    OtherChain {
        /// The node's.
        expected: u64,
        /// The account's.
        found: u64,
    },
}

/// A recorded answer, judged again.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// As recorded.
    pub confirmation: Confirmation,
    /// Where.
    pub evidence: Evidence,
    /// The requester's class then.
    pub class: Option<UserClass>,
    /// What the rule gives.
    pub owed: Verdict,
}

impl Judged {
    fn item(&self) -> B256 {
        self.confirmation.aih_data
    }
}

/// Reads the register from a node, judges every recorded answer again, and compares an Audit Response with it.
///
/// # Errors
/// When the node does not answer or moves meanwhile. What is wrong with the register or the response is no error but in
/// the report.
pub async fn verify(node: &Node, asked: &Verification) -> Result<VerifyReport, VerifyError> {
    if asked.end_user.chain_id() != node.chain_id() {
        return Err(VerifyError::OtherChain { expected: node.chain_id(), found: asked.end_user.chain_id() });
    }
    let scan = scan::scan(node, asked.first_block).await?;
    let mut report = VerifyReport::of(&scan, asked.end_user);
    for judged in &scan.answers {
        if judged.owed != judged.confirmation.verdict {
            report.findings.push(Finding::WrongVerdict {
                evidence: judged.evidence,
                recorded: judged.confirmation.verdict,
                owed: judged.owed,
            });
        }
    }
    let own: Vec<&Judged> = scan.answers.iter().filter(|judged| is_own(&scan, asked, judged)).collect();
    report.decisions = own.len();
    report.denials = own.iter().filter(|judged| !judged.confirmation.verdict.is_permitted()).count();
    report.trainings = trainings(&own, asked.response.as_ref());
    if let Some(response) = &asked.response {
        let reaches = compare::compare(node, &scan, &own, response, &mut report).await?;
        acts::compare(node, (&scan, asked), (response, reaches), &mut report);
    }
    Ok(report)
}

fn is_own(scan: &scan::Scan, asked: &Verification, judged: &Judged) -> bool {
    let time = judged.evidence.block_time;
    scan.register.end_user_of(judged.item()) == Some(asked.end_user.address())
        && asked.period.is_none_or(|(from, until)| (from..until).contains(&time))
        && asked.operations.is_none_or(|operations| operations.contains(judged.confirmation.operation))
}

/// The trainings among the answers, with the names and rounds that the response gives them.
fn trainings(own: &[&Judged], response: Option<&AuditResponse>) -> Vec<Training> {
    let told: Vec<&Processing> =
        response.into_iter().flat_map(|r| &r.aih_data).flat_map(|i| &i.processing_types).collect();
    let names: Vec<AihDataId> = told.iter().map(|entry| entry.aih_data_id).collect();
    let asked = own.iter().filter(|judged| judged.confirmation.operation == Operation::FederatedLearning);
    asked
        .map(|judged| {
            let id = judged.confirmation.confirm_id;
            let entry = told.iter().find(|entry| entry.licence_confirm_id.is_some_and(|told| told.into_bytes() == id));
            Training {
                item: named(judged.item(), &names),
                verdict: judged.confirmation.verdict,
                evidence: judged.evidence,
                round: entry.and_then(|entry| entry.federated_learn_id).map(|round| round.to_string()),
            }
        })
        .collect()
}

/// An item by its hash: named when the response names it.
fn named(item: B256, names: &[AihDataId]) -> String {
    names.iter().find(|name| name.hash() == item).map_or_else(|| item.to_string(), ToString::to_string)
}
