//! `POST /v1/federated-learn`: a Front End answers, as JSON with the model inside or as multipart with the model behind it.

use std::{error::Error, io};

use async_stream::try_stream;
use axum::{
    extract::{
        FromRequest, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};

use super::super::{aih_data::meter::Meter, aih_data_process::denied};
use crate::{
    aims::federated_learning::answer::Answered,
    api::{
        Bearer, Door, Kind, Problem, Reply,
        extract::read_bounded,
        once::{Once, digest},
        problem::contradiction,
    },
    domain::{ids::UserId, operation::Operation},
    mpai_store::models::MOST_MODEL_BYTES,
    schema::{
        self,
        wire::{Exchange, FederatedLearn, HeldPayload, Payload},
    },
};

/// Largest JSON body with the model inside, in bytes; more comes as multipart.
const MOST_INLINE_BYTES: usize = 16 << 20;
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
    request_body(content((Object = "application/json"), (Object = "multipart/form-data")), description = "Federated Learn."),
    responses((status = 202, description = "The answer is kept until the round ends.", body = Object)))]
pub async fn answer(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    bearer.must_open(Operation::FederatedLearning)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let (meter, request) = Meter::install(request);
        let parts = Multipart::from_request(request, &door).await?;
        let answer = in_parts(door, bearer.user(), once, (parts, meter.clone())).await;
        meter.discard_rest().await;
        answer
    } else {
        inline(door, bearer.user(), once, request).await
    }
}

async fn inline(door: Door, sender: UserId, once: Once, request: Request) -> Result<Response, Problem> {
    let bytes = read_bounded(request, &door, MOST_INLINE_BYTES).await?;
    let (message, digest) = tokio::task::spawn_blocking(move || {
        schema::read::<FederatedLearn>(&bytes, MOST_INLINE_BYTES).map(|received| (received.message, digest(&bytes)))
    })
    .await
    .map_err(Problem::internal)??;
    let Payload::Inline(data) = carried(&message)? else {
        return Err(contradiction(MODEL, "a JSON message holds the model itself, in Data"));
    };
    let work = take_in(door.clone(), sender, message, stream::iter([Ok::<_, io::Error>(Bytes::from(data.0))]));
    once.run(&door, sender, ROUTE, digest, work).await
}

async fn in_parts(
    door: Door,
    sender: UserId,
    once: Once,
    (mut parts, meter): (Multipart, Meter),
) -> Result<Response, Problem> {
    let first = parts.next_field().await?.filter(|part| part.name() == Some("message"));
    let first = first.ok_or_else(|| malformed("The first part must be `message`."))?;
    let bytes = read_part(first, &meter, door.limits.most_message_bytes).await?;
    let message = schema::read::<FederatedLearn>(&bytes, door.limits.most_message_bytes)?.message;
    let Payload::Remote { length, uri } = carried(&message)? else {
        return Err(malformed("With parts, the model's part holds DataLength and the DataURI cid:payload."));
    };
    if uri != "cid:payload" {
        return Err(malformed("The model follows in this message: DataURI must be cid:payload."));
    }
    if length > MOST_MODEL_BYTES {
        return Err(Problem::new(Kind::PayloadTooLarge, format!("A model has at most {MOST_MODEL_BYTES} bytes.")));
    }
    let work = take_in(door.clone(), sender, message, Box::pin(payload_in(parts, meter, length)));
    once.run(&door, sender, ROUTE, digest(&bytes), work).await
}

fn carried(message: &FederatedLearn) -> Result<Payload, Problem> {
    let Exchange::Response(response) = &message.federated_learn else {
        return Err(contradiction("/FederatedLearn", "a Front End answers with a Response"));
    };
    match &response.post_learn_nn_model.ml_model_data[..] {
        [HeldPayload::Carried(payload)] => Ok(payload.clone()),
        _ => Err(contradiction(MODEL, "a trained model is one part, carried by this message")),
    }
}

async fn take_in<S, E>(door: Door, sender: UserId, message: FederatedLearn, payload: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let arriving = door.aims.examine_answer(message, sender).await?;
    match door.aims.take_answer(&arriving, payload).await? {
        Answered::Denied(operation) => Err(denied(&door, &operation)),
        Answered::Kept(round) => {
            let place = format!("/v1/federated-learn/rounds/urn:uuid:{}", round.id);
            // The round may have ended since; what was answered was its request as it stood.
            let told = door.aims.round_message(&arriving.round).await?;
            Ok(Reply::accepted(told, &place).with_status(StatusCode::ACCEPTED).into_response())
        }
    }
}

/// What is wrong with the parts that follow the message.
#[derive(Debug, thiserror::Error)]
pub(in crate::api::routes) enum PartError {
    #[error("the second part must be `payload`, and as long as DataLength says")]
    Length,
    #[error("nothing may follow the part `payload`")]
    More,
    #[error(transparent)]
    Broken(#[from] MultipartError),
}

/// Exactly the length announced, then the end of the body.
pub(in crate::api::routes) fn payload_in(
    mut parts: Multipart,
    meter: Meter,
    length: u64,
) -> impl Stream<Item = Result<Bytes, PartError>> + Send {
    try_stream! {
        let mut left = length;
        let part = parts.next_field().await?.filter(|part| part.name() == Some("payload"));
        let mut part = part.ok_or(PartError::Length)?;
        while let Some(chunk) = part.chunk().await? {
            meter.read(chunk.len());
            left = left.checked_sub(chunk.len() as u64).ok_or(PartError::Length)?;
            yield chunk;
        }
        drop(part);
        if left > 0 {
            Err(PartError::Length)?;
        }
        if parts.next_field().await?.is_some() {
            Err(PartError::More)?;
        }
    }
}

pub(in crate::api::routes) async fn read_part(
    mut part: Field<'_>,
    meter: &Meter,
    most: usize,
) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.chunk().await? {
        meter.read(chunk.len());
        if bytes.len() + chunk.len() > most {
            return Err(Problem::new(Kind::PayloadTooLarge, format!("The part `message` has at most {most} bytes.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Kind::MalformedRequest, detail)
}
