//! Checking audits: the Front End reads the chain itself, through any node.

use serde_json::Value;

use crate::{
    chain::{ChainError, node},
    domain::{
        ids::{BackEndId, UserId},
        operation::Operations,
    },
    schema::{self, ReadError, wire::Audit},
    verify::{Verification, VerifyError, VerifyReport, verify},
};

/// Why an audit was not checked.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The node.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The check.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The response is no valid message.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The message holds no response.
    #[error("the Audit message holds no Response")]
    NoResponse,
}

/// What is checked against the chain.
#[derive(Debug, Clone)]
pub struct Question {
    /// A node's URL.
    pub rpc: String,
    /// The Back End whose registry it is.
    pub back_end: BackEndId,
    /// Whose items.
    pub end_user: UserId,
    /// Period asked for, seconds since 1970, half-open; all time when not given.
    pub period: Option<(u64, u64)>,
    /// Operations asked for; all when not given.
    pub operations: Option<Operations>,
    /// The Audit message with the response; the chain alone when not given.
    pub response: Option<Value>,
}

/// Reads the register from the node and compares the response with it.
///
/// # Errors
/// When the node does not answer or the response is no valid message. What is wrong with either is in the report.
pub async fn check(question: Question) -> Result<VerifyReport, AuditError> {
    let response = match &question.response {
        Some(document) => {
            let audit: Audit = schema::from_value(document)?;
            Some(audit.audit.response().ok_or(AuditError::NoResponse)?)
        }
        None => None,
    };
    let node = node::witness(&question.rpc, question.back_end).await?;
    let asked = Verification {
        end_user: question.end_user,
        period: question.period,
        operations: question.operations,
        response,
        first_block: 0,
    };
    Ok(verify(&node, &asked).await?)
}
