//! How well detected beats match a reference.
//!
//! Each reference beat is matched with at most one detected beat and the other way round, within a tolerance
//! (150 ms in ANSI/AAMI EC57). Both lists are sorted, and always pairing the earliest that fit gives the
//! largest number of pairs.

use serde::Serialize;

/// Tolerance of ANSI/AAMI EC57, in seconds.
pub const TOLERANCE_S: f64 = 0.15;

/// Counts of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BeatScore {
    /// Beats in both lists.
    pub true_positives: usize,
    /// Detected beats that are not in the reference.
    pub false_positives: usize,
    /// Reference beats that were not detected.
    pub false_negatives: usize,
}

impl BeatScore {
    /// Compares two ascending lists of times in seconds.
    #[must_use]
    pub fn of(reference_s: &[f64], detected_s: &[f64], tolerance_s: f64) -> Self {
        let (mut r, mut d, mut matched) = (0, 0, 0);
        while let (Some(reference), Some(detected)) = (reference_s.get(r), detected_s.get(d)) {
            if (reference - detected).abs() <= tolerance_s {
                (r, d, matched) = (r + 1, d + 1, matched + 1);
            } else if reference < detected {
                r += 1;
            } else {
                d += 1;
            }
        }
        Self {
            true_positives: matched,
            false_positives: detected_s.len() - matched,
            false_negatives: reference_s.len() - matched,
        }
    }

    /// Share of the reference that was found (Se); 1 for an empty reference.
    #[must_use]
    pub fn sensitivity(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Share of the detected beats that are right (+P); 1 when nothing was detected.
    #[must_use]
    pub fn positive_predictivity(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Harmonic mean of both.
    #[must_use]
    pub fn f1(&self) -> f64 {
        ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beat_matches_once() {
        let score = BeatScore::of(&[1.0, 2.0, 3.0], &[0.9, 1.1, 2.15, 5.0], 0.1501);
        assert_eq!(score, BeatScore { true_positives: 2, false_positives: 2, false_negatives: 1 });
        assert!((score.sensitivity() - 2.0 / 3.0).abs() < 1e-12);
        assert!((score.positive_predictivity() - 0.5).abs() < 1e-12);
        assert!((score.f1() - 4.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn empty_lists_are_scored() {
        assert_eq!(BeatScore::of(&[], &[], 0.15).f1(), 1.0);
        assert_eq!(BeatScore::of(&[1.0], &[], 0.15).f1(), 0.0);
        assert_eq!(BeatScore::of(&[], &[1.0], 0.15).f1(), 0.0);
    }
}
