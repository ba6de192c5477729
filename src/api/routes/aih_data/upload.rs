//! `POST /v1/aih-data`: an item arrives, as JSON with the payload inside or as multipart with the payload behind it.

use std::io;

use axum::{
    extract::{FromRequest, Multipart, Request, State, multipart::Field},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use super::{location, message};
use crate::{
    aims::aih_data_processing::upload::Admitted,
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
        let parts = Multipart::from_request(request, &door).await?;
        in_parts(door, caller.user(), once, parts).await
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

async fn in_parts(door: Door, sender: UserId, once: Once, mut parts: Multipart) -> Result<Response, Problem> {
    let first = parts.next_field().await?.filter(|part| part.name() == Some("message"));
    let first = first.ok_or_else(|| malformed("The first part must be `message`."))?;
    let bytes = read_part(first, door.limits.most_message_bytes).await?;
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
            let part = parts.next_field().await?.filter(|part| part.name() == Some("payload"));
            let part = part.ok_or_else(|| malformed("The second part must be `payload`."))?;
            take_in(door, sender, message, of_length(part, length)).await
        }
    };
    once.run(&door, sender, ROUTE, digest(&bytes), work).await
}

async fn take_in<S>(door: Door, sender: UserId, incoming: AihData, payload: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<Bytes, io::Error>> + Send,
{
    let arrival = door.aims.examine(incoming, sender)?;
    let row = match door.aims.admit(arrival).await? {
        Admitted::Stored(row) => *row,
        Admitted::Waiting(row, permit) => door.aims.receive(&row, permit, payload).await?,
    };
    Ok(Reply::created(message(&door, &row, None)?, &location(row.id)).into_response())
}

/// A payload of exactly the length announced: one that ends early or goes on is broken off with an error, and so is
/// nothing that was kept.
fn of_length(part: Field<'_>, length: u64) -> impl Stream<Item = Result<Bytes, io::Error>> + Send {
    let start = (part, length, false);
    stream::unfold(start, |(mut part, left, done)| async move {
        if done {
            return None;
        }
        let wrong = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
        Some(match part.next().await {
            Some(Ok(chunk)) if chunk.len() as u64 <= left => {
                let rest = left - chunk.len() as u64;
                (Ok(chunk), (part, rest, false))
            }
            Some(Ok(_)) => (wrong("the payload is longer than DataLength"), (part, 0, true)),
            Some(Err(error)) => (Err(io::Error::other(error)), (part, 0, true)),
            None if left > 0 => (wrong("the payload is shorter than DataLength"), (part, 0, true)),
            None => return None,
        })
    })
}

async fn read_part(mut part: Field<'_>, most: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk?;
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
