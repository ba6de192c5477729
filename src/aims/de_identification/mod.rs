//! **AIH-DIA De-Identification and Anonymisation**: treatments by format.
//!
//! | File | What |
//! | --- | --- |
//! | [`edf`] | EDF, EDF+ and BDF recordings |
//! | [`wfdb`] | WFDB records |

pub mod edf;
pub mod wfdb;
