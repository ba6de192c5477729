//! `findings`: what Anomaly and Risk Alerting found, sealed; and the one transaction in which findings, the alert about
//! them, and everything that tells of it become true together.

use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{
    Database, Result,
    alerts::{NewAlert, insert_alert},
    columns::Columns,
    deliveries::{NewDelivery, insert_deliveries},
    notices::{NewNotice, append_notices},
    page::fetch_limit,
};
use crate::domain::ids::AihDataId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT finding_id, aih_data_id, operation_id, alert_id, sealed, created_at_us \
             FROM findings ",
            $tail
        )
    };
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFinding {
    /// ARA Data ID.
    pub id: Uuid,
    /// The item.
    pub item: AihDataId,
    /// The alerting that found it.
    pub operation: Uuid,
    /// Whether somebody is to be told.
    pub is_alerting: bool,
    /// ARA Data, sealed under the item's key.
    pub sealed: String,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// A row of `findings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// ARA Data ID.
    pub id: Uuid,
    /// The item.
    pub item: AihDataId,
    /// The alerting that found it first.
    pub operation: Uuid,
    /// The alert that told of it.
    pub alert: Option<Uuid>,
    /// ARA Data, sealed under the item's key.
    pub sealed: String,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl FindingRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "findings", "finding_id");
        Ok(Self {
            id: columns.parsed("finding_id")?,
            item: columns.parsed("aih_data_id")?,
            operation: columns.parsed("operation_id")?,
            alert: columns.optional_parsed("alert_id")?,
            sealed: columns.text("sealed")?,
            created_at_us: columns.integer("created_at_us")?,
        })
    }
}

/// An alert and everything that tells of it.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The alert.
    pub alert: NewAlert,
    /// For the event streams.
    pub notices: Vec<NewNotice>,
    /// For the webhooks.
    pub deliveries: Vec<NewDelivery>,
}

impl Database {
    /// Keeps findings, those not known yet. When one of these is alerting, the alert is raised and told; true then. All
    /// or nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_findings(&self, findings: &[NewFinding], telling: Option<&Telling>) -> Result<bool> {
        let mut tx = self.begin().await?;
        let alert = telling.map(|telling| telling.alert.id);
        let mut news = Vec::new();
        for finding in findings {
            if insert_finding(&mut tx, finding).await? && finding.is_alerting {
                news.push(finding.id);
            }
        }
        let telling = telling.filter(|_| !news.is_empty());
        if let Some(telling) = telling {
            insert_alert(&mut tx, &telling.alert).await?;
            for finding in news {
                sqlx::query("UPDATE findings SET alert_id = $2 WHERE finding_id = $1")
                    .bind(finding.to_string())
                    .bind(alert.map(|alert| alert.to_string()))
                    .execute(&mut *tx)
                    .await?;
            }
            append_notices(&mut tx, &telling.notices).await?;
            insert_deliveries(&mut tx, &telling.deliveries).await?;
        }
        tx.commit().await?;
        Ok(telling.is_some())
    }

    /// What was found in an item, at most 1,000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_findings(&self, item: AihDataId) -> Result<Vec<FindingRow>> {
        let rows = sqlx::query(select!("WHERE aih_data_id = $1 ORDER BY finding_id LIMIT $2"))
            .bind(item.to_string())
            .bind(fetch_limit(u32::MAX) - 1)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(FindingRow::read).collect()
    }
}

/// False when it was known.
async fn insert_finding(connection: &mut AnyConnection, finding: &NewFinding) -> Result<bool> {
    let result = sqlx::query(
        "INSERT INTO findings (finding_id, aih_data_id, operation_id, sealed, created_at_us)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (finding_id) DO NOTHING",
    )
    .bind(finding.id.to_string())
    .bind(finding.item.to_string())
    .bind(finding.operation.to_string())
    .bind(finding.sealed.clone())
    .bind(finding.created_at_us)
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}
