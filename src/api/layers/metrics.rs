//! What is counted, and the text of `/metrics`.
//!
//! | Metric | Labels |
//! | --- | --- |
//! | `http_requests_total` | `method`, `route` (the template, never the path), `status` |
//! | `http_request_duration_seconds` | `method`, `route` |
//! | `http_problems_total` | `kind` |

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::api::Kind;

/// Bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const PROBLEMS: &str = "http_problems_total";

/// The one recorder of this process. Anything in the house may count with the macros of `metrics`.
pub fn handle() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        // Fails for an empty list of bounds only; then durations are summaries.
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics.recorded_elsewhere");
        }
        metrics::describe_counter!(REQUESTS, "Requests answered.");
        metrics::describe_histogram!(DURATION, "Seconds from a request's head to its answer's head.");
        metrics::describe_counter!(PROBLEMS, "Problem documents given.");
        handle
    })
}

/// Counts an answer.
pub fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!(DURATION, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// Counts a problem.
pub fn problem(kind: Kind) {
    metrics::counter!(PROBLEMS, "kind" => kind.slug()).increment(1);
}
