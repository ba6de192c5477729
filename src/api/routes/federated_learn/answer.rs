//! `POST /v1/federated-learn`: a Front End answers, as JSON with the model inside or as multipart with the model behind it.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::super::aih_data_process::denied;
use crate::{
    aims::federated_learning::answer::Answered,
    api::{
        Bearer, Door, Problem, Reply,
        extract::carried::{Carrier, Load, receive, told},
        once::Once,
        problem::contradiction,
    },
    domain::{ids::UserId, operation::Operation},
    mpai_store::models::MOST_MODEL_BYTES,
    schema::wire::{Exchange, FederatedLearn, HeldPayload, Payload},
};

const ROUTE: &str = "POST /v1/federated-learn";
const MODEL: &str = "/FederatedLearn/Response/PostLearnNNModel/MLModelData";

/// Takes a Front End's answer in a round
///
/// A Federated Learn Response with the trained model, the AIH Data IDs behind it, the sample count, the round's number and
/// the Front End's signature (EIP-191) over all of these. As `application/json` the model stands in `MLModelData[0].Data`
/// (base64, at most 16 MiB in all); as `multipart/form-data` the part `message` holds the message, with `DataLength` and
/// `DataURI` `cid:payload`, and the part `payload` follows it. The answer is the round's request, which it is now counted
/// in. Nothing is kept of an answer that is refused; the round goes on, and the same Front End may answer again.
#[utoipa::path(post, path = "/federated-learn", tag = "federated-learning", security(("token" = [])),
    request_body(content((ref("#/components/schemas/FederatedLearn") = "application/json"), (Object = "multipart/form-data")), description = "Federated Learn."),
    responses((status = 202, description = "The answer is kept until the round ends.", body = ref("#/components/schemas/FederatedLearn"))))]
pub async fn answer(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    bearer.must_open(Operation::FederatedLearning)?;
    let sender = bearer.user();
    let carrier = Carrier { place: MODEL, payload: model, sender, most_bytes: MOST_MODEL_BYTES, inline: true };
    let house = door.clone();
    receive(&door, request, carrier, |carried| {
        let work = move |message, payload| take_in(house, sender, message, payload);
        once.run_carried(&door, sender, ROUTE, carried, work)
    })
    .await
}

fn model(message: &mut FederatedLearn) -> Result<&mut Payload, Problem> {
    let Exchange::Response(response) = &mut message.federated_learn else {
        return Err(contradiction("/FederatedLearn", "a Front End answers with a Response"));
    };
    match &mut response.post_learn_nn_model.ml_model_data[..] {
        [HeldPayload::Carried(payload)] => Ok(payload),
        _ => Err(contradiction(MODEL, "a trained model is one part, carried by this message")),
    }
}

async fn take_in(door: Door, sender: UserId, message: FederatedLearn, payload: Load) -> Result<Response, Problem> {
    let payload = payload.begun().await?;
    let arriving = door.aims.examine_answer(message, sender).await?;
    match door.aims.take_answer(&arriving, payload).await.map_err(told)? {
        Answered::Denied(operation) => Err(denied(&door, &operation)),
        Answered::Kept(round) => {
            let place = format!("/v1/federated-learn/rounds/urn:uuid:{}", round.id);
            // The round may have ended since; what was answered was its request as it stood.
            let told = door.aims.round_message(&arriving.round).await?;
            Ok(Reply::accepted(told, &place).with_status(StatusCode::ACCEPTED).into_response())
        }
    }
}
