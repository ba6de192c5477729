//! De-identification over HTTP: who may ask, what comes of it, the way back, and everything that is refused.
//!
//! | File | What |
//! | --- | --- |
//! | [`flow`] | the life of a treated copy: permitted, read, reported, audited, erased |
//! | [`refusals`] | requests that are wrong, each in its own way |
//! | [`unsealing`] | the way back, and who may go it |
//! | [`planted`] | a thousand identifiers in, none out |
//! | [`restart`] | a Back End that is killed in the middle |
//!
//! [`cohort`] writes tables and messages.

mod cohort;
mod flow;
mod planted;
mod refusals;
mod restart;
mod unsealing;
