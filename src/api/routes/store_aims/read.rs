//! `GET /v1/store/aims/{name}`: the metadata of one AIM.

use crate::{
    api::{Given, Problem, extract::PathId},
    mpai_store::metadata,
    schema::ResourceType,
};

/// Gives the metadata of an AIM (AIF V3.0)
#[utoipa::path(get, path = "/store/aims/{name}", tag = "store",
    params(("name" = String, Path, description = "Its name, such as `AIH-HBE-V1.0`.")),
    responses((status = 200, body = ref("#/components/schemas/AIMMetadata"), description = "AIM metadata."), (status = 404, description = "No such AIM.")))]
pub async fn read(PathId(name): PathId<String>) -> Result<Given, Problem> {
    metadata::find(&name)
        .map(|found| Given::document(ResourceType::AimMetadata, found))
        .ok_or_else(Problem::nothing_here)
}
