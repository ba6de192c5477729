//! **AIH-ARA Anomaly and Risk Alerting.** Judges what an item holds, keeps what it finds with the data, and tells those
//! the End User names.
//!
//! ```text
//! payload ─ observe (AI Module) ─▶ observations ─ judge (rules) ─▶ findings ─▶ ARA Data, sealed with the item
//!                                                                    └─ Red, Orange, Yellow ─▶ alert ─▶ SSE, webhooks
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`rules`], `rules/*.json` | what is looked for, as data with its sources |
//! | [`judge`](mod@judge), `series`, `decline`, [`robust`], `words` | observations and rules in, findings out; pure |
//! | [`finding`] | what was found, and what is told |
//! | [`alerting`] | the operation: asked, run, kept |
//! | [`arrivals`] | what has arrived is looked into once, whatever happens meanwhile |
//! | [`telling`], [`recipients`] | who hears of it, and how much |
//! | [`reading`] | findings and alerts, to each what is theirs; acknowledging and clearing |
//! | [`webhooks`] | signed messages to the addresses users give |
//!
//! Colours and figures: `docs/alerting.md`.

pub mod alerting;
pub mod arrivals;
mod decline;
pub mod finding;
pub mod judge;
pub mod reading;
pub mod recipients;
pub mod robust;
pub mod rules;
mod series;
pub mod telling;
#[cfg(test)]
mod tests;
pub mod webhooks;
mod words;
