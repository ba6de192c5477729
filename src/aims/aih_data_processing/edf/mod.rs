//! EDF, EDF+ and BDF files: the one reader and writer that the signal modules and the de-identification share.
//!
//! The European Data Format (Kemp et al., "A simple format for exchange of digitized polygraphic recordings",
//! Electroencephalogr. Clin. Neurophysiol. 82, 391–393, 1992) holds any number of channels of 16-bit samples;
//! EDF+ (Kemp & Olivan, Clin. Neurophysiol. 114, 1755–1761, 2003) adds annotations, BDF is the same with
//! 24-bit samples.
//!
//! | File | What |
//! | --- | --- |
//! | [`header`] | fixed part and signal parts, every number checked |
//! | [`reader`] | chosen channels in physical units, and the annotations |
//! | [`annotation`] | time-stamped annotation lists |
//! | [`writer`] | a continuous EDF+ recording, for demonstrations and tests |
//! | [`limits`] | what a file may claim at most |
//!
//! Every length in a file is a claim: it is compared with the bytes that are there before memory is taken.

pub mod annotation;
mod error;
pub mod header;
pub mod limits;
pub mod reader;
pub mod writer;

pub use annotation::EdfAnnotation;
pub use error::EdfError;
pub use header::{Continuity, EdfHeader, EdfSignal, SampleWidth};
pub use reader::{EdfFile, Selection};
