//! `alert_recipients`: the Users an End User names to be told of alerts, for one item or for all.

use sqlx::any::AnyRow;

use super::{Database, Result, columns::Columns, users::take_user};
use crate::domain::ids::{AihDataId, UserId};

/// Most rows read of one End User.
const MOST: i64 = 1_000;

/// A row of `alert_recipients`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientRow {
    /// For this item alone; `None` for all.
    pub item: Option<AihDataId>,
    /// Who is told.
    pub recipient: UserId,
}

impl RecipientRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "alert_recipients", "owner");
        let item = match columns.text("scope")?.as_str() {
            "" => None,
            _ => Some(columns.parsed("scope")?),
        };
        Ok(Self { item, recipient: columns.parsed("recipient")? })
    }
}

fn scope(item: Option<AihDataId>) -> String {
    item.map(|item| item.to_string()).unwrap_or_default()
}

impl Database {
    /// Replaces whom an End User names for an item, or for all. Who is named no more sees no alert any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_alert_recipients(
        &self,
        owner: UserId,
        item: Option<AihDataId>,
        recipients: &[UserId],
        at_us: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        take_user(&mut tx, owner).await?;
        sqlx::query("DELETE FROM alert_recipients WHERE owner = $1 AND scope = $2")
            .bind(owner.to_string())
            .bind(scope(item))
            .execute(&mut *tx)
            .await?;
        for recipient in recipients {
            sqlx::query(
                "INSERT INTO alert_recipients (owner, scope, recipient, created_at_us) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (owner, scope, recipient) DO NOTHING",
            )
            .bind(owner.to_string())
            .bind(scope(item))
            .bind(recipient.to_string())
            .bind(at_us)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "DELETE FROM alert_audience WHERE owner = $1 AND user_address <> $1
             AND NOT EXISTS (SELECT 1 FROM alert_recipients r
                 WHERE r.owner = alert_audience.owner AND r.recipient = alert_audience.user_address
                     AND r.scope IN ('', alert_audience.root_id))",
        )
        .bind(owner.to_string())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whom an End User names, for what.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_alert_recipients(&self, owner: UserId) -> Result<Vec<RecipientRow>> {
        let rows = sqlx::query(
            "SELECT owner, scope, recipient FROM alert_recipients WHERE owner = $1 ORDER BY scope, recipient LIMIT $2",
        )
        .bind(owner.to_string())
        .bind(MOST)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(RecipientRow::read).collect()
    }

    /// Whom an End User names for this item, or for all.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_alert_recipients_of_item(&self, owner: UserId, item: AihDataId) -> Result<Vec<UserId>> {
        let rows = sqlx::query(
            "SELECT owner, scope, recipient FROM alert_recipients WHERE owner = $1 AND scope IN ('', $2)
             ORDER BY recipient LIMIT $3",
        )
        .bind(owner.to_string())
        .bind(item.to_string())
        .bind(MOST)
        .fetch_all(&self.readers)
        .await?;
        let mut users = rows.iter().map(|row| Ok(RecipientRow::read(row)?.recipient)).collect::<Result<Vec<_>>>()?;
        users.dedup();
        Ok(users)
    }
}
