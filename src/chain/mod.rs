//! The notary: the only module that knows the provider and the ABI.
//!
//! | File | What |
//! | --- | --- |
//! | [`bindings`] | ABI and bytecode of the contracts |
//! | [`convert`] | domain words to ABI types and back |
//! | [`logs`] | registry events to domain events |
//! | [`typed_data`] | what End Users sign (EIP-712) |
//! | [`node`] | reading: one registry on one chain |
//! | [`operator`] | writing: one key, its nonces, its transactions |
//! | [`deploy`] | putting the registry on a chain, and verifying that it is there |

pub mod bindings;
pub mod convert;
pub mod deploy;
mod error;
pub mod logs;
pub mod node;
pub mod operator;
pub mod typed_data;

pub use error::{ChainError, Refusal};
