//! Why a request came to nothing.

use reqwest::StatusCode;
use serde_json::Value;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The Back End answered with a problem document.
    #[error("{status}: {}", problem.get("detail").or(problem.get("title")).and_then(Value::as_str).unwrap_or("no reason given"))]
    Problem {
        /// HTTP status.
        status: StatusCode,
        /// The document.
        problem: Value,
    },
    /// No answer.
    #[error("the Back End does not answer")]
    Http(#[from] reqwest::Error),
    /// An answer that is not what the standard says.
    #[error("the Back End's answer lacks {0}")]
    Lacks(&'static str),
    /// A file.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Key(#[from] alloy::signers::Error),
}

impl ClientError {
    /// The reasons of a refusal by the licence, in words; empty for other problems.
    pub fn reasons(&self) -> Vec<String> {
        let Self::Problem { problem, .. } = self else { return Vec::new() };
        let reasons = problem.get("reasons").and_then(Value::as_array).into_iter().flatten();
        reasons.filter_map(|reason| reason.get("explanation")?.as_str().map(str::to_owned)).collect()
    }

    /// The problem document.
    pub fn problem(&self) -> Option<&Value> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }
}
