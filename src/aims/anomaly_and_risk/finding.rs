//! What was found, before it becomes a message.

use time::{Duration, OffsetDateTime};

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

/// When things were observed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// What times in the data count from, where the data says it.
    pub start: Option<OffsetDateTime>,
    /// The item's own time, from which age is counted.
    pub item: Option<OffsetDateTime>,
}

impl Times {
    /// The moment so many seconds from the start, where the data says when that was.
    pub fn at(&self, seconds: f64) -> Option<OffsetDateTime> {
        // Seconds of an age of the world would not fit.
        self.start?.checked_add(Duration::checked_seconds_f64(seconds)?)
    }

    /// Whether something is older than so many days. Not known to be old is not old.
    pub fn is_history(&self, since: Option<OffsetDateTime>, days: u32) -> bool {
        since.zip(self.item).is_some_and(|(since, item)| item - since > Duration::days(i64::from(days)))
    }
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
