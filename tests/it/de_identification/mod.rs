//! De-identification over HTTP: who may ask, what comes of it, the way back, and everything that is refused.
//!
//! | File | What |
//! | --- | --- |
//! | [`flow`] | the life of a treated copy: permitted, read, reported, audited, erased |
//! | [`opened`] | what a licence opens to treated data only, for each family of formats |
//! | [`fhir_cohort`] | Bundles of many patients |
//! | [`back_end`] | on the Back End's own initiative |
//! | [`refusals`] | requests that are wrong, each in its own way |
//! | [`bad_input`] | files that are wrong, format by format |
//! | [`unsealing`] | the way back, and who may go it |
//! | [`expiry`] | a licence that has run out |
//! | [`planted`] | a thousand identifiers in, none out |
//! | [`restart`] | a Back End that is killed in the middle |
//!
//! [`cohort`] writes tables and messages, [`files`] a file of every format.

mod back_end;
mod bad_input;
pub mod cohort;
mod expiry;
mod fhir_cohort;
mod files;
mod flow;
mod opened;
mod planted;
mod refusals;
mod restart;
mod unsealing;
