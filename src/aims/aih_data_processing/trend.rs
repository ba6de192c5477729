//! Is there a trend? Slope after Theil and Sen, significance after Mann and Kendall.
//!
//! Both look at every pair of values and neither assumes a distribution: the slope is the median of the pairs'
//! slopes, so that a third of the values may be wrong without moving it far; the test counts how many pairs rise
//! and how many fall.
//!
//! | Step | Source |
//! | --- | --- |
//! | slope: median of (yⱼ − yᵢ) / (xⱼ − xᵢ) | P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", J. Am. Stat. Assoc. 63, 1379–1389, 1968; H. Theil, Proc. K. Ned. Akad. Wet. 53, 386–392, 1950 |
//! | S: rising minus falling pairs; variance with ties, continuity correction | H. B. Mann, Econometrica 13, 245–259, 1945; M. G. Kendall, Rank Correlation Methods, 4th ed., 1975 |
//! | exact p for ten values or fewer without ties | Kendall 1975: distribution of inversions of a random order |
//! | normal tail | G. Marsaglia, "Evaluating the normal distribution", J. Stat. Softw. 11(4), 2004 |

use serde::Serialize;

/// Fewest values a trend is stated from: below it no order of the values is significant at 5 % (both sides).
pub const MIN_VALUES: usize = 5;
/// Most values; the pairs grow with the square.
pub const MAX_VALUES: usize = 2_000;
/// Up to this many values without ties the exact distribution is used.
const EXACT_UP_TO: usize = 10;
/// Probability below which a trend counts as present, both sides.
pub const SIGNIFICANT_BELOW: f64 = 0.05;

/// Where the method is published.
pub const SOURCE: &str = "Sen 1968, doi:10.1080/01621459.1968.10480934; Mann 1945, doi:10.2307/1907187; Kendall 1975";

/// Direction of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Significant and upwards.
    Rising,
    /// Significant and downwards.
    Falling,
    /// Not significant.
    NoTrend,
}

/// A trend and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Trend {
    /// Values it rests on.
    pub value_count: usize,
    /// Theil–Sen slope: units of the value per unit of the positions.
    pub slope: f64,
    /// Median of y − slope · x.
    pub intercept: f64,
    /// Rising minus falling pairs.
    pub mann_kendall_s: i64,
    /// S over the number of pairs, −1 to 1 (tau-a).
    pub kendall_tau: f64,
    /// Two-sided probability of such an S without a trend.
    pub p_value: f64,
    /// Significant at 5 %, and which way.
    pub direction: Direction,
}

/// The trend of values `y` over ascending positions `x`.
///
/// `None` for fewer than [`MIN_VALUES`] or more than [`MAX_VALUES`] values, lists of different length, positions
/// that do not ascend, or values that are not finite.
#[must_use]
pub fn trend(x: &[f64], y: &[f64]) -> Option<Trend> {
    let finite = x.iter().chain(y).all(|v| v.is_finite());
    let ascends = x.windows(2).all(|pair| pair[0] < pair[1]);
    if x.len() != y.len() || !(MIN_VALUES..=MAX_VALUES).contains(&x.len()) || !finite || !ascends {
        return None;
    }
    let pairs = (0..x.len()).flat_map(|i| (i + 1..x.len()).map(move |j| (i, j)));
    let mut slopes = pairs.clone().map(|(i, j)| (y[j] - y[i]) / (x[j] - x[i])).collect::<Vec<_>>();
    let sign = |(i, j): (usize, usize)| i64::from(y[j] > y[i]) - i64::from(y[j] < y[i]);
    let s = pairs.map(sign).sum::<i64>();
    let count = slopes.len() as f64;
    let slope = median(&mut slopes);
    let intercept = median(&mut x.iter().zip(y).map(|(x, y)| y - slope * x).collect::<Vec<_>>());
    let p_value = probability(s, y);
    let direction = match s.signum() {
        1 if p_value < SIGNIFICANT_BELOW => Direction::Rising,
        -1 if p_value < SIGNIFICANT_BELOW => Direction::Falling,
        _ => Direction::NoTrend,
    };
    let kendall_tau = s as f64 / count;
    Some(Trend { value_count: x.len(), slope, intercept, mann_kendall_s: s, kendall_tau, p_value, direction })
}

/// The median; `NaN` of nothing. Sorts the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Two-sided probability of an S at least as far from 0.
fn probability(s: i64, y: &[f64]) -> f64 {
    let ties = ties(y);
    if ties.is_empty() && y.len() <= EXACT_UP_TO {
        return exact(s, y.len());
    }
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let variance = (term(y.len() as f64) - ties.into_iter().map(term).sum::<f64>()) / 18.0;
    if variance <= 0.0 {
        return 1.0;
    }
    // Continuity correction: S moves in steps of 2.
    let z = ((s.abs() - 1).max(0)) as f64 / variance.sqrt();
    2.0 * upper_tail(z)
}

