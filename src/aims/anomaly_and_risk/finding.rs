//! What was found, before it becomes a message.

use crate::{domain::taxonomy::AnomalyType, schema::wire::Risk};

/// Something found in an item by one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Rule and its version, `<RuleID>@<version>`.
    pub rule: String,
    /// Type of the anomaly; `None` for what is about the rules and not about the data.
    pub anomaly: Option<AnomalyType>,
    /// Colour.
    pub risk: Risk,
    /// In words, with the values it rests on.
    pub text: String,
    /// Name of what was measured, or code.
    pub subject: String,
    /// From and to, in seconds since the start of the recording.
    pub span: Option<(f64, f64)>,
    /// Strength in the unit of the method.
    pub score: Option<f64>,
}

impl Finding {
    /// How long it lasts, in seconds.
    pub fn seconds(&self) -> f64 {
        self.span.map_or(0.0, |(from, to)| to - from)
    }

    /// What makes two findings in one item the same: rule, subject and place, to the millisecond; without a place, the
    /// value. The data does not change, so whoever judges it again with the same rules finds the same.
    pub fn key(&self) -> String {
        let milliseconds = |seconds: f64| (seconds * 1e3).round();
        let place = match (self.span, self.score) {
            (Some((from, to)), _) => format!("{}-{}", milliseconds(from), milliseconds(to)),
            (None, Some(value)) => format!("={value}"),
            (None, None) => String::new(),
        };
        format!("{}|{}|{place}", self.rule, self.subject)
    }
}

/// Whether a finding of this colour is told to somebody, and not only kept with the data.
pub fn is_alerting(risk: Risk) -> bool {
    match risk {
        Risk::Red | Risk::Orange | Risk::Yellow => true,
        Risk::Green | Risk::Blue => false,
    }
}
