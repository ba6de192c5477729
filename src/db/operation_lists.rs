//! Lists of `operations`: what a requester asked for, what was asked about an item, what a restart must finish, and what
//! an audit compares with the chain.

use alloy::primitives::B256;

use super::{
    Cursor, Database, Page, Result,
    columns::{Columns, Hex, Statement},
    operations::{OperationRow, select_operation},
};
use crate::domain::ids::{AihDataId, UserId};

/// Where a list of a period begins: the empty key sorts before every operation of the same moment.
fn behind(after: Option<&Cursor>, from: i64) -> Cursor {
    after.filter(|after| after.at >= from).cloned().unwrap_or_else(|| Cursor::new(from, ""))
}

/// A user who was permitted to use an item, or something derived from it, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// What they used.
    pub item: AihDataId,
}

/// Holders read at once.
const HOLDERS_PAGE: u32 = 10_000;

impl Database {
    /// Who used an item, or anything derived from it, by a recorded yes: those who hold a result, or wait for one. The End
    /// User is not among them.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_holders(&self, item: B256) -> Result<Vec<Holder>> {
        let mut holders: Vec<Holder> = Vec::new();
        loop {
            let page = self.list_holders_behind(item, holders.last(), HOLDERS_PAGE).await?;
            let is_last = page.len() < HOLDERS_PAGE as usize;
            holders.extend(page);
            if is_last {
                return Ok(holders);
            }
        }
    }

    /// The same behind one of them, in order: at most so many.
    ///
    /// # Errors
    /// As [`Database::list_holders`].
    pub async fn list_holders_behind(&self, item: B256, last: Option<&Holder>, most: u32) -> Result<Vec<Holder>> {
        let (user, used) = last.map_or_else(Default::default, |last| (last.user.to_string(), last.item.to_string()));
        let rows = sqlx::query(
            "SELECT DISTINCT o.requester, o.aih_data_id FROM operations o
             JOIN data_items d ON d.aih_data_id = o.aih_data_id
             WHERE o.aih_data_id IN (
                     SELECT aih_data_id FROM data_items WHERE hash = $1
                     UNION SELECT aih_data_id FROM data_items
                         WHERE root_id = (SELECT aih_data_id FROM data_items WHERE hash = $1))
                 AND o.confirm_id IS NOT NULL AND o.started_at_us IS NOT NULL AND o.requester <> d.owner
                 AND (o.requester, o.aih_data_id) > ($2, $3)
             ORDER BY o.requester, o.aih_data_id LIMIT $4",
        )
        .bind(item.hex())
        .bind(user)
        .bind(used)
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await?;
        let read = |row| {
            let columns = Columns::new(row, "operations", "aih_data_id");
            Ok(Holder { user: columns.parsed("requester")?, item: columns.parsed("aih_data_id")? })
        };
        rows.iter().map(read).collect()
    }

    /// What was asked about an item, newest first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_operations_on_item(
        &self,
        item: AihDataId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<OperationRow>> {
        let query = sqlx::query(select_operation!(
            "WHERE aih_data_id = $1 AND (created_at_us, operation_id) < ($2, $3)
             ORDER BY created_at_us DESC, operation_id DESC LIMIT $4"
        ))
        .bind(item.to_string());
        self.list_operations(query, (Cursor::highest(after), limit), |operation| operation.created_at_us).await
    }

    /// Operations that have not ended and were last touched before a time (so that what another instance is working on
    /// is left alone), longest untouched first. Before working on one, [`Database::claim_operation`].
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_operations(
        &self,
        untouched_since_us: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<OperationRow>> {
        let query = sqlx::query(select_operation!(
            "WHERE state IN ('requested', 'confirmed', 'running') AND updated_at_us < $1
                 AND (updated_at_us, operation_id) > ($2, $3)
             ORDER BY updated_at_us, operation_id LIMIT $4"
        ))
        .bind(untouched_since_us);
        self.list_operations(query, (Cursor::lowest(after), limit), |operation| operation.updated_at_us).await
    }

    /// Operations on an owner's items that touched data and began within `[from_us, until_us)`, oldest first: what the
    /// house did, to be compared with what the chain allowed.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_executions(
        &self,
        owner: UserId,
        from_us: i64,
        until_us: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<OperationRow>> {
        let query = sqlx::query(select_operation!(
            "WHERE owner = $1 AND started_at_us IS NOT NULL AND started_at_us < $2
                 AND (started_at_us, operation_id) > ($3, $4)
             ORDER BY started_at_us, operation_id LIMIT $5"
        ))
        .bind(owner.to_string())
        .bind(until_us);
        let began = |operation: &OperationRow| operation.started_at_us.unwrap_or(operation.created_at_us);
        self.list_operations(query, (behind(after, from_us), limit), began).await
    }

    /// Operations on an owner's items whose answer, as the row says, was recorded within `[from_s, until_s)` chain
    /// time, oldest first: each must stand on chain.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_answered_operations(
        &self,
        owner: UserId,
        from_s: i64,
        until_s: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<OperationRow>> {
        let query = sqlx::query(select_operation!(
            "WHERE owner = $1 AND confirmed_at_s IS NOT NULL AND confirmed_at_s < $2
                 AND (confirmed_at_s, operation_id) > ($3, $4)
             ORDER BY confirmed_at_s, operation_id LIMIT $5"
        ))
        .bind(owner.to_string())
        .bind(until_s);
        let answered = |operation: &OperationRow| {
            operation.answer.map_or(operation.intended_at_s, |answer| answer.evidence.confirmed_at_s)
        };
        self.list_operations(query, (behind(after, from_s), limit), answered).await
    }

    async fn list_operations(
        &self,
        query: Statement,
        page: (Cursor, u32),
        at: impl Fn(&OperationRow) -> i64,
    ) -> Result<Page<OperationRow>> {
        self.list_page(query, page, OperationRow::read, OperationRow::cursor(at)).await
    }
}
