//! `POST /v1/licence-confirm`: what the chain would answer. A dry run: the same verdict as a recorded Licence Confirm would
//! have now, but nothing is recorded and nothing permitted. Callers ask for themselves; operators also for the Back End.

use alloy::primitives::Address;
use axum::extract::State;

use crate::{
    aims::asking::may_know,
    api::{Bearer, Door, Kind, Message, Problem, Reply, problem::contradiction},
    domain::{ids::LicenceId, taxonomy::Usage},
    licensing::{LicensingError, confirm::Question},
    schema::wire::{ConfirmRequest, ConfirmResponse, Exchange, LicenceConfirm},
};

/// Says what the chain would answer, without recording it
#[utoipa::path(post, path = "/licence-confirm", tag = "licences", security(("token" = [])),
    request_body(content = ref("#/components/schemas/LicenceConfirm")),
    responses((status = 200, description = "The verdict.", body = ref("#/components/schemas/LicenceConfirm"))))]
pub async fn licence_confirm(
    State(door): State<Door>,
    bearer: Bearer,
    body: Message<LicenceConfirm>,
) -> Result<Reply<LicenceConfirm>, Problem> {
    let asked = body.message;
    let Exchange::Request(request) = &asked.licence_confirm else {
        return Err(contradiction("/LicenceConfirm", "a request is expected"));
    };
    let question = Question {
        item: request.aih_data_id,
        requester: requester(&door, &bearer, request)?,
        operation: request.process_type,
        // Who does not say for which use asks for the patient's own (decision 0031).
        usage: request.usage.unwrap_or(Usage::PatientUse),
        at: request.time.seconds(),
        confirm_id: asked.licence_confirm_id.into_bytes(),
    };
    let verdict = door.aims.licensing.check(&question).await?;
    if !may_know(verdict) {
        return Err(Problem::nothing_here());
    }
    if let Some(named) = request.licence_id {
        let node = door.aims.licensing.node();
        let current = node.item(question.item.hash()).await.map_err(LicensingError::from)?.licence;
        if current.map(|licence| LicenceId::new(node.chain_id(), licence)) != Some(named) {
            let why = "the item's licence is another one by now";
            return Err(contradiction("/LicenceConfirm/Request/LicenceID", why));
        }
    }
    let response = ConfirmResponse::new(verdict, None);
    let answer = LicenceConfirm {
        licence_confirm_time: door.now()?,
        licence_confirm: Exchange::Response(response),
        descr_metadata: None,
        ..asked
    };
    Ok(Reply::ok(answer))
}

fn requester(door: &Door, bearer: &Bearer, request: &ConfirmRequest) -> Result<Address, Problem> {
    let Some(named) = request.user_id else { return Ok(bearer.user().address()) };
    let back_end = door.aims.back_end();
    if named == bearer.user() || (named.0 == back_end.0 && bearer.operates()) {
        return Ok(named.address());
    }
    Err(Problem::new(Kind::Forbidden, "A caller asks for themselves; an operator also for the Back End."))
}
