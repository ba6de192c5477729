//! Detection and parameters against recordings whose beats are known exactly.

use super::super::recording::RecordingParts;
use super::super::score::{BeatScore, TOLERANCE_S};
use super::super::synthetic::{SyntheticEcg, SyntheticRecording};
use super::super::*;

fn recording(ecg: &SyntheticEcg, samples_mv: Vec<f32>) -> EcgRecording {
    let sampling_rate_hz = ecg.sampling_rate_hz;
    EcgRecording::new(RecordingParts { sampling_rate_hz, samples_mv, ..RecordingParts::default() }).unwrap()
}

fn score(ecg: &SyntheticEcg) -> (BeatScore, SyntheticRecording, EventDetection) {
    let made = ecg.generate().unwrap();
    let events = detect_events(&recording(ecg, made.samples_mv.clone())).unwrap();
    (BeatScore::of(&made.beat_times_s, &events.event_times_seconds, TOLERANCE_S), made, events)
}

#[test]
fn beats_are_found_at_every_rate_and_heart_rate_in_noise_and_wander() {
    let mut worst: f64 = 1.0;
    for sampling_rate_hz in [100.0, 128.0, 250.0, 360.0, 500.0, 1000.0] {
        for (seed, bpm) in [45.0, 60.0, 75.0, 90.0, 110.0, 130.0, 150.0].into_iter().enumerate() {
            let ecg = SyntheticEcg {
                seed: seed as u64 + sampling_rate_hz as u64,
                sampling_rate_hz,
                duration_s: 180.0,
                mean_heart_rate_bpm: bpm,
                heart_rate_std_bpm: bpm / 30.0,
                noise_mv: 0.05,
                wander_mv: 0.5,
                ..SyntheticEcg::default()
            };
            let (score, ..) = score(&ecg);
            worst = worst.min(score.f1());
            assert!(score.f1() >= 0.995, "{sampling_rate_hz} Hz, {bpm}/min: {score:?}");
        }
    }
    println!("synthetic, 42 recordings: worst F1 {worst:.4}");
}

#[test]
fn upside_down_leads_and_small_leads_are_detected_alike() {
    let ecg = SyntheticEcg { noise_mv: 0.01, ..SyntheticEcg::default() };
    let made = ecg.generate().unwrap();
    for factor in [-1.0, 0.2, 3.0] {
        let samples = made.samples_mv.iter().map(|s| s * factor).collect();
        let events = detect_events(&recording(&ecg, samples)).unwrap();
        let score = BeatScore::of(&made.beat_times_s, &events.event_times_seconds, 0.03);
        assert!(score.f1() >= 0.995, "{factor}: {score:?}");
    }
}

#[test]
fn parameters_match_the_truth() {
    let ecg = SyntheticEcg { duration_s: 300.0, sampling_rate_hz: 360.0, ..SyntheticEcg::default() };
    let (_, made, events) = score(&ecg);
    let truth = heart_rate::from_intervals(&heart_rate::intervals_ms(&made.beat_times_s)).unwrap();
    let found = quantify_heart_rate(&events).unwrap();
    println!("truth {truth:?}\nfound {found:?}");
    assert!((found.mean_heart_rate_beats_per_minute - truth.mean_heart_rate_beats_per_minute).abs() < 0.2);
    assert!((truth.mean_heart_rate_beats_per_minute - 72.0).abs() < 1.0);
    assert!((found.sdnn_ms - truth.sdnn_ms).abs() < 2.0);
    assert!((found.rmssd_ms - truth.rmssd_ms).abs() < 3.0);
    assert!((found.pnn50_percent - truth.pnn50_percent).abs() < 5.0);
}

