//! `/v1/alerts/recipients`: the Users an End User names to be told.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Bearer, Door, Given, Problem, extract::Plain},
    db::alert_recipients::RecipientRow,
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
    },
    schema::{Resource, ResourceType},
};

/// Whom to tell of one item, or of all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Wish {
    /// The item, with what is derived from it; all items when not given.
    #[serde(rename = "AIHDataID")]
    aih_data_id: Option<AihDataId>,
    /// Accounts of registered Users, at most 16; they take the place of those named before. Empty: nobody.
    recipients: Vec<UserId>,
}

/// Who is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Recipients {
    /// One entry for each recipient and item.
    recipients: Vec<Recipient>,
}

/// A recipient.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Recipient {
    /// Account.
    #[serde(rename = "UserID")]
    user_id: String,
    /// For this item; absent for all.
    #[serde(rename = "AIHDataID", skip_serializing_if = "Option::is_none")]
    aih_data_id: Option<String>,
}

impl Recipients {
    fn of(rows: &[RecipientRow]) -> Self {
        let one = |row: &RecipientRow| Recipient {
            user_id: row.recipient.to_string(),
            aih_data_id: row.item.map(|item| item.to_string()),
        };
        Self { recipients: rows.iter().map(one).collect() }
    }
}

impl Resource for Wish {
    const TYPE: ResourceType = ResourceType::AlertRecipientsRequest;
}

impl Resource for Recipients {
    const TYPE: ResourceType = ResourceType::AlertRecipients;
}

/// Names whom to tell of alerts
///
/// For one item, or for all. Whoever is named hears that there is an alert; of what was found they see what a licence
/// of theirs names (`AnomalyTypes` of a grant for `AnomalyAndRiskAlerting`). Who is named no more sees nothing any more.
#[utoipa::path(put, path = "/alerts/recipients", tag = "alerts", security(("token" = [])), request_body = ref("#/components/schemas/AlertRecipientsRequest"),
    responses((status = 200, body = ref("#/components/schemas/AlertRecipients"))))]
pub async fn name(State(door): State<Door>, caller: Bearer, Plain(wish): Plain<Wish>) -> Result<Given, Problem> {
    // Only who has items may have somebody told of them.
    caller.must_open(Operation::Store)?;
    let rows = door.aims.name_recipients(caller.user(), wish.aih_data_id, &wish.recipients).await?;
    Ok(Given::ok(&Recipients::of(&rows)))
}

/// Says whom the caller named
#[utoipa::path(get, path = "/alerts/recipients", tag = "alerts", security(("token" = [])),
    responses((status = 200, body = ref("#/components/schemas/AlertRecipients"))))]
pub async fn named(State(door): State<Door>, caller: Bearer) -> Result<Given, Problem> {
    caller.must_open(Operation::Store)?;
    Ok(Given::ok(&Recipients::of(&door.aims.recipients_of(caller.user()).await?)))
}
