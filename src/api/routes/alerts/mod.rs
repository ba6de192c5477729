//! `/v1/alerts`: what was found in items, as far as it is told, and who is told.

pub mod acknowledgement;
pub mod clearance;
pub mod list;
pub mod read;
pub mod recipients;

use serde::Serialize;

use crate::{
    api::Problem,
    db::alerts::{Act, AlertRow},
    schema::{Resource, ResourceType, wire::DateTime},
};

/// An alert. What was found stands in its findings, for those it is for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alert {
    /// Its ID.
    #[serde(rename = "AlertID")]
    alert_id: String,
    /// The item.
    #[serde(rename = "AIHDataID")]
    aih_data_id: String,
    /// The item's End User.
    #[serde(rename = "EndUserID")]
    end_user_id: String,
    /// `raised`, `acknowledged` or `cleared`.
    state: String,
    /// RFC 3339.
    raised_at: String,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Done>,
    /// Who said that it needs no attention any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared: Option<Done>,
}

/// Who did something, and when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Done {
    /// Account.
    by: String,
    /// RFC 3339.
    at: String,
}

impl Resource for Alert {
    const TYPE: ResourceType = ResourceType::Alert;
}

impl Alert {
    fn of(row: &AlertRow) -> Result<Self, Problem> {
        Ok(Self {
            alert_id: row.id.to_string(),
            aih_data_id: row.item.to_string(),
            end_user_id: row.owner.to_string(),
            state: row.state.to_string(),
            raised_at: time(row.raised_at_us)?,
            acknowledged: row.acknowledged.map(done).transpose()?,
            cleared: row.cleared.map(done).transpose()?,
        })
    }
}

fn done(act: Act) -> Result<Done, Problem> {
    Ok(Done { by: act.by.to_string(), at: time(act.at_us)? })
}

fn time(micros: i64) -> Result<String, Problem> {
    Ok(DateTime::from_micros(micros).map_err(Problem::internal)?.as_str().to_owned())
}
