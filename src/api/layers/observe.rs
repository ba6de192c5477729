//! One ID, one span, one log line and one count for each request. The line names route template, status and duration;
//! never a path, a query, a header or a body, which may name people or hold Tokens.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

use super::metrics;
use crate::api::{Door, problem::Failure};

/// Names the request in the answer and in the log. Always ours: a client's own text could be anything.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Observes a request.
pub async fn observe(State(door): State<Door>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", %id, method, route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    metrics::answered(method, &route, response.status().as_u16(), took);
    span.in_scope(|| log(&response, took.as_millis() as u64));
    finish(&mut response, id, door.is_closing());
    response
}

fn log(response: &Response, duration_ms: u64) {
    let status = response.status().as_u16();
    let Some(failure) = response.extensions().get::<Failure>() else {
        tracing::info!(status, duration_ms, "request.answered");
        return;
    };
    metrics::problem(failure.kind);
    let (problem, cause) = (failure.kind.slug(), failure.cause.as_ref().map(ToString::to_string).unwrap_or_default());
    if response.status().is_server_error() {
        tracing::error!(status, duration_ms, problem, cause, "request.failed");
    } else {
        tracing::info!(status, duration_ms, problem, cause, "request.refused");
    }
}

fn finish(response: &mut Response, id: Uuid, closing: bool) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if closing {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// A closed list, so that made-up methods do not make metrics grow.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
