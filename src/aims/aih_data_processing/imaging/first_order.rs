//! First-order statistics: what the intensities of a region are, wherever they lie.
//!
//! Definitions of the Image Biomarker Standardisation Initiative: A. Zwanenburg et al., "The Image Biomarker
//! Standardization Initiative: standardized quantitative radiomics for high-throughput image-based phenotyping",
//! Radiology 295(2):328–338, 2020; reference manual (arXiv 1612.07003), sections 3.3 (intensity-based statistics) and
//! 3.4 (intensity histogram). Variance, skewness and kurtosis are those of the population, kurtosis is excess over the
//! normal distribution, percentiles are the value at the rounded-up rank. Grey levels are bins of a fixed width from the
//! least intensity on (manual section 2.7, fixed bin size).

use serde::Serialize;

/// Intensity-based statistics of a region. Unit: that of the intensities, unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FirstOrder {
    /// Pixels.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Variance, squared unit.
    pub variance: f64,
    /// Skewness, no unit; 0 without variance.
    pub skewness: f64,
    /// Excess kurtosis, no unit; 0 without variance.
    pub excess_kurtosis: f64,
    /// Median.
    pub median: f64,
    /// Least.
    pub minimum: f64,
    /// 10th percentile.
    pub percentile10: f64,
    /// 25th percentile.
    pub percentile25: f64,
    /// 75th percentile.
    pub percentile75: f64,
    /// 90th percentile.
    pub percentile90: f64,
    /// Greatest.
    pub maximum: f64,
    /// From the 25th to the 75th percentile.
    pub interquartile_range: f64,
    /// From the least to the greatest.
    pub range: f64,
    /// Mean distance from the mean.
    pub mean_absolute_deviation: f64,
    /// The same of the intensities between the 10th and the 90th percentile.
    pub robust_mean_absolute_deviation: f64,
    /// Mean distance from the median.
    pub median_absolute_deviation: f64,
    /// Sum of squares, squared unit.
    pub energy: f64,
    /// Root of the mean square.
    pub root_mean_square: f64,
}

/// Histogram statistics of a region at a stated bin width.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Histogram {
    /// Width of a grey level, in the intensity's unit.
    pub bin_width: f64,
    /// Grey levels from the least to the greatest intensity.
    pub grey_levels: usize,
    /// Shannon entropy, in bits.
    pub entropy: f64,
    /// Sum of the squared shares of the grey levels.
    pub uniformity: f64,
}

/// Computes the statistics; `None` for no value. Sorts the intensities.
pub(super) fn first_order(intensities: &mut [f64]) -> Option<FirstOrder> {
    intensities.sort_unstable_by(f64::total_cmp);
    let sorted = &*intensities;
    let (minimum, maximum) = (*sorted.first()?, *sorted.last()?);
    let mean = mean_of(sorted.iter().copied())?;
    let moment = |order: i32| mean_of(sorted.iter().map(|x| (x - mean).powi(order))).unwrap_or_default();
    let variance = moment(2);
    let standardised =
        |order: i32| if variance > 0.0 { moment(order) / variance.powf(f64::from(order) / 2.0) } else { 0.0 };
    let [p10, p25, median, p75, p90] = [10, 25, 50, 75, 90].map(|percent| percentile(sorted, percent));
    let robust = || sorted.iter().copied().filter(|x| (p10..=p90).contains(x));
    let robust_mean = mean_of(robust())?;
    let energy: f64 = sorted.iter().map(|x| x * x).sum();
    Some(FirstOrder {
        count: sorted.len(),
        mean,
        variance,
        skewness: standardised(3),
        excess_kurtosis: if variance > 0.0 { standardised(4) - 3.0 } else { 0.0 },
        median: median_of(sorted).unwrap_or(median),
        minimum,
        percentile10: p10,
        percentile25: p25,
        percentile75: p75,
        percentile90: p90,
        maximum,
        interquartile_range: p75 - p25,
        range: maximum - minimum,
        mean_absolute_deviation: mean_of(sorted.iter().map(|x| (x - mean).abs()))?,
        robust_mean_absolute_deviation: mean_of(robust().map(|x| (x - robust_mean).abs()))?,
        median_absolute_deviation: {
            let median = median_of(sorted).unwrap_or(median);
            mean_of(sorted.iter().map(|x| (x - median).abs()))?
        },
        energy,
        root_mean_square: (energy / sorted.len() as f64).sqrt(),
    })
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// The middle value, or the mean of the two in the middle.
fn median_of(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(lower + (upper - lower) / 2.0)
}

/// The value at the rank `⌈percent / 100 · n⌉`.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (percent * sorted.len()).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// The grey level of an intensity, from 1.
pub(super) fn grey_level(intensity: f64, least: f64, bin_width: f64) -> usize {
    // Finite, not negative and, by the caller's check of the number of levels, small; but for a pixel outside the mask,
    // whose level nobody uses.
    (((intensity - least) / bin_width).floor() as usize).saturating_add(1)
}

/// Histogram statistics of intensities that all lie within `grey_levels` levels.
pub(super) fn histogram(intensities: &[f64], least: f64, bin_width: f64, grey_levels: usize) -> Histogram {
    let mut counts = vec![0_u64; grey_levels];
    for &intensity in intensities {
        if let Some(count) = counts.get_mut(grey_level(intensity, least, bin_width) - 1) {
            *count += 1;
        }
    }
    let total = intensities.len() as f64;
    let shares = || counts.iter().filter(|n| **n > 0).map(|n| *n as f64 / total);
    Histogram {
        bin_width,
        grey_levels,
        entropy: -shares().map(|p| p * p.log2()).sum::<f64>(),
        uniformity: shares().map(|p| p * p).sum(),
    }
}
