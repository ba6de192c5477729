//! Finding out how a transaction ended that was not mined in time: stuck, dropped, replaced, or its answer lost.
//!
//! ```text
//! mined? ── yes ─▶ done
//!   │ no
//! nonce used by another? ── yes ─▶ overtaken
//!   │ no
//! a nonce before it missing, and nobody waits? ── yes ─▶ given up
//!   │ no
//! send the same bytes again; every third time outbid it ─▶ wait, longer each time ─▶ mined?
//! ```
//!
//! One that the node did not take, because the contract would refuse it, is not sent again: unless it is mined all the
//! same its nonce is free for the next.
//!
//! This goes on as long as it takes: the nonce is ours, and nothing can pass it. Those who asked are told at their own
//! deadline that the chain gave no answer; meanwhile the queue fills and new callers are told to come back.

use std::time::Duration;

use alloy::primitives::B256;

use tokio::time::Instant;

use super::{
    ledger::{End, Entry, Ledger},
    vigil::Vigil,
};
use crate::chain::{
    ChainError, Refusal,
    operator::{Mined, Operator, Signed},
};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Every so many rounds a stuck transaction is outbid.
const ROUNDS_BEFORE_OUTBIDDING: u32 = 3;
/// Most bids for one nonce. The last is more than 28 times the first; beyond, it would only empty the account.
const MOST_BIDS: usize = 16;
/// Rounds after which a transaction nobody waits for any more is left to the next restart.
const ROUNDS_UNWATCHED: u32 = 20;

