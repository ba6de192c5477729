//! `GET /v1/aih-data/{id}/de-identification`: what was done to a treated copy, signed.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{
        Bearer, Door, Given, Problem,
        extract::{Params, PathId},
    },
    domain::{ids::AihDataId, operation::Operation, taxonomy::Usage},
    schema::ResourceType,
};

/// What the copy is read for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Intent {
    /// Intended usage, a word of the taxonomy; `Patient Use` when nothing is said.
    #[param(value_type = Option<String>)]
    usage: Option<Usage>,
}

/// Reads the signed report of a treated copy
///
/// For its End User, whoever asked for it, and whoever the chain would let read the copy now. `Signature` is EIP-191 by an
/// operator of this Back End over `Report` in canonical form (RFC 8785).
#[utoipa::path(get, path = "/aih-data/{id}/de-identification", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "AIH Data ID of the treated copy"), Intent),
    responses((status = 200, description = "Report and Signature.", body = ref("#/components/schemas/DeIdentificationReport"))))]
pub async fn report(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<AihDataId>,
    Params(intent): Params<Intent>,
) -> Result<Given, Problem> {
    caller.must_open_any(&[Operation::DeIdAndAnonym, Operation::Retrieve])?;
    let usage = intent.usage.unwrap_or(Usage::PatientUse);
    let treatment = door.aims.de_identification_report(caller.user(), id, usage).await?;
    Ok(Given::document(ResourceType::DeIdentificationReport, treatment.report).not_stored())
}
