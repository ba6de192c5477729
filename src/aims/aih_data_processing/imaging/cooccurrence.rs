//! Texture: how often grey levels lie next to each other.
//!
//! R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification", IEEE Transactions on
//! Systems, Man, and Cybernetics 3(6):610–621, 1973, as defined by the Image Biomarker Standardisation Initiative
//! (reference manual, section 3.6): neighbours at Chebyshev distance 1 in the plane, both orders counted, the four
//! directions merged into one matrix.

use serde::Serialize;

/// Features of the merged matrix of one frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Texture {
    /// Pairs of neighbours counted, each in both orders.
    pub pairs: u64,
    /// Mean squared difference of neighbouring grey levels.
    pub contrast: f64,
    /// Correlation of neighbouring grey levels; 1 when all are equal.
    pub correlation: f64,
    /// Inverse difference moment (Haralick's homogeneity).
    pub homogeneity: f64,
    /// Angular second moment.
    pub angular_second_moment: f64,
    /// Joint entropy, in bits.
    pub joint_entropy: f64,
}

/// Grey levels of a frame, row by row; 0 lies outside the region.
pub(super) struct Levels {
    pub(super) levels: Vec<u16>,
    pub(super) columns: usize,
    pub(super) greatest: usize,
}

impl Levels {
    /// The merged symmetric matrix, row by row; the first row and column, of level 0, stay empty.
    pub(super) fn matrix(&self) -> Vec<u64> {
        let side = self.greatest + 1;
        let mut matrix = vec![0_u64; side * side];
        let mut count = |a: u16, b: u16| {
            if a > 0 && b > 0 {
                for (row, column) in [(a, b), (b, a)] {
                    if let Some(entry) = matrix.get_mut(usize::from(row) * side + usize::from(column)) {
                        *entry += 1;
                    }
                }
            }
        };
        let rows: Vec<&[u16]> = self.levels.chunks(self.columns).collect();
        for (at, row) in rows.iter().enumerate() {
            row.windows(2).for_each(|pair| count(pair[0], pair[1]));
            let Some(below) = rows.get(at + 1) else { continue };
            row.iter().zip(*below).for_each(|(a, b)| count(*a, *b));
            row.iter().zip(below.iter().skip(1)).for_each(|(a, b)| count(*a, *b));
            row.iter().skip(1).zip(*below).for_each(|(a, b)| count(*a, *b));
        }
        matrix
    }

    /// The features; `None` when no two pixels of the region touch.
    pub(super) fn texture(&self) -> Option<Texture> {
        features(&self.matrix(), self.greatest + 1)
    }
}

fn features(matrix: &[u64], side: usize) -> Option<Texture> {
    let total: u64 = matrix.iter().sum();
    if total == 0 {
        return None;
    }
    let shares = || {
        let entries = matrix.iter().enumerate().filter(|(_, n)| **n > 0);
        entries.map(|(at, n)| ((at / side) as f64, (at % side) as f64, *n as f64 / total as f64))
    };
    let sum = |term: &dyn Fn(f64, f64) -> f64| shares().map(|(i, j, p)| p * term(i, j)).sum::<f64>();
    // The matrix is symmetric, so rows and columns have one mean and one variance.
    let mean = sum(&|i, _| i);
    let variance = sum(&|i, _| (i - mean).powi(2));
    let covariance = sum(&|i, j| (i - mean) * (j - mean));
    Some(Texture {
        pairs: total,
        contrast: sum(&|i, j| (i - j).powi(2)),
        correlation: if variance > 0.0 { covariance / variance } else { 1.0 },
        homogeneity: sum(&|i, j| 1.0 / (1.0 + (i - j).powi(2))),
        angular_second_moment: shares().map(|(_, _, p)| p * p).sum(),
        joint_entropy: -shares().map(|(_, _, p)| p * p.log2()).sum::<f64>(),
    })
}
