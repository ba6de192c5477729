//! Band powers, states and events against recordings whose truth is known.

use super::super::bands::{ALPHA, BANDS, BETA, DELTA, THETA, WHOLE};
use super::super::line_length::Sensitivity;
use super::super::state::BrainState;
use super::super::synthetic::{Burst, Rhythm, SyntheticChannel, SyntheticEeg};
use super::super::*;
use super::{eeg, read, rhythmic};

#[test]
fn band_powers_are_those_that_were_made() {
    let channels = vec![
        rhythmic("EEG O1", 10.3, 200.0),
        rhythmic("EEG Cz", 6.0, 80.0),
        rhythmic("EEG Fp1", 20.0, 50.0),
        SyntheticChannel { exponent: 2.0, background_uv2: 400.0, ..SyntheticChannel::quiet("EEG Fz") },
    ];
    let made = eeg(300, channels);
    let found = quantify(&read(&made), 4.0).unwrap();
    let mut worst = 0.0_f64;
    for (channel, found) in made.channels.iter().zip(&found.channels) {
        for (band, power) in BANDS.into_iter().zip(&found.band_powers) {
            let rhythm = channel.rhythms.iter().filter(|r| band.contains(r.hz)).map(|r| r.power_uv2).sum::<f64>();
            // White noise of standard deviation s has the density s²/(fs/2).
            let noise = channel.noise_uv.powi(2) * (band.to_hz - band.from_hz) / 100.0;
            let truth = channel.background_in(band) + rhythm + noise;
            let error = (power.absolute_microvolts_squared / truth - 1.0).abs();
            println!("{} {}: {:.2} of {truth:.2}", channel.label, band.name, power.absolute_microvolts_squared);
            // The window smears the steep end of the background across 0.5 and 4 Hz.
            assert!(
                error < if band == DELTA || band == THETA { 0.12 } else { 0.05 },
                "{} {}",
                channel.label,
                band.name
            );
            worst = worst.max(error);
        }
        let percent = found.band_powers.iter().filter_map(|p| p.relative_percent).sum::<f64>();
        assert!((percent - 100.0).abs() < 1e-9);
    }
    println!("worst relative error of 20 band powers: {worst:.3}");
    assert!((found.channels[0].peak_alpha_frequency_hz.unwrap() - 10.3).abs() < 0.5);
    assert!(found.channels[0].alpha_theta_ratio.unwrap() > 10.0);
    assert!(found.channels[1].alpha_theta_ratio.unwrap() < 0.2);
    let edge = found.channels[3].spectral_edge_frequency95_hz.unwrap();
    let below = made.channels[3].background_in(bands::Band { name: "", from_hz: 0.5, to_hz: edge });
    assert!((below / 400.0 - 0.95).abs() < 0.02, "{edge} Hz: {below}");
}

fn states(channels: Vec<SyntheticChannel>, seed: u64) -> StateClassification {
    let made = SyntheticEeg { seed, ..eeg(120, channels) };
    classify(&read(&made), 30.0).unwrap()
}

#[test]
fn states_are_told_apart_by_the_rhythm_above_the_background() {
    let truth = [
        (10.0, 150.0, BrainState::RelaxedWakefulness),
        (6.0, 150.0, BrainState::Drowsiness),
        (1.2, 2_000.0, BrainState::SlowWaveActivity),
        (10.0, 0.0, BrainState::AlertWakefulness),
    ];
    let (mut right, mut all) = (0, 0);
    for (hz, power, state) in truth {
        for seed in 0..5 {
            let found = states(vec![rhythmic("EEG O1", hz, power), rhythmic("EEG O2", hz, power)], seed);
            all += found.epochs.len();
            right += found.epochs.iter().filter(|e| e.state == state).count();
            assert_eq!(found.overall_state, state, "{hz} Hz, {power} uV2, seed {seed}: {:?}", found.epochs);
            assert!(found.posterior && found.channels.len() == 2);
        }
    }
    println!("states: {right} of {all} epochs right");
}

#[test]
fn the_back_of_the_head_decides_where_there_is_one() {
    let frontal_theta = rhythmic("EEG Fz", 6.0, 400.0);
    let found = states(vec![frontal_theta.clone(), rhythmic("EEG O1-A2", 10.0, 150.0)], 1);
    assert_eq!((found.overall_state, found.channels), (BrainState::RelaxedWakefulness, vec!["EEG O1-A2".to_owned()]));
    let found = states(vec![frontal_theta], 1);
    assert_eq!((found.overall_state, found.posterior), (BrainState::Drowsiness, false));
}

