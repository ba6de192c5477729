//! A Health Back End of the MPAI-AIH standard whose licences are smart contracts.

pub mod chain;
pub mod domain;
