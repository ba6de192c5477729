//! A reference Health Front End: holds the End User's key, writes and signs Model Licences, speaks to a Back End over
//! HTTP as any client would, and checks audits against the chain.
//!
//! | File | What |
//! | --- | --- |
//! | [`client`] | HTTP: registration, tokens, requests; problem documents read as errors |
//! | [`paperwork`] | Model Licences as JSON, and their signatures |
//! | [`recording`] | what is uploaded: a recording of its own making, a WFDB record, an EDF file |
//! | [`publication`] | an operator's upload to the MPAI Store |
//! | [`audit`] | audits checked against the chain |
//! | [`listening`] | the event stream |
//! | [`webhook`] | the receiving side of a webhook |
//! | [`training`] | a Front End's part in federated learning |
//! | [`conformance`] | messages sent to any Back End, to see whether it conforms |
//! | [`demo`] | the main job, walked in the open |
//! | [`demo_all`] | the rest: an image, an alert, a model, the life of a licence |

pub mod audit;
pub mod client;
pub mod conformance;
pub mod demo;
pub mod demo_all;
mod demo_steps;
pub mod listening;
pub mod paperwork;
pub mod publication;
pub mod recording;
pub mod training;
pub mod webhook;
