//! The routes. One endpoint per file: documentation, handler, answer.
//!
//! | Group | Answered |
//! | --- | --- |
//! | `quick` | within [`super::Limits::request_time`]; a longer wait ends in a problem of the kind `timeout` |
//! | `slow` | as long as something moves: uploads, downloads, event streams |
//! | `outside` | beside `/v1`: for machines that watch and people who read |

mod aih_data;
mod aih_data_process;
mod alerts;
mod audit;
mod de_id_and_anonym;
mod docs;
mod events;
mod federated_learn;
mod licence;
mod licence_change;
mod licence_compilation;
mod licence_confirm;
mod licence_revocation;
mod licence_wish;
mod livez;
mod metrics;
mod problems;
mod readyz;
mod register;
mod register_challenge;
mod schemas;
mod service_info;
mod store_aims;
mod store_models;
mod token_withdrawal;
mod tokens;
mod webhooks;

use axum::{Router, middleware::from_fn_with_state};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, Kind, Problem, layers, openapi};

/// Routes under `/v1` that answer at once or within their deadline.
fn quick() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(service_info::service_info))
        .routes(routes!(schemas::list::list))
        .routes(routes!(schemas::read::read))
        .routes(routes!(store_aims::list::list))
        .routes(routes!(store_aims::read::read))
        .routes(routes!(store_models::list::list))
        .routes(routes!(store_models::read::read))
        .routes(routes!(federated_learn::requests::requests))
        .routes(routes!(federated_learn::requests::message))
        .routes(routes!(federated_learn::start::start))
        .routes(routes!(federated_learn::round::round))
        .routes(routes!(aih_data::list::list))
        .routes(routes!(aih_data::read::read, aih_data::erase::erase))
        .routes(routes!(aih_data_process::request::request))
        .routes(routes!(aih_data_process::state::state))
        .routes(routes!(alerts::list::list))
        .routes(routes!(alerts::recipients::named, alerts::recipients::name))
        .routes(routes!(alerts::read::read))
        .routes(routes!(alerts::acknowledgement::acknowledge))
        .routes(routes!(alerts::clearance::clear))
        .routes(routes!(webhooks::read::list, webhooks::register::register))
        .routes(routes!(webhooks::read::read, webhooks::remove::remove))
        .routes(routes!(webhooks::rotate::rotate))
        .routes(routes!(webhooks::ping::ping))
        .routes(routes!(de_id_and_anonym::request::request))
        .routes(routes!(de_id_and_anonym::state::state))
        .routes(routes!(de_id_and_anonym::report::report))
        .routes(routes!(de_id_and_anonym::mapping::mapping))
        .routes(routes!(audit::request::audit))
        .routes(routes!(register_challenge::challenge))
        .routes(routes!(register::register))
        .routes(routes!(tokens::tokens))
        .routes(routes!(token_withdrawal::withdraw_token))
        .routes(routes!(licence_compilation::compile))
        .routes(routes!(licence::licence, licence_change::change))
        .routes(routes!(licence_revocation::revoke))
        .routes(routes!(licence_confirm::licence_confirm))
}

/// Routes under `/v1` that stream. Each sets its own limits of size and time.
fn slow() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(aih_data::upload::upload))
        .routes(routes!(aih_data::payload::payload))
        .routes(routes!(federated_learn::answer::answer))
        .routes(routes!(store_models::upload::upload))
        // Uploads are bounded by their own limits, not by axum's two megabytes.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .routes(routes!(store_models::data::data))
        .routes(routes!(events::events))
        .routes(routes!(audit::events::audit_events))
}

/// Routes beside `/v1`.
fn outside() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(livez::livez))
        .routes(routes!(readyz::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(docs::openapi))
        .routes(routes!(problems::problem))
}

/// All routes with their description.
pub(super) fn described() -> OpenApiRouter<Door> {
    // Merged before they are nested: a path that both have, with another method each, would lose the first otherwise.
    OpenApiRouter::with_openapi(openapi::head()).nest("/v1", quick().merge(slow())).merge(outside())
}

/// The whole door as a router.
pub fn router(door: Door) -> Router {
    let timed = quick().layer(from_fn_with_state(door.clone(), layers::time_limit));
    let (v1, _) = timed.merge(slow()).split_for_parts();
    let (outside, _) = outside().split_for_parts();
    let router = Router::new()
        .nest("/v1", v1)
        .merge(outside)
        .merge(docs::page())
        .fallback(nothing_routed)
        .method_not_allowed_fallback(wrong_method)
        .with_state(door.clone());
    layers::around(router, &door)
}

async fn nothing_routed() -> Problem {
    Problem::nothing_here()
}

async fn wrong_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "This method is not offered here; Allow names those that are.")
}
