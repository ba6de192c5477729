//! `GET /v1/aih-data/{id}/payload`: the data itself, an operation like any other.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::aih_data_process::denied;
use crate::{
    aims::{
        asking::ProcessRequest,
        retrieval::{Retrieved, Span},
    },
    api::{
        Bearer, Door, Kind, Problem,
        extract::{Params, PathId},
        once::to_the_end,
    },
    db::data_items::DataItemRow,
    domain::{ids::AihDataId, operation::Operation, taxonomy::Usage},
    schema::wire::Qualifier,
    store::Opened,
};

/// What the payload is for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Intent {
    /// Intended usage, a word of the taxonomy; an End User's own data is for `Patient Use` when nothing is said.
    #[param(value_type = Option<String>)]
    usage: Option<Usage>,
}

/// Reads the payload of an item
///
/// The chain is asked for the operation `Retrieve` first and records its answer. `Range` with one range of bytes is
/// answered with 206, also one counted from the end (`bytes=-500`).
#[utoipa::path(get, path = "/aih-data/{id}/payload", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "AIH Data ID"), Intent),
    responses((status = 200, description = "The payload.", content_type = "application/octet-stream"),
        (status = 206, description = "A range of the payload.", content_type = "application/octet-stream")))]
pub async fn payload(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<AihDataId>,
    Params(intent): Params<Intent>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.must_open(Operation::Retrieve)?;
    let request = ProcessRequest {
        message_id: None,
        requester: caller.user(),
        item: id,
        operation: Operation::Retrieve,
        usage: intent.usage.unwrap_or(Usage::PatientUse),
        parameters: serde_json::Map::new(),
    };
    let span = asked_span(&headers)?;
    let partial = span != Span::Whole;
    // Whoever hangs up leaves no operation that nobody ends.
    let aims = door.aims.clone();
    match to_the_end(async move { Ok(aims.retrieve(&request, span).await?) }).await? {
        Retrieved::Denied(operation) => Err(denied(&door, &operation)),
        Retrieved::Opened(item, opened) => Ok(answer(&item, opened, partial)),
    }
}

fn answer(item: &DataItemRow, opened: Opened, partial: bool) -> Response {
    let media_type = serde_json::from_value::<Qualifier>(item.qualifier.clone()).ok().and_then(|q| q.media_type);
    let Opened { length, range, bytes, .. } = opened;
    let mut headers = HeaderMap::new();
    let mut put = |name, value: String| {
        // Numbers and media types checked by the schema are header values.
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, media_type.unwrap_or_else(|| "application/octet-stream".to_owned()));
    put(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    put(header::ACCEPT_RANGES, "bytes".to_owned());
    put(header::CACHE_CONTROL, "no-store".to_owned());
    put(header::CONTENT_DISPOSITION, "attachment".to_owned());
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    let status = if partial {
        put(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1)));
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    (status, headers, Body::from_stream(bytes)).into_response()
}

/// The one range asked for. Several ranges at once, or another unit, are ignored as HTTP allows: the whole is answered.
fn asked_span(headers: &HeaderMap) -> Result<Span, Problem> {
    let Some(value) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Ok(Span::Whole) };
    let Some(spec) = value.strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Ok(Span::Whole) };
    let refuse = || Problem::new(Kind::RangeNotSatisfiable, "The range is not of the form bytes=<first>-<last>.");
    let number = |text: &str| text.parse::<u64>().map_err(|_| refuse());
    match spec.trim().split_once('-').ok_or_else(refuse)? {
        ("", last) => Ok(Span::Last(number(last)?)),
        (first, "") => Ok(Span::Bytes(number(first)?..u64::MAX)),
        (first, last) => {
            let (first, end) = (number(first)?, number(last)?.checked_add(1).ok_or_else(refuse)?);
            if first < end { Ok(Span::Bytes(first..end)) } else { Err(refuse()) }
        }
    }
}
