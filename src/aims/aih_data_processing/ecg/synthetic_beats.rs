//! A synthetic ECG with ectopic beats, and the kind of each beat as truth.
//!
//! The model of [`super::synthetic`] (McSharry et al. 2003), with waves of their own for each beat, as its authors extended
//! it to abnormal beats (G. D. Clifford, S. Nemati, R. Sameni, "An artificial vector model for generating abnormal
//! electrocardiographic rhythms", Physiol. Meas. 31(5), 595–609, 2010):
//!
//! | Kind | Comes | Waves |
//! | --- | --- | --- |
//! | `N` normal | when it is due | table I of the model, each person's own sizes |
//! | `S` supraventricular | early; the rhythm starts anew from it | as normal; the P wave small and of other shape |
//! | `V` ventricular | early; a compensatory pause follows | no P wave, a wide QRS complex, the T wave against it |
//!
//! A seed stands for a person: sizes and widths of the waves, rate, noise and the share of ectopic beats differ.

use std::f64::consts::{PI, TAU};

use super::{error::EcgError, synthetic::Random};

/// P, Q, R, S, T: angle in radians, size, width in radians.
type Waves = [(f64, f64, f64); 5];

/// Table I of the model.
const NORMAL: Waves =
    [(-PI / 3.0, 1.2, 0.25), (-PI / 12.0, -5.0, 0.1), (0.0, 30.0, 0.1), (PI / 12.0, -7.5, 0.1), (PI / 2.0, 0.75, 0.4)];
/// Runge–Kutta steps per second.
const STEPS_PER_SECOND: f64 = 500.0;
/// Height of a normal R wave, in millivolts.
const R_HEIGHT_MV: f64 = 1.0;

/// Kind of a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatKind {
    /// Normal.
    Normal,
    /// Supraventricular ectopic.
    Supraventricular,
    /// Ventricular ectopic.
    Ventricular,
}

impl BeatKind {
    /// The letter of annotations.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Normal => "N",
            Self::Supraventricular => "S",
            Self::Ventricular => "V",
        }
    }
}

/// What recording to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SyntheticBeats {
    /// Same seed, same person, same recording.
    pub seed: u64,
    /// Samples per second, 100 to 1,000.
    pub sampling_rate_hz: f64,
    /// Length in seconds, 10 to 7,200.
    pub duration_s: f64,
    /// Share of ventricular beats, 0 to 0.3.
    pub ventricular: f64,
    /// Share of supraventricular beats, 0 to 0.3.
    pub supraventricular: f64,
    /// Standard deviation of white noise in millivolts, 0 to 0.5.
    pub noise_mv: f64,
}

/// Samples and the truth about them.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledRecording {
    /// Samples in millivolts.
    pub samples_mv: Vec<f32>,
    /// R peaks in seconds, with their kinds.
    pub beats: Vec<(f64, BeatKind)>,
}

/// How one person's heart looks.
struct Person {
    waves: Waves,
    interval_s: f64,
    prematurity: f64,
    widening: f64,
}

impl Person {
    fn new(random: &mut Random) -> Self {
        let mut vary = |share: f64| 1.0 + share * (2.0 * random.uniform() - 1.0);
        let mut waves = NORMAL;
        for (angle, size, width) in &mut waves {
            *angle *= vary(0.1);
            *size *= vary(0.35);
            *width *= vary(0.15);
        }
        Self { waves, interval_s: 0.85 * vary(0.2), prematurity: 0.62 * vary(0.12), widening: 2.2 * vary(0.15) }
    }

    fn waves(&self, kind: BeatKind) -> Waves {
        let [p, q, r, s, t] = self.waves;
        match kind {
            BeatKind::Normal => self.waves,
            BeatKind::Supraventricular => [(p.0 * 0.85, -0.4 * p.1, p.2 * 0.7), q, r, s, t],
            BeatKind::Ventricular => {
                let wide = self.widening;
                // Wider at about the same height: the area under a wave of the model grows with its width.
                let wave =
                    |(angle, size, width): (f64, f64, f64), share: f64| (angle * wide, size * share, width * wide);
                [(p.0, 0.0, p.2), wave(q, 0.2), wave(r, 0.45), wave(s, 0.6), (t.0, -2.2 * t.1, t.2)]
            }
        }
    }
}

