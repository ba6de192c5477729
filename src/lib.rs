//! A Health Back End of the MPAI-AIH standard whose licences are smart contracts.

pub mod aims;
pub mod bench;
pub mod chain;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod licensing;
pub mod schema;
pub mod startup;
pub mod store;
