//! `PUT /v1/licences/{id}`: the End User puts another licence in the place of this one (service `LicenceChange`).

use axum::{extract::State, response::Response};

use super::licence;
use crate::{
    aims::licence_change::LicenceChange,
    api::{Bearer, Door, Kind, Message, Problem, Reply, extract::PathId, once::Once, problem::contradiction},
    domain::{ids::LicenceId, operation::Operation},
    schema::wire::{BlockchainLicence, Exchange, LicenceRequest, LicenceWish},
};

const ROUTE: &str = "PUT /v1/licences/{id}";

/// Changes a licence
#[utoipa::path(put, path = "/licences/{id}", tag = "licences", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The current Licence ID, `eip155:<chain id>:<address>`."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")
    ),
    request_body(content = ref("#/components/schemas/BlockchainLicence")),
    responses((status = 200, description = "The new licence.", body = ref("#/components/schemas/BlockchainLicence"))))]
pub async fn change(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    PathId(id): PathId<LicenceId>,
    body: Message<BlockchainLicence>,
) -> Result<Response, Problem> {
    bearer.must_open(Operation::LicenceChange)?;
    let digest = body.digest();
    let change = wish(body.message)?;
    let (user, house) = (bearer.user(), door.clone());
    once.run(&door, user, ROUTE, digest, async move { put(&house, &bearer, id, change).await }).await
}

fn wish(message: BlockchainLicence) -> Result<LicenceChange, Problem> {
    let Exchange::Request(LicenceRequest {
        aih_data_id: item,
        wish: LicenceWish::Licence { model_licence, signature, sequence },
    }) = message.blockchain_licence
    else {
        return Err(contradiction("/BlockchainLicence", "a request with a ModelLicence is expected"));
    };
    let Some(signature) = signature else {
        return Err(contradiction(
            "/BlockchainLicence/Request/ModelLicenceSignature",
            "the End User's signature is needed",
        ));
    };
    let Some(sequence) = sequence else {
        return Err(contradiction("/BlockchainLicence/Request/Sequence", "the moment it was signed for is needed"));
    };
    Ok(LicenceChange { item, document: *model_licence, signature, sequence })
}

async fn put(
    door: &Door,
    bearer: &Bearer,
    id: LicenceId,
    change: LicenceChange,
) -> Result<Reply<BlockchainLicence>, Problem> {
    let reading = licence::visible(door, bearer, id).await?;
    if reading.terms.end_user != bearer.user().address() {
        return Err(Problem::new(Kind::Forbidden, "Only its End User changes a licence."));
    }
    let address = door.aims.change_licence(&reading, &change).await?;
    let licence = LicenceId::new(id.chain_id(), address);
    let new = door.aims.licensing.read(licence).await?.ok_or_else(Problem::nothing_here)?;
    Ok(Reply::ok(licence::message(door, &new, Some(change.item), None)?))
}