#[test]
fn what_is_not_clear_is_indeterminate() {
    // Half the time alpha, half theta, in turns of three windows.
    let mut rhythms = Vec::new();
    for n in 0..20 {
        let (from_s, hz) = (f64::from(n) * 6.0, if n % 2 == 0 { 10.0 } else { 6.0 });
        rhythms.push(Rhythm { from_s, to_s: from_s + 6.0, hz, power_uv2: 300.0 });
    }
    let mixed = SyntheticChannel { rhythms, ..SyntheticChannel::quiet("EEG O1") };
    let found = states(vec![mixed], 3);
    assert_eq!(found.overall_state, BrainState::Indeterminate, "{:?}", found.epochs);
    let flat = SyntheticChannel { background_uv2: 0.0, noise_uv: 0.0, ..SyntheticChannel::quiet("EEG O1") };
    let found = states(vec![flat], 3);
    assert!(found.epochs.iter().all(|e| e.reason == Some("most windows are flat or disturbed")), "{:?}", found.epochs);
    let huge = states(vec![rhythmic("EEG O1", 10.0, 90_000.0)], 3);
    for epoch in &huge.epochs {
        let rated = epoch.alpha_theta_ratio.or(epoch.engagement_index).or(epoch.background_exponent);
        assert_eq!(rated, None, "nothing is rated where nothing is usable");
    }
    let noise = SyntheticChannel { background_uv2: 0.0, noise_uv: 20.0, ..SyntheticChannel::quiet("EEG O1") };
    let found = states(vec![noise], 3);
    assert_eq!(found.epochs[0].reason, Some("the spectrum does not fall as that of an EEG"));
    let huge = rhythmic("EEG O1", 10.0, 90_000.0);
    assert_eq!(states(vec![huge], 3).epochs[0].unusable_percent, 100.0);
}

#[test]
fn falling_asleep_shows_as_a_course_and_a_falling_ratio() {
    let rhythms = (0..20_u32).flat_map(|n| {
        let (from_s, to_s) = (f64::from(n) * 30.0, f64::from(n + 1) * 30.0);
        let alpha = Rhythm { from_s, to_s, hz: 10.0, power_uv2: 200.0 - 9.0 * f64::from(n) };
        let theta = Rhythm { from_s, to_s, hz: 6.0, power_uv2: 10.0 + 9.0 * f64::from(n) };
        [alpha, theta]
    });
    let channel = SyntheticChannel { rhythms: rhythms.collect(), ..SyntheticChannel::quiet("EEG O1") };
    let found = monitor(&read(&eeg(600, vec![channel])), 30.0).unwrap();
    println!("{:?} {:?}", found.course, found.alpha_theta_trend);
    assert_eq!(found.course.first().unwrap().state, BrainState::RelaxedWakefulness);
    assert_eq!(found.course.last().unwrap().state, BrainState::Drowsiness);
    assert_eq!(found.transition_count, found.course.len() - 1);
    assert!((found.course.iter().map(|s| s.duration_seconds).sum::<f64>() - 600.0).abs() < 1e-9);
    assert!((found.state_percent.values().sum::<f64>() - 100.0).abs() < 1e-9);
    let trend = found.alpha_theta_trend.unwrap();
    assert_eq!(trend.direction, crate::aims::aih_data_processing::trend::Direction::Falling);
    assert!(trend.slope < 0.0);
}

/// One burst in each half minute, at a place and length of its own.
fn with_bursts(seed: u64, amplitude_uv: f64) -> SyntheticEeg {
    let burst = |n: u32| {
        let turn = f64::from((n * 7 + seed as u32 * 3) % 10);
        Burst { onset_s: f64::from(n) * 30.0 + 8.0 + turn, duration_s: 1.0 + turn / 4.0, hz: 9.0 + turn, amplitude_uv }
    };
    let quiet = rhythmic("EEG C3", 10.0, 40.0);
    let busy = SyntheticChannel { bursts: (0..10).map(burst).collect(), ..rhythmic("EEG C4", 10.0, 40.0) };
    SyntheticEeg { seed, rate_hz: 128, ..eeg(300, vec![quiet, busy]) }
}

