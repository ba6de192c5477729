//! What must hold for a rule to find something, and the bands of values that give it a colour.

use serde::Deserialize;

use crate::schema::wire::Risk;

/// What must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "Kind", deny_unknown_fields, rename_all_fields = "PascalCase")]
pub enum Condition {
    /// A single measurement lies in a band.
    Limits {
        /// From the gravest to the mildest.
        bands: Vec<Band>,
        /// Days before the data's own time after which it is history, and Green; never, where it is left out.
        #[serde(default)]
        recent_days: Option<u32>,
    },
    /// Successive values of a series lie in a band, so many of them or for so long.
    Held {
        /// From the gravest to the mildest.
        bands: Vec<HeldBand>,
        /// A longer gap than this, in seconds, ends what lasts for a time: nobody knows what was between.
        #[serde(default = "usual_gap")]
        longest_gap_seconds: f64,
    },
    /// A value of a series far from all others.
    RobustZ {
        /// Fewest values the usual is taken from.
        least_values: usize,
        /// Shortest time it must last, in seconds.
        #[serde(default)]
        least_seconds: f64,
        /// By the size of the modified z-score.
        bands: Vec<Band>,
    },
    /// A value of a series far from those around it.
    Hampel {
        /// Values on each side.
        half_window: usize,
        /// By the size of the modified z-score within the window.
        bands: Vec<Band>,
    },
    /// A value of a series far from the others in the same circumstances.
    ContextualZ {
        /// Fewest values in the same circumstances.
        least_values: usize,
        /// By the size of the modified z-score.
        bands: Vec<Band>,
    },
    /// The level of a series has moved (CUSUM).
    Shift {
        /// Length of the blocks whose medians are summed, in seconds.
        block_seconds: f64,
        /// Blocks at the start that say what is usual.
        reference_blocks: usize,
        /// Deviations that are not summed (k).
        slack: f64,
        /// Sum at which the level has moved (h).
        decision: f64,
        /// Smallest move that counts, in the unit of the series.
        least_change: f64,
        /// Colour.
        risk: Risk,
    },
    /// Successive values far below what was usual before.
    Decline(Decline),
    /// A code stands in the record.
    Coded {
        /// Code systems, as FHIR writes them.
        systems: Vec<String>,
        /// The codes; one that ends in `*` stands for all that begin so.
        codes: Vec<String>,
        /// Colour.
        risk: Risk,
        /// Days before the data's own time after which it is history, and Green.
        recent_days: u32,
    },
}

fn usual_gap() -> f64 {
    120.0
}

/// How a fall below what was usual is looked for: the reference are the values before it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Decline {
    /// Most values of the reference, the newest.
    pub reference_values: usize,
    /// Fewest values of the reference.
    pub least_reference: usize,
    /// Below this share of the reference's median.
    pub share: f64,
    /// More than so many robust deviations below it.
    pub deviations: f64,
    /// A reference that hardly varies counts as varying by this share of its median.
    pub least_spread: f64,
    /// Fewest successive values.
    pub values: usize,
    /// Colour.
    pub risk: Risk,
}

/// A range of values and its colour. All limits given must hold.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Band {
    /// Colour.
    pub risk: Risk,
    /// Value > limit.
    pub above: Option<f64>,
    /// Value ≥ limit.
    pub at_least: Option<f64>,
    /// Value < limit.
    pub below: Option<f64>,
    /// Value ≤ limit.
    pub at_most: Option<f64>,
}

/// A band, and how long values must stay in it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct HeldBand {
    /// Range and colour.
    pub band: Band,
    /// Fewest successive values.
    #[serde(default)]
    pub values: usize,
    /// Shortest time from the first to the last of them, in seconds.
    #[serde(default)]
    pub seconds: f64,
}

impl Band {
    /// Whether a value lies in it.
    pub fn holds(&self, value: f64) -> bool {
        self.above.is_none_or(|limit| value > limit)
            && self.at_least.is_none_or(|limit| value >= limit)
            && self.below.is_none_or(|limit| value < limit)
            && self.at_most.is_none_or(|limit| value <= limit)
    }

    pub(super) fn is_bounded(&self) -> bool {
        [self.above, self.at_least, self.below, self.at_most].iter().any(Option::is_some)
    }
}
