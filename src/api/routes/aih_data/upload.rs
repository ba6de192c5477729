//! `POST /v1/aih-data`: an item arrives, as JSON with the payload inside or as multipart with the payload behind it.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{location, message};
use crate::{
    aims::aih_data_processing::upload::Admitted,
    api::{
        Bearer, Door, Problem, Reply,
        extract::carried::{Carrier, Load, receive, told},
        once::Once,
    },
    domain::{ids::UserId, operation::Operation},
    schema::wire::AihData,
};

const ROUTE: &str = "POST /v1/aih-data";

/// Takes in an item of AIH Data
///
/// The message carries the Model Licence and the End User's signature of it. The Back End has the chain make a licence,
/// keeps the payload under it and answers with the Licence ID attached. As `application/json` the payload stands in
/// `AIHData.Data` (base64, at most 16 MiB in all); as `multipart/form-data` the part `message` holds the message, with
/// `AIHData.DataLength` and `DataURI` `cid:payload`, and the part `payload` follows it. Sending the same item again
/// finds the first result; one whose payload broke off goes on from its licence.
#[utoipa::path(post, path = "/aih-data", tag = "data", security(("token" = [])),
    request_body(content((ref("#/components/schemas/AIHData") = "application/json"), (Object = "multipart/form-data")), description = "AIH Data."),
    responses((status = 201, description = "AIH Data with its Licence ID.", body = ref("#/components/schemas/AIHData"))))]
pub async fn upload(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    caller.must_open(Operation::Store)?;
    let sender = caller.user();
    let carrier = Carrier {
        place: "/AIHData",
        payload: |message: &mut AihData| Ok(&mut message.aih_data),
        sender,
        most_bytes: door.limits.most_upload_bytes,
        inline: true,
    };
    let house = door.clone();
    receive(&door, request, carrier, |carried| {
        let work = move |message, payload| take_in(house, sender, message, payload);
        once.run_carried(&door, sender, ROUTE, carried, work)
    })
    .await
}

async fn take_in(door: Door, sender: UserId, incoming: AihData, payload: Load) -> Result<Response, Problem> {
    // Without a payload nothing is licensed.
    let payload = payload.begun().await?;
    let arrival = door.aims.examine(incoming, sender)?;
    let row = match door.aims.admit(arrival).await? {
        Admitted::Stored(row) => door.aims.recognise(*row, payload).await.map_err(told)?,
        Admitted::Waiting(row, permit) => door.aims.receive(&row, permit, payload).await.map_err(told)?,
    };
    Ok(Reply::created(message(&door, &row, None).await?, &location(row.id)).into_response())
}
