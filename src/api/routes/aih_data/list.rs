//! `GET /v1/aih-data`: the caller's own items.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::message;
use crate::{
    api::{Bearer, Door, Kind, Problem, extract::Params, problem::outgoing},
    db::{Cursor, data_items::DataItemState},
    domain::operation::Operation,
};

/// Items on one page when nothing else is asked.
const USUAL: u32 = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `Next` of the page before.
    after: Option<String>,
    /// Most items on the page, at most 1,000; 50 when not given.
    limit: Option<u32>,
}

/// A page of items.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Items {
    /// AIH Data messages without their payloads, newest first.
    #[serde(rename = "AIHData")]
    #[schema(value_type = Vec<Object>)]
    aih_data: Vec<Value>,
    /// Ask with this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the caller's own items
///
/// Newest first, without payloads. Erased items are not listed.
#[utoipa::path(get, path = "/aih-data", tag = "data", params(Page), security(("token" = [])),
    responses((status = 200, body = Items)))]
pub async fn list(
    State(door): State<Door>,
    caller: Bearer,
    Params(page): Params<Page>,
) -> Result<Json<Items>, Problem> {
    caller.must_open_any(&[Operation::Store, Operation::Retrieve])?;
    let after = page.after.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|error| Problem::new(Kind::MalformedRequest, error.to_string()))?;
    let found = door.aims.own_items(caller.user(), after.as_ref(), page.limit.unwrap_or(USUAL)).await?;
    let stored = found.rows.iter().filter(|row| row.state == DataItemState::Stored);
    let aih_data = stored.map(|row| outgoing(&message(&door, row, None)?)).collect::<Result<_, _>>()?;
    Ok(Json(Items { aih_data, next: found.next.map(|cursor| cursor.to_string()) }))
}
