//! `GET /v1/store/aims`: the AIMs of the MPAI Store.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::mpai_store::metadata;

/// The AIMs of the MPAI Store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aims {
    /// The Health Back End, its SubAIMs, then the processing AIMs.
    #[serde(rename = "AIMs")]
    aims: Vec<Entry>,
}

/// An AIM.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// Its name; `GET /v1/store/aims/{name}` has its metadata.
    #[serde(rename = "AIMName")]
    name: String,
    /// What it does, for people.
    description: String,
}

/// Lists the AIMs of the MPAI Store
#[utoipa::path(get, path = "/store/aims", tag = "store", responses((status = 200, body = Aims)))]
pub async fn list() -> Json<Aims> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |metadata: Value| Entry {
        name: text(&metadata["Identifier"]["AIMName"]),
        description: text(&metadata["Description"]),
    };
    Json(Aims { aims: metadata::all().into_iter().map(entry).collect() })
}
