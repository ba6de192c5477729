//! **AI Modules**: the code that meets data from outside. Pure functions from a payload to a result, run in a child
//! process with limits of memory and time; when one dies, a request fails and nothing else does.
//!
//! | File | What |
//! | --- | --- |
//! | [`input`] | what a module is given |
//! | [`observations`] | what it measured, for Anomaly and Risk Alerting to judge |
//! | [`treatment`], [`pseudonyms`] | what de-identification is given, and gives back |
//! | [`task`] | what a child is asked for: one line of JSON |
//! | [`table`] | which function performs which AIM, and which treats which format |
//! | [`worker`], [`child`] | the two ends of the pipe |
//!
//! # A new AI Module
//! 1. Its rooms: `pub fn run(&Input) -> Result<Value, String>`, perhaps `observe` beside it.
//! 2. Its declaration, `src/mpai_store/processing/<AIMName>.json`: what it performs, on what, how, by which source; and
//!    its line in [`crate::mpai_store::processing`].
//! 3. Its line in [`table::MODULES`]. A treatment has its line in [`table::TREATMENTS`].
//!
//! A test holds declarations and table to each other.

pub mod child;
pub mod input;
pub mod observations;
mod places;
pub mod pseudonyms;
pub mod table;
pub mod task;
pub mod treatment;
pub mod worker;

pub use input::Input;
pub use observations::{Coded, Measured, Observations, Series};
pub use pseudonyms::Pseudonyms;
pub use treatment::{Mapped, Measure, Step, Treated, Treatment};
