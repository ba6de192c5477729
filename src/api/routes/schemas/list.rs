//! `GET /v1/schemas`: the JSON Schemas of this Back End.

use serde::Serialize;

use super::{all, read_text};
use crate::{
    api::Given,
    schema::{Resource, ResourceType},
};

/// The schemas.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Schemas {
    /// Messages of the standard, resources of this Back End, results of its AI Modules.
    schemas: Vec<Entry>,
}

/// A schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// Its `$id`.
    #[serde(rename = "SchemaID")]
    id: &'static str,
    /// Its title.
    title: String,
}

impl Resource for Schemas {
    const TYPE: ResourceType = ResourceType::SchemaList;
}

/// Lists the JSON Schemas by which this Back End judges
#[utoipa::path(get, path = "/schemas", tag = "service",
    responses((status = 200, body = ref("#/components/schemas/SchemaList"))))]
pub async fn list() -> Given {
    let title = |text: &str| read_text(text)["title"].as_str().unwrap_or_default().to_owned();
    Given::ok(&Schemas { schemas: all().map(|(id, text)| Entry { id, title: title(text) }).collect() })
}
