//! `GET /v1/alerts`: the alerts the caller was told of.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Alert;
use crate::{
    api::{Bearer, Door, Kind, Problem, extract::Params},
    db::Cursor,
    domain::operation::Operation,
};

/// Alerts on one page when nothing else is asked.
const USUAL: u32 = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `Next` of the page before.
    after: Option<String>,
    /// Most alerts on the page, at most 1,000; 50 when not given.
    limit: Option<u32>,
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Alerts {
    /// Newest first.
    alerts: Vec<Alert>,
    /// Ask with this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the alerts the caller was told of
///
/// Newest first; of their own items, and of items whose End User names them. What was found stands in each alert itself.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(Page), security(("token" = [])),
    responses((status = 200, body = Alerts)))]
pub async fn list(
    State(door): State<Door>,
    caller: Bearer,
    Params(page): Params<Page>,
) -> Result<Json<Alerts>, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let after = page.after.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|error| Problem::new(Kind::MalformedRequest, error.to_string()))?;
    let found = door.aims.alerts_of(caller.user(), after.as_ref(), page.limit.unwrap_or(USUAL)).await?;
    let alerts = found.rows.iter().map(Alert::of).collect::<Result<_, _>>()?;
    Ok(Json(Alerts { alerts, next: found.next.map(|cursor| cursor.to_string()) }))
}
