//! Where the time of one batch goes, part by part, one batch at a time.

use std::time::{Duration, Instant};

use alloy::{providers::Provider, rpc::types::TransactionReceipt};
use serde_json::value::RawValue;

use super::{BenchError, proof::answered, report::percentile, site::Site, ways};
use crate::{
    chain::{ChainError, logs, operator::Operator},
    licensing::{
        batch::execute,
        ledger::{End, Entry, Ledger},
    },
};

/// Batches measured; the median of each part is reported.
const ROUNDS: usize = 21;

/// Medians of the parts of one batch.
#[derive(Debug, Clone)]
pub struct Breakdown {
    /// Confirms in the batch.
    pub batch: usize,
    /// Size of the node's answer in bytes.
    pub answer_bytes: usize,
    /// The parts, in the order they happen.
    pub parts: Vec<(&'static str, Duration)>,
}

/// Measures batches of one size.
pub(super) async fn measure(site: &Site, batch: usize) -> Result<Breakdown, BenchError> {
    let mut operator = Operator::start(site.node.clone(), site.operator.clone()).await?;
    let (mut rounds, mut answer_bytes) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (parts, bytes) = round(site, &mut operator, batch).await?;
        rounds.push(parts);
        answer_bytes = bytes;
    }
    let names = rounds.first().map(|parts| parts.iter().map(|(name, _)| *name).collect()).unwrap_or(Vec::new());
    let median = |part: usize| {
        let mut durations: Vec<Duration> = rounds.iter().map(|parts| parts[part].1).collect();
        durations.sort_unstable();
        percentile(&durations, 50)
    };
    let parts = names.into_iter().enumerate().map(|(part, name)| (name, median(part))).collect();
    Ok(Breakdown { batch, answer_bytes, parts })
}

type Parts = Vec<(&'static str, Duration)>;

async fn round(site: &Site, operator: &mut Operator, batch: usize) -> Result<(Parts, usize), BenchError> {
    let asker = site.asker();
    let requests: Vec<_> = (0..batch).map(|n| ways::request(&asker.question(n))).collect();
    let mut clock = Stopwatch::start();
    let call = execute(requests, Vec::new());
    clock.lap("encode the call");
    let signed = operator.sign(call)?;
    clock.lap("sign");
    let raw = signed.raw.to_vec();
    site.ledger.sent(Entry { hash: signed.hash, operator: operator.address(), nonce: signed.nonce, raw }).await?;
    clock.lap("note in the ledger");
    let answer: Box<RawValue> =
        site.provider.client().request("eth_sendRawTransactionSync", (&signed.raw,)).await.map_err(ChainError::from)?;
    clock.lap("node: send, execute, answer");
    let receipt: TransactionReceipt =
        serde_json::from_str(answer.get()).map_err(|error| BenchError::NotRecorded(error.to_string()))?;
    clock.lap("read the receipt");
    for log in receipt.logs() {
        logs::decode(log)?;
    }
    clock.lap("decode the events");
    site.ledger.ended(signed.hash, End::Mined(receipt.block_number.unwrap_or_default())).await?;
    clock.lap("note the end");
    let mined = operator.transmitter().find(&signed).await?.ok_or(ChainError::Pending(signed.hash))?;
    match answered(&mined).count() {
        found if found == batch => Ok((clock.laps, answer.get().len())),
        found => Err(BenchError::NotRecorded(format!("{found} of a batch of {batch}"))),
    }
}

struct Stopwatch {
    last: Instant,
    laps: Parts,
}

impl Stopwatch {
    fn start() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed()));
        self.last = Instant::now();
    }
}
