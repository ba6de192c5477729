//! **AIH-HDP AIH Data Processing.** Takes items in and processes them, each time with the chain's permission.
//!
//! | File | What |
//! | --- | --- |
//! | [`upload`] | an item arrives: licence first, then the payload |
//! | [`request`] | a request to process: asked once, confirmed on chain, then a job |
//! | [`job`] | the job: retrieve, run the AI Module, re-check, keep the result under a derived licence |
//! | [`restart`] | what a crash left behind is taken back |
//! | [`ecg`] | the AI Module for electrocardiograms |

pub mod ecg;
pub mod job;
pub mod request;
pub mod restart;
pub mod upload;
