//! `GET /v1/store/models`: the models of the MPAI Store, newest first.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

use crate::{
    aims::federated_learning::message,
    api::{Bearer, Door, Given, Kind, Problem, extract::Params, problem::outgoing},
    db::Cursor,
    schema::{Resource, ResourceType},
};

const USUAL: u32 = 50;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Where the list goes on: `Next` of the page before.
    after: Option<String>,
    /// Most models of a page, at most 1,000; 50 when not given.
    limit: Option<u32>,
}

/// Some models of the Store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Models {
    /// ML Model Objects.
    models: Vec<Value>,
    /// Where the list goes on; absent at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Resource for Models {
    const TYPE: ResourceType = ResourceType::ModelList;
}

/// Lists the models and scoring files of the MPAI Store
#[utoipa::path(get, path = "/store/models", tag = "store", security(("token" = [])), params(Asked),
    responses((status = 200, body = ref("#/components/schemas/ModelList"))))]
pub async fn list(State(door): State<Door>, bearer: Bearer, Params(asked): Params<Asked>) -> Result<Given, Problem> {
    let malformed = |_| Problem::new(Kind::MalformedRequest, "after is no place in this list.");
    let after = asked.after.as_deref().map(str::parse::<Cursor>).transpose().map_err(malformed)?;
    let page = door.aims.database.list_models(after.as_ref(), asked.limit.unwrap_or(USUAL)).await?;
    let mut models = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        models.push(outgoing(&message::model(row, bearer.operates())?)?);
    }
    Ok(Given::ok(&Models { models, next: page.next.map(|next| next.to_string()) }))
}
