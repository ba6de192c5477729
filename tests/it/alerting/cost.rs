//! What alerting adds to the time of a processing through the door: the result waits for it, because what is found goes
//! with the result.

use std::time::{Duration, Instant};

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
