//! What separates structure from background: a given intensity, or the one of Otsu.
//!
//! N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on Systems, Man, and
//! Cybernetics 9(1):62–66, 1979: of all levels the one whose two classes lie furthest apart, measured by the variance
//! between them. The histogram has one bin for every stored value, so nothing is lost by binning. When several
//! neighbouring levels separate equally well (no pixel lies between two modes), the middle of them is taken.

use serde::Serialize;

use super::{
    error::ImagingError,
    image::{Frame, Image},
    parameters::{Foreground, Parameters},
};

/// How structure was told from background.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Threshold {
    /// The intensity.
    pub intensity: f64,
    /// `Otsu 1979` or `given`.
    pub method: &'static str,
    /// Which side of it is structure; the intensity itself belongs to `below`.
    pub foreground: Foreground,
    /// For Otsu: variance between the classes over the whole variance, 0 to 1; near 1 the classes are well apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separability: Option<f64>,
    /// The same border among stored values.
    #[serde(skip)]
    border: Border,
}

/// The foreground among stored values, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Border {
    low: f64,
    high: f64,
}

impl Threshold {
    /// The threshold a request asks for, or Otsu's for this frame.
    ///
    /// # Errors
    ///
    /// [`ImagingError::Uniform`] when Otsu's is asked of a frame with one value only.
    pub fn choose(frame: Frame<'_>, parameters: &Parameters) -> Result<Self, ImagingError> {
        let image = frame.image;
        let (stored, method, separability) = match parameters.threshold {
            Some(intensity) => (image.stored_of(intensity), "given", None),
            None => {
                let otsu = otsu(&histogram(frame))?;
                let first = f64::from(image.range.0);
                // Among levels a descending scale turns over: what was at or below lies above.
                let level = if image.ascends() { otsu.level } else { otsu.level + 1.0 };
                (first + level, "Otsu 1979", Some(otsu.separability))
            }
        };
        let intensity = parameters.threshold.unwrap_or_else(|| image.intensity_at(stored));
        let border = border(stored, parameters.foreground, image.ascends());
        Ok(Self { intensity, method, foreground: parameters.foreground, separability, border })
    }

    /// Whether a stored value belongs to a structure.
    pub fn is_foreground(&self, image: &Image, stored: i32) -> bool {
        let value = f64::from(stored);
        value >= self.border.low && value <= self.border.high && !image.is_padding(stored)
    }
}

/// Stored values of the foreground. The threshold's own value belongs to the side below it.
fn border(stored: f64, foreground: Foreground, ascends: bool) -> Border {
    let everything = Border { low: f64::NEG_INFINITY, high: f64::INFINITY };
    match (foreground, ascends) {
        (Foreground::Above, true) => Border { low: stored.next_up(), ..everything },
        (Foreground::Above, false) => Border { high: stored.next_down(), ..everything },
        (Foreground::Below, true) => Border { high: stored, ..everything },
        (Foreground::Below, false) => Border { low: stored, ..everything },
    }
}

/// How often each value that can be stored occurs, padding left out.
fn histogram(frame: Frame<'_>) -> Vec<u64> {
    let (least, greatest) = frame.image.range;
    // At most 2^16 values can be stored.
    let mut counts = vec![0_u64; (greatest - least + 1) as usize];
    for &stored in frame.stored.iter().filter(|stored| !frame.image.is_padding(**stored)) {
        if let Some(count) = counts.get_mut((stored - least) as usize) {
            *count += 1;
        }
    }
    counts
}

/// Otsu's answer for a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Otsu {
    /// Levels up to this one are the lower class.
    pub(super) level: f64,
    /// Variance between the classes over the whole variance (η in the paper).
    pub(super) separability: f64,
}

/// The level at which the variance between the classes is greatest.
///
/// # Errors
///
/// [`ImagingError::Uniform`] when fewer than two levels occur.
pub(super) fn otsu(counts: &[u64]) -> Result<Otsu, ImagingError> {
    let total = counts.iter().sum::<u64>() as f64;
    let sum: f64 = counts.iter().enumerate().map(|(level, &n)| level as f64 * n as f64).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut first, mut last) = (0.0, 0, 0);
    for (level, &n) in counts.iter().enumerate() {
        below += n as f64;
        sum_below += level as f64 * n as f64;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum_below / below - (sum - sum_below) / above;
        let between = below / total * (above / total) * apart * apart;
        if between > best {
            (best, first, last) = (between, level, level);
        } else if between == best {
            last = level;
        }
    }
    if best == 0.0 {
        return Err(ImagingError::Uniform);
    }
    let mean = sum / total;
    let whole: f64 =
        counts.iter().enumerate().map(|(level, &n)| n as f64 / total * (level as f64 - mean).powi(2)).sum();
    Ok(Otsu { level: ((first + last) / 2) as f64, separability: best / whole })
}
