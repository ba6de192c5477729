//! What a verification found, and how it is told to people.

use std::fmt;

use alloy::primitives::B256;

use super::scan::Scan;
use crate::domain::{
    ids::UserId,
    licence_event::{Evidence, Position},
    operation::Operation,
    taxonomy::Word,
    verdict::Verdict,
};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The chain recorded another answer than the rule gives.
    WrongVerdict {
        /// Where.
        evidence: Evidence,
        /// Recorded.
        recorded: Verdict,
        /// What the rule gives.
        owed: Verdict,
    },
    /// The registry's events contradict each other.
    BrokenRegister {
        /// Where.
        position: Position,
        /// How.
        reason: String,
    },
    /// The response says something that the chain does not hold.
    NotOnChain {
        /// What.
        entry: String,
    },
    /// The response says something otherwise than the chain does.
    Differs {
        /// Where on chain.
        position: Position,
        /// Which label.
        field: &'static str,
    },
    /// The chain holds a decision that the response leaves out.
    Missing {
        /// Where on chain.
        position: Position,
        /// The item.
        item: String,
        /// The operation.
        operation: Operation,
    },
    /// The response says one decision twice.
    SaidTwice {
        /// Where on chain.
        position: Position,
    },
    /// The response tells a decision about another End User's item, another period or another operation.
    OutOfScope {
        /// Where on chain.
        position: Position,
    },
    /// The response does not say how far it is complete.
    NoReach,
    /// The response is complete to a block that this chain does not have.
    UnknownBlock {
        /// Its number.
        number: u64,
        /// Its hash as the response gives it.
        hash: B256,
    },
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whose items.
    pub end_user: UserId,
    /// Number and hash of the newest block read.
    pub block: (u64, B256),
    /// Events read.
    pub events: usize,
    /// Recorded answers judged again, of all users.
    pub judged: usize,
    /// Decisions about this End User's items in the period.
    pub decisions: usize,
    /// Those among them that were refusals.
    pub denials: usize,
    /// Decisions in the response that stand on chain; `None` without a response.
    pub said: Option<usize>,
    /// Block up to which the response vouches for itself.
    pub complete_to: Option<u64>,
    /// Non-conformities that the response itself reports.
    pub non_conformities: usize,
    /// Decisions and acts that the response tells of an earlier chain; no node can be asked for them.
    pub earlier: usize,
    /// Every training on this End User's data that was asked for in the period, as the chain recorded it.
    pub trainings: Vec<Training>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// A question whether an item may be trained on, and its recorded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Training {
    /// The item, by name where the response names it.
    pub item: String,
    /// What was recorded.
    pub verdict: Verdict,
    /// Where.
    pub evidence: Evidence,
    /// The round, as the response says: the chain does not know of rounds.
    pub round: Option<String>,
}

impl VerifyReport {
    pub(super) fn of(scan: &Scan, end_user: UserId) -> Self {
        Self {
            end_user,
            block: (scan.last.number, scan.last.hash),
            events: scan.events,
            judged: scan.answers.len(),
            decisions: 0,
            denials: 0,
            said: None,
            complete_to: None,
            non_conformities: 0,
            earlier: 0,
            trainings: Vec::new(),
            findings: scan.broken.clone(),
        }
    }

    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

fn place(position: &Position) -> String {
    format!("block {}, log {}", position.block, position.log_index)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongVerdict { evidence, recorded, owed } => write!(
                f,
                "{}: the chain recorded {recorded:?} where the rule gives {owed:?}",
                place(&evidence.position)
            ),
            Self::BrokenRegister { position, reason } => write!(f, "{}: {reason}", place(position)),
            Self::NotOnChain { entry } => write!(f, "the response tells of {entry}, which is not on chain"),
            Self::Differs { position, field } => {
                write!(f, "{}: the response gives another {field} than the chain", place(position))
            }
            Self::Missing { position, item, operation } => {
                write!(f, "{}: the response leaves out {operation} of {item}", place(position))
            }
            Self::SaidTwice { position } => write!(f, "{}: the response tells this decision twice", place(position)),
            Self::OutOfScope { position } => {
                write!(f, "{}: the response tells this decision, which was not asked for", place(position))
            }
            Self::NoReach => f.write_str("the response does not say up to which block it is complete"),
            Self::UnknownBlock { number, hash } => {
                write!(f, "the response is complete to block {number} ({hash}), which this chain does not have")
            }
        }
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = self.round.as_deref().unwrap_or("no round named");
        let reasons: Vec<&str> = self.verdict.reasons().map(Word::word).collect();
        let answer =
            if reasons.is_empty() { "permitted".to_owned() } else { format!("refused: {}", reasons.join(", ")) };
        write!(f, "{} in {round}: {answer}, {}", self.item, place(&self.evidence.position))
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "End User   {}", self.end_user)?;
        writeln!(f, "Read       {} events up to block {} ({})", self.events, self.block.0, self.block.1)?;
        writeln!(f, "Judged     {} recorded answers again", self.judged)?;
        writeln!(f, "Decisions  {} about this End User's data, {} of them refusals", self.decisions, self.denials)?;
        if let Some(said) = self.said {
            let reach = self.complete_to.map_or_else(String::new, |block| format!(", complete to block {block}"));
            writeln!(f, "Response   {said} decisions found on chain{reach}")?;
            writeln!(f, "           {} non-conformities that it reports itself", self.non_conformities)?;
        }
        if self.earlier > 0 {
            writeln!(f, "Earlier    {} told of a chain that is gone; nothing here can check them", self.earlier)?;
        }
        for training in &self.trainings {
            writeln!(f, "Training   {training}")?;
        }
        for finding in &self.findings {
            writeln!(f, "WRONG      {finding}")?;
        }
        match self.findings.len() {
            0 => write!(f, "Everything agrees with the chain."),
            1 => write!(f, "1 thing does not agree with the chain."),
            count => write!(f, "{count} things do not agree with the chain."),
        }
    }
}
