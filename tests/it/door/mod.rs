//! The street door, knocked at from outside: the real router on a free port, a real chain behind it.

mod events;
mod idempotency;
mod liar;
mod licence_change;
mod licences;
mod limits;
mod openapi;
mod registration;
mod requests;
mod schemas;
mod secrecy;
mod store;
mod store_assets;
mod tokens;
