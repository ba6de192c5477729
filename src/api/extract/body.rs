//! Bodies: of the right media type, of bounded size, within bounded time.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::{
    api::{Door, Kind, Problem, problem},
    schema::{Resource, strict, validate_resource},
};

/// A JSON body that is no message of the standard. Strict like one, and small.
#[derive(Debug)]
pub struct Plain<T>(pub T);

/// Such bodies hold an identifier or two.
const MOST_PLAIN_BYTES: usize = 16 << 10;

impl<T: Resource + DeserializeOwned> FromRequest<Door> for Plain<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let bytes = read_bounded(request, door, MOST_PLAIN_BYTES).await?;
        let document = strict::read(&bytes, MOST_PLAIN_BYTES)?;
        validate_resource(T::TYPE, &document).map_err(|violations| {
            let detail = format!("The body is not a valid {}: {} violations.", T::TYPE, violations.len());
            Problem::new(Kind::SchemaViolation, detail).at(violations)
        })?;
        // The reader's own text would show content.
        T::deserialize(&document)
            .map(Self)
            .map_err(|_| Problem::new(Kind::MalformedRequest, "The body does not have the fields that belong here."))
    }
}

/// Reads a JSON body whole: at most `most` bytes, within the time bodies have.
///
/// # Errors
/// [`Kind::UnsupportedMediaType`], [`Kind::PayloadTooLarge`], [`Kind::Timeout`], or [`Kind::MalformedRequest`] when the
/// connection broke.
pub async fn read_bounded(request: Request, door: &Door, most: usize) -> Result<Bytes, Problem> {
    require_json(request.headers())?;
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large(most));
    }
    match tokio::time::timeout(door.limits.body_time, collect(request, most)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Problem::new(Kind::Timeout, "The body arrived too slowly.")),
    }
}

async fn collect(request: Request, most: usize) -> Result<Bytes, Problem> {
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(problem::broken_off)?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn too_large(most: usize) -> Problem {
    Problem::new(Kind::PayloadTooLarge, format!("A body here has at most {most} bytes."))
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail| Err(Problem::new(Kind::UnsupportedMediaType, detail));
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return refuse("Exactly one Content-Type is needed: application/json.");
    };
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return refuse("Encoded (compressed) bodies are not read.");
    }
    if value.to_str().is_ok_and(is_json) { Ok(()) } else { refuse("The body must be application/json in UTF-8.") }
}

/// `application/json`, with no parameter or the one it might have had.
fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    essence && parts.all(|parameter| parameter.replace('"', "").eq_ignore_ascii_case("charset=utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/json", "application/jsonp", "application/json; charset=latin-1", "application/json; q=1"]
        {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
