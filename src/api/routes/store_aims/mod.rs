//! The AIMs of the MPAI Store.

pub mod list;
pub mod read;
