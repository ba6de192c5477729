//! `POST /v1/aih-data`: an item arrives, as JSON with the payload inside or as multipart with the payload behind it.

use std::{error::Error, io};

use async_stream::try_stream;
use axum::{
    extract::{
        FromRequest, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::header,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use super::{location, message, meter::Meter};
use crate::{
    aims::{AimError, aih_data_processing::upload::Admitted},
    api::{
        Bearer, Door, Kind, Problem, Reply,
        extract::read_bounded,
        once::{Once, digest},
    },
    domain::{ids::UserId, operation::Operation},
    schema::{
        self,
        wire::{AihData, Payload},
    },
    store,
};

/// Largest JSON body with the payload inside, in bytes; more comes as multipart.
const MOST_INLINE_BYTES: usize = 16 << 20;
const ROUTE: &str = "POST /v1/aih-data";

/// Takes in an item of AIH Data
///
/// The message carries the Model Licence and the End User's signature of it. The Back End has the chain make a licence,
/// keeps the payload under it and answers with the Licence ID attached. As `application/json` the payload stands in
/// `AIHData.Data` (base64, at most 16 MiB in all); as `multipart/form-data` the part `message` holds the message, with
/// `AIHData.DataLength` and `DataURI` `cid:payload`, and the part `payload` follows it. Sending the same item again
/// finds the first result; one whose payload broke off goes on from its licence.
#[utoipa::path(post, path = "/aih-data", tag = "data", security(("token" = [])),
    request_body(content((Object = "application/json"), (Object = "multipart/form-data")), description = "AIH Data."),
    responses((status = 201, description = "AIH Data with its Licence ID.", body = Object)))]
pub async fn upload(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    caller.must_open(Operation::Store)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let (meter, request) = Meter::install(request);
        let parts = Multipart::from_request(request, &door).await?;
        let answer = in_parts(door, caller.user(), once, (parts, meter.clone())).await;
        meter.discard_rest().await;
        answer
    } else {
        inline(door, caller.user(), once, request).await
    }
}

async fn inline(door: Door, sender: UserId, once: Once, request: Request) -> Result<Response, Problem> {
    let bytes = read_bounded(request, &door, MOST_INLINE_BYTES).await?;
    // Validating megabytes of base64 takes a while; other requests go on meanwhile.
    let (message, digest) = tokio::task::spawn_blocking(move || {
        schema::read::<AihData>(&bytes, MOST_INLINE_BYTES).map(|received| (received.message, digest(&bytes)))
    })
    .await
    .map_err(Problem::internal)??;
    let Payload::Inline(data) = message.aih_data.clone() else {
        return Err(Problem::new(Kind::SchemaViolation, "/AIHData: a JSON message holds the data itself, in Data."));
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
    let message = schema::read::<AihData>(&bytes, door.limits.most_message_bytes)?.message;
    let Payload::Remote { length, uri } = message.aih_data.clone() else {
        return Err(malformed("With parts, AIHData holds DataLength and the DataURI cid:payload."));
    };
    if uri != "cid:payload" || length > door.limits.most_upload_bytes {
        return Err(match uri == "cid:payload" {
            true => Problem::new(Kind::PayloadTooLarge, format!("At most {} bytes.", door.limits.most_upload_bytes)),
            false => malformed("The payload follows in this message: DataURI must be cid:payload."),
        });
    }
    let work = {
        let door = door.clone();
        async move {
            let mut payload = Box::pin(payload_in(parts, meter, length));
            // Its first piece is empty and says that the part is there; without it nothing is licensed.
            payload.next().await.transpose()?;
            take_in(door, sender, message, payload).await
        }
    };
    once.run(&door, sender, ROUTE, digest(&bytes), work).await
}

async fn take_in<S, E>(door: Door, sender: UserId, incoming: AihData, payload: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let arrival = door.aims.examine(incoming, sender)?;
    let row = match door.aims.admit(arrival).await? {
        Admitted::Stored(row) => door.aims.recognise(*row, payload).await.map_err(told)?,
        Admitted::Waiting(row, permit) => door.aims.receive(&row, permit, payload).await.map_err(told)?,
    };
    Ok(Reply::created(message(&door, &row, None)?, &location(row.id)).into_response())
}

/// What is wrong with the parts that follow the message. Nothing of the payload is kept.
#[derive(Debug, thiserror::Error)]
enum PartError {
    #[error("The second part must be `payload`.")]
    Missing,
    #[error("The payload is shorter than DataLength; nothing was kept.")]
    Shorter,
    #[error("The payload is longer than DataLength; nothing was kept.")]
    Longer,
    #[error("Nothing may follow the part `payload`; nothing was kept.")]
    More,
    #[error(transparent)]
    Broken(#[from] MultipartError),
}

impl From<PartError> for Problem {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Broken(error) => error.into(),
            other => malformed(&other.to_string()),
        }
    }
}

/// What the room says of a payload that failed is what the payload said.
fn told(error: AimError) -> Problem {
    match error {
        AimError::Store(store::Error::Input(cause)) => match cause.downcast::<PartError>() {
            Ok(part) => (*part).into(),
            Err(cause) => AimError::Store(store::Error::Input(cause)).into(),
        },
        other => other.into(),
    }
}

/// The payload: an empty piece once the part is there, then exactly the length announced, then the end of the body. One
/// that ends early, goes on, or is followed by something is broken off with an error, and so is nothing that was kept.
fn payload_in(mut parts: Multipart, meter: Meter, length: u64) -> impl Stream<Item = Result<Bytes, PartError>> + Send {
    try_stream! {
        let mut left = length;
        let part = parts.next_field().await?.filter(|part| part.name() == Some("payload"));
        let mut part = part.ok_or(PartError::Missing)?;
        yield Bytes::new();
        while let Some(chunk) = part.next().await.transpose()? {
            meter.read(chunk.len());
            left = left.checked_sub(chunk.len() as u64).ok_or(PartError::Longer)?;
            yield chunk;
        }
        drop(part);
        if left > 0 {
            Err(PartError::Shorter)?;
        }
        if parts.next_field().await?.is_some() {
            Err(PartError::More)?;
        }
    }
}

async fn read_part(mut part: Field<'_>, meter: &Meter, most: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk?;
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
