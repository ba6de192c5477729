//! What every request passes, from the outside in.
//!
//! | Layer | What |
//! | --- | --- |
//! | [`observe`] | request ID, span, one log line, metrics, headers of safety; no body, Token, key or health data |
//! | catch panic | a panic in a handler becomes an internal problem |
//! | [`load`] | requests at once are bounded: beyond, 503 at once instead of a queue |
//! | [`rate`] | requests per second of an address are bounded (of a user: in [`super::Bearer`]) |
//! | [`time_limit`] | quick routes answer in time or say that they did not |

pub mod load;
pub mod metrics;
pub mod observe;
pub mod rate;

use std::any::Any;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};

use super::{Door, Kind, Problem};

/// Puts the layers around a router. The last one added is the outermost.
pub fn around(router: Router, door: &Door) -> Router {
    router
        .layer(from_fn_with_state(door.clone(), rate::limit))
        .layer(from_fn_with_state(door.clone(), load::shed))
        // An upload may take long as a whole, but may not stand still.
        .layer(RequestBodyTimeoutLayer::new(door.limits.body_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(door.clone(), observe::observe))
}

/// What panicked is in the standard error stream; its text might hold anything and goes nowhere else.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

/// Ends a quick route that is not quick.
pub async fn time_limit(State(door): State<Door>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(door.limits.request_time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Problem::new(Kind::Timeout, "The answer was not ready in time. What a POST or PUT has begun goes on.")
                .into_response()
        }
    }
}
