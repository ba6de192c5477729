//! A synthetic ECG with exactly known beats.
//!
//! Source: P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith, "A dynamical model for generating
//! synthetic electrocardiogram signals", IEEE Trans. Biomed. Eng. 50(3), 289–294, 2003. Written from the
//! equations of the paper:
//!
//! ```text
//! x' = αx − ωy     y' = αy + ωx     α = 1 − √(x² + y²)     ω = 2π / RR                        (1)
//! z' = − Σ aᵢ Δθᵢ exp(−Δθᵢ² / 2bᵢ²) − (z − z₀)            Δθᵢ = θ − θᵢ,  z₀ = A sin 2πf₂t     (1), (2)
//! S(f) = two Gaussians at 0.1 and 0.25 Hz, area ratio LF/HF; RR from it with random phases     (section III)
//! ```
//!
//! Started on its limit cycle the point stays there, so θ = ∫ω dt exactly, and only z needs the fourth-order
//! Runge–Kutta steps. ω is constant from one R peak to the next; R peaks are where θ passes 0, at the running
//! sum of the intervals. The angles of the paper hold at 60 beats a minute; at other rates they and the widths
//! grow with a root of the rate, so that the QRS complex keeps its duration better and the QT time shortens as
//! in Bazett's formula. The random numbers are our own generator, so a seed gives the
//! same recording on every platform and with every version of every library.

use std::f64::consts::{PI, TAU};

use super::error::EcgError;

/// P, Q, R, S, T: angle in radians, size, width in radians (table I of the paper).
const WAVES: [(f64, f64, f64); 5] =
    [(-PI / 3.0, 1.2, 0.25), (-PI / 12.0, -5.0, 0.1), (0.0, 30.0, 0.1), (PI / 12.0, -7.5, 0.1), (PI / 2.0, 0.75, 0.4)];
/// Respiratory baseline of the model: amplitude in units of z (some 0.1 mV after scaling) and frequency in hertz.
const BASELINE: (f64, f64) = (0.005, 0.25);
/// Centres of the low and the high frequency band of RR intervals in hertz, and the width of both.
const BANDS_HZ: [f64; 2] = [0.1, 0.25];
const BAND_WIDTH_HZ: f64 = 0.01;
/// Cosines per band, spread over three widths on both sides.
const COSINES: usize = 31;
/// Runge–Kutta steps per second, at least.
const STEPS_PER_SECOND: f64 = 1000.0;
/// Range the waves are scaled to, in millivolts, as in the paper.
const RANGE_MV: (f64, f64) = (-0.4, 1.2);
/// Frequency of the additional wander in hertz.
const WANDER_HZ: f64 = 0.15;

/// What recording to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SyntheticEcg {
    /// Same seed, same recording.
    pub seed: u64,
    /// Samples per second, 100 to 1,000.
    pub sampling_rate_hz: f64,
    /// Length in seconds, 5 to 7,200.
    pub duration_s: f64,
    /// Mean heart rate in beats per minute, 30 to 200.
    pub mean_heart_rate_bpm: f64,
    /// Standard deviation of the heart rate in beats per minute, 0 to a tenth of the mean.
    pub heart_rate_std_bpm: f64,
    /// Ratio of low to high frequency power of the intervals, 0 to 10.
    pub lf_hf_ratio: f64,
    /// Standard deviation of white measurement noise in millivolts, 0 to 1.
    pub noise_mv: f64,
    /// Amplitude of baseline wander in millivolts, 0 to 2.
    pub wander_mv: f64,
}

impl Default for SyntheticEcg {
    /// Two minutes at 250 Hz and 72/min with a little noise: the demonstration.
    fn default() -> Self {
        Self {
            seed: 1,
            sampling_rate_hz: 250.0,
            duration_s: 120.0,
            mean_heart_rate_bpm: 72.0,
            heart_rate_std_bpm: 2.0,
            lf_hf_ratio: 0.5,
            noise_mv: 0.02,
            wander_mv: 0.1,
        }
    }
}

/// Samples and the truth about them.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticRecording {
    /// Samples in millivolts.
    pub samples_mv: Vec<f32>,
    /// R peaks within the recording, in seconds.
    pub beat_times_s: Vec<f64>,
}

impl SyntheticEcg {
    /// Makes the recording.
    ///
    /// # Errors
    ///
    /// [`EcgError::Parameter`] for a parameter outside its range.
    pub fn generate(&self) -> Result<SyntheticRecording, EcgError> {
        self.check()?;
        let mut random = Random(self.seed);
        let peaks = self.peaks(&mut random);
        let mut samples = self.waves(&peaks);
        let (low, high) = samples.iter().fold((f64::MAX, f64::MIN), |(l, h), z| (l.min(*z), h.max(*z)));
        let scale = (RANGE_MV.1 - RANGE_MV.0) / (high - low);
        let phase = random.uniform() * TAU;
        for (number, sample) in samples.iter_mut().enumerate() {
            let t = number as f64 / self.sampling_rate_hz;
            let wander = self.wander_mv * (TAU * WANDER_HZ * t + phase).sin();
            *sample = (*sample - low) * scale + RANGE_MV.0 + wander + self.noise_mv * random.normal();
        }
        let inside = |t: &f64| (0.0..self.duration_s).contains(t);
        Ok(SyntheticRecording {
            samples_mv: samples.into_iter().map(|s| s as f32).collect(),
            beat_times_s: peaks.into_iter().filter(inside).collect(),
        })
    }

