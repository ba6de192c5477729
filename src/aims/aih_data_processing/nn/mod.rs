//! NN models on recordings: the same windows in training, in judging, and in use.
//!
//! | File | What |
//! | --- | --- |
//! | [`windows`] | a window of an ECG around each beat, as a network's declaration asks for it |

pub mod windows;