impl SyntheticBeats {
    /// Makes the recording.
    ///
    /// # Errors
    ///
    /// [`EcgError::Parameter`] for a parameter outside its range.
    pub fn generate(&self) -> Result<LabelledRecording, EcgError> {
        self.check()?;
        let mut random = Random(self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let person = Person::new(&mut random);
        let beats = self.beats(&person, &mut random);
        let mut samples = integrate(&beats, &person, self);
        let scale = R_HEIGHT_MV / height(&beats, &samples, self.sampling_rate_hz);
        let phase = random.uniform() * TAU;
        for (number, sample) in samples.iter_mut().enumerate() {
            let wander = 0.08 * (TAU * 0.15 * number as f64 / self.sampling_rate_hz + phase).sin();
            *sample = (*sample * scale + wander + self.noise_mv * random.normal()).clamp(-4.9, 4.9);
        }
        let inside = |beat: &(f64, BeatKind)| (0.0..self.duration_s).contains(&beat.0);
        let samples_mv = samples.into_iter().map(|sample| sample as f32).collect();
        Ok(LabelledRecording { samples_mv, beats: beats.into_iter().filter(inside).collect() })
    }

    fn check(&self) -> Result<(), EcgError> {
        let ranges = [
            ("sampling rate", self.sampling_rate_hz, 100.0, 1_000.0, "100 to 1,000 Hz"),
            ("duration", self.duration_s, 10.0, 7_200.0, "10 to 7,200 s"),
            ("share of ventricular beats", self.ventricular, 0.0, 0.3, "0 to 0.3"),
            ("share of supraventricular beats", self.supraventricular, 0.0, 0.3, "0 to 0.3"),
            ("noise", self.noise_mv, 0.0, 0.5, "0 to 0.5 mV"),
        ];
        match ranges.into_iter().find(|(_, value, low, high, _)| !(low..=high).contains(&value)) {
            Some((name, .., range)) => Err(EcgError::Parameter { name, range }),
            None => Ok(()),
        }
    }

    /// Beats from one before the start to one after the end. After an ectopic beat comes a normal one.
    fn beats(&self, person: &Person, random: &mut Random) -> Vec<(f64, BeatKind)> {
        let mut beats = vec![(-person.interval_s * random.uniform(), BeatKind::Normal)];
        let (mut last, mut pause) = (beats[0].0, false);
        while last <= self.duration_s {
            let due = person.interval_s * (1.0 + 0.03 * random.normal().clamp(-2.5, 2.5));
            let drawn = random.uniform();
            let kind = match () {
                () if pause || beats.len() < 2 => BeatKind::Normal,
                () if drawn < self.ventricular => BeatKind::Ventricular,
                () if drawn < self.ventricular + self.supraventricular => BeatKind::Supraventricular,
                () => BeatKind::Normal,
            };
            let compensates = beats.last().is_some_and(|beat| beat.1 == BeatKind::Ventricular);
            last += match kind {
                BeatKind::Normal if compensates => due * (2.0 - person.prematurity),
                BeatKind::Normal => due,
                _ => due * person.prematurity,
            };
            pause = kind != BeatKind::Normal;
            beats.push((last, kind));
        }
        beats.push((last + person.interval_s, BeatKind::Normal));
        beats
    }
}

/// Integrates the model's equation for z along the phase, each beat with its own waves from half-way to half-way.
fn integrate(beats: &[(f64, BeatKind)], person: &Person, settings: &SyntheticBeats) -> Vec<f64> {
    let waves: Vec<Waves> = beats.iter().map(|(_, kind)| person.waves(*kind)).collect();
    let steps = (STEPS_PER_SECOND / settings.sampling_rate_hz).ceil().max(1.0);
    let h = 1.0 / (settings.sampling_rate_hz * steps);
    let (mut interval, mut z) = (0_usize, 0.0);
    let count = (settings.duration_s * settings.sampling_rate_hz) as usize;
    let mut samples = Vec::with_capacity(count);
    let mut slope = |t: f64, z: f64| {
        while interval + 2 < beats.len() && beats.get(interval + 1).is_some_and(|next| t >= next.0) {
            interval += 1;
        }
        let (Some((from, _)), Some((to, _))) = (beats.get(interval), beats.get(interval + 1)) else { return 0.0 };
        let phase = TAU * (t - from) / (to - from);
        // The first half belongs to the beat before, the second to the beat to come.
        let (own, theta) = if phase < PI { (interval, phase) } else { (interval + 1, phase - TAU) };
        let Some(waves) = waves.get(own) else { return 0.0 };
        let pull: f64 = waves
            .iter()
            .map(|(angle, size, width)| {
                let d = theta - angle;
                size * d * (-d * d / (2.0 * width * width)).exp()
            })
            .sum();
        -pull - z
    };
    for number in 0..count {
        samples.push(z);
        for step in 0..steps as usize {
            let t = number as f64 / settings.sampling_rate_hz + step as f64 * h;
            let k1 = slope(t, z);
            let k2 = slope(t + h / 2.0, z + h / 2.0 * k1);
            let k3 = slope(t + h / 2.0, z + h / 2.0 * k2);
            let k4 = slope(t + h, z + h * k3);
            z += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
        }
    }
    samples
}

/// Median height of the normal R waves.
fn height(beats: &[(f64, BeatKind)], samples: &[f64], rate: f64) -> f64 {
    let normal = beats.iter().filter(|beat| beat.1 == BeatKind::Normal && beat.0 >= 0.0);
    let mut heights: Vec<f64> = normal.filter_map(|beat| samples.get((beat.0 * rate) as usize)).copied().collect();
    heights.sort_unstable_by(f64::total_cmp);
    heights.get(heights.len() / 2).copied().unwrap_or(1.0).abs().max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: SyntheticBeats = SyntheticBeats {
        seed: 3,
        sampling_rate_hz: 250.0,
        duration_s: 120.0,
        ventricular: 0.1,
        supraventricular: 0.1,
        noise_mv: 0.01,
    };

    #[test]
    fn a_seed_is_a_recording_with_beats_of_every_kind() {
        let made = PERSON.generate().unwrap();
        assert_eq!(made, PERSON.generate().unwrap());
        assert_ne!(made.samples_mv, SyntheticBeats { seed: 4, ..PERSON }.generate().unwrap().samples_mv);
        let count = |kind| made.beats.iter().filter(|beat| beat.1 == kind).count();
        assert!(
            count(BeatKind::Normal) > 80 && count(BeatKind::Ventricular) > 4 && count(BeatKind::Supraventricular) > 4
        );
    }

    #[test]
    fn ectopic_beats_come_early_and_are_found_by_the_detector() {
        use super::super::{EcgRecording, detect_events, recording::RecordingParts, score::BeatScore};
        let made = PERSON.generate().unwrap();
        let intervals: Vec<f64> = made.beats.windows(2).map(|two| two[1].0 - two[0].0).collect();
        let mut sorted = intervals.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        for (interval, beat) in intervals.iter().zip(made.beats.iter().skip(1)) {
            assert_eq!(beat.1 != BeatKind::Normal, *interval < 0.8 * middle, "{interval} before {:?}", beat.1);
        }
        let parts = RecordingParts {
            sampling_rate_hz: 250.0,
            samples_mv: made.samples_mv,
            calibrated: true,
            ..RecordingParts::default()
        };
        let found = detect_events(&EcgRecording::new(parts).unwrap()).unwrap().event_times_seconds;
        let truth: Vec<f64> = made.beats.iter().map(|beat| beat.0).collect();
        let score = BeatScore::of(&truth, &found, 0.15);
        assert!(score.f1() > 0.97, "{}", score.f1());
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(SyntheticBeats { ventricular: 0.5, ..PERSON }.generate().is_err());
        assert!(SyntheticBeats { noise_mv: f64::NAN, ..PERSON }.generate().is_err());
    }
}
