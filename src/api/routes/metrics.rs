//! `GET /metrics`: counts and durations for Prometheus. Labels are closed lists; no path, user or item is among them.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::api::Door;

/// Gives counts and durations in the text format of Prometheus
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain", description = "Metrics.")))]
pub async fn metrics(State(door): State<Door>) -> Response {
    door.metrics.run_upkeep();
    let format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, format)], door.metrics.render()).into_response()
}
