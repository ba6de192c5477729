//! Requesters who each ask again as soon as they are answered.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{BenchError, proof::Answered};

/// What came of a load.
pub(super) struct Outcome {
    /// Answers within the measured time.
    pub(super) answers: Vec<Answered>,
    /// How long each took.
    pub(super) latencies: Vec<Duration>,
    /// Time measured.
    pub(super) took: Duration,
}

/// Share of the measured time that goes before it, to warm up.
const WARM_UP: u32 = 4;

/// Runs `requesters` at once; `ask` is given the running number of the confirm.
pub(super) async fn run<F>(
    requesters: usize,
    time: Duration,
    ask: impl Fn(usize) -> F + Send + Sync + 'static,
) -> Result<Outcome, BenchError>
where
    F: Future<Output = Result<Answered, BenchError>> + Send,
{
    let (ask, number) = (Arc::new(ask), Arc::new(AtomicUsize::new(0)));
    let begin = Instant::now() + time / WARM_UP;
    let end = begin + time;
    let requesters: Vec<_> = (0..requesters)
        .map(|_| {
            let (ask, number) = (Arc::clone(&ask), Arc::clone(&number));
            tokio::spawn(async move {
                let mut answered = Vec::new();
                loop {
                    let asked_at = Instant::now();
                    if asked_at >= end {
                        return Ok::<_, BenchError>(answered);
                    }
                    let answer = ask(number.fetch_add(1, Ordering::Relaxed)).await?;
                    let answered_at = Instant::now();
                    // What straddles an edge counts where it was answered.
                    if answered_at >= begin && answered_at < end {
                        answered.push((answer, answered_at - asked_at));
                    }
                }
            })
        })
        .collect();
    let (mut answers, mut latencies) = (Vec::new(), Vec::new());
    for requester in requesters {
        let answered = requester.await.map_err(|error| BenchError::NotRecorded(error.to_string()))??;
        for (answer, latency) in answered {
            answers.push(answer);
            latencies.push(latency);
        }
    }
    Ok(Outcome { answers, latencies, took: time })
}
