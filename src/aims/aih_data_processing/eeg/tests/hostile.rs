//! Damaged and lying payloads: an error, never a panic.

use std::io::Cursor;

use super::super::line_length::Sensitivity;
use super::super::synthetic::{Random, SyntheticChannel, SyntheticEeg};
use super::super::*;
use super::{eeg, file, rhythmic};
use crate::aims::aih_data_processing::edf::EdfError;

fn refused(file: &[u8]) -> EegError {
    read_recording(Cursor::new(file), &ChannelChoice::AllEeg).unwrap_err()
}

#[test]
fn every_truncation_and_every_surplus_is_refused() {
    let file = file(&eeg(6, vec![rhythmic("EEG O1", 10.0, 100.0)]));
    for end in (0..file.len()).step_by(61) {
        assert!(matches!(refused(&file[..end]), EegError::Edf(_)), "{end}");
    }
    let longer = [file.as_slice(), b"J"].concat();
    assert!(matches!(refused(&longer), EegError::Edf(EdfError::Excess { .. })));
    assert!(matches!(refused(b""), EegError::Edf(EdfError::Truncated { .. })));
    assert!(matches!(refused(&[b'x'; 400]), EegError::Edf(EdfError::UnknownFormat)));
}

#[test]
fn other_signals_and_unfit_rates_are_refused() {
    for label in ["ECG II", "Resp", "EMG chin"] {
        let file = file(&eeg(6, vec![SyntheticChannel::quiet(label)]));
        assert!(matches!(refused(&file), EegError::NoEegChannel { channels: 1 }), "{label}");
    }
    let good = file(&eeg(6, vec![SyntheticChannel::quiet("EEG O1")]));
    let at = 256 + 2 * (16 + 80 + 8 + 8 + 8 + 8 + 8 + 80);
    assert_eq!(&good[at..at + 3], b"200");
    for (rate, duration) in [("200", "10"), ("200", "0.01"), ("99999999", "1"), ("0", "1")] {
        let mut file = good.clone();
        file[at..at + 8].copy_from_slice(format!("{rate:<8}").as_bytes());
        file[244..252].copy_from_slice(format!("{duration:<8}").as_bytes());
        assert!(read_recording(Cursor::new(&file), &ChannelChoice::AllEeg).is_err(), "{rate} in {duration} s");
    }
    let mut volts = good.clone();
    volts[256 + 2 * 96..256 + 2 * 96 + 8].copy_from_slice(b"mmHg    ");
    assert!(matches!(refused(&volts), EegError::NoEegChannel { .. }));
}

#[test]
fn the_generator_refuses_what_it_cannot_make() {
    let good = eeg(6, vec![SyntheticChannel::quiet("EEG O1")]);
    let loud = SyntheticChannel { background_uv2: 1e9, ..SyntheticChannel::quiet("EEG O1") };
    let unreal = SyntheticChannel { noise_uv: f64::NAN, ..SyntheticChannel::quiet("EEG O1") };
    let bad = [
        SyntheticEeg { rate_hz: 50, ..good.clone() },
        SyntheticEeg { duration_s: 3, ..good.clone() },
        SyntheticEeg { channels: vec![loud], ..good.clone() },
        SyntheticEeg { channels: vec![unreal], ..good.clone() },
    ];
    assert!(bad.iter().all(|b| matches!(b.generate(), Err(EegError::Parameter { .. }))));
    assert_eq!(good.generate().unwrap(), good.generate().unwrap());
    let label = SyntheticEeg { channels: vec![SyntheticChannel::quiet("a label that is too long")], ..good };
    assert!(label.write(time::macros::datetime!(2024-05-02 0:00), Vec::new()).is_err());
}

#[test]
fn seeded_mutations_never_panic() {
    let file = file(&eeg(12, vec![rhythmic("EEG O1", 10.0, 100.0), rhythmic("EEG Cz", 6.0, 50.0)]));
    let mut random = Random(2024);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..600 {
        let mut copy = file.clone();
        for _ in 0..=random.next() % 4 {
            let within = if random.next().is_multiple_of(3) { copy.len() } else { 1024 };
            let at = random.next() as usize % within;
            copy[at] = b"0123456789+-.eE /Nanif\x14\x15\x00\xff"[random.next() as usize % 26];
        }
        match read_recording(Cursor::new(&copy), &ChannelChoice::AllEeg) {
            Ok(recording) => {
                read += 1;
                let _ =
                    (quantify(&recording, 4.0), monitor(&recording, 10.0), detect(&recording, Sensitivity::default()));
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    println!("600 mutations: {read} read, {refused} refused");
    assert!(read > 50 && refused > 50);
}
