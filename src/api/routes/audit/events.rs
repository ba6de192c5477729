//! `GET /v1/audit/events`: the same audit as a file, streamed: NDJSON, CSV, FHIR AuditEvents, or the Audit message.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{open, seconds};
use crate::{
    aims::auditing::{AuditQuestion, Opened, export::Format},
    api::{Bearer, Door, Kind, Problem, Reply, extract::Params, once::to_the_end, problem::contradiction},
    domain::{
        ids::AihDataId,
        operation::{Operation, Operations},
        taxonomy::Word,
    },
    schema::wire::{Audit, DateTime, Exchange, Header, Interval, MessageId},
};

/// What is to be audited, and how it is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// First instant of the period, RFC 3339 UTC; 1970 when not given.
    from: Option<String>,
    /// First instant after the period; now (this audit included) when not given.
    until: Option<String>,
    /// One item only.
    item: Option<String>,
    /// Operations looked for, words with commas between; all when not given.
    types: Option<String>,
    /// `json`, `ndjson`, `csv` or `fhir`; else by `Accept`, else `ndjson`.
    format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Message,
    File(Format),
}

/// Exports an audit of the caller's AIH Data
///
/// The last line (NDJSON, CSV) names the block up to which the audit is complete; a file without it was cut off.
#[utoipa::path(get, path = "/audit/events", tag = "audit", security(("token" = [])), params(Asked),
    responses((status = 200, body = ref("#/components/schemas/AuditLine"), content_type = "application/x-ndjson", description = "The audit.")))]
pub async fn audit_events(
    State(door): State<Door>,
    bearer: Bearer,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    bearer.must_open(Operation::Auditing)?;
    let form = form(&asked, &headers)?;
    let question = question(&door, &bearer, &asked)?;
    let seats = (door.load.place_of(bearer.user())?, door.load.stream()?);
    let house = door.clone();
    // Whoever hangs up leaves no operation that nobody ends.
    let opened = to_the_end(async move { open(&house, &question).await }).await?;
    match form {
        Form::Message => message(&door, &opened).await,
        Form::File(format) => {
            let pieces = door.aims.export_audit(&opened, format).map(move |piece| {
                let _seats = &seats;
                piece.inspect_err(|error| tracing::error!(%error, "audit.export_cut_off"))
            });
            let fixed = [(header::CONTENT_TYPE, format.media_type()), (header::CACHE_CONTROL, "no-store")];
            Ok((fixed, Body::from_stream(pieces)).into_response())
        }
    }
}

async fn message(door: &Door, opened: &Opened) -> Result<Response, Problem> {
    let response = door.aims.audit_response(opened).await?;
    let message = Audit {
        header: Header::new(),
        m_instance_id: None,
        audit_id: MessageId::from_uuid(Uuid::new_v4()),
        audit_time: door.now()?,
        audit: Exchange::Response(response),
        descr_metadata: None,
    };
    Ok(Reply::ok(message).into_response())
}

fn form(asked: &Asked, headers: &HeaderMap) -> Result<Form, Problem> {
    if let Some(format) = &asked.format {
        return named(format).ok_or_else(|| malformed("format is json, ndjson, csv or fhir"));
    }
    let Some(accept) = headers.get(header::ACCEPT) else { return Ok(Form::File(Format::Ndjson)) };
    let wanted = accept.to_str().unwrap_or_default().split(',').map(|range| range.split(';').next().unwrap_or(range));
    let found = wanted.map(str::trim).find_map(|range| match range {
        "application/json" => Some(Form::Message),
        "application/x-ndjson" | "*/*" | "application/*" => Some(Form::File(Format::Ndjson)),
        "text/csv" | "text/*" => Some(Form::File(Format::Csv)),
        "application/fhir+json" => Some(Form::File(Format::Fhir)),
        _ => None,
    });
    found.ok_or_else(|| {
        let offered = "An audit is given as application/json, application/x-ndjson, text/csv or application/fhir+json.";
        Problem::new(Kind::NotAcceptable, offered)
    })
}

fn named(format: &str) -> Option<Form> {
    match format {
        "json" => Some(Form::Message),
        "ndjson" => Some(Form::File(Format::Ndjson)),
        "csv" => Some(Form::File(Format::Csv)),
        "fhir" => Some(Form::File(Format::Fhir)),
        _ => None,
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Kind::MalformedRequest, format!("{detail}."))
}

fn question(door: &Door, bearer: &Bearer, asked: &Asked) -> Result<AuditQuestion, Problem> {
    let time = |text: &Option<String>, otherwise: u64| match text {
        // The wire type's own reader: one way to read a time.
        Some(text) => serde_json::from_value::<DateTime>(text.as_str().into())
            .map_err(|_| malformed("from and until are times in RFC 3339 UTC, such as 2026-01-31T12:00:00Z")),
        None => DateTime::from_seconds(otherwise).map_err(Problem::internal),
    };
    // A minute ahead: this audit's own confirmation stands in a block that is yet to come.
    let soon = door.aims.clock.seconds() + 60;
    let period = Interval { start_time: time(&asked.from, 0)?, end_time: time(&asked.until, soon)? };
    let (from_s, until_s) = seconds(&period, "/from").map_err(|_| contradiction("/from", "the period is empty"))?;
    let item = asked.item.as_deref().map(str::parse::<AihDataId>).transpose();
    Ok(AuditQuestion {
        end_user: bearer.user(),
        from_s,
        until_s,
        operations: asked.types.as_deref().map(types).transpose()?,
        item: item.map_err(|error| malformed(&error.to_string()))?,
    })
}

fn types(words: &str) -> Result<Operations, Problem> {
    let word = |word: &str| Operation::from_word(word.trim());
    words.split(',').map(word).collect::<Option<_>>().ok_or_else(|| malformed("types are operations of the standard"))
}
