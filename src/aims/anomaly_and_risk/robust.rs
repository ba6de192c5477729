//! Robust statistics: what is usual in a series, said so that the unusual in it does not take part.
//!
//! | What | Source |
//! | --- | --- |
//! | modified z-score `0.6745 (x − median) / MAD`; beyond 3.5 an outlier | B. Iglewicz, D. C. Hoaglin, *How to Detect and Handle Outliers*, ASQC 1993 |
//! | where MAD is 0: `(x − median) / (1.253314 · mean absolute deviation)` | the same, for series in which more than half is equal |
//! | the same in a moving window (Hampel identifier) | F. R. Hampel, J. Am. Stat. Assoc. 69, 383–393, 1974; L. Davies, U. Gather, J. Am. Stat. Assoc. 88, 782–792, 1993 |

/// 0.75 quantile of the normal distribution: makes MAD a standard deviation.
const NORMAL_QUARTILE: f64 = 0.6745;
/// √(π/2): makes the mean absolute deviation one.
const NORMAL_MEAN_DEVIATION: f64 = 1.253_314;

/// Centre and spread of what is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Median.
    pub centre: f64,
    /// A robust standard deviation, above 0.
    pub deviation: f64,
}

impl Usual {
    /// Of some values; `None` when there are none, or all are equal: then nothing is unusual.
    pub fn of(values: &[f64]) -> Option<Self> {
        let centre = median(values)?;
        let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
        let absolute = median(&distances)?;
        let deviation = if absolute > 0.0 {
            absolute / NORMAL_QUARTILE
        } else {
            NORMAL_MEAN_DEVIATION * distances.iter().sum::<f64>() / distances.len() as f64
        };
        (deviation > 0.0 && deviation.is_finite()).then_some(Self { centre, deviation })
    }

    /// How many deviations a value lies from the centre, with its sign.
    pub fn score(&self, value: f64) -> f64 {
        (value - self.centre) / self.deviation
    }
}

/// The middle value, or the mean of the two middle ones.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        // A list of even length that has an upper middle has a lower one.
        _ => sorted.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_worked_by_hand() {
        // Median 5; distances 3 2 1 0 1 2 95, MAD 2; (100 − 5) · 0.6745 / 2 = 32.03875.
        let usual = Usual::of(&[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 100.0]).unwrap();
        assert_eq!(usual.centre, 5.0);
        assert!((usual.score(100.0) - 32.038_75).abs() < 1e-9);
        assert!((usual.score(2.0) + 1.011_75).abs() < 1e-9);
    }

    #[test]
    fn where_most_is_equal_the_mean_deviation_stands_in() {
        // Distances 0 0 0 0 8: MAD 0, mean 1.6; 8 / (1.253314 · 1.6).
        let usual = Usual::of(&[1.0, 1.0, 1.0, 1.0, 9.0]).unwrap();
        assert!((usual.score(9.0) - 8.0 / (1.253_314 * 1.6)).abs() < 1e-9);
        assert_eq!(Usual::of(&[1.0; 9]), None);
        assert_eq!(Usual::of(&[]), None);
    }

    #[test]
    fn medians_of_even_and_odd_lists() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
