//! Makes an EEG whose band powers, states and bursts are known.
//!
//! A channel is a sum of cosines with random phases: a background whose power falls as f^−exponent, and in each stretch of
//! time rhythms of a given power spread over a few neighbouring frequencies, as a real alpha rhythm is. A cosine of
//! amplitude A has the power A²/2, so the truth about each band is a sum. Bursts are cosines under a flat top that is
//! rounded at both ends. White noise of the amplifier comes on top. Same seed, same recording.

use std::f64::consts::TAU;
use std::io::Write;

use time::PrimitiveDateTime;

use super::bands::{Band, WHOLE};
use super::error::EegError;
pub(in crate::aims) use crate::aims::aih_data_processing::ecg::synthetic::Random;
use crate::aims::aih_data_processing::edf::writer::{EdfChannel, EdfContents, write};

/// Physical range of the written file in microvolts.
const RANGE_UV: i32 = 3_200;
/// Distance of the cosines of the background in hertz.
const BACKGROUND_STEP_HZ: f64 = 0.2;
/// Cosines of a rhythm, and the width over which they are spread in hertz.
const RHYTHM_COSINES: usize = 7;
const RHYTHM_WIDTH_HZ: f64 = 0.9;
/// Rounded ends of a burst in seconds.
const BURST_EDGE_S: f64 = 0.1;

/// A rhythm during a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// Start in seconds.
    pub from_s: f64,
    /// End in seconds.
    pub to_s: f64,
    /// Its middle frequency in hertz.
    pub hz: f64,
    /// Its power in µV².
    pub power_uv2: f64,
}

/// A burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Onset in seconds.
    pub onset_s: f64,
    /// Duration in seconds.
    pub duration_s: f64,
    /// Frequency in hertz.
    pub hz: f64,
    /// Amplitude in microvolts.
    pub amplitude_uv: f64,
}

/// One channel to make.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticChannel {
    /// Label, for instance `EEG O1`.
    pub label: String,
    /// Power of the background from 0.5 to 45 Hz, in µV².
    pub background_uv2: f64,
    /// Exponent of the background.
    pub exponent: f64,
    /// Standard deviation of the noise in microvolts.
    pub noise_uv: f64,
    /// Rhythms.
    pub rhythms: Vec<Rhythm>,
    /// Bursts.
    pub bursts: Vec<Burst>,
}

/// What recording to make.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticEeg {
    /// Same seed, same recording.
    pub seed: u64,
    /// Whole samples per second, 100 to 2,000.
    pub rate_hz: u32,
    /// Whole seconds, 4 to 7,200.
    pub duration_s: u32,
    /// The channels.
    pub channels: Vec<SyntheticChannel>,
}

impl SyntheticChannel {
    /// A channel with nothing but background and a little noise.
    #[must_use]
    pub fn quiet(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            background_uv2: 100.0,
            exponent: 1.5,
            noise_uv: 0.5,
            rhythms: Vec::new(),
            bursts: Vec::new(),
        }
    }

    /// The true power of the background in a band, in µV².
    #[must_use]
    pub fn background_in(&self, band: Band) -> f64 {
        let within = background_hz().filter(|hz| band.contains(*hz)).map(|hz| hz.powf(-self.exponent)).sum::<f64>();
        self.background_uv2 * within / background_hz().map(|hz| hz.powf(-self.exponent)).sum::<f64>()
    }
}

/// Frequencies of the background, off the edges of the bands.
fn background_hz() -> impl Iterator<Item = f64> {
    let count = ((WHOLE.to_hz - WHOLE.from_hz) / BACKGROUND_STEP_HZ) as usize;
    (0..count).map(|n| WHOLE.from_hz + (n as f64 + 0.5) * BACKGROUND_STEP_HZ)
}

