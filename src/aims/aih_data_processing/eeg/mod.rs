//! EEG of the AIH Data Processing SubAIM: from a stored payload to band powers, brain states and events.
//!
//! ```text
//! payload ──► recording ──► spectrum (Welch) ──► quantification   NeuroActivityQuantification
//!                 │              └► background ──► state          BrainStateClassification
//!                 │                                  └► course    NeuroStateMonitoring
//!                 └► line_length ──► events                       NeuralEventDetection
//! ```
//!
//! | Processing type of the standard | Function | Result |
//! | --- | --- | --- |
//! | `NeuroActivityQuantification` | [`quantify`] | [`ActivityQuantification`] |
//! | `BrainStateClassification` | [`classify`] | [`StateClassification`] |
//! | `NeuroStateMonitoring` | [`monitor`] | [`StateCourse`] |
//! | `NeuralEventDetection` | [`detect`] | [`NeuralEvents`] |
//!
//! A payload is one continuous EDF, EDF+ or BDF recording; EEG channels are known by their 10–20 or 10–10 electrode
//! names or a label that begins with `EEG`. Samples become microvolts by the ranges in the header. [`run`] and
//! [`observe`] are what the Store's declaration `AIP-EEG-V1.0` points at; [`synthetic`] makes recordings whose band
//! powers and bursts are known.
//!
//! None of this is a diagnosis: the results are measurements, with the method that made them.

mod background;
pub mod bands;
pub(in crate::aims) mod channels;
pub mod course;
mod error;
pub mod line_length;
mod parameters;
pub mod quantification;
pub mod recording;
mod run;
pub mod spectrum;
pub mod state;
pub mod synthetic;

#[cfg(test)]
mod tests;

pub use channels::ChannelChoice;
pub use course::{StateCourse, monitor};
pub use error::EegError;
pub use line_length::{NeuralEvents, detect};
pub use quantification::{ActivityQuantification, quantify};
pub use recording::{EegChannel, EegRecording, read_recording};
pub use run::{observe, run};
pub use state::{StateClassification, classify};
