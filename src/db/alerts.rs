//! `alerts` and `alert_audience`: that something was found which somebody is told of, and who was told.
//!
//! ```text
//! insert ─▶ raised ──acknowledge──▶ acknowledged ──clear──▶ cleared
//! ```
//!
//! What was found is not in these rows; that is sealed in `findings`.

use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{
    Cursor, Database, Page, Result, Transition,
    columns::{Columns, step_in},
    deliveries::{NewDelivery, insert_deliveries},
    notices::{NewNotice, append_notices},
    page::fetch_limit,
    state::states,
};
use crate::domain::ids::{AihDataId, UserId};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT a.alert_id, a.aih_data_id, a.owner, a.state, a.raised_at_us, a.acknowledged_at_us, \
             a.acknowledged_by, a.cleared_at_us, a.cleared_by \
             FROM alert_audience x JOIN alerts a ON a.alert_id = x.alert_id ",
            $tail
        )
    };
}

states! {
    /// How far an alert has come.
    AlertState in "alerts" {
        /// Told.
        Raised = "raised",
        /// Somebody looks after it.
        Acknowledged = "acknowledged",
        /// It needs no attention any more.
        Cleared = "cleared",
    }
}

/// An alert being raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// Its ID.
    pub id: Uuid,
    /// The item.
    pub item: AihDataId,
    /// The item it derives from, or itself: what recipients are named for.
    pub root: AihDataId,
    /// Its End User.
    pub owner: UserId,
    /// Everybody told, the End User among them.
    pub audience: Vec<UserId>,
    /// Microseconds since 1970.
    pub raised_at_us: i64,
}

/// Who did something, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub by: UserId,
    /// Microseconds since 1970.
    pub at_us: i64,
}

/// A row of `alerts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its ID.
    pub id: Uuid,
    /// The item.
    pub item: AihDataId,
    /// Its End User.
    pub owner: UserId,
    /// How far it has come.
    pub state: AlertState,
    /// Microseconds since 1970.
    pub raised_at_us: i64,
    /// Who acknowledged it.
    pub acknowledged: Option<Act>,
    /// Who cleared it.
    pub cleared: Option<Act>,
}

impl AlertRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "alerts", "alert_id");
        let act = |by, at| -> Result<Option<Act>> {
            let (by, at_us) = (columns.optional_parsed(by)?, columns.optional_integer(at)?);
            Ok(by.zip(at_us).map(|(by, at_us)| Act { by, at_us }))
        };
        Ok(Self {
            id: columns.parsed("alert_id")?,
            item: columns.parsed("aih_data_id")?,
            owner: columns.parsed("owner")?,
            state: columns.state("state")?,
            raised_at_us: columns.integer("raised_at_us")?,
            acknowledged: act("acknowledged_by", "acknowledged_at_us")?,
            cleared: act("cleared_by", "cleared_at_us")?,
        })
    }
}

const STATE: &str = "SELECT state FROM alerts WHERE alert_id = $1";

impl Database {
    /// The alert with this ID, for somebody who was told of it.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_alert(&self, id: Uuid, user: UserId) -> Result<Option<AlertRow>> {
        let row = sqlx::query(select!("WHERE x.alert_id = $1 AND x.user_address = $2"))
            .bind(id.to_string())
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(AlertRow::read).transpose()
    }

    /// The alerts somebody was told of, newest first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_alerts(&self, user: UserId, after: Option<&Cursor>, limit: u32) -> Result<Page<AlertRow>> {
        let after = Cursor::highest(after);
        let rows = sqlx::query(select!(
            "WHERE x.user_address = $1 AND (x.raised_at_us, x.alert_id) < ($2, $3)
             ORDER BY x.raised_at_us DESC, x.alert_id DESC LIMIT $4"
        ))
        .bind(user.to_string())
        .bind(after.at)
        .bind(after.key)
        .bind(fetch_limit(limit))
        .fetch_all(&self.readers)
        .await?;
        let rows = rows.iter().map(AlertRow::read).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |alert| Cursor::new(alert.raised_at_us, alert.id.to_string())))
    }

    /// Everybody who was told of an alert and may still see it.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_alert_audience(&self, id: Uuid) -> Result<Vec<UserId>> {
        let rows = sqlx::query(
            "SELECT alert_id, user_address FROM alert_audience WHERE alert_id = $1 ORDER BY user_address LIMIT 100",
        )
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Columns::new(row, "alert_audience", "alert_id").parsed("user_address")).collect()
    }

    /// Somebody looks after it: `raised → acknowledged`. Told in the same transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acknowledge_alert(
        &self,
        id: Uuid,
        act: Act,
        notices: &[NewNotice],
        deliveries: &[NewDelivery],
    ) -> Result<Transition<AlertState>> {
        let update = sqlx::query(
            "UPDATE alerts SET state = 'acknowledged', acknowledged_by = $2, acknowledged_at_us = $3
             WHERE alert_id = $1 AND state = 'raised'",
        );
        self.act_on_alert(id, update.bind(id.to_string()).bind(act.by.to_string()).bind(act.at_us), notices, deliveries)
            .await
    }

    /// It needs no attention any more: `acknowledged → cleared`. Told in the same transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear_alert(
        &self,
        id: Uuid,
        act: Act,
        notices: &[NewNotice],
        deliveries: &[NewDelivery],
    ) -> Result<Transition<AlertState>> {
        let update = sqlx::query(
            "UPDATE alerts SET state = 'cleared', cleared_by = $2, cleared_at_us = $3
             WHERE alert_id = $1 AND state = 'acknowledged'",
        );
        self.act_on_alert(id, update.bind(id.to_string()).bind(act.by.to_string()).bind(act.at_us), notices, deliveries)
            .await
    }

    async fn act_on_alert(
        &self,
        id: Uuid,
        update: super::columns::Statement,
        notices: &[NewNotice],
        deliveries: &[NewDelivery],
    ) -> Result<Transition<AlertState>> {
        let mut tx = self.begin().await?;
        let transition = step_in(&mut tx, update, STATE, &id.to_string()).await?;
        if transition.is_done() {
            append_notices(&mut tx, notices).await?;
            insert_deliveries(&mut tx, deliveries).await?;
            tx.commit().await?;
        }
        Ok(transition)
    }
}

/// Raises an alert, in the caller's transaction.
pub(super) async fn insert_alert(connection: &mut AnyConnection, alert: &NewAlert) -> Result<()> {
    sqlx::query(
        "INSERT INTO alerts (alert_id, aih_data_id, owner, state, raised_at_us) VALUES ($1, $2, $3, 'raised', $4)",
    )
    .bind(alert.id.to_string())
    .bind(alert.item.to_string())
    .bind(alert.owner.to_string())
    .bind(alert.raised_at_us)
    .execute(&mut *connection)
    .await?;
    for user in &alert.audience {
        sqlx::query(
            "INSERT INTO alert_audience (alert_id, user_address, owner, root_id, raised_at_us)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(alert.id.to_string())
        .bind(user.to_string())
        .bind(alert.owner.to_string())
        .bind(alert.root.to_string())
        .bind(alert.raised_at_us)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