#[test]
fn bursts_are_found_where_and_when_they_are() {
    for (amplitude, at_least) in [(60.0, 0.9), (120.0, 1.0)] {
        let (mut found, mut false_alarms, mut all, mut worst) = (0, 0, 0, 0.0_f64);
        for seed in 0..5 {
            let made = with_bursts(seed, amplitude);
            let result = detect(&read(&made), Sensitivity::default()).unwrap();
            let bursts = &made.channels[1].bursts;
            all += bursts.len();
            for event in &result.events {
                let end = event.onset_seconds + event.duration_seconds;
                let overlaps = |b: &&Burst| event.onset_seconds < b.onset_s + b.duration_s && b.onset_s < end;
                match bursts.iter().find(overlaps).filter(|_| event.channel == "EEG C4") {
                    Some(burst) => {
                        found += 1;
                        worst = worst.max((event.onset_seconds - burst.onset_s).abs());
                    }
                    None => false_alarms += 1,
                }
            }
        }
        println!(
            "bursts of {amplitude} uV: {found} of {all} found, {false_alarms} false alarms in 50 channel minutes, \
             onset within {worst:.2} s"
        );
        assert!(f64::from(found) >= at_least * all as f64 && found <= all as i32);
        assert!(false_alarms <= 1 && worst <= 0.75);
    }
}

#[test]
fn an_even_signal_has_no_events() {
    let tone = vec![Rhythm { from_s: 0.0, to_s: 1e6, hz: 10.0, power_uv2: 50.0 }];
    let even = SyntheticChannel { rhythms: tone, background_uv2: 0.0, ..SyntheticChannel::quiet("EEG O1") };
    assert_eq!(
        detect(&read(&eeg(120, vec![even])), Sensitivity { factor: 50.0, ..Sensitivity::default() })
            .unwrap()
            .event_count,
        0
    );
    let quiet = eeg(600, vec![SyntheticChannel::quiet("EEG O1")]);
    assert_eq!(detect(&read(&quiet), Sensitivity::default()).unwrap().event_count, 0);
}

#[test]
fn the_bands_cover_the_whole_without_overlap() {
    assert!(BANDS.windows(2).all(|pair| pair[0].to_hz == pair[1].from_hz));
    assert_eq!((BANDS[0].from_hz, BANDS[4].to_hz), (WHOLE.from_hz, WHOLE.to_hz));
    assert!(ALPHA.contains(8.0) && !ALPHA.contains(13.0) && BETA.contains(13.0));
}

#[test]
fn a_good_channel_is_usable_at_any_rate() {
    let made = SyntheticEeg { rate_hz: 200, ..eeg(120, vec![rhythmic("EEG O1", 10.0, 200.0)]) };
    let mut recording = read(&made);
    // The same samples as if they came at a rate of which two seconds are no whole number of samples.
    recording.channels[0].rate_hz = 204.8;
    recording.duration_s = recording.channels[0].samples_uv.len() as f64 / 204.8;
    let found = classify(&recording, 30.0).unwrap();
    assert!(found.epochs.iter().all(|e| e.unusable_percent == 0.0), "{:?}", found.epochs);
}

#[test]
fn noise_has_no_peak_alpha_frequency() {
    let noise = SyntheticChannel { background_uv2: 0.0, noise_uv: 20.0, ..SyntheticChannel::quiet("EEG O1") };
    let quiet = SyntheticChannel::quiet("EEG O2");
    let found = quantify(&read(&eeg(300, vec![noise, quiet, rhythmic("EEG Pz", 10.0, 100.0)])), 4.0).unwrap();
    let peaks: Vec<_> = found.channels.iter().map(|channel| channel.peak_alpha_frequency_hz).collect();
    assert_eq!(peaks[0], None, "white noise");
    assert!(peaks[2].is_some_and(|hz| (hz - 10.0).abs() < 0.5), "{peaks:?}");
}

#[test]
fn a_channel_that_is_flat_most_of_the_time_is_named() {
    let quiet = SyntheticChannel::quiet;
    let mut recording = read(&eeg(120, vec![quiet("EEG O1"), quiet("EEG O2")]));
    let samples = &mut recording.channels[1].samples_uv;
    let most = samples.len() * 51 / 100;
    samples[..most].fill(0.0);
    let found = serde_json::to_value(detect(&recording, Default::default()).unwrap()).unwrap();
    assert_eq!(found["FlatChannels"], serde_json::json!(["EEG O2"]));
    assert_eq!(found["Channels"].as_array().unwrap().len(), 1);
}
