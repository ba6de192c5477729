//! The models of the MPAI Store.

pub mod data;
pub mod list;
pub mod read;
pub mod upload;
