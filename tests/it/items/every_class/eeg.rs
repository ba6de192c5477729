//! An EEG of five minutes: alpha over the back of the head that gives way to theta, and bursts elsewhere.

use std::sync::LazyLock;

use health_back_end::{
    aims::aih_data_processing::eeg::synthetic::{Burst, Rhythm, SyntheticChannel, SyntheticEeg},
    domain::operation::Operation,
    schema::wire::DataFormat,
};
use serde_json::{Value, json};
use time::macros::datetime;

use super::{
    edf,
    samples::{Sample, near},
};

const SECONDS: u32 = 300;
/// Power of the rhythms in µV².
const POWER: f64 = 200.0;

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let half = f64::from(SECONDS) / 2.0;
    let rhythms = vec![
        Rhythm { from_s: 0.0, to_s: half, hz: 10.0, power_uv2: POWER },
        Rhythm { from_s: half, to_s: 2.0 * half, hz: 6.0, power_uv2: POWER },
    ];
    let back = SyntheticChannel { rhythms, ..SyntheticChannel::quiet("EEG O1") };
    let tone = vec![Rhythm { from_s: 0.0, to_s: 1e6, hz: 10.0, power_uv2: 40.0 }];
    let busy = SyntheticChannel { rhythms: tone, bursts: bursts(), ..SyntheticChannel::quiet("EEG C4") };
    let eeg = SyntheticEeg { seed: 7, rate_hz: 128, duration_s: SECONDS, channels: vec![back, busy] };
    let mut file = Vec::new();
    eeg.write(datetime!(2024-05-02 22:20:30), &mut file).unwrap();
    file
});

fn bursts() -> Vec<Burst> {
    let burst = |n: u32| Burst { onset_s: f64::from(n) * 30.0 + 10.0, duration_s: 2.0, hz: 15.0, amplitude_uv: 120.0 };
    (0..10).map(burst).collect()
}

pub fn sample(format: DataFormat) -> Sample {
    Sample { parameters, ..Sample::new(bytes(format), check) }
}

pub fn bytes(format: DataFormat) -> Vec<u8> {
    edf::from_edf_plus(&FILE, format)
}

fn parameters(operation: Operation) -> Value {
    match operation {
        Operation::NeuralEventDetection => json!({"Channel": "EEG C4"}),
        _ => json!({"Channel": "EEG O1"}),
    }
}

fn check(operation: Operation, result: &Value) {
    match operation {
        Operation::NeuroActivityQuantification => {
            let bands = result["Channels"][0]["BandPowers"].as_array().unwrap();
            let power = |name: &str| bands.iter().find(|band| band["Band"] == name).unwrap();
            // Each rhythm fills half of the time; the background adds to both, more to the slower.
            near(power("Alpha"), "/AbsoluteMicrovoltsSquared", POWER / 2.0, 15.0);
            near(power("Theta"), "/AbsoluteMicrovoltsSquared", POWER / 2.0, 25.0);
        }
        Operation::BrainStateClassification => {
            let states: Vec<_> = result["Epochs"].as_array().unwrap().iter().map(|epoch| &epoch["State"]).collect();
            assert_eq!(states.len(), 10);
            assert!(states[..5].iter().all(|state| **state == "RelaxedWakefulness"), "{states:?}");
            assert!(states[5..].iter().all(|state| **state == "Drowsiness"), "{states:?}");
        }
        Operation::NeuroStateMonitoring => {
            assert_eq!(
                (&result["TransitionCount"], &result["Course"][0]["State"]),
                (&json!(1), &json!("RelaxedWakefulness"))
            );
            near(result, "/Course/1/StartSeconds", f64::from(SECONDS) / 2.0, 1e-6);
            assert_eq!(result["AlphaThetaTrend"]["Direction"], "Falling");
        }
        Operation::NeuralEventDetection => {
            let events = result["Events"].as_array().unwrap();
            let found = bursts()
                .iter()
                .filter(|burst| {
                    events.iter().any(|event| (event["OnsetSeconds"].as_f64().unwrap() - burst.onset_s).abs() < 1.0)
                })
                .count();
            assert_eq!((found, events.len()), (10, 10), "{result}");
        }
        other => panic!("what is true of an EEG under {other} is not known here"),
    }
}
