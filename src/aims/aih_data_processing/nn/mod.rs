//! NN models on recordings: the same windows in training, in judging, and in use.
//!
//! | File | What |
//! | --- | --- |
//! | [`windows`] | a window of an ECG around each beat, as a network's declaration asks for it |
//! | [`graph`] | an ONNX model: what it declares, and its answers; tract runs it |
//! | [`run`](mod@run) | the AI Module: an ONNX model of the Store names the kind of each beat |

pub mod graph;
pub mod run;
pub mod windows;

pub use run::run;
