//! The frequency bands of the EEG.
//!
//! Names after N. Kane et al., "A revised glossary of terms most commonly used by clinical electroencephalographers
//! and updated proposal for the report format of the EEG findings. Revision 2017", Clin. Neurophysiol. Pract. 2,
//! 170–185, 2017. The glossary leaves gaps between some bands and gives gamma an upper end of 80 Hz; here each band
//! ends where the next begins, delta begins at 0.5 Hz (below are drifts of the electrodes) and gamma ends at 45 Hz
//! (above is the mains).

use serde::Serialize;

/// Where the names come from.
pub const SOURCE: &str = "doi:10.1016/j.cnp.2017.07.002";

/// A band of frequencies, its lower end belonging to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Band {
    /// Its name.
    pub name: &'static str,
    /// Lower end in hertz.
    pub from_hz: f64,
    /// Upper end in hertz.
    pub to_hz: f64,
}

/// Delta.
pub const DELTA: Band = Band { name: "Delta", from_hz: 0.5, to_hz: 4.0 };
/// Theta.
pub const THETA: Band = Band { name: "Theta", from_hz: 4.0, to_hz: 8.0 };
/// Alpha.
pub const ALPHA: Band = Band { name: "Alpha", from_hz: 8.0, to_hz: 13.0 };
/// Beta.
pub const BETA: Band = Band { name: "Beta", from_hz: 13.0, to_hz: 30.0 };
/// Gamma.
pub const GAMMA: Band = Band { name: "Gamma", from_hz: 30.0, to_hz: 45.0 };
/// All of them together.
pub const WHOLE: Band = Band { name: "Whole", from_hz: 0.5, to_hz: 45.0 };
/// The bands, in order and without gaps.
pub const BANDS: [Band; 5] = [DELTA, THETA, ALPHA, BETA, GAMMA];

impl Band {
    /// Whether a frequency in hertz is in it. Bins that lie on an edge but for rounding belong to the upper band.
    #[must_use]
    pub fn contains(&self, hz: f64) -> bool {
        const ROUNDING_HZ: f64 = 1e-9;
        hz + ROUNDING_HZ >= self.from_hz && hz + ROUNDING_HZ < self.to_hz
    }
}
