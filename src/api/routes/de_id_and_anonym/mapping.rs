//! `POST /v1/aih-data/{id}/de-identification/mapping`: the way back from pseudonyms to persons.
//!
//! Not under [`crate::api::once`]: a kept answer would be a second copy of what is sealed. Sent again, it is another
//! unsealing, confirmed and recorded by itself.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::super::aih_data_process::{confirmation, denied};
use crate::{
    aims::de_identification::pseudonyms::{Unsealed, Unsealing},
    api::{
        Bearer, Door, Given, Problem,
        extract::{PathId, Plain},
        once::to_the_end,
    },
    domain::{ids::AihDataId, operation::Operation, taxonomy::Usage},
    schema::{Resource, ResourceType},
};

/// What the way back is needed for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Intent {
    /// Intended usage, a word of the taxonomy; `Patient Use` when nothing is said.
    usage: Option<Usage>,
}

impl Resource for Intent {
    const TYPE: ResourceType = ResourceType::MappingRequest;
}

/// Unseals which pseudonym of a treated copy stands for whom
///
/// The chain is asked for `Retrieve` of the original first and records its answer. Only the End User may, and whoever the
/// copy was made for when they are licensed to read the original; to anybody else nothing is there.
#[utoipa::path(post, path = "/aih-data/{id}/de-identification/mapping", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "AIH Data ID of the treated copy")),
    request_body(content = ref("#/components/schemas/MappingRequest")),
    responses((status = 200, description = "Original and pseudonym of each.", body = ref("#/components/schemas/PseudonymMapping"))))]
pub async fn mapping(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<AihDataId>,
    Plain(intent): Plain<Intent>,
) -> Result<Response, Problem> {
    caller.must_open(Operation::DeIdAndAnonym)?;
    let usage = intent.usage.unwrap_or(Usage::PatientUse);
    let (aims, user) = (door.aims.clone(), caller.user());
    // Whoever hangs up leaves no operation that nobody ends.
    match to_the_end(async move { Ok(aims.unseal(user, id, usage).await?) }).await? {
        Unsealing::Denied(operation) => Err(denied(&door, &operation)),
        Unsealing::Opened(unsealed) => answer(&door, &unsealed),
    }
}

fn answer(door: &Door, unsealed: &Unsealed) -> Result<Response, Problem> {
    let Unsealed { treatment, original: (sha256, salt), mapping, operation } = unsealed;
    let body = json!({
        "AIHDataID": treatment.item,
        "ParentAIHDataID": treatment.parent,
        "Recipient": treatment.recipient,
        "Original": {"SHA256": sha256, "Salt": salt},
        "Mapping": mapping,
        "LicenceConfirm": confirmation(door, operation)?,
    });
    Ok(Given::document(ResourceType::PseudonymMapping, body).not_stored().into_response())
}
