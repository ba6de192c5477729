//! `GET /v1/aih-data`: the caller's own items.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::message;
use crate::{
    api::{
        Bearer, Door, Given, Problem,
        extract::{PageAsked, Params},
        problem::outgoing,
    },
    db::data_items::DataItemState,
    domain::operation::Operation,
    schema::{Resource, ResourceType},
};

/// A page of items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Items {
    /// AIH Data messages without their payloads, newest first.
    #[serde(rename = "AIHData")]
    aih_data: Vec<Value>,
    /// Ask with this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Resource for Items {
    const TYPE: ResourceType = ResourceType::ItemList;
}

/// Lists the caller's own items
///
/// Newest first, without payloads. Erased items are not listed.
#[utoipa::path(get, path = "/aih-data", tag = "data", params(PageAsked), security(("token" = [])),
    responses((status = 200, body = ref("#/components/schemas/ItemList"))))]
pub async fn list(State(door): State<Door>, caller: Bearer, Params(page): Params<PageAsked>) -> Result<Given, Problem> {
    caller.must_open_any(&[Operation::Store, Operation::Retrieve])?;
    let (after, limit) = page.place()?;
    let found = door.aims.own_items(caller.user(), after.as_ref(), limit).await?;
    let mut aih_data = Vec::with_capacity(found.rows.len());
    for row in found.rows.iter().filter(|row| row.state == DataItemState::Stored) {
        aih_data.push(outgoing(&message(&door, row, None).await?)?);
    }
    Ok(Given::ok(&Items { aih_data, next: found.next.map(|cursor| cursor.to_string()) }))
}
