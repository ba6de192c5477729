//! `GET /v1/store/aims`: the AIMs of the MPAI Store.

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::Given,
    mpai_store::metadata,
    schema::{Resource, ResourceType},
};

/// The AIMs of the MPAI Store.
#[derive(Debug, Serialize)]
pub struct Aims {
    /// The Health Back End, its SubAIMs, then the processing AIMs.
    #[serde(rename = "AIMs")]
    aims: Vec<Entry>,
}

/// An AIM.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// Its name; `GET /v1/store/aims/{name}` has its metadata.
    #[serde(rename = "AIMName")]
    name: String,
    /// What it does, for people.
    description: String,
}

impl Resource for Aims {
    const TYPE: ResourceType = ResourceType::AimList;
}

/// Lists the AIMs of the MPAI Store
#[utoipa::path(get, path = "/store/aims", tag = "store", responses((status = 200, body = ref("#/components/schemas/AIMList"))))]
pub async fn list() -> Given {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |metadata: Value| Entry {
        name: text(&metadata["Identifier"]["AIMName"]),
        description: text(&metadata["Description"]),
    };
    Given::ok(&Aims { aims: metadata::all().into_iter().map(entry).collect() })
}
