//! A Health Back End of the MPAI-AIH standard whose licences are smart contracts.

pub mod access;
pub mod aims;
pub mod api;
pub mod bench;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod front_end;
pub mod indexer;
pub mod licensing;
pub mod mpai_store;
pub mod schema;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod verify;
