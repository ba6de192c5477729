//! `POST /v1/licences/{id}/revocation`: the End User withdraws a licence, by an EIP-712 signature that is relayed to the
//! chain; or the Back End gives up its own right, at the wish of the End User or of an operator.

use axum::{extract::State, response::Response};

use super::{licence, licence_wish};
use crate::{
    aims::licence_withdrawal::Withdrawal,
    api::{Bearer, Door, Kind, Message, Problem, Reply, extract::PathId, once::Once, problem::contradiction},
    domain::{
        ids::{AihDataId, LicenceId},
        operation::Operation,
    },
    licensing::read::Reading,
    schema::wire::{BlockchainLicence, Revocation, RevocationScope},
};

const ROUTE: &str = "POST /v1/licences/{id}/revocation";

/// Withdraws a licence
#[utoipa::path(post, path = "/licences/{id}/revocation", tag = "licences", security(("token" = [])),
    params(
        ("id" = String, Path, description = "Licence ID, `eip155:<chain id>:<address>`."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")
    ),
    request_body(content = ref("#/components/schemas/BlockchainLicence")),
    responses((status = 200, description = "Withdrawn.", body = ref("#/components/schemas/BlockchainLicence"))))]
pub async fn revoke(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    PathId(id): PathId<LicenceId>,
    body: Message<BlockchainLicence>,
) -> Result<Response, Problem> {
    let digest = body.digest();
    let (item, revocation) = licence_wish::withdrawal(body.message)?;
    if revocation.licence_id != id {
        return Err(contradiction(
            "/BlockchainLicence/Request/Revocation/LicenceID",
            "it is another licence than the path names",
        ));
    }
    let (user, house) = (bearer.user(), door.clone());
    once.run(&door, user, ROUTE, digest, async move { withdraw(&house, &bearer, item, revocation).await }).await
}

async fn withdraw(
    door: &Door,
    bearer: &Bearer,
    item: AihDataId,
    revocation: Revocation,
) -> Result<Reply<BlockchainLicence>, Problem> {
    let reading = licence::visible_in_doubt(door, bearer, revocation.licence_id).await?;
    if reading.item() != item.hash() {
        return Err(contradiction("/BlockchainLicence/Request/AIHDataID", "the licence is for another item"));
    }
    let withdrawal = entitled(bearer, &reading, revocation)?;
    let evidence = door.aims.withdraw(&reading, item, withdrawal).await?;
    // What the chain says now, and not what we meant to do.
    let now = door.aims.licensing.read_in_doubt(reading.licence).await?.ok_or_else(Problem::nothing_here)?;
    Ok(Reply::ok(licence::message(door, &now, Some(item), evidence)?))
}

fn entitled(bearer: &Bearer, reading: &Reading, revocation: Revocation) -> Result<Withdrawal, Problem> {
    let own = reading.terms.end_user == bearer.user().address();
    let forbidden = |detail| Err(Problem::new(Kind::Forbidden, detail));
    match (revocation.scope, revocation.signature) {
        (RevocationScope::WholeLicence, Some(signature)) if own => {
            bearer.must_open(Operation::LicenceChange)?;
            Ok(Withdrawal::Whole(signature))
        }
        (RevocationScope::WholeLicence, _) => forbidden("Only its End User withdraws a licence."),
        (RevocationScope::BackEndRight, _) if bearer.operates() => Ok(Withdrawal::BackEndRight),
        (RevocationScope::BackEndRight, _) if own => {
            bearer.must_open(Operation::LicenceChange)?;
            Ok(Withdrawal::BackEndRight)
        }
        (RevocationScope::BackEndRight, _) => forbidden("Only the End User or an operator asks the Back End for that."),
    }
}
