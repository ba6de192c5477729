//! What users are told when the register grows or is corrected: identifiers and words of the standard, never health
//! data. Written with the events, in the same transaction, so each event is told once for each block it ever stood in.
//!
//! | Kind | To whom |
//! | --- | --- |
//! | `licence.issued` `licence.derived` `licence.changed` `licence.revoked` | the item's End User |
//! | `licence.changed` `licence.revoked` (whole) | whoever used the item or what derives from it, by the name of that |
//! | `decision` | the item's End User and the requester |
//! | `derivation.refused` | the item's End User |
//! | `class.set` | the user |
//! | `register.corrected` | everyone whose events a reorganisation took back; those that stand again follow anew |
//!
//! A requester whom no grant names is told nothing here, whether the item exists or not: the two must look the same.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};

use super::{Indexer, IndexerError, entries::block_time, fetch::Fetched, reorganise::Lost};
use crate::{
    db::{chain_blocks::BlockRef, notices::NewNotice, operation_lists::Holder},
    domain::{
        ids::{AihDataId, LicenceId, UserId},
        licence_event::{Confirmation, LicenceEvent, LicenceEventKind as Kind, RevocationScope},
        taxonomy::Word,
        verdict::FailingTerm,
    },
};

/// Events older than this are history that is being copied, not news, in seconds.
const NEWS_SECONDS: i64 = 24 * 3_600;

/// What the house knows of the items in a range.
#[derive(Default)]
struct Known {
    items: HashMap<B256, Option<(AihDataId, UserId)>>,
}

impl Indexer {
    pub(super) async fn notices_of(&self, fetched: &Fetched) -> Result<Vec<NewNotice>, IndexerError> {
        let now_us = self.clock.micros();
        let oldest = now_us / 1_000_000 - NEWS_SECONDS;
        let mut known = Known::default();
        let mut notices = Vec::new();
        for event in &fetched.events {
            if block_time(fetched, event)? < oldest {
                continue;
            }
            let item = match event.kind.aih_data() {
                Some(hash) => self.known(&mut known, hash).await?,
                None => None,
            };
            notices.extend(self.notices_of_holders(event, now_us).await?);
            let data = self.describe(event, item.map(|(id, _)| id));
            for user in self.concerned(&event.kind, item.map(|(_, owner)| owner)) {
                let kind = kind(&event.kind).to_owned();
                notices.push(NewNotice { user, kind, data: data.clone(), created_at_us: now_us });
            }
        }
        Ok(notices)
    }

    pub(super) async fn notices_of_losing(
        &self,
        lost: &Lost,
        to: Option<BlockRef>,
    ) -> Result<Vec<NewNotice>, IndexerError> {
        let mut users: Vec<UserId> = lost.users.iter().map(|user| self.user(*user)).collect();
        let mut known = Known::default();
        for item in &lost.items {
            users.extend(self.known(&mut known, *item).await?.map(|(_, owner)| owner));
        }
        users.sort();
        users.dedup();
        let data = json!({ "CompleteToBlock": to.map(|to| json!({ "BlockNumber": to.number, "BlockHash": to.hash })) });
        let created_at_us = self.clock.micros();
        let notice =
            |user| NewNotice { user, kind: "register.corrected".to_owned(), data: data.clone(), created_at_us };
        Ok(users.into_iter().map(notice).collect())
    }

    /// Whoever used what a fallen licence covered is told, by the name of what they used.
    async fn notices_of_holders(&self, event: &LicenceEvent, now_us: i64) -> Result<Vec<NewNotice>, IndexerError> {
        let item = match &event.kind {
            Kind::Changed { aih_data, .. } | Kind::Revoked { aih_data, scope: RevocationScope::Whole, .. } => *aih_data,
            _ => return Ok(Vec::new()),
        };
        let mut holders = self.database.list_holders(item).await?;
        holders.retain(|holder| holder.user.address() != self.node.registry());
        let notice = |holder: Holder| NewNotice {
            user: holder.user,
            kind: kind(&event.kind).to_owned(),
            data: self.describe(event, Some(holder.item)),
            created_at_us: now_us,
        };
        Ok(holders.into_iter().map(notice).collect())
    }

    async fn known(&self, known: &mut Known, hash: B256) -> Result<Option<(AihDataId, UserId)>, IndexerError> {
        if let Some(item) = known.items.get(&hash) {
            return Ok(*item);
        }
        let item = self.database.find_data_item_by_hash(hash).await?.map(|row| (row.id, row.owner));
        known.items.insert(hash, item);
        Ok(item)
    }

    fn user(&self, address: Address) -> UserId {
        UserId::new(self.node.chain_id(), address)
    }

    fn concerned(&self, kind: &Kind, owner: Option<UserId>) -> Vec<UserId> {
        let mut users: Vec<UserId> = owner.into_iter().collect();
        match kind {
            Kind::Issued { end_user, .. } => users.push(self.user(*end_user)),
            Kind::UserClassSet { user, .. } => users.push(self.user(*user)),
            // The Back End reads its own register.
            Kind::Confirmed(answer) if answer.user != self.node.registry() && may_know(answer) => {
                users.push(self.user(answer.user));
            }
            _ => {}
        }
        users.sort();
        users.dedup();
        users
    }

    fn describe(&self, event: &LicenceEvent, item: Option<AihDataId>) -> Value {
        let mut data = json!({
            "Evidence": {
                "ChainID": self.node.chain_id(),
                "TransactionHash": event.transaction,
                "BlockNumber": event.position.block,
                "BlockHash": event.block_hash,
                "LogIndex": event.position.log_index,
            }
        });
        if let Some(item) = item {
            data["AIHDataID"] = json!(item);
        }
        if let Some(licence) = event.kind.licence() {
            data["LicenceID"] = json!(LicenceId::new(self.node.chain_id(), licence));
        }
        match &event.kind {
            Kind::Confirmed(answer) => {
                data["UserID"] = json!(self.user(answer.user));
                data["ProcessType"] = json!(answer.operation.word());
                data["Usage"] = json!(answer.usage.word());
                data["Status"] = json!(answer.verdict.is_permitted());
                data["Reasons"] = json!(answer.verdict.reasons().map(FailingTerm::word).collect::<Vec<_>>());
                let id = uuid::Uuid::from_bytes(answer.confirm_id);
                data["LicenceConfirmID"] = json!(format!("urn:uuid:{}", id.hyphenated()));
            }
            Kind::Revoked { scope, .. } => {
                data["Scope"] = json!(match scope {
                    RevocationScope::BackEnd => "BackEnd",
                    RevocationScope::Whole => "Whole",
                });
            }
            Kind::UserClassSet { class, active, .. } => {
                data["UserType"] = json!(class.word());
                data["Active"] = json!(active);
            }
            _ => {}
        }
        data
    }
}

fn may_know(answer: &Confirmation) -> bool {
    !answer.verdict.has(FailingTerm::NoLicence) && !answer.verdict.has(FailingTerm::NotLicensed)
}

fn kind(event: &Kind) -> &'static str {
    match event {
        Kind::Issued { .. } => "licence.issued",
        Kind::Derived { .. } => "licence.derived",
        Kind::Changed { .. } => "licence.changed",
        Kind::Revoked { .. } => "licence.revoked",
        Kind::UserClassSet { .. } => "class.set",
        Kind::Confirmed(_) => "decision",
        Kind::DerivationRefused { .. } => "derivation.refused",
    }
}
