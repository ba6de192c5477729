//! What alerting adds to the time of a processing through the door: the result waits for it, because what is found goes
//! with the result. And what it saves that one child process does both.

use std::time::{Duration, Instant};

use alloy::primitives::Address;
use bytes::Bytes;
use futures_util::stream;
use health_back_end::{
    aims::ai_modules::{
        task::{Purpose, Task},
        worker::{Both, Worker},
    },
    domain::{operation::Operation, taxonomy::DataClass},
    schema::wire::DataFormat,
};
use serde_json::{Map, Value, json};

use super::{LOOKED_FOR, Scene, Terms, heart};
use crate::items::paper::{PARAMETERS, Parcel, process, real_ecg, request};

const ROUNDS: usize = 15;

async fn timed(scene: &Scene, parcel: &Parcel) -> Duration {
    let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let begun = Instant::now();
    process(&scene.institute, &message).await.expect(200);
    begun.elapsed()
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Prints figures and asserts nothing of them: they are the machine's.
#[tokio::test]
#[ignore = "measures: cargo nextest run --release --test it --run-ignored only alerting::cost --no-capture"]
async fn a_processing_with_and_without_alerting() {
    let scene = Scene::new().await;
    let recordings = [("two minutes of ECG", Some(heart(72.0))), ("half an hour of ECG (MIT-BIH 100)", real_ecg())];
    for (what, recording) in recordings {
        let Some(recording) = recording else { continue };
        let without = scene.parcel(&recording, Terms { licensed: false, ..LOOKED_FOR });
        without.send_in_parts(&scene.patient).await.expect(201);
        let with = scene.uploaded(&recording, LOOKED_FOR).await;
        let (mut times, mut others) = (Vec::new(), Vec::new());
        // By turns, so that both meet the same machine.
        for _ in 0..ROUNDS {
            times.push(timed(&scene, &without).await);
            others.push(timed(&scene, &with).await);
        }
        let (without, with) = (middle(&mut times), middle(&mut others));
        println!("{what}: median of {ROUNDS} without alerting {without:.1?}, with it {with:.1?}");
    }
    scene.house.stop().await;
}

async fn run(worker: &Worker, task: &Task, payload: &[u8]) -> Value {
    let payload = payload.to_vec();
    let length = payload.len() as u64;
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(payload))]);
    worker.run(Address::ZERO, task, &[], (length, pieces)).await.unwrap()
}

async fn run_both(worker: &Worker, task: &Task, payload: &[u8]) -> Both {
    let payload = payload.to_vec();
    let length = payload.len() as u64;
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(payload))]);
    worker.run_both_in(worker.place(Address::ZERO).await, task, &[], (length, pieces)).await.unwrap()
}

fn tasks(format: DataFormat) -> [Task; 3] {
    let process = Task {
        purpose: Purpose::Process {
            aim: "AIP-ECG-V1.0".to_owned(),
            operation: Operation::PhysiologicalParameterQuantification,
        },
        data_class: DataClass::PhysiologicalSignal,
        format,
        parameters: Map::new(),
    };
    let both = process.with_observations().expect("an ECG is read once for both");
    let observe = Task { purpose: Purpose::Observe, ..process.clone() };
    [process, observe, both]
}

/// What one child says to both is what two say to one each.
#[tokio::test]
async fn one_child_says_what_two_say() {
    let worker = Worker::new(env!("CARGO_BIN_EXE_hbe").into());
    let payload = heart(72.0).bytes;
    let [process, observe, both] = tasks(DataFormat::EdfPlus);
    let said = run_both(&worker, &both, &payload).await;
    assert_eq!(said.result.unwrap(), run(&worker, &process, &payload).await);
    assert_eq!(said.observed.unwrap(), run(&worker, &observe, &payload).await);
    // Refused, each is refused by itself.
    let refused = run_both(&worker, &both, b"no recording").await;
    assert!(refused.result.is_err() && refused.observed.is_err());
    // Judged is the lead that is judged always, whichever was asked for.
    let of_lead = Task { parameters: Map::from_iter([("Lead".to_owned(), json!("no such lead"))]), ..both };
    let said = run_both(&worker, &of_lead, &payload).await;
    assert!(said.result.is_err() && said.observed.is_ok());
}

/// Prints figures and asserts nothing of them: they are the machine's.
#[tokio::test]
#[ignore = "measures: cargo nextest run --release --test it --run-ignored only alerting::cost --no-capture"]
async fn one_child_and_two() {
    let worker = Worker::new(env!("CARGO_BIN_EXE_hbe").into());
    let recordings = [("two minutes of ECG", Some(heart(72.0))), ("half an hour of ECG (MIT-BIH 100)", real_ecg())];
    for (what, recording) in recordings {
        let Some(recording) = recording else { continue };
        let format = serde_json::from_value(recording.qualifier["Format"].clone()).unwrap();
        let [process, observe, both] = tasks(format);
        let (mut alone, mut two, mut one) = (Vec::new(), Vec::new(), Vec::new());
        // By turns, so that all meet the same machine.
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            run(&worker, &process, &recording.bytes).await;
            alone.push(begun.elapsed());
            let begun = Instant::now();
            tokio::join!(run(&worker, &process, &recording.bytes), run(&worker, &observe, &recording.bytes));
            two.push(begun.elapsed());
            let begun = Instant::now();
            run_both(&worker, &both, &recording.bytes).await;
            one.push(begun.elapsed());
        }
        let (alone, two, one) = (middle(&mut alone), middle(&mut two), middle(&mut one));
        println!(
            "{what}: median of {ROUNDS}: processing alone {alone:.1?}, both in two children {two:.1?}, in one {one:.1?}"
        );
    }
}