/// Sizes of the groups of equal values.
fn ties(y: &[f64]) -> Vec<f64> {
    let mut sorted = y.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::float_cmp, reason = "a tie is equality")]
    let groups = sorted.chunk_by(|a, b| a == b);
    groups.filter(|g| g.len() > 1).map(|g| g.len() as f64).collect()
}

/// From the number of orders of n values with each number of falling pairs.
fn exact(s: i64, n: usize) -> f64 {
    let mut orders = vec![1.0_f64];
    for size in 2..=n {
        let mut next = vec![0.0; orders.len() + size - 1];
        for (falling, count) in orders.iter().enumerate() {
            // The new value can stand before none to all of the others.
            next[falling..falling + size].iter_mut().for_each(|slot| *slot += count);
        }
        orders = next;
    }
    let pairs = (n * (n - 1) / 2) as i64;
    let as_far = |falling: usize| (pairs - 2 * falling as i64).abs() >= s.abs();
    let far = orders.iter().enumerate().filter(|(f, _)| as_far(*f)).map(|(_, c)| c).sum::<f64>();
    far / orders.iter().sum::<f64>()
}

/// Probability that a standard normal value is above z ≥ 0.
fn upper_tail(z: f64) -> f64 {
    // Beyond, the series loses what is left of the probability: below 1e-12.
    if z > 7.0 {
        return 0.0;
    }
    let (mut sum, mut term, mut odd) = (z, z, 1.0);
    while term > 1e-17 * sum {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    (0.5 - sum * density).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_worked_by_hand() {
        // Pairs of (0, 2), (1, 4), (2, 3), (3, 6), (4, 8). Slopes sorted: −1, 0.5, 1, 4/3, 4/3, 1.5, 2, 2, 2.5, 3:
        // median (4/3 + 1.5) / 2. Nine rise, one falls: S = 8. Orders of five with at most one falling pair:
        // 1 + 4 = 5, both sides 10 of 120.
        let trend = trend(&[0.0, 1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 3.0, 6.0, 8.0]).unwrap();
        assert!((trend.slope - 17.0 / 12.0).abs() < 1e-12, "{trend:?}");
        assert_eq!(trend.mann_kendall_s, 8);
        assert!((trend.kendall_tau - 0.8).abs() < 1e-12);
        assert!((trend.p_value - 10.0 / 120.0).abs() < 1e-12);
        assert_eq!(trend.direction, Direction::NoTrend);
    }

    #[test]
    fn five_rising_values_are_just_significant() {
        let rising = trend(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((rising.p_value - 2.0 / 120.0).abs() < 1e-12);
        assert_eq!((rising.direction, rising.slope, rising.intercept), (Direction::Rising, 1.0, 0.0));
        let falling = trend(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 4.0, 3.0, 2.0, 1.0]).unwrap();
        assert_eq!((falling.direction, falling.slope), (Direction::Falling, -1.0));
    }

    #[test]
    fn an_outlier_does_not_move_the_slope() {
        let x = (0..20).map(f64::from).collect::<Vec<_>>();
        let mut y = x.iter().map(|x| 3.0 * x + 7.0).collect::<Vec<_>>();
        y[19] = 1e6;
        y[0] = -1e6;
        let trend = trend(&x, &y).unwrap();
        assert_eq!((trend.slope, trend.intercept, trend.direction), (3.0, 7.0, Direction::Rising));
    }

    #[test]
    fn ties_and_the_normal_tail_follow_the_formula() {
        // n = 12, ties of 2 and 3: (12·11·29 − 2·1·9 − 3·2·11) / 18 = 3744 / 18 = 208.
        let y = [1.0, 2.0, 2.0, 4.0, 5.0, 6.0, 6.0, 6.0, 9.0, 10.0, 11.0, 12.0];
        let x = (0..12).map(f64::from).collect::<Vec<_>>();
        let trend = trend(&x, &y).unwrap();
        assert_eq!(trend.mann_kendall_s, 66 - 1 - 3);
        assert!((trend.p_value - 2.0 * upper_tail(61.0 / 208.0_f64.sqrt())).abs() < 1e-15);
        // Table values of the normal distribution.
        for (z, p) in [(0.0, 0.5), (1.0, 0.158_655_254), (1.959_963_985, 0.025), (3.0, 0.001_349_898)] {
            assert!((upper_tail(z) - p).abs() < 1e-9, "{z}");
        }
    }

    #[test]
    fn what_gives_no_trend_is_not_given_one() {
        let five = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(trend(&five, &[3.0; 5]).unwrap().p_value, 1.0);
        assert_eq!(trend(&five[..4], &five[..4]), None);
        assert_eq!(trend(&five, &five[..4]), None);
        assert_eq!(trend(&[1.0, 1.0, 2.0, 3.0, 4.0], &five), None);
        assert_eq!(trend(&five, &[1.0, f64::NAN, 2.0, 3.0, 4.0]), None);
    }
}
