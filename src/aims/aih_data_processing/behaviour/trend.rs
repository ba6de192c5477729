//! Whether activity rises or falls from day to day (processing type `BehaviouralTrendMonitoring`).
//!
//! The **Theil–Sen slope** is the median of the slopes between all pairs of days (Theil 1950; Sen 1968); one odd day
//! hardly moves it. The **Mann–Kendall test** counts how many pairs rise and how many fall (Mann 1945; Kendall 1975).
//! Without ties its p-value is exact, from the number of orderings with as many inversions; with ties it is the normal
//! approximation with corrections for ties and continuity. Only valid days count, each at its place in the calendar.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cut_points::{CutPoints, number},
    error::BehaviourError,
    levels::{DEFAULT_HOURS, MINIMUM_HOURS, day_levels},
    recording::{Recording, Signal},
};

/// Fewest valid days: with three, no order is rarer than one in six.
pub const MIN_DAYS: usize = 5;
/// Most days of the exact distribution.
const MOST_EXACT: usize = 60;
/// P-value below which a trend is named.
pub const SIGNIFICANT_BELOW: f64 = 0.05;

const METHOD: &str = "Theil-Sen slope and two-sided Mann-Kendall test over the means of valid days; exact without ties up \
                      to 60 days, else normal approximation with corrections for ties and continuity";
const SOURCE: &str = "Sen, Estimates of the regression coefficient based on Kendall's tau, Journal of the American \
                      Statistical Association 63, 1379-1389, 1968; Mann, Nonparametric tests against trend, Econometrica \
                      13, 245-259, 1945; Kendall, Rank Correlation Methods, 4th edition, Griffin, 1975";

/// Result of `BehaviouralTrendMonitoring`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrendMonitoring {
    /// Always `BehaviouralTrendMonitoring`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// Hours of valid data that make a day valid.
    pub minimum_hours: f64,
    /// The valid days.
    pub days: Vec<DayMean>,
    /// Median change a day: ENMO in mg, or steps a minute.
    pub slope_per_day: f64,
    /// The test.
    #[serde(flatten)]
    pub test: MannKendall,
    /// `Rising`, `Falling` or `None`, at five percent.
    pub trend: Trend,
}

/// One valid day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DayMean {
    /// Number of the day, counted from 1.
    pub day: i64,
    /// Mean of its valid data: ENMO in mg, or steps a minute.
    pub mean: f64,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Trend {
    /// More from day to day.
    Rising,
    /// Less from day to day.
    Falling,
    /// Neither can be told.
    None,
}

/// Result of a Mann–Kendall test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MannKendall {
    /// Rising pairs less falling pairs.
    #[serde(rename = "S")]
    pub s: i64,
    /// S divided by the number of pairs.
    #[serde(rename = "KendallTau")]
    pub tau: f64,
    /// Two-sided p-value.
    #[serde(rename = "PValue")]
    pub p: f64,
    /// Whether it is exact.
    #[serde(rename = "PValueExact")]
    pub exact: bool,
}

/// Monitors a recording.
///
/// # Errors
///
/// [`BehaviourError::TooFew`] for fewer than five valid days, [`BehaviourError::Parameter`].
pub fn monitor(recording: &Recording, parameters: &Map<String, Value>) -> Result<TrendMonitoring, BehaviourError> {
    let minimum_hours = number(parameters, MINIMUM_HOURS, 1.0..=24.0, DEFAULT_HOURS)?;
    let any = CutPoints::choose(recording.signal, &Map::new())?;
    let days = day_levels(recording, &any, minimum_hours).into_iter().filter(|day| day.valid);
    let days = days.filter_map(|day| Some(DayMean { day: day.day, mean: day.mean? })).collect::<Vec<_>>();
    if days.len() < MIN_DAYS {
        return Err(BehaviourError::TooFew { what: "days", found: days.len(), minimum: MIN_DAYS });
    }
    let points = days.iter().map(|day| (day.day as f64, day.mean)).collect::<Vec<_>>();
    let values = days.iter().map(|day| day.mean).collect::<Vec<_>>();
    let test = mann_kendall(&values);
    let trend = match test.s.signum() {
        1 if test.p < SIGNIFICANT_BELOW => Trend::Rising,
        -1 if test.p < SIGNIFICANT_BELOW => Trend::Falling,
        _ => Trend::None,
    };
    Ok(TrendMonitoring {
        processing_type: "BehaviouralTrendMonitoring",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        minimum_hours,
        slope_per_day: theil_sen(&points),
        test,
        trend,
        days,
    })
}

