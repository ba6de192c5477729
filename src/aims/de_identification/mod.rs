//! **AIH-DIA De-Identification and Anonymisation.** Makes a treated copy of an item: a new item of the same class and
//! format, under a licence derived from the original's with a raised status, which is never higher than what is proved.
//!
//! ```text
//! De-ID and Anonym ─▶ operation row ─▶ confirm on chain ─┬─ no ──▶ denied, with reasons
//!                                                        └─ yes ─▶ job: permit spent ─▶ child process
//!    ─▶ status proved? ─▶ licence still stands? ─▶ derived licence ─▶ copy sealed ─▶ report signed, mapping sealed ─▶ done
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`techniques`] | which of the standard's twelve techniques is offered for which format |
//! | [`request`] | a request: asked once, confirmed on chain, then a job |
//! | [`job`] | the job |
//! | [`pseudonyms`] | keys of pseudonyms, the sealed way back, and its unsealing: an operation of its own |
//! | [`report`] | what was done, signed |
//! | [`table`] | tables: k-anonymity and l-diversity |
//! | [`cohort`] | FHIR Bundles of many patients, made into tables |
//! | [`edf`] [`wfdb`] | recordings |
//! | [`dicom`] | images |
//! | [`vcf`] | variant files |
//! | [`fhir`] | clinical records |
//! | [`behaviour`] | accelerometry and step counts |
//!
//! [`crate::aims::ai_modules::table`] says which treats what.

pub mod behaviour;
pub mod cohort;
pub mod dicom;
pub mod edf;
pub mod fhir;
pub mod job;
pub mod pseudonyms;
pub mod report;
pub mod request;
pub mod table;
pub mod techniques;
pub mod vcf;
pub mod wfdb;
