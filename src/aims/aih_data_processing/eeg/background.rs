//! The part of a spectrum that is no rhythm: power that falls with frequency along a straight line in log-log.
//!
//! A ratio of band powers alone says little: of a background that falls with the square of the frequency, theta takes
//! more than alpha without any rhythm being there. So a band counts as rhythmic by what it has above the background
//! (T. Donoghue et al., "Parameterizing neural power spectra into periodic and aperiodic components", Nat. Neurosci. 23,
//! 1655–1665, 2020). Here the line is fitted by least squares to the mean logarithms of six ranges below the theta and
//! above the alpha band.

use super::bands::Band;
use super::spectrum::Spectrum;

/// Ranges the line is fitted to, in hertz, of equal width in the logarithm.
const RANGES_HZ: [(f64, f64); 6] = [(2.0, 2.9), (2.9, 4.0), (13.0, 17.2), (17.2, 22.8), (22.8, 30.2), (30.2, 40.0)];

/// `density = 10^offset · f^(−exponent)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Background {
    offset: f64,
    pub(super) exponent: f64,
}

impl Background {
    /// Fits a spectrum; `None` when a range is empty or holds no power.
    pub(super) fn of(spectrum: &Spectrum) -> Option<Self> {
        let points = RANGES_HZ.iter().map(|range| mean_logarithms(spectrum, *range)).collect::<Option<Vec<_>>>()?;
        let count = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / count, y + p.1 / count));
        let covariance = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>();
        let variance = points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
        let slope = covariance / variance;
        Some(Self { offset: y - slope * x, exponent: -slope })
    }

    /// Power of the background in a band, over the bins of a spectrum, in µV².
    pub(super) fn power(&self, spectrum: &Spectrum, band: Band) -> f64 {
        let density = |bin: usize| self.density(spectrum.hz(bin));
        spectrum.bins(band).map(density).sum::<f64>() * spectrum.resolution_hz
    }

    /// Density of the background at a frequency above 0, in µV²/Hz.
    pub(super) fn density(&self, hz: f64) -> f64 {
        10_f64.powf(self.offset - self.exponent * hz.log10())
    }
}

fn mean_logarithms(spectrum: &Spectrum, (from_hz, to_hz): (f64, f64)) -> Option<(f64, f64)> {
    let bins = spectrum.bins(Band { name: "", from_hz, to_hz }).filter(|bin| spectrum.density[*bin] > 0.0);
    let logarithms = bins.map(|bin| (spectrum.hz(bin).log10(), spectrum.density[bin].log10())).collect::<Vec<_>>();
    let count = logarithms.len() as f64;
    let sum = logarithms.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    (!logarithms.is_empty()).then(|| (sum.0 / count, sum.1 / count))
}

#[cfg(test)]
mod tests {
    use super::super::bands::{ALPHA, THETA};
    use super::*;

    #[test]
    fn a_straight_line_is_found_under_a_peak() {
        let resolution_hz = 0.25;
        let density = |bin: usize| {
            let hz = bin as f64 * resolution_hz;
            let peak = if (9.0..11.0).contains(&hz) { 30.0 } else { 0.0 };
            if bin == 0 { 0.0 } else { 80.0 * hz.powf(-1.5) + peak }
        };
        let spectrum = Spectrum { resolution_hz, density: (0..=400).map(density).collect(), segments: 1 };
        let background = Background::of(&spectrum).unwrap();
        assert!((background.exponent - 1.5).abs() < 1e-9);
        assert!((background.power(&spectrum, THETA) / spectrum.power(THETA) - 1.0).abs() < 1e-9);
        assert!((spectrum.power(ALPHA) - background.power(&spectrum, ALPHA) - 60.0).abs() < 1e-9);
        let silent = Spectrum { density: vec![0.0; 401], ..spectrum };
        assert_eq!(Background::of(&silent), None);
    }
}
