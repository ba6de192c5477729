//! Tests of the whole chain: known truth, real recordings, damaged payloads.

mod hostile;
mod known_truth;
mod module;

use std::io::Cursor;

use time::macros::datetime;

use super::synthetic::{Rhythm, SyntheticChannel, SyntheticEeg};
use super::*;

/// A channel with a rhythm from the first to the last second.
fn rhythmic(label: &str, hz: f64, power_uv2: f64) -> SyntheticChannel {
    let rhythms = vec![Rhythm { from_s: 0.0, to_s: 1e6, hz, power_uv2 }];
    SyntheticChannel { rhythms, ..SyntheticChannel::quiet(label) }
}

fn eeg(duration_s: u32, channels: Vec<SyntheticChannel>) -> SyntheticEeg {
    SyntheticEeg { seed: 7, rate_hz: 200, duration_s, channels }
}

fn file(eeg: &SyntheticEeg) -> Vec<u8> {
    let mut file = Vec::new();
    eeg.write(datetime!(2024-05-02 22:20:30), &mut file).unwrap();
    file
}

fn read(eeg: &SyntheticEeg) -> EegRecording {
    read_recording(Cursor::new(file(eeg)), &ChannelChoice::AllEeg).unwrap()
}
