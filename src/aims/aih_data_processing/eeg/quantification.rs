//! Band powers of each channel (processing type `NeuroActivityQuantification`).
//!
//! | Measure | Definition |
//! | --- | --- |
//! | absolute power | Welch density summed over the band, µV² |
//! | relative power | over the power of 0.5 to 45 Hz, percent |
//! | peak alpha frequency | highest local maximum of 8 to 13 Hz (W. Klimesch, "EEG alpha and theta oscillations reflect cognitive and memory performance: a review and analysis", Brain Res. Rev. 29, 169–195, 1999) that rises to twice the background; absent when there is none: any noise has a local maximum |
//! | spectral edge frequency 95 | 95 % of the power of 0.5 to 45 Hz lies below (I. J. Rampil, "A primer for EEG signal processing in anesthesia", Anesthesiology 89, 980–1002, 1998) |

use serde::Serialize;

use super::background::Background;
use super::bands::{ALPHA, BANDS, Band, THETA, WHOLE};
use super::error::EegError;
use super::recording::{EegChannel, EegRecording};
use super::spectrum::{Spectrum, Welch};
use super::state::RHYTHM_FROM;

/// Accepted lengths of a Welch segment in seconds: two periods of the lowest frequency at least.
pub const SEGMENT_SECONDS: std::ops::RangeInclusive<f64> = 4.0..=30.0;
/// Length of a segment unless another is asked for.
pub const DEFAULT_SEGMENT_SECONDS: f64 = 4.0;
/// Share of the power below the spectral edge.
pub const EDGE_SHARE: f64 = 0.95;

const METHOD: &str = "averaged periodograms (Welch), Hann window, half overlapping segments, mean removed";
const SOURCE: &str = "doi:10.1109/TAU.1967.1161901; doi:10.1016/j.cnp.2017.07.002; doi:10.1016/S0165-0173(98)00056-3; \
                      doi:10.1097/00000542-199810000-00023";

/// Result of `NeuroActivityQuantification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActivityQuantification {
    /// Always `NeuroActivityQuantification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Length of the recording in seconds.
    pub duration_seconds: f64,
    /// Length of a segment in seconds.
    pub segment_seconds: f64,
    /// The bands and their ends.
    pub bands: [Band; 5],
    /// The channels, in file order.
    pub channels: Vec<ChannelActivity>,
}

/// Powers of one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChannelActivity {
    /// Label of the channel.
    pub channel: String,
    /// Samples per second.
    pub sampling_rate_hz: f64,
    /// Segments that were averaged.
    pub segment_count: usize,
    /// Power of 0.5 to 45 Hz in µV².
    pub total_power_microvolts_squared: f64,
    /// Power of each band, in the order of the bands.
    pub band_powers: Vec<BandPower>,
    /// Absolute alpha over absolute theta power; absent without theta power.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha_theta_ratio: Option<f64>,
    /// Absent when no local maximum of the alpha band rises to [`RHYTHM_FROM`] times the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_alpha_frequency_hz: Option<f64>,
    /// Absent for a flat channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectral_edge_frequency95_hz: Option<f64>,
}

/// Power of one band.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BandPower {
    /// Name of the band.
    pub band: &'static str,
    /// In µV².
    pub absolute_microvolts_squared: f64,
    /// Of the power of 0.5 to 45 Hz, in percent; absent for a flat channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_percent: Option<f64>,
}

/// Quantifies every channel of a recording.
///
/// # Errors
///
/// [`EegError::Parameter`] for a segment outside [`SEGMENT_SECONDS`], [`EegError::TooShort`] when the recording does
/// not fill one.
pub fn quantify(recording: &EegRecording, segment_s: f64) -> Result<ActivityQuantification, EegError> {
    if !SEGMENT_SECONDS.contains(&segment_s) {
        return Err(EegError::Parameter { name: "SegmentSeconds", range: "4 to 30" });
    }
    let channels = recording.channels.iter().map(|c| ChannelActivity::of(c, segment_s));
    let too_short = EegError::TooShort { seconds: recording.duration_s, minimum: segment_s };
    Ok(ActivityQuantification {
        processing_type: "NeuroActivityQuantification",
        method: METHOD,
        source: SOURCE,
        duration_seconds: recording.duration_s,
        segment_seconds: segment_s,
        bands: BANDS,
        channels: channels.collect::<Option<Vec<_>>>().ok_or(too_short)?,
    })
}

impl ChannelActivity {
    fn of(channel: &EegChannel, segment_s: f64) -> Option<Self> {
        let spectrum = Welch::new(channel.rate_hz, segment_s).spectrum(&channel.samples_uv)?;
        let total = spectrum.power(WHOLE);
        let band_power = |band: Band| {
            let power = spectrum.power(band);
            BandPower {
                band: band.name,
                absolute_microvolts_squared: power,
                relative_percent: (total > 0.0).then(|| 100.0 * power / total),
            }
        };
        Some(Self {
            channel: channel.label.clone(),
            sampling_rate_hz: channel.rate_hz,
            segment_count: spectrum.segments,
            total_power_microvolts_squared: total,
            band_powers: BANDS.into_iter().map(band_power).collect(),
            alpha_theta_ratio: alpha_theta_ratio(&spectrum),
            peak_alpha_frequency_hz: spectrum.peak_hz(ALPHA).filter(|hz| is_rhythm(&spectrum, *hz)),
            spectral_edge_frequency95_hz: spectrum.edge_hz(WHOLE, EDGE_SHARE),
        })
    }
}

/// Whether the density at a frequency is that of a rhythm and not of the background.
fn is_rhythm(spectrum: &Spectrum, hz: f64) -> bool {
    let bin = (hz / spectrum.resolution_hz).round() as usize;
    let found = spectrum.density.get(bin).copied().unwrap_or_default();
    Background::of(spectrum).is_some_and(|background| found >= RHYTHM_FROM * background.density(spectrum.hz(bin)))
}

/// Alpha over theta power; `None` without theta power.
pub(super) fn alpha_theta_ratio(spectrum: &Spectrum) -> Option<f64> {
    let theta = spectrum.power(THETA);
    (theta > 0.0).then(|| spectrum.power(ALPHA) / theta)
}
