//! The street door: HTTP, bodies are the standard's messages. Nothing enters or leaves unvalidated.
//!
//! ```text
//! connection ─ serve ─▶ observe ─▶ catch panic ─▶ shed load ─▶ rate limit ─▶ route
//!                       (ID, span, metrics)                                   │
//!    Message<M>: bounded, strict, schema-valid, typed ◀───────────────────────┤
//!    Bearer: who, for which services                  ◀───────────────────────┤
//!    Once: Idempotency-Key                            ◀───────────────────────┤
//!    Reply<M>: checked against its own schema         ◀── a SubAIM's answer ◀─┘
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`routes`] | one endpoint per file: documentation, handler under 30 lines (parse, delegate, render) |
//! | [`extract`] | what a handler takes: messages, callers, parts of the path |
//! | [`reply`] | what a handler gives: messages |
//! | [`problem`] | what it gives instead (RFC 9457) |
//! | [`once`] | `Idempotency-Key` |
//! | [`layers`] | what every request passes |
//! | [`mod@serve`] | connections, and their end |
//! | [`openapi`] | the description of all this, and the page that shows it |
//!
//! # Adding a route
//!
//! 1. A file in `routes/` with one `#[utoipa::path(…)] pub async fn` taking `State<Door>`, [`extract::Bearer`],
//!    [`extract::Message`], returning `Result<Reply<M>, Problem>`, `Result<Given, Problem>` (or `Result<Response, Problem>` made from
//!    them). What is no message of the standard has a schema in `schemas/HBE/` and a line in `schema/resource.rs`.
//! 2. One line in `routes/mod.rs`: under `quick` (answered within [`Limits::request_time`]) or `slow` (streams).
//! 3. A POST that writes runs its work through [`once::Once`]. Not those that come to the same however often they are sent
//!    (acknowledging and clearing an alert), and not a webhook's ping, of which two are two messages.
//! 4. `UPDATE_OPENAPI=1 cargo nextest run openapi` writes `docs/openapi.json` anew.

pub mod bell;
pub mod door;
pub mod evidence;
pub mod extract;
pub mod given;
pub mod layers;
pub mod once;
pub mod openapi;
pub mod problem;
pub mod reply;
pub mod routes;
pub mod serve;

pub use door::{Door, Limits, Parts};
pub use extract::{Bearer, Message};
pub use given::Given;
pub use problem::{Kind, Problem};
pub use reply::Reply;
pub use routes::router;
pub use serve::serve;
