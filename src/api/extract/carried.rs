//! A message that carries a payload: as JSON with the payload inside, or as multipart with the payload behind it.
//!
//! ```text
//! application/json      {…, "Data": base64}                        read whole, bounded
//! multipart/form-data   part `message` {…, "DataLength", "DataURI": "cid:payload"}
//!                       part `payload`                             handed on piece by piece, exactly as long as announced
//! ```

use std::{future::Future, pin::Pin};

use alloy::primitives::B256;
use async_stream::try_stream;
use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, header},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use super::{body::read_bounded, imprint::Imprint, meter::Meter};
use crate::{
    aims::AimError,
    api::{Door, Kind, Problem, layers::load::LargeBody, once::digest, problem::contradiction},
    domain::ids::UserId,
    schema::{
        self,
        wire::{self, Payload},
    },
    store,
};

/// Largest JSON body with the payload inside, in bytes; more comes as multipart.
const MOST_INLINE_BYTES: usize = 16 << 20;

/// Where a message carries its payload.
pub struct Carrier<M> {
    /// JSON pointer of the part that holds or announces it.
    pub place: &'static str,
    /// That part.
    pub payload: fn(&mut M) -> Result<&mut Payload, Problem>,
    /// Who sends it.
    pub sender: UserId,
    /// Most bytes of a payload behind the message.
    pub most_bytes: u64,
    /// Whether a JSON message may hold it.
    pub inline: bool,
}

/// A message and the payload it carries.
pub struct Carried<M> {
    /// The message.
    pub message: M,
    /// What two such requests share.
    pub digest: B256,
    /// The payload.
    pub payload: Load,
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, PartError>> + Send>>;

/// A payload on its way.
pub struct Load {
    pieces: Pieces,
    /// Whether it lies behind the message, whose digest then says nothing of it.
    behind: bool,
}

/// What is wrong with the parts that follow the message. Nothing of the payload is kept.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// No payload.
    #[error("The second part must be `payload`.")]
    Missing,
    /// It ends early.
    #[error("The payload is shorter than DataLength; nothing was kept.")]
    Shorter,
    /// It goes on.
    #[error("The payload is longer than DataLength; nothing was kept.")]
    Longer,
    /// Something follows it.
    #[error("Nothing may follow the part `payload`; nothing was kept.")]
    More,
    /// The body is no multipart body, or broke off.
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

impl Load {
    /// Waits until the payload begins, and gives it: nothing is to be done for a message whose payload is not there.
    ///
    /// # Errors
    /// [`PartError::Missing`], or that the body is broken.
    pub async fn begun(mut self) -> Result<Pieces, PartError> {
        // Its first piece is empty and says that the payload is there.
        self.pieces.next().await.transpose()?;
        Ok(self.pieces)
    }

    /// The same, with what will tell what it was; nothing where the message's digest tells that.
    pub fn imprinted(self) -> (Self, Option<Imprint>) {
        if !self.behind {
            return (self, None);
        }
        let imprint = Imprint::default();
        (Self { pieces: imprint.of(self.pieces), ..self }, Some(imprint))
    }
}

/// What a room says of a payload that failed is what the payload said.
pub fn told(error: AimError) -> Problem {
    match error {
        AimError::Store(store::Error::Input(cause)) => match cause.downcast::<PartError>() {
            Ok(part) => (*part).into(),
            Err(cause) => AimError::Store(store::Error::Input(cause)).into(),
        },
        other => other.into(),
    }
}

/// Reads the message of a request and has it worked on, while the payload behind it still arrives. Of what the work leaves
/// unread some is read and thrown away, so that the sender sees the answer.
///
/// # Errors
/// When the message is none, or does not carry its payload as its kind of body has to; otherwise what the work answers.
pub async fn receive<M, F>(
    door: &Door,
    request: Request,
    carrier: Carrier<M>,
    work: impl FnOnce(Carried<M>) -> F,
) -> Result<Response, Problem>
where
    M: wire::Message + Send + 'static,
    F: Future<Output = Result<Response, Problem>>,
{
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        if !carrier.inline {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                "The body is not multipart/form-data with a boundary.",
            ));
        }
        return work(inside(door, request, &carrier).await?).await;
    }
    let (meter, request) = Meter::install(request);
    let parts = Multipart::from_request(request, door).await?;
    let answer = match behind(door, (parts, meter.clone()), &carrier).await {
        Ok(carried) => work(carried).await,
        Err(problem) => Err(problem),
    };
    meter.discard_rest().await;
    answer
}

async fn inside<M>(door: &Door, request: Request, carrier: &Carrier<M>) -> Result<Carried<M>, Problem>
where
    M: wire::Message + Send + 'static,
{
    let seat = match seat(door, request.headers(), carrier.sender) {
        Ok(seat) => seat,
        Err(busy) => {
            Meter::install(request).0.discard_rest().await;
            return Err(busy);
        }
    };
    let bytes = read_bounded(request, door, MOST_INLINE_BYTES).await?;
    // Validating megabytes of base64 takes a while; other requests go on meanwhile.
    let reading = tokio::task::spawn_blocking(move || {
        schema::read::<M>(&bytes, MOST_INLINE_BYTES).map(|received| (received.message, digest(&bytes)))
    });
    let (mut message, digest) = reading.await.map_err(Problem::internal)??;
    let Payload::Inline(data) = (carrier.payload)(&mut message)? else {
        return Err(contradiction(carrier.place, "a JSON message holds the data itself, in Data"));
    };
    // Taken out of the message, so that it is held once; the seat is held as long.
    let data = Bytes::from(std::mem::take(&mut data.0));
    let pieces = stream::iter([Ok(Bytes::new()), Ok(data)]).inspect(move |_| {
        let _held = &seat;
    });
    Ok(Carried { message, digest, payload: Load { pieces: Box::pin(pieces), behind: false } })
}

/// A seat for a body that is larger than a message, or may be: it is held whole, several times over while it is read.
fn seat(door: &Door, headers: &HeaderMap, sender: UserId) -> Result<Option<LargeBody>, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match announced {
        Some(bytes) if bytes <= door.limits.most_message_bytes => Ok(None),
        _ => door.load.large_body(sender).map(Some),
    }
}

async fn behind<M: wire::Message>(
    door: &Door,
    (mut parts, meter): (Multipart, Meter),
    carrier: &Carrier<M>,
) -> Result<Carried<M>, Problem> {
    let first = parts.next_field().await?.filter(|part| part.name() == Some("message"));
    let first = first.ok_or_else(|| malformed("The first part must be `message`."))?;
    let bytes = read_part(first, &meter, door.limits.most_message_bytes).await?;
    let mut message = schema::read::<M>(&bytes, door.limits.most_message_bytes)?.message;
    let Payload::Remote { length, uri } = (carrier.payload)(&mut message)? else {
        let place = carrier.place;
        return Err(malformed(&format!("With parts, {place} holds DataLength and the DataURI cid:payload.")));
    };
    if uri != "cid:payload" {
        return Err(malformed("The payload follows in this message: DataURI must be cid:payload."));
    }
    let length = *length;
    if length > carrier.most_bytes {
        return Err(Problem::new(Kind::PayloadTooLarge, format!("At most {} bytes.", carrier.most_bytes)));
    }
    let payload = Load { pieces: Box::pin(payload_in(parts, meter, length)), behind: true };
    Ok(Carried { message, digest: digest(&bytes), payload })
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
