//! What an erasure rests on: the act by which the item's licence fell before.
//!
//! ```text
//! the note names it, and it stands there ───────────────────────────────▶ that
//! the note lacks it ─ the register holds it, up to the audit's block ───▶ that
//!                   ├ it lies above that block ─────────────────────────▶ left to a later audit
//!                   └ nobody withdrew anything before ──────────────────▶ none: the Back End took back something of its own
//! ```
//!
//! The note is written after the key is gone, and the node may not answer in that moment: an erasure does not wait for
//! it. The chain does not forget, so what the note lacks is looked for when it is told.

use alloy::primitives::B256;

use super::{
    Scope,
    examine::{Act, Entry, MOST_SKEW_SECONDS, started_s},
    history::{evidence, kind},
};
use crate::{
    aims::{AimError, Aims},
    db::{chain_events::ChainEventRow, operations::OperationRow},
    domain::licence_event::Evidence,
    schema::wire::{ActKind, ProcessingStatus},
};

/// Licence events of one item read at once.
const PAGE: u32 = 500;

/// What an erasure rests on, as far as an audit reaches.
enum Ground {
    Stands(Evidence),
    /// In a block the audit does not reach.
    Beyond,
    Nothing,
}

impl Aims {
    /// An erasure that the house noted; `None` when what it rests on lies above the block the audit reaches: a later audit
    /// tells it whole.
    pub(super) async fn erasure(&self, scope: &Scope, noted: &OperationRow) -> Result<Option<Entry>, AimError> {
        let evidence = match self.ground_of(scope, noted).await? {
            Ground::Stands(evidence) => Some(evidence),
            Ground::Beyond => return Ok(None),
            Ground::Nothing => None,
        };
        Ok(Some(Entry::Act(Act {
            kind: ActKind::Erase,
            item: noted.aih_data_id,
            at_s: started_s(noted),
            by: Some(noted.requester),
            licence: noted.answer.and_then(|answer| answer.licence),
            evidence,
            status: ProcessingStatus::Executed,
        })))
    }

    async fn ground_of(&self, scope: &Scope, noted: &OperationRow) -> Result<Ground, AimError> {
        if let Some(evidence) = self.standing_evidence(noted).await? {
            return Ok(Ground::Stands(evidence));
        }
        let item = noted.aih_data_id.hash();
        let root = self.database.find_data_item(noted.aih_data_id).await?.map_or(item, |row| row.root.hash());
        let lineage = if root == item { vec![item] } else { vec![item, root] };
        // What fell later, as on a chain that was restored, is no reason for what was done before.
        let latest_s = started_s(noted) + MOST_SKEW_SECONDS;
        let reach = |evidence: Evidence| match evidence.position.block {
            block if block <= scope.complete.number => Ground::Stands(evidence),
            _ => Ground::Beyond,
        };
        for hash in lineage {
            if let Some(event) = self.last_end_of_licence(hash, latest_s).await? {
                return Ok(reach(evidence(&event)));
            }
        }
        // The copy may be a block behind by now. Of its own, the Back End erases without anybody's withdrawal.
        if noted.requester.address() == self.back_end().address() {
            return Ok(Ground::Nothing);
        }
        let found = self.licensing.fallen(item, root).await?;
        let before = found.filter(|found| found.block_time.cast_signed() <= latest_s);
        Ok(before.map_or(Ground::Nothing, reach))
    }

    /// What an erasure rests on as its note says, as long as it stands where it did: of a chain that was reset nothing is
    /// left to show.
    async fn standing_evidence(&self, noted: &OperationRow) -> Result<Option<Evidence>, AimError> {
        let Some(evidence) = crate::aims::retrieval::evidence_of(noted) else { return Ok(None) };
        let block = self.database.find_block(evidence.position.block).await?;
        Ok(block.is_some_and(|block| block.hash == evidence.block_hash).then_some(evidence))
    }

    /// The newest event of the copy, not later than a time, that ended a licence of an item.
    async fn last_end_of_licence(&self, item: B256, latest_s: i64) -> Result<Option<ChainEventRow>, AimError> {
        let (mut found, mut after) = (None, None);
        loop {
            let page = self.database.list_licence_events_of_item(item, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.position());
            for row in page {
                if row.timestamp_s <= latest_s && kind(&row)?.ends_licence() {
                    found = Some(row);
                }
            }
        }
    }
}