impl SyntheticEeg {
    /// Makes the samples of each channel, in microvolts.
    ///
    /// # Errors
    ///
    /// [`EegError::Parameter`] for a parameter outside its range.
    pub fn generate(&self) -> Result<Vec<Vec<f32>>, EegError> {
        let refuse = |name, range| Err(EegError::Parameter { name, range });
        if !(100..=2_000).contains(&self.rate_hz) {
            return refuse("rate", "100 to 2,000 Hz");
        }
        if !(4..=7_200).contains(&self.duration_s) {
            return refuse("duration", "4 to 7,200 s");
        }
        let amplitude = |c: &SyntheticChannel| {
            let rhythms = c.rhythms.iter().map(|r| r.power_uv2).sum::<f64>();
            let bursts = c.bursts.iter().map(|b| b.amplitude_uv.abs()).fold(0.0, f64::max);
            5.0 * (c.background_uv2 + rhythms + c.noise_uv.powi(2)).sqrt() + bursts
        };
        // `contains` is false for NaN, which is what is wanted.
        if !self.channels.iter().all(|c| (0.0..=f64::from(RANGE_UV)).contains(&amplitude(c))) {
            return refuse("powers", "such that five deviations fit 3,200 microvolts");
        }
        let mut random = Random(self.seed);
        Ok(self.channels.iter().map(|channel| self.channel(channel, &mut random)).collect())
    }

    fn channel(&self, channel: &SyntheticChannel, random: &mut Random) -> Vec<f32> {
        let count = (self.rate_hz * self.duration_s) as usize;
        let mut samples = vec![0.0; count];
        let whole = background_hz().map(|hz| hz.powf(-channel.exponent)).sum::<f64>();
        for hz in background_hz() {
            let power = channel.background_uv2 * hz.powf(-channel.exponent) / whole;
            // Uneven distances, so that nothing repeats within the recording.
            let hz = hz + 0.8 * BACKGROUND_STEP_HZ * (random.uniform() - 0.5);
            self.add(&mut samples, (2.0 * power).sqrt(), hz, random, |_| 1.0);
        }
        for rhythm in &channel.rhythms {
            for n in 0..RHYTHM_COSINES {
                let place = n as f64 / (RHYTHM_COSINES - 1) as f64 - 0.5 + 0.1 * (random.uniform() - 0.5);
                let amplitude = (2.0 * rhythm.power_uv2 / RHYTHM_COSINES as f64).sqrt();
                let inside = |t: f64| f64::from(u8::from(t >= rhythm.from_s && t < rhythm.to_s));
                self.add(&mut samples, amplitude, rhythm.hz + place * RHYTHM_WIDTH_HZ, random, inside);
            }
        }
        for burst in &channel.bursts {
            let end = burst.onset_s + burst.duration_s;
            let top = |t: f64| ((t - burst.onset_s).min(end - t) / BURST_EDGE_S).clamp(0.0, 1.0);
            self.add(&mut samples, burst.amplitude_uv, burst.hz, random, top);
        }
        samples.into_iter().map(|s| (s + channel.noise_uv * random.normal()) as f32).collect()
    }

    fn add(&self, to: &mut [f64], amplitude: f64, hz: f64, random: &mut Random, weight: impl Fn(f64) -> f64) {
        let (sin, cos) = (TAU * hz / f64::from(self.rate_hz)).sin_cos();
        let (mut y, mut x) = (TAU * random.uniform()).sin_cos();
        for (n, sample) in to.iter_mut().enumerate() {
            *sample += amplitude * weight(n as f64 / f64::from(self.rate_hz)) * x;
            // One turn of the pointer per sample is much cheaper than a cosine, and as exact over two hours.
            (x, y) = (x * cos - y * sin, x * sin + y * cos);
        }
    }

    /// Makes the recording and writes it as EDF+.
    ///
    /// # Errors
    ///
    /// As [`SyntheticEeg::generate`], and [`EegError::Edf`] for a label or start that does not fit the format.
    pub fn write(&self, start: PrimitiveDateTime, out: impl Write) -> Result<(), EegError> {
        let samples = self.generate()?;
        let channels = self.channels.iter().zip(&samples).map(|(channel, samples)| EdfChannel {
            label: &channel.label,
            unit: "uV",
            range: RANGE_UV,
            sampling_rate_hz: self.rate_hz,
            samples,
            scale: 1.0,
        });
        Ok(write(&EdfContents { start, channels: &channels.collect::<Vec<_>>(), annotations: &[] }, out)?)
    }
}
