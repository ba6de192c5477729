//! A window of an ECG around each detected beat, as a network declares it: samples brought to one rate, level and size, and
//! the intervals to the beats before and after. Size and rate of the heart's own signal differ between people and devices;
//! what tells beats apart is shape and timing (P. de Chazal, M. O'Dwyer, R. B. Reilly, "Automatic Classification of
//! Heartbeats Using ECG Morphology and Heartbeat Interval Features", IEEE Trans. Biomed. Eng. 51(7), 2004).
//!
//! | Numbers | Are |
//! | --- | --- |
//! | `before` + `after` samples | linear interpolation at the declared rate; minus their median; over the median R height |
//! | 2 intervals | natural logarithm of the interval before, and after, over the median interval of the recording |

use crate::{aims::aih_data_processing::ecg::EcgRecording, mpai_store::models::declaration::Declaration};

/// Fewest beats for a median worth the name.
pub const LEAST_BEATS: usize = 5;
/// Smallest R height that is a signal, in millivolts.
const LEAST_HEIGHT_MV: f64 = 0.01;

/// A beat with its window.
#[derive(Debug, Clone, PartialEq)]
pub struct BeatWindow {
    /// Time of the beat in seconds.
    pub at_s: f64,
    /// As many numbers as the network takes.
    pub numbers: Vec<f64>,
}

/// The windows of all beats that have a beat on each side and lie whole inside the recording.
///
/// `beats_s` are the beats in seconds, ascending. Empty when there are fewer than [`LEAST_BEATS`], or no signal.
pub fn windows(recording: &EcgRecording, beats_s: &[f64], declared: &Declaration) -> Vec<BeatWindow> {
    let intervals: Vec<f64> = beats_s.windows(2).map(|two| two[1] - two[0]).collect();
    let middle = median(intervals.clone());
    if beats_s.len() < LEAST_BEATS || middle <= 0.0 {
        return Vec::new();
    }
    let mut found = Vec::with_capacity(beats_s.len());
    for (place, at) in beats_s.iter().enumerate().skip(1).take(beats_s.len() - 2) {
        let (Some(previous), Some(next)) = (intervals.get(place - 1), intervals.get(place)) else { continue };
        let Some(mut numbers) = samples(recording, *at, declared) else { continue };
        let level = median(numbers.clone());
        numbers.iter_mut().for_each(|value| *value -= level);
        let shares = [previous, next].map(|interval| (interval / middle).max(1e-3).ln());
        found.push((*at, numbers, shares));
    }
    // The height of the beat itself; the median over all beats, so that a large ectopic beat stays large.
    let heights: Vec<f64> = found.iter().filter_map(|(_, n, _)| n.get(declared.before)).map(|v| v.abs()).collect();
    let height = median(heights);
    if height < LEAST_HEIGHT_MV {
        return Vec::new();
    }
    let finish = |(at_s, mut numbers, shares): (f64, Vec<f64>, [f64; 2])| {
        numbers.iter_mut().for_each(|value| *value /= height);
        numbers.extend(shares);
        BeatWindow { at_s, numbers }
    };
    found.into_iter().map(finish).collect()
}

/// Samples at the declared rate around a time; `None` when some lie outside.
fn samples(recording: &EcgRecording, at_s: f64, declared: &Declaration) -> Option<Vec<f64>> {
    let (all, rate) = (recording.samples_mv(), recording.sampling_rate_hz());
    let mut window = Vec::with_capacity(declared.before + declared.after);
    for step in 0..declared.before + declared.after {
        let time = at_s + (step as f64 - declared.before as f64) / declared.sampling_rate_hz;
        let place = time * rate;
        if place < 0.0 {
            return None;
        }
        let (low, share) = (place.floor() as usize, place.fract());
        let (one, two) = (all.get(low)?, all.get(low + 1)?);
        window.push(f64::from(*one) * (1.0 - share) + f64::from(*two) * share);
    }
    Some(window)
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aims::aih_data_processing::ecg::{detect_events, recording::RecordingParts, synthetic::SyntheticEcg};

    #[test]
    fn windows_do_not_depend_on_gain_level_or_rate() {
        let declared = Declaration::beat_classifier(4);
        let made = |rate: f64, gain: f32, level: f32| {
            let quiet = SyntheticEcg {
                noise_mv: 0.0,
                wander_mv: 0.0,
                sampling_rate_hz: rate,
                duration_s: 20.0,
                ..SyntheticEcg::default()
            };
            let samples_mv = quiet.generate().unwrap().samples_mv.into_iter().map(|s| s * gain + level).collect();
            let parts =
                RecordingParts { sampling_rate_hz: rate, samples_mv, calibrated: true, ..RecordingParts::default() };
            let recording = EcgRecording::new(parts).unwrap();
            let beats = detect_events(&recording).unwrap().event_times_seconds;
            windows(&recording, &beats, &declared)
        };
        let (one, other) = (made(250.0, 1.0, 0.0), made(360.0, 2.5, 1.0));
        assert!(one.len() > 15 && one.len() == other.len());
        for (a, b) in one.iter().zip(&other) {
            assert_eq!(a.numbers.len(), declared.inputs());
            let most = a.numbers.iter().zip(&b.numbers).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(most < 0.1, "{most} at {} s", a.at_s);
        }
    }

    #[test]
    fn nothing_comes_of_no_beats_and_of_no_signal() {
        let parts =
            RecordingParts { sampling_rate_hz: 100.0, samples_mv: vec![0.0; 2_000], ..RecordingParts::default() };
        let flat = EcgRecording::new(parts).unwrap();
        let declared = Declaration::beat_classifier(4);
        assert!(windows(&flat, &[], &declared).is_empty());
        assert!(windows(&flat, &[1.0, 2.0, 3.0], &declared).is_empty());
        assert!(windows(&flat, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &declared).is_empty());
    }
}
