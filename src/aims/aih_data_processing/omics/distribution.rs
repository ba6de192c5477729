//! Summary of many measured values: number, mean, median, extremes.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts of whole values, so that a genome's depths take little memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<u32, u64>);

/// What a tally says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Summary {
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// The lower of the two middle values where their number is even.
    pub median: u32,
    /// Smallest.
    pub minimum: u32,
    /// Largest.
    pub maximum: u32,
}

impl Tally {
    pub(super) fn add(&mut self, value: u32) {
        *self.0.entry(value).or_default() += 1;
    }

    /// `None` where no value was added.
    pub(super) fn summary(&self) -> Option<Summary> {
        let count = self.0.values().sum::<u64>();
        let (minimum, maximum) = (*self.0.keys().next()?, *self.0.keys().next_back()?);
        let sum = self.0.iter().map(|(value, times)| f64::from(*value) * *times as f64).sum::<f64>();
        let mut seen = 0;
        let middle = self.0.iter().find(|(_, times)| {
            seen += **times;
            seen * 2 >= count
        });
        Some(Summary { count, mean: sum / count as f64, median: *middle?.0, minimum, maximum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_worked_by_hand() {
        let mut tally = Tally::default();
        assert_eq!(tally.summary(), None);
        [10, 30, 20, 40].into_iter().for_each(|v| tally.add(v));
        let expected = Summary { count: 4, mean: 25.0, median: 20, minimum: 10, maximum: 40 };
        assert_eq!(tally.summary(), Some(expected));
        tally.add(40);
        assert_eq!(tally.summary().map(|s| s.median), Some(30));
    }
}
