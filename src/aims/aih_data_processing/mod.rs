//! **AIH-HDP AIH Data Processing.** Takes items in and processes them, each time with the chain's permission.
//!
//! | File | What |
//! | --- | --- |
//! | [`upload`] | an item arrives: licence first, then the payload |
//! | [`request`] | a request to process: asked once, confirmed on chain, then a job |
//! | [`job`] | the job: retrieve, run the AI Module, re-check, keep the result under a derived licence |
//! | [`restart`] | what a crash left behind is taken back |
//! | [`ecg`] | the AI Module for electrocardiograms |
//! | [`nn`] | NN models on recordings |
//! | [`eeg`] | the AI Module for electroencephalograms |
//! | [`imaging`] | the AI Module for medical images |
//! | [`edf`] | EDF and BDF files, which both read |
//! | [`behaviour`] | the AI Module for accelerometry and step counts |
//! | [`clinical`] | the AI Module for FHIR records |
//! | [`omics`] | the AI Module for variant files |
//! | [`trend`] | is there a trend, and how steep |

pub mod behaviour;
pub mod clinical;
pub mod ecg;
pub mod edf;
pub mod eeg;
pub mod imaging;
pub mod job;
pub mod nn;
pub mod omics;
pub mod request;
pub mod restart;
pub mod trend;
pub mod upload;
