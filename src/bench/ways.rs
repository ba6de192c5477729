//! The ways to have confirms recorded.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{primitives::Bytes, providers::Provider, transports::TransportResult};
use futures_util::{StreamExt, stream};
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use super::{
    BenchError,
    load::{self, Outcome},
    proof::{Answered, answered, verify},
    report::{Alone, Figures},
    site::Site,
};
use crate::{
    chain::{
        ChainError,
        bindings::Request,
        convert::ConfirmRequest,
        operator::{Operator, Signed},
    },
    licensing::{
        batch::execute,
        confirm::{Answer, Question},
    },
};

/// Most transactions signed for one measurement of the ceiling.
const MOST_SIGNED: usize = 4_000;
/// How long one transaction may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Batches in flight at once at the ceiling.
const CEILING_IN_FLIGHT: usize = 2;

/// Through the gate. Gives also the sizes of the batches it made.
pub(super) async fn gate(site: &Site, requesters: usize, time: Duration) -> Result<(Figures, Vec<usize>), BenchError> {
    let (gate, asker) = (site.gate.clone(), site.asker());
    let outcome = load::run(requesters, time, move |n| {
        let (gate, question) = (gate.clone(), asker.question(n));
        async move { told(&question, gate.confirm(&question).await?) }
    })
    .await?;
    let sizes = verify(site, &outcome.answers).await?;
    Ok((Figures::new(&outcome, sizes.len()), sizes))
}

/// One transaction per confirm. Only the nonce is handed out one by one; signing, sending and waiting overlap.
pub(super) async fn singly(site: &Site, requesters: usize, time: Duration) -> Result<Figures, BenchError> {
    let operator = Arc::new(Mutex::new(Operator::start(site.node.clone(), site.operator.clone()).await?));
    let asker = site.asker();
    let outcome = load::run(requesters, time, move |n| {
        let (operator, question) = (Arc::clone(&operator), asker.question(n));
        async move { bare(&operator, &question).await }
    })
    .await?;
    let sizes = verify(site, &outcome.answers).await?;
    Ok(Figures::new(&outcome, sizes.len()))
}

/// A transaction that confirms one request.
async fn bare(operator: &Mutex<Operator>, question: &Question) -> Result<Answered, BenchError> {
    let (signed, transmitter) = {
        let mut operator = operator.lock().await;
        (sign(&mut operator, &[*question])?, operator.transmitter())
    };
    let mined = transmitter.send(&signed, PATIENCE).await?;
    answered(&mined).next().ok_or_else(|| BenchError::NotRecorded(format!("{} holds no yes", signed.hash)))
}

/// The same batches, signed beforehand and fired at the node one behind the other.
pub(super) async fn ceiling(site: &Site, sizes: &[usize], time: Duration) -> Result<Figures, BenchError> {
    let mut operator = Operator::start(site.node.clone(), site.operator.clone()).await?;
    let asker = site.asker();
    let mut asked = 0..;
    let mut batches = Vec::new();
    for size in sizes.iter().take(MOST_SIGNED) {
        let questions: Vec<Question> = asked.by_ref().take(*size).map(|n| asker.question(n)).collect();
        batches.push((*size, sign(&mut operator, &questions)?));
    }
    let begin = Instant::now();
    let fired = stream::iter(batches)
        .map(|(size, signed)| async move {
            let sent_at = Instant::now();
            fire(site, &signed.raw).await?;
            Ok::<_, ChainError>((signed, size, sent_at.elapsed()))
        })
        .buffered(CEILING_IN_FLIGHT)
        .take_while(|_| std::future::ready(begin.elapsed() < time));
    let fired: Vec<_> = fired.collect().await;
    let took = begin.elapsed();
    let (mut answers, mut latencies, mut transactions) = (Vec::new(), Vec::new(), 0);
    for fired in fired {
        let (signed, size, latency) = fired?;
        let mined = operator.transmitter().find(&signed).await?.ok_or(ChainError::Pending(signed.hash))?;
        answers.extend(answered(&mined));
        latencies.extend(std::iter::repeat_n(latency, size));
        transactions += 1;
    }
    verify(site, &answers).await?;
    Ok(Figures::new(&Outcome { answers, latencies, took }, transactions))
}

/// Sends and waits for the receipt, but does not look at it.
async fn fire(site: &Site, raw: &Bytes) -> Result<(), ChainError> {
    let answer: TransportResult<Box<RawValue>> =
        site.provider.client().request("eth_sendRawTransactionSync", (raw,)).await;
    answer.map(drop).map_err(ChainError::from)
}

/// One requester: through the gate and by a bare transaction, taking turns.
pub(super) async fn alone(site: &Site, time: Duration) -> Result<Alone, BenchError> {
    let operator = Mutex::new(Operator::start(site.node.clone(), site.operator.clone()).await?);
    let asker = site.asker();
    let (mut answers, mut through_gate, mut bare_ones) = (Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    for n in 0.. {
        if begin.elapsed() >= time {
            break;
        }
        let question = asker.question(n);
        let asked_at = Instant::now();
        answers.push(told(&question, site.gate.confirm(&question).await?)?);
        through_gate.push(asked_at.elapsed());
        let question = asker.question(n);
        let asked_at = Instant::now();
        answers.push(bare(&operator, &question).await?);
        bare_ones.push(asked_at.elapsed());
    }
    verify(site, &answers).await?;
    Ok(Alone::new(through_gate, bare_ones))
}

fn sign(operator: &mut Operator, questions: &[Question]) -> Result<Signed, ChainError> {
    operator.sign(execute(questions.iter().map(request).collect(), Vec::new()))
}

/// A question as the contract is asked.
pub(super) fn request(question: &Question) -> Request {
    Request::from(&ConfirmRequest {
        aih_data: question.item.hash(),
        user: question.requester,
        operation: question.operation,
        usage: question.usage,
        at: question.at,
        confirm_id: question.confirm_id,
    })
}

/// What the gate told a requester, which here is always yes.
fn told(question: &Question, answer: Answer) -> Result<Answered, BenchError> {
    match answer {
        Answer::Permitted(permit) => {
            let evidence = permit.grounds().evidence;
            Ok(Answered {
                confirm_id: question.confirm_id,
                transaction: evidence.transaction,
                position: evidence.position,
            })
        }
        Answer::Denied(denial) => Err(BenchError::NotRecorded(format!("{question:?} was denied: {denial:?}"))),
    }
}
