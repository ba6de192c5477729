//! One lead of an ECG, checked: the language the readers and the analysis share.

use time::PrimitiveDateTime;

use super::error::EcgError;
use super::limits::{MAX_AMPLITUDE_MV, MAX_MISSING_SHARE, MAX_SAMPLES, MAX_SAMPLING_RATE_HZ};

/// Longest lead name that is kept; header texts are free and may be anything.
const MAX_LEAD_NAME_CHARS: usize = 32;

/// One lead of an ECG with an even sampling rate.
///
/// A value of this type has a positive sampling rate, at least one sample, and only finite samples of
/// believable size.
#[derive(Debug, Clone, PartialEq)]
pub struct EcgRecording {
    start: Option<PrimitiveDateTime>,
    sampling_rate_hz: f64,
    lead: String,
    samples_mv: Vec<f32>,
    missing_samples: u64,
    calibrated: bool,
}

/// What a reader found out about a recording, before it is checked.
#[derive(Debug, Clone, Default)]
pub struct RecordingParts {
    /// Local start time if the header states one.
    pub start: Option<PrimitiveDateTime>,
    /// Samples per second.
    pub sampling_rate_hz: f64,
    /// Name of the lead as the header spells it.
    pub lead: String,
    /// The samples in millivolts; a missing one is `NaN`.
    pub samples_mv: Vec<f32>,
    /// Whether the header stated the gain, so that the millivolts are real ones.
    pub calibrated: bool,
}

impl EcgRecording {
    /// Checks the parts; missing samples are replaced by the value before them and counted.
    ///
    /// # Errors
    ///
    /// [`EcgError::Field`] for a rate that is no positive number, infinite samples or none at all,
    /// [`EcgError::Limit`] beyond [`super::limits`], [`EcgError::TooManyMissing`].
    pub fn new(parts: RecordingParts) -> Result<Self, EcgError> {
        check_sampling_rate(parts.sampling_rate_hz)?;
        let mut samples_mv = parts.samples_mv;
        let total = samples_mv.len() as u64;
        if total == 0 {
            return Err(EcgError::field("samples", "there are none"));
        }
        check_sample_count(total)?;
        let missing_samples = fill_missing(&mut samples_mv);
        if share(missing_samples, total) > MAX_MISSING_SHARE {
            return Err(EcgError::TooManyMissing { missing: missing_samples, total });
        }
        let peak = samples_mv.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        if peak > MAX_AMPLITUDE_MV {
            let (value, limit) = (f64::from(peak), f64::from(MAX_AMPLITUDE_MV));
            return Err(EcgError::Limit { what: "the amplitude in millivolts", value, limit });
        }
        let lead = parts.lead.chars().filter(|c| !c.is_control()).take(MAX_LEAD_NAME_CHARS).collect::<String>();
        Ok(Self {
            start: parts.start,
            sampling_rate_hz: parts.sampling_rate_hz,
            lead: lead.trim().to_owned(),
            samples_mv,
            missing_samples,
            calibrated: parts.calibrated,
        })
    }

    /// Local start time, without a time zone: neither format carries one.
    #[must_use]
    pub fn start(&self) -> Option<PrimitiveDateTime> {
        self.start
    }

    /// Samples per second.
    #[must_use]
    pub fn sampling_rate_hz(&self) -> f64 {
        self.sampling_rate_hz
    }

    /// Name of the lead, for instance `MLII`.
    #[must_use]
    pub fn lead(&self) -> &str {
        &self.lead
    }

    /// The samples, in millivolts.
    #[must_use]
    pub fn samples_mv(&self) -> &[f32] {
        &self.samples_mv
    }

    /// How many samples were marked as missing and repeat the value before them.
    #[must_use]
    pub fn missing_samples(&self) -> u64 {
        self.missing_samples
    }

    /// Whether the gain came from the header; if not, the millivolts rest on the default of the format.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.calibrated
    }

    /// Length of the recording, in seconds.
    #[must_use]
    pub fn duration_seconds(&self) -> f64 {
        self.samples_mv.len() as f64 / self.sampling_rate_hz
    }
}

/// Refuses a rate that is zero, negative, not finite or beyond the limit, in hertz.
pub(super) fn check_sampling_rate(rate_hz: f64) -> Result<(), EcgError> {
    if !rate_hz.is_finite() || rate_hz <= 0.0 {
        return Err(EcgError::field("sampling rate", "it must be a positive number"));
    }
    if rate_hz > MAX_SAMPLING_RATE_HZ {
        let limit = MAX_SAMPLING_RATE_HZ;
        return Err(EcgError::Limit { what: "the sampling rate in hertz", value: rate_hz, limit });
    }
    Ok(())
}

/// Refuses a claimed number of samples beyond the limit.
pub(super) fn check_sample_count(samples: u64) -> Result<(), EcgError> {
    if samples > MAX_SAMPLES {
        return Err(EcgError::limit("the number of samples", samples, MAX_SAMPLES));
    }
    Ok(())
}

/// Repeats the last known value over each `NaN` (the first known value at the start).
fn fill_missing(samples: &mut [f32]) -> u64 {
    let mut last = samples.iter().copied().find(|s| !s.is_nan()).unwrap_or(0.0);
    let mut missing = 0;
    for sample in samples {
        if sample.is_nan() {
            *sample = last;
            missing += 1;
        } else {
            last = *sample;
        }
    }
    missing
}

fn share(part: u64, total: u64) -> f64 {
    part as f64 / total as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(rate: f64, samples: Vec<f32>) -> RecordingParts {
        RecordingParts { sampling_rate_hz: rate, samples_mv: samples, ..RecordingParts::default() }
    }

    #[test]
    fn impossible_rates_and_empty_leads_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(EcgRecording::new(parts(rate, vec![0.0])), Err(EcgError::Field { .. })), "{rate}");
        }
        assert!(matches!(EcgRecording::new(parts(20_000.0, vec![0.0])), Err(EcgError::Limit { .. })));
        assert!(matches!(EcgRecording::new(parts(100.0, vec![])), Err(EcgError::Field { .. })));
    }

    #[test]
    fn infinite_and_unbelievable_samples_are_refused() {
        for sample in [f32::INFINITY, f32::NEG_INFINITY, 1_000.5, -2_000.0] {
            assert!(matches!(EcgRecording::new(parts(100.0, vec![sample])), Err(EcgError::Limit { .. })), "{sample}");
        }
    }

    #[test]
    fn a_few_missing_samples_are_held_and_counted_many_are_refused() {
        let mut samples = vec![1.0; 20];
        samples[0] = f32::NAN;
        samples[1] = 2.0;
        samples[2] = f32::NAN;
        let recording = EcgRecording::new(parts(100.0, samples)).unwrap();
        assert_eq!(recording.samples_mv()[..3], [2.0, 2.0, 2.0]);
        assert_eq!(recording.missing_samples(), 2);
        let all_missing = EcgRecording::new(parts(100.0, vec![f32::NAN; 20]));
        assert!(matches!(all_missing, Err(EcgError::TooManyMissing { missing: 20, total: 20 })));
    }
}