#[test]
fn a_silent_heart_stays_silent_and_a_moved_electrode_is_followed() {
    let ecg = SyntheticEcg { duration_s: 120.0, ..SyntheticEcg::default() };
    let made = ecg.generate().unwrap();
    let minute = (60.0 * ecg.sampling_rate_hz) as usize;
    let with_second_minute = |change: &dyn Fn(f32) -> f32| {
        let (first, second) = made.samples_mv.split_at(minute);
        let samples = first.iter().copied().chain(second.iter().map(|s| change(*s))).collect();
        detect_events(&recording(&ecg, samples)).unwrap().event_times_seconds
    };
    let silent = with_second_minute(&|s| s * 0.005);
    assert!(silent.iter().all(|t| *t < 61.0), "{:?}", silent.last());
    let moved = with_second_minute(&|s| s * 0.3);
    let last_half = |times: &[f64]| times.iter().copied().filter(|t| *t > 75.0).collect::<Vec<_>>();
    let score = BeatScore::of(&last_half(&made.beat_times_s), &last_half(&moved), TOLERANCE_S);
    assert!(score.f1() > 0.98, "{score:?}");
}

#[test]
fn flat_lines_have_no_beats_and_bursts_do_not_deafen() {
    let ecg = SyntheticEcg { duration_s: 60.0, ..SyntheticEcg::default() };
    let flat = detect_events(&recording(&ecg, vec![0.7; 15_000])).unwrap();
    assert_eq!(flat.event_count, 0);
    let mut made = ecg.generate().unwrap();
    for (number, sample) in made.samples_mv[5_000..5_100].iter_mut().enumerate() {
        *sample = if number % 20 < 10 { 50.0 } else { -50.0 };
    }
    let times = detect_events(&recording(&ecg, made.samples_mv)).unwrap().event_times_seconds;
    let outside = |times: &[f64]| times.iter().copied().filter(|t| !(19.0..22.0).contains(t)).collect::<Vec<_>>();
    let score = BeatScore::of(&outside(&made.beat_times_s), &outside(&times), TOLERANCE_S);
    assert!(score.f1() > 0.97, "{score:?}");
}

#[test]
fn the_same_seed_makes_the_same_recording() {
    let made = SyntheticEcg::default().generate().unwrap();
    assert_eq!(made, SyntheticEcg::default().generate().unwrap());
    assert_ne!(made, SyntheticEcg { seed: 2, ..SyntheticEcg::default() }.generate().unwrap());
    let sum = made.samples_mv.iter().map(|s| f64::from(*s)).sum::<f64>();
    println!("default recording: {} beats, mean {:.6} mV", made.beat_times_s.len(), sum / 30_000.0);
}

#[test]
fn the_r_peak_of_the_model_lies_at_the_stated_time() {
    let ecg = SyntheticEcg { noise_mv: 0.0, wander_mv: 0.0, sampling_rate_hz: 500.0, ..SyntheticEcg::default() };
    let made = ecg.generate().unwrap();
    for time in made.beat_times_s.iter().filter(|t| (0.2..119.8).contains(*t)) {
        let middle = (time * 500.0) as usize;
        let (low, high) = (middle - 60, middle + 60);
        let peak = (low..high).max_by(|a, b| made.samples_mv[*a].total_cmp(&made.samples_mv[*b])).unwrap();
        assert!((peak as f64 / 500.0 - time).abs() < 0.01, "{time}");
    }
}

#[test]
fn parameters_out_of_range_and_unfit_recordings_are_refused() {
    let good = SyntheticEcg::default();
    let bad = [
        SyntheticEcg { sampling_rate_hz: 50.0, ..good },
        SyntheticEcg { duration_s: f64::NAN, ..good },
        SyntheticEcg { mean_heart_rate_bpm: 0.0, ..good },
        SyntheticEcg { heart_rate_std_bpm: 50.0, ..good },
        SyntheticEcg { lf_hf_ratio: -1.0, ..good },
        SyntheticEcg { noise_mv: f64::INFINITY, ..good },
        SyntheticEcg { wander_mv: 3.0, ..good },
    ];
    assert!(bad.iter().all(|b| matches!(b.generate(), Err(EcgError::Parameter { .. }))));
    let slow = EcgRecording::new(RecordingParts {
        sampling_rate_hz: 50.0,
        samples_mv: vec![0.0; 5000],
        ..RecordingParts::default()
    });
    assert!(matches!(detect_events(&slow.unwrap()), Err(EcgError::DetectorRate(_))));
    assert!(matches!(detect_events(&recording(&good, vec![0.0; 1000])), Err(EcgError::TooShort { .. })));
}
