//! **AIH-HDP AIH Data Processing.** Takes items in and processes them, each time with the chain's permission.
//!
//! | File | What |
//! | --- | --- |
//! | [`upload`] | an item arrives: licence first, then the payload |
//! | [`request`] | a request to process: asked once, confirmed on chain, then a job |
//! | [`job`] | the job: retrieve, run the AI Module, re-check, keep the result under a derived licence |
//! | [`restart`] | what a crash left behind is taken back |
//! | [`modules`] | the AI Modules and what they declare |
//! | [`worker`] | the child process they run in |
//! | [`ecg`] | the ECG module |

pub mod ecg;
pub mod job;
pub mod modules;
pub mod request;
pub mod restart;
pub mod upload;
pub mod worker;