    fn check(&self) -> Result<(), EcgError> {
        let tenth = self.mean_heart_rate_bpm / 10.0;
        let ranges = [
            ("sampling rate", self.sampling_rate_hz, 100.0, 1000.0, "100 to 1,000 Hz"),
            ("duration", self.duration_s, 5.0, 7200.0, "5 to 7,200 s"),
            ("mean heart rate", self.mean_heart_rate_bpm, 30.0, 200.0, "30 to 200 per minute"),
            ("heart rate deviation", self.heart_rate_std_bpm, 0.0, tenth, "0 to a tenth of the mean heart rate"),
            ("LF/HF ratio", self.lf_hf_ratio, 0.0, 10.0, "0 to 10"),
            ("noise", self.noise_mv, 0.0, 1.0, "0 to 1 mV"),
            ("baseline wander", self.wander_mv, 0.0, 2.0, "0 to 2 mV"),
        ];
        // `contains` is false for NaN, which is what is wanted.
        match ranges.into_iter().find(|(_, value, low, high, _)| !(low..=high).contains(&value)) {
            Some((name, .., range)) => Err(EcgError::Parameter { name, range }),
            None => Ok(()),
        }
    }

    /// Times of R peaks in seconds, from one before the start to one after the end.
    fn peaks(&self, random: &mut Random) -> Vec<f64> {
        let mean = 60.0 / self.mean_heart_rate_bpm;
        let deviation = 60.0 * self.heart_rate_std_bpm / self.mean_heart_rate_bpm.powi(2);
        let tachogram = Tachogram::new(self.lf_hf_ratio, random);
        let mut peaks = vec![-mean * random.uniform()];
        let mut last = peaks[0];
        while last <= self.duration_s {
            // Three deviations at most, so that no interval becomes impossible.
            last += mean + deviation * tachogram.at(last).clamp(-3.0, 3.0);
            peaks.push(last);
        }
        peaks
    }

    /// Integrates z over the whole recording.
    fn waves(&self, peaks: &[f64]) -> Vec<f64> {
        let steps = (STEPS_PER_SECOND / self.sampling_rate_hz).ceil().max(1.0);
        let h = 1.0 / (self.sampling_rate_hz * steps);
        let mut model = Model::new(peaks, self.mean_heart_rate_bpm);
        let count = (self.duration_s * self.sampling_rate_hz) as usize;
        let mut z = 0.0;
        let mut samples = Vec::with_capacity(count);
        for number in 0..count {
            samples.push(z);
            for step in 0..steps as usize {
                let t = number as f64 / self.sampling_rate_hz + step as f64 * h;
                let k1 = model.slope(t, z);
                let k2 = model.slope(t + h / 2.0, z + h / 2.0 * k1);
                let k3 = model.slope(t + h / 2.0, z + h / 2.0 * k2);
                let k4 = model.slope(t + h, z + h * k3);
                z += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
            }
        }
        samples
    }
}

/// The differential equation of z along the known phase.
struct Model<'a> {
    peaks: &'a [f64],
    waves: [(f64, f64, f64); 5],
    /// The interval the last time asked for lay in; times only move on by steps.
    interval: usize,
}

impl<'a> Model<'a> {
    fn new(peaks: &'a [f64], mean_heart_rate_bpm: f64) -> Self {
        let width = (mean_heart_rate_bpm / 60.0).sqrt();
        let turn = [width.sqrt(), width, 1.0, width, width.sqrt()];
        let mut waves = WAVES;
        for (wave, turn) in waves.iter_mut().zip(turn) {
            *wave = (wave.0 * turn, wave.1, wave.2 * width);
        }
        Self { peaks, waves, interval: 0 }
    }

    /// Phase at a time: 0 at each R peak, running through a full turn to the next.
    fn phase(&mut self, t: f64) -> f64 {
        while self.interval + 2 < self.peaks.len() && t >= self.peaks[self.interval + 1] {
            self.interval += 1;
        }
        let (from, to) = (self.peaks[self.interval], self.peaks[self.interval + 1]);
        TAU * (t - from) / (to - from)
    }

    fn slope(&mut self, t: f64, z: f64) -> f64 {
        let theta = self.phase(t);
        let pull = self.waves.iter().map(|(angle, size, width)| {
            let d = (theta - angle + PI).rem_euclid(TAU) - PI;
            size * d * (-d * d / (2.0 * width * width)).exp()
        });
        let (amplitude, frequency) = BASELINE;
        -pull.sum::<f64>() - (z - amplitude * (TAU * frequency * t).sin())
    }
}

/// The interval process with mean 0 and variance 1, as a sum of cosines with random phases.
struct Tachogram(Vec<(f64, f64, f64)>);

impl Tachogram {
    fn new(lf_hf_ratio: f64, random: &mut Random) -> Self {
        let shares = [lf_hf_ratio / (1.0 + lf_hf_ratio), 1.0 / (1.0 + lf_hf_ratio)];
        let mut cosines = Vec::with_capacity(2 * COSINES);
        for (centre, share) in BANDS_HZ.into_iter().zip(shares) {
            let place = |n: usize| 6.0 * n as f64 / (COSINES - 1) as f64 - 3.0;
            let weight = |n: usize| (-place(n).powi(2) / 2.0).exp();
            let total = (0..COSINES).map(weight).sum::<f64>();
            for n in 0..COSINES {
                // A cosine of amplitude √(2p) has the power p.
                let amplitude = (2.0 * share * weight(n) / total).sqrt();
                cosines.push((amplitude, centre + BAND_WIDTH_HZ * place(n), random.uniform() * TAU));
            }
        }
        Self(cosines)
    }

    fn at(&self, t: f64) -> f64 {
        self.0.iter().map(|(amplitude, frequency, phase)| amplitude * (TAU * frequency * t + phase).cos()).sum()
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): eight lines that never change under a seed.
pub(in crate::aims) struct Random(pub(in crate::aims) u64);

impl Random {
    pub(in crate::aims) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    pub(in crate::aims) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1 (Box–Muller).
    pub(in crate::aims) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }
}
