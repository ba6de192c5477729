//! `GET /v1/alerts`: the alerts the caller was told of.

use axum::extract::State;
use serde::Serialize;

use super::Alert;
use crate::{
    api::{
        Bearer, Door, Given, Problem,
        extract::{PageAsked, Params},
    },
    domain::operation::Operation,
    schema::{Resource, ResourceType},
};

/// A page of alerts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alerts {
    /// Newest first.
    alerts: Vec<Alert>,
    /// Ask with this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Resource for Alerts {
    const TYPE: ResourceType = ResourceType::AlertList;
}

/// Lists the alerts the caller was told of
///
/// Newest first; of their own items, and of items whose End User names them. What was found stands in each alert itself.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(PageAsked), security(("token" = [])),
    responses((status = 200, body = ref("#/components/schemas/AlertList"))))]
pub async fn list(State(door): State<Door>, caller: Bearer, Params(page): Params<PageAsked>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let (after, limit) = page.place()?;
    let found = door.aims.alerts_of(caller.user(), after.as_ref(), limit).await?;
    let alerts = found.rows.iter().map(Alert::of).collect::<Result<_, _>>()?;
    Ok(Given::ok(&Alerts { alerts, next: found.next.map(|cursor| cursor.to_string()) }))
}