/// Settles a transaction. `watched` says whether anyone still waits for it. While it waits the vigil is told whether the
/// chain shows any block at all.
pub(super) async fn settle<L: Ledger>(
    operator: &mut Operator,
    (ledger, vigil): (&L, &Vigil),
    signed: &Signed,
    watched: impl Fn() -> bool,
) -> Result<Mined, ChainError> {
    let mut bids = vec![signed.clone()];
    let mut pause = FIRST_PAUSE;
    let mut newest = None;
    for round in 1.. {
        match look(operator, &bids).await {
            Ok(Some(mined)) => {
                note(ledger, &bids, mined.transaction, mined.block).await;
                return Ok(mined);
            }
            Ok(None) => {
                let used = operator.used_nonces().await.ok();
                if used.is_some_and(|used| used > signed.nonce) {
                    return overtaken(operator, ledger, &bids).await;
                }
                // What went before was given up: this can never be mined, and would block the queue for good.
                if used.is_some_and(|used| used < signed.nonce) && !watched() {
                    return Err(ChainError::Pending(signed.hash));
                }
                look_for_blocks(operator, vigil, &mut newest).await;
                try_again(operator, ledger, &mut bids, round).await?;
            }
            Err(error @ (ChainError::Refused(_) | ChainError::Failed(_))) => return Err(error),
            Err(error) if round >= ROUNDS_UNWATCHED && !watched() => return Err(error),
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(ChainError::Pending(signed.hash))
}

/// Settles a transaction that the node did not take and said why.
pub(super) async fn declined<L: Ledger>(
    operator: &Operator,
    ledger: &L,
    signed: &Signed,
    why: Refusal,
) -> Result<Mined, ChainError> {
    let bids = [signed.clone()];
    let found = look(operator, &bids).await?;
    note(
        ledger,
        &bids,
        found.as_ref().map_or(B256::ZERO, |mined| mined.transaction),
        found.as_ref().map_or(0, |mined| mined.block),
    )
    .await;
    found.ok_or(ChainError::Declined(why))
}

/// Tells the vigil how long the newest block of all looks has been the newest.
async fn look_for_blocks(operator: &Operator, vigil: &Vigil, newest: &mut Option<(u64, Instant)>) {
    // A node that does not answer is another doubt.
    let Ok(head) = operator.transmitter().head().await else { return };
    let (block, first_seen) = newest.get_or_insert_with(|| (head, Instant::now()));
    if head > *block {
        (*block, *first_seen) = (head, Instant::now());
    }
    vigil.report_waiting(first_seen.elapsed(), *block, head);
}

async fn look(operator: &Operator, bids: &[Signed]) -> Result<Option<Mined>, ChainError> {
    for bid in bids {
        if let Some(mined) = operator.transmitter().find(bid).await? {
            return Ok(Some(mined));
        }
    }
    Ok(None)
}

/// The nonce is used: by one of the bids, mined since we looked, or by a stranger's transaction.
async fn overtaken<L: Ledger>(operator: &Operator, ledger: &L, bids: &[Signed]) -> Result<Mined, ChainError> {
    match look(operator, bids).await? {
        Some(mined) => {
            note(ledger, bids, mined.transaction, mined.block).await;
            Ok(mined)
        }
        None => {
            note(ledger, bids, B256::ZERO, 0).await;
            // There is always the first bid.
            Err(ChainError::Overtaken(bids.first().map_or(B256::ZERO, |bid| bid.hash)))
        }
    }
}

/// Sends the newest bid again, or a higher one.
async fn try_again<L: Ledger>(
    operator: &mut Operator,
    ledger: &L,
    bids: &mut Vec<Signed>,
    round: u32,
) -> Result<(), ChainError> {
    // There is always the first bid.
    let Some(newest) = bids.last().cloned() else { return Ok(()) };
    let bid = if round.is_multiple_of(ROUNDS_BEFORE_OUTBIDDING) && bids.len() < MOST_BIDS {
        // Where the price of now is not known, the old bid is outbid all the same.
        let _ = operator.refresh_fee().await;
        operator.outbid(&newest)?
    } else {
        newest.clone()
    };
    if bid.hash != newest.hash {
        let entry = Entry { hash: bid.hash, operator: operator.address(), nonce: bid.nonce, raw: bid.raw.to_vec() };
        // What is not durable is not sent; the older bid stays.
        if ledger.sent(entry).await.is_err() {
            return Ok(());
        }
        bids.push(bid.clone());
    }
    if let Err(error) = operator.transmitter().resend(&bid.raw).await {
        tracing::warn!(transaction = %bid.hash, %error, "transaction.resend_refused");
        // It may cost more than the account has; an older bid, should the node have forgotten it, may not.
        for older in bids.iter().rev().filter(|older| older.hash != bid.hash) {
            if operator.transmitter().resend(&older.raw).await.is_ok() {
                break;
            }
        }
    }
    Ok(())
}

async fn note<L: Ledger>(ledger: &L, bids: &[Signed], mined: B256, block: u64) {
    for bid in bids {
        let end = if bid.hash == mined { End::Mined(block) } else { End::Replaced };
        if let Err(error) = ledger.ended(bid.hash, end).await {
            tracing::warn!(transaction = %bid.hash, %error, "transaction.end_not_noted");
        }
    }
}

/// After a restart: every transaction whose end was not noted is looked up, and sent again when the chain lost it. Then
/// the operator takes up its nonces anew: those sent again are in use.
///
/// # Errors
/// When the ledger or the chain does not answer.
pub async fn recover<L: Ledger>(operator: &mut Operator, ledger: &L) -> Result<usize, RecoveryError> {
    let open = ledger.open(operator.address()).await?;
    let used = operator.used_nonces().await?;
    for entry in &open {
        match operator.transmitter().find_by_hash(entry.hash).await? {
            Some(mined) => ledger.ended(entry.hash, End::Mined(mined.block)).await?,
            None if entry.nonce < used => ledger.ended(entry.hash, End::Replaced).await?,
            // Refused: the node has another bid of this nonce, or it cannot be paid now. The nonce settles it either way.
            None => {
                if let Err(error) = operator.transmitter().resend(&entry.raw).await {
                    tracing::warn!(transaction = %entry.hash, %error, "transaction.resend_refused");
                }
            }
        }
    }
    operator.resume().await?;
    Ok(open.len())
}

/// Why recovery did not finish.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] super::ledger::LedgerError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}
