//! Power spectral density by averaged periodograms.
//!
//! Source: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra: a method based on time
//! averaging over short, modified periodograms", IEEE Trans. Audio Electroacoust. 15(2), 70–73, 1967. Segments overlap
//! by half, each has its mean removed and is weighted by a Hann window w (periodic):
//!
//! ```text
//! S(k) = c |Σ w(n) x(n) exp(−2πikn/N)|² / (fs Σ w²)      c = 2, but 1 at 0 Hz and at fs/2        µV²/Hz
//! ```
//!
//! so that Σ S(k) fs/N is the power of the weighted signal (Parseval) and a sine of amplitude A has A²/2.

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::bands::Band;

/// Estimates spectra of one segment length at one sampling rate.
pub struct Welch {
    transform: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    rate_hz: f64,
}

/// One-sided power spectral density.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Distance of the bins in hertz.
    pub resolution_hz: f64,
    /// Density at 0 Hz, at the resolution, and so on up to half the sampling rate, in µV²/Hz.
    pub density: Vec<f64>,
    /// Segments it averages.
    pub segments: usize,
}

impl Welch {
    /// For segments of some seconds, at least two samples.
    #[must_use]
    pub fn new(rate_hz: f64, segment_s: f64) -> Self {
        let length = ((rate_hz * segment_s).round() as usize).max(2);
        let transform = FftPlanner::new().plan_fft_forward(length);
        let window = (0..length).map(|n| 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()).collect();
        Self { transform, window, rate_hz }
    }

    /// Samples of a segment.
    #[must_use]
    pub fn length(&self) -> usize {
        self.window.len()
    }

    /// The spectrum of samples in microvolts; `None` when they do not fill one segment.
    #[must_use]
    pub fn spectrum(&self, samples_uv: &[f32]) -> Option<Spectrum> {
        let length = self.window.len();
        let mut density = vec![0.0; length / 2 + 1];
        let mut segments = 0_usize;
        let mut buffer = vec![Complex::default(); length];
        for segment in samples_uv.windows(length).step_by(length.div_ceil(2)) {
            let mean = segment.iter().map(|s| f64::from(*s)).sum::<f64>() / length as f64;
            for ((slot, sample), weight) in buffer.iter_mut().zip(segment).zip(&self.window) {
                *slot = Complex::new((f64::from(*sample) - mean) * weight, 0.0);
            }
            self.transform.process(&mut buffer);
            density.iter_mut().zip(&buffer).for_each(|(sum, value)| *sum += value.norm_sqr());
            segments += 1;
        }
        if segments == 0 {
            return None;
        }
        let weight = self.rate_hz * self.window.iter().map(|w| w * w).sum::<f64>() * segments as f64;
        let one_of_two = |bin: usize| if bin == 0 || 2 * bin == length { 1.0 } else { 2.0 };
        density.iter_mut().enumerate().for_each(|(bin, sum)| *sum *= one_of_two(bin) / weight);
        Some(Spectrum { resolution_hz: self.rate_hz / length as f64, density, segments })
    }
}

impl Spectrum {
    /// Frequency of a bin in hertz.
    #[must_use]
    pub fn hz(&self, bin: usize) -> f64 {
        bin as f64 * self.resolution_hz
    }

