//! **AIH-ARA Anomaly and Risk Alerting.** Judges what an item holds, keeps what it finds with the data, and tells those
//! the End User names.

pub mod finding;
pub mod judge;
pub mod robust;
pub mod rules;
mod series;
#[cfg(test)]
mod tests;
mod words;
