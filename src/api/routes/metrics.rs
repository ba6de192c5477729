//! `GET /metrics`: counts, durations and the state of the house for Prometheus. Labels are closed lists; no path, user or item is among them.

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
    metrics::gauge!("chain_index_lag_blocks").set(door.aims.licensing.vigil().lag() as f64);
    metrics::gauge!("chain_in_doubt").set(f64::from(u8::from(door.aims.licensing.vigil().pass().is_err())));
    let (requests, streams) = door.load.taken();
    metrics::gauge!("http_requests_in_work").set(requests as f64);
    metrics::gauge!("http_event_streams_open").set(streams as f64);
    let format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, format)], door.metrics.render()).into_response()
}