    /// Bins of a band.
    pub fn bins(&self, band: Band) -> impl Iterator<Item = usize> + '_ {
        (0..self.density.len()).filter(move |bin| band.contains(self.hz(*bin)))
    }

    /// Power in a band in µV²: the sum of its bins times their distance.
    #[must_use]
    pub fn power(&self, band: Band) -> f64 {
        self.bins(band).map(|bin| self.density[bin]).sum::<f64>() * self.resolution_hz
    }

    /// Frequency below which a share of the power of a band lies, interpolated within its bin; `None` without power.
    #[must_use]
    pub fn edge_hz(&self, band: Band, share: f64) -> Option<f64> {
        let whole = self.power(band);
        let mut below = 0.0;
        for bin in self.bins(band) {
            let power = self.density[bin] * self.resolution_hz;
            if power > 0.0 && below + power >= share * whole {
                // A bin stands for the resolution around its frequency.
                let within = (share * whole - below) / power - 0.5;
                return Some(self.hz(bin) + within * self.resolution_hz);
            }
            below += power;
        }
        None
    }

    /// The highest local maximum inside a band, by a parabola through the logarithms of it and its neighbours.
    #[must_use]
    pub fn peak_hz(&self, band: Band) -> Option<f64> {
        let at = |bin: usize| self.density.get(bin).copied().filter(|d| *d > 0.0);
        let is_peak = |bin: &usize| {
            let neighbours = bin.checked_sub(1).and_then(at).zip(at(bin + 1));
            at(*bin).zip(neighbours).is_some_and(|(here, (before, after))| here > before && here >= after)
        };
        let bin = self.bins(band).filter(is_peak).max_by(|a, b| self.density[*a].total_cmp(&self.density[*b]))?;
        let (before, here, after) = (at(bin - 1)?.ln(), at(bin)?.ln(), at(bin + 1)?.ln());
        let curvature = before - 2.0 * here + after;
        let shift = if curvature < 0.0 { 0.5 * (before - after) / curvature } else { 0.0 };
        Some(self.hz(bin) + shift * self.resolution_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bands::{ALPHA, BANDS, BETA, GAMMA, THETA, WHOLE};
    use super::*;
    use crate::aims::aih_data_processing::eeg::synthetic::Random;

    fn sine(amplitude: f64, hz: f64, rate: f64, seconds: f64) -> Vec<f32> {
        (0..(rate * seconds) as usize).map(|n| (amplitude * (TAU * hz * n as f64 / rate).sin()) as f32).collect()
    }

    #[test]
    fn a_sine_has_half_its_squared_amplitude_wherever_it_falls_between_the_bins() {
        for (amplitude, hz, band) in [(20.0, 10.0, ALPHA), (5.0, 10.137, ALPHA), (50.0, 6.06, THETA), (3.0, 21.3, BETA)]
        {
            let spectrum = Welch::new(250.0, 4.0).spectrum(&sine(amplitude, hz, 250.0, 60.0)).unwrap();
            let power = spectrum.power(band);
            assert!((power / (amplitude * amplitude / 2.0) - 1.0).abs() < 1e-3, "{hz} Hz: {power}");
            assert!((spectrum.peak_hz(band).unwrap() - hz).abs() < 0.02);
        }
    }

    #[test]
    fn white_noise_has_the_density_of_its_variance_over_the_bandwidth() {
        let mut random = Random(11);
        let noise = (0..250 * 2400).map(|_| (10.0 * random.normal()) as f32).collect::<Vec<_>>();
        let spectrum = Welch::new(250.0, 4.0).spectrum(&noise).unwrap();
        for band in BANDS {
            let mean = spectrum.power(band) / (band.to_hz - band.from_hz);
            assert!((mean / (100.0 / 125.0) - 1.0).abs() < 0.03, "{}: {mean}", band.name);
        }
        // An even density: 95 % of the power lies below 95 % of the band.
        let edge = spectrum.edge_hz(WHOLE, 0.95).unwrap();
        assert!((edge - (0.5 + 0.95 * 44.5)).abs() < 0.3, "{edge}");
    }

    #[test]
    fn the_spectrum_keeps_the_power_of_the_weighted_signal() {
        let mut random = Random(5);
        for length in [256_usize, 255] {
            let samples = (0..length).map(|_| random.normal() as f32).collect::<Vec<_>>();
            let welch = Welch::new(64.0, length as f64 / 64.0);
            assert_eq!(welch.length(), length);
            let spectrum = welch.spectrum(&samples).unwrap();
            let mean = samples.iter().map(|s| f64::from(*s)).sum::<f64>() / length as f64;
            let weighted = samples.iter().zip(&welch.window).map(|(s, w)| ((f64::from(*s) - mean) * w).powi(2));
            let expected = weighted.sum::<f64>() / welch.window.iter().map(|w| w * w).sum::<f64>();
            let found = spectrum.density.iter().sum::<f64>() * spectrum.resolution_hz;
            assert!((found / expected - 1.0).abs() < 1e-10, "{length}: {found} {expected}");
        }
    }

    #[test]
    fn segments_overlap_by_half_and_bands_leave_no_gap() {
        let welch = Welch::new(100.0, 4.0);
        let spectrum = welch.spectrum(&sine(1.0, 10.0, 100.0, 60.0)).unwrap();
        assert_eq!((spectrum.segments, spectrum.resolution_hz), (29, 0.25));
        assert_eq!(welch.spectrum(&[0.0; 399]), None);
        assert_eq!(BANDS.iter().map(|b| spectrum.bins(*b).count()).sum::<usize>(), spectrum.bins(WHOLE).count());
        assert!(spectrum.bins(GAMMA).all(|bin| spectrum.hz(bin) < 45.0));
        let silent = welch.spectrum(&[0.0; 400]).unwrap();
        assert_eq!((silent.edge_hz(WHOLE, 0.95), silent.peak_hz(ALPHA)), (None, None));
    }
}