/// Median slope between all pairs of points of different `x`; 0 without such a pair.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> f64 {
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let slopes = pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0));
    let mut slopes = slopes.filter(|slope| slope.is_finite()).collect::<Vec<_>>();
    slopes.sort_by(f64::total_cmp);
    match slopes.len() {
        0 => 0.0,
        n if n % 2 == 1 => slopes[n / 2],
        n => f64::midpoint(slopes[n / 2 - 1], slopes[n / 2]),
    }
}

/// The test on values in the order of time; at least two.
pub(super) fn mann_kendall(values: &[f64]) -> MannKendall {
    let pairs = values.iter().enumerate().flat_map(|(i, a)| values[i + 1..].iter().map(move |b| b.total_cmp(a) as i64));
    let s = pairs.sum::<i64>();
    let n = values.len();
    let count = (n * n.saturating_sub(1) / 2) as f64;
    let ties = ties(values);
    let exact = ties.is_empty() && n <= MOST_EXACT;
    let p = if exact { exact_p(n, s) } else { approximate_p(n, s, &ties) };
    MannKendall { s, tau: s as f64 / count, p, exact }
}

/// Sizes of the groups of equal values.
fn ties(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let groups = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|group| group.len() as f64);
    groups.filter(|size| *size > 1.0).collect()
}

/// Twice the share of the orderings of `n` values whose S is as large.
fn exact_p(n: usize, s: i64) -> f64 {
    // Share of orderings with so many inversions, value by value: the next value adds 0 to k inversions alike.
    let mut shares = vec![1.0];
    for k in 1..n {
        let mut next = vec![0.0; shares.len() + k];
        for (inversions, share) in shares.iter().enumerate() {
            next[inversions..=inversions + k].iter_mut().for_each(|place| *place += share / (k as f64 + 1.0));
        }
        shares = next;
    }
    // S = pairs − 2 · inversions.
    let pairs = (n * n.saturating_sub(1) / 2) as i64;
    let most = ((pairs - s.abs()) / 2) as usize;
    (2.0 * shares.iter().take(most + 1).sum::<f64>()).min(1.0)
}

fn approximate_p(n: usize, s: i64, ties: &[f64]) -> f64 {
    let term = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let variance = (term(n as f64) - ties.iter().copied().map(term).sum::<f64>()) / 18.0;
    if s == 0 || variance <= 0.0 {
        return 1.0;
    }
    let z = (s.abs() as f64 - 1.0) / variance.sqrt();
    complementary_error(z / std::f64::consts::SQRT_2)
}

/// The complementary error function of a number that is not negative, to 1.5 · 10⁻⁷ (Abramowitz & Stegun, Handbook of
/// Mathematical Functions, 7.1.26).
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    polynomial.into_iter().fold(0.0, |sum, a| (sum + a) * t) * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sen's own example (1968, section 6): seven points, slope 4.
    #[test]
    fn the_slope_of_sens_example() {
        let x = [1.0, 2.0, 3.0, 4.0, 10.0, 12.0, 18.0];
        let y = [9.0, 15.0, 19.0, 20.0, 45.0, 55.0, 78.0];
        let points = x.into_iter().zip(y).collect::<Vec<_>>();
        assert!((theil_sen(&points) - 4.0).abs() < 1e-12);
        assert!(theil_sen(&[(1.0, 5.0), (1.0, 6.0)]).abs() < 1e-12);
    }

    /// Kendall's table: of ten values, S ≥ 27 has probability 0.0083, S ≥ 21 0.036; of four, S = 6 is one in 24.
    #[test]
    fn the_exact_p_values_are_those_of_the_table() {
        assert!((exact_p(10, 27) / 2.0 - 0.0083).abs() < 5e-5);
        assert!((exact_p(10, 21) / 2.0 - 0.036).abs() < 5e-4);
        assert!((exact_p(4, 6) - 2.0 / 24.0).abs() < 1e-12);
        assert!((exact_p(4, 0) - 1.0).abs() < 1e-12);
        assert!((exact_p(5, -10) - 2.0 / 120.0).abs() < 1e-12);
    }

    #[test]
    fn ties_take_the_approximation_and_agree_with_the_exact_value_nearly() {
        let tied = mann_kendall(&[1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        // S = 20, variance (7·6·19 − 2·1·9)/18 = 43.33: z = 19/6.583 = 2.886, p = 0.0039.
        assert_eq!((tied.s, tied.exact), (20, false));
        assert!((tied.p - 0.0039).abs() < 5e-5, "{}", tied.p);
        let plain = approximate_p(30, 151, &[]);
        assert!((plain - exact_p(30, 151)).abs() < 1e-3);
        assert!((mann_kendall(&[5.0; 8]).p - 1.0).abs() < 1e-12);
        assert!((complementary_error(1.0) - 0.157_299_2).abs() < 2e-7);
    }
}
