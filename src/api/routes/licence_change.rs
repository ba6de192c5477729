//! `PUT /v1/licences/{id}`: the End User puts another licence in the place of this one (service `LicenceChange`).

use axum::{extract::State, response::Response};

use super::{licence, licence_wish};
use crate::{
    aims::licence_change::LicenceChange,
    api::{
        Bearer, Door, Kind, Message, Problem, Reply,
        extract::PathId,
        once::{Once, digest},
    },
    domain::{ids::LicenceId, operation::Operation},
    schema::wire::BlockchainLicence,
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
    // The route is a template: what is changed is part of what two requests share.
    let digest = digest(&[id.to_string().as_bytes(), body.digest().as_slice()].concat());
    let change = licence_wish::change(body.message)?;
    let (user, house) = (bearer.user(), door.clone());
    once.run(&door, user, ROUTE, digest, async move { put(&house, &bearer, id, change).await }).await
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
    // Done, whatever is doubted since.
    let new = door.aims.licensing.read_in_doubt(licence).await?.ok_or_else(Problem::nothing_here)?;
    Ok(Reply::ok(licence::message(door, &new, Some(change.item), None)?))
}
