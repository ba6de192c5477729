//! Band-pass and energy of an ECG, as in the first half of Pan and Tompkins (1985), for any sampling rate.
//!
//! The paper's integer filters are tied to 200 Hz and delay the signal. Here a second-order Butterworth
//! high-pass (5 Hz) and low-pass (15 Hz), designed by the bilinear transform, run forwards and then backwards:
//! same band, no delay, so that what is found in the energy lies where it is in the ECG.

use std::f64::consts::{PI, SQRT_2};

/// Pass band of the QRS complex in hertz (Pan & Tompkins 1985, section II.A).
const BAND_HZ: (f64, f64) = (5.0, 15.0);
/// Half the reach of the slope estimate in seconds; the paper's five points at 200 Hz.
const SLOPE_REACH_S: f64 = 0.01;
/// Moving-window integration in seconds (the paper's 30 samples at 200 Hz).
const WINDOW_S: f64 = 0.15;

/// A second-order section in direct form.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    /// Butterworth low-pass (`high_pass` = false) or high-pass of second order.
    fn butterworth(corner_hz: f64, rate_hz: f64, high_pass: bool) -> Self {
        let k = (PI * corner_hz / rate_hz).tan();
        let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
        let a = [2.0 * (k * k - 1.0) * norm, (1.0 - SQRT_2 * k + k * k) * norm];
        let b = if high_pass { [norm, -2.0 * norm, norm] } else { [k * k * norm, 2.0 * k * k * norm, k * k * norm] };
        Self { b, a }
    }

    /// Filters in place, in the order of the iterator.
    fn run<'a>(&self, samples: impl Iterator<Item = &'a mut f64>) {
        let (mut s1, mut s2) = (0.0, 0.0);
        for x in samples {
            let y = self.b[0] * *x + s1;
            s1 = self.b[1] * *x - self.a[0] * y + s2;
            s2 = self.b[2] * *x - self.a[1] * y;
            *x = y;
        }
    }
}

/// The filters and window lengths for one sampling rate.
pub(super) struct QrsFilter {
    sections: [Biquad; 2],
    reach: usize,
    half_window: usize,
}

/// What the filters make of a stretch of ECG; all vectors are as long as the stretch.
pub(super) struct Features {
    /// Band-passed ECG in millivolts, without delay.
    pub(super) band: Vec<f64>,
    /// Slope of it in millivolts per second.
    pub(super) slope: Vec<f64>,
    /// Squared slope averaged over the window, in (mV/s)².
    pub(super) energy: Vec<f64>,
}

impl QrsFilter {
    /// Designs the filters for a sampling rate in hertz, at least 100.
    pub(super) fn new(rate_hz: f64) -> Self {
        let section = |corner, high_pass| Biquad::butterworth(corner, rate_hz, high_pass);
        let samples = |seconds: f64| (seconds * rate_hz).round().max(1.0) as usize;
        Self {
            sections: [section(BAND_HZ.0, true), section(BAND_HZ.1, false)],
            reach: samples(SLOPE_REACH_S),
            half_window: samples(WINDOW_S / 2.0),
        }
    }

    /// Filters a stretch. Its first and last second or so carry the onset of the filters.
    pub(super) fn features(&self, samples_mv: &[f32], rate_hz: f64) -> Features {
        let first = samples_mv.first().copied().map_or(0.0, f64::from);
        let mut band = samples_mv.iter().map(|s| f64::from(*s) - first).collect::<Vec<_>>();
        for section in &self.sections {
            section.run(band.iter_mut());
            section.run(band.iter_mut().rev());
        }
        let mut slope = vec![0.0; band.len()];
        let scale = rate_hz / (2 * self.reach) as f64;
        for (middle, pair) in band.windows(2 * self.reach + 1).enumerate() {
            slope[middle + self.reach] = (pair[2 * self.reach] - pair[0]) * scale;
        }
        let energy = moving_mean_of_squares(&slope, self.half_window);
        Features { band, slope, energy }
    }
}

/// Mean of squares over a centred window; near the ends over the part that exists, divided by the full length.
fn moving_mean_of_squares(values: &[f64], half: usize) -> Vec<f64> {
    let norm = 1.0 / (2 * half + 1) as f64;
    let mut sum = values.iter().take(half).map(|v| v * v).sum::<f64>();
    let mut mean = Vec::with_capacity(values.len());
    for middle in 0..values.len() {
        if let Some(entering) = values.get(middle + half) {
            sum += entering * entering;
        }
        if let Some(leaving) = middle.checked_sub(half + 1).map(|i| values[i]) {
            sum -= leaving * leaving;
        }
        // The running sum may fall below zero by rounding.
        mean.push(sum.max(0.0) * norm);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gain of the band-pass for a sine, measured in the middle of 8 seconds.
    fn gain(frequency_hz: f64, rate_hz: f64) -> f64 {
        let count = (8.0 * rate_hz) as usize;
        let sine = |i: usize| (2.0 * PI * frequency_hz * i as f64 / rate_hz).sin() as f32;
        let samples = (0..count).map(sine).collect::<Vec<_>>();
        let band = QrsFilter::new(rate_hz).features(&samples, rate_hz).band;
        band[count / 4..count * 3 / 4].iter().fold(0.0_f64, |peak, v| peak.max(v.abs()))
    }

    #[test]
    fn the_band_passes_qrs_and_stops_wander_and_mains_at_every_rate() {
        for rate in [100.0, 128.0, 250.0, 360.0, 500.0, 1000.0] {
            assert!(gain(9.0, rate) > 0.75, "{rate}: {}", gain(9.0, rate));
            assert!(gain(0.5, rate) < 0.001, "{rate}");
            assert!(gain(45.0, rate) < 0.02, "{rate}");
        }
    }

    #[test]
    fn the_window_keeps_a_constant() {
        let mean = moving_mean_of_squares(&[2.0; 50], 5);
        assert!((mean[25] - 4.0).abs() < 1e-12 && mean[0] < 4.0);
        assert!(moving_mean_of_squares(&[1.0; 3], 5).iter().all(|m| (m - 3.0 / 11.0).abs() < 1e-12));
    }
}
