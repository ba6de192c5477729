//! The cellar: everything the Back End must still know after a restart, and the only module with SQL.
//!
//! One SQL text serves SQLite (one machine, the default) and PostgreSQL (several instances) through sqlx's `Any`
//! driver. Methods stand on [`Database`], one file per table:
//!
//! | File | Rows |
//! | --- | --- |
//! | [`users`] · [`challenges`] · [`tokens`] | people and what lets them in |
//! | [`data_items`], [`data_item_steps`], [`data_item_erasure`] · [`model_licences`] · [`revocations`] | AIH Data and what its owners signed |
//! | [`operations`], [`operation_steps`], [`operation_lists`], [`operation_acts`] · [`transactions`] | what was asked, answered and done; what was sent to the chain |
//! | [`chain_blocks`] · [`chain_events`], [`chain_event_periods`] · [`chain_effects`] | the copy of the chain's register, changed only as a whole |
//! | [`earlier_events`] · [`restorations`] | what a chain held that was reset, and that it was restored |
//! | [`models`] · [`federated_rounds`], [`federated_answers`] | the MPAI Store's models; rounds of federated learning |
//! | [`pseudonym_secrets`] · [`treatments`] | de-identification: what pseudonyms are made from, what was done |
//! | [`idempotency`] · [`notices`] | first answers and the event stream |
//! | [`arrivals`] | items that were not looked into yet |
//! | [`findings`] · [`alerts`] · [`alert_recipients`] | what was found, who is told, whom the End User names |
//! | [`webhooks`] · [`deliveries`] | where to send it, and what is still to be sent |
//!
//! # Rules of the cellar
//!
//! - **Acknowledged is durable.** A write method returns after commit, with SQLite at `synchronous=FULL`;
//!   with PostgreSQL as its `synchronous_commit` says. A write of one statement is its own transaction.
//! - **Writers queue.** SQLite has one writing connection per process, handed out in order, and opens transactions
//!   with `BEGIN IMMEDIATE`; readers have connections that cannot write. So `database is locked` has no way to appear
//!   inside a process, and another process is waited for. PostgreSQL writes at READ COMMITTED behind conditions in the
//!   statements themselves, and a transaction it gave up (deadlock, serialisation) is run again.
//! - **A state machine moves only from the state it must be in**, and says when it did not: [`Transition`].
//! - **A row that cannot be read is an error of its own**, [`DbError::Corrupt`], never a default value.
//! - Time comes as an argument: `_us` microseconds, `_s` seconds since 1970-01-01T00:00:00Z.

mod columns;
mod connect;
mod error;
mod page;
mod state;

pub mod alert_recipients;
pub mod alerts;
pub mod arrivals;
pub mod chain_blocks;
pub mod chain_effects;
pub mod chain_event_periods;
pub mod chain_events;
pub mod challenges;
pub mod data_item_erasure;
pub mod data_item_steps;
pub mod data_items;
pub mod deliveries;
pub mod earlier_events;
pub mod federated_answers;
pub mod federated_rounds;
pub mod findings;
pub mod idempotency;
pub mod model_licences;
pub mod models;
pub mod notices;
pub mod operation_acts;
pub mod operation_lists;
pub mod operation_steps;
pub mod operations;
pub mod pseudonym_secrets;
pub mod restorations;
pub mod revocations;
pub mod tokens;
pub mod transactions;
pub mod treatments;
pub mod users;
pub mod webhooks;

pub use connect::Database;
pub use error::{DbError, Unique};
pub use page::{Cursor, CursorError, Page};
pub use state::{State, Transition};

/// What every method here returns.
pub type Result<T, E = DbError> = std::result::Result<T, E>;
