//! Where the heart is going over a long recording (`PhysiologicalTrendMonitoring`).
//!
//! The recording is cut into windows of some minutes; mean rate, SDNN and RMSSD of each window are three rows over
//! time, and [`super::super::trend`] says of each whether it rises or falls and how fast.

use serde::Serialize;

use super::super::trend::{MIN_VALUES, SIGNIFICANT_BELOW, SOURCE, Trend, trend};
use super::error::EcgError;
use super::heart_rate::HeartRateQuantification;
use super::profile::{ProfileSegment, segments};
use super::qrs::EventDetection;

const METHOD: &str = "windows of equal length; slope per hour by Theil and Sen, two-sided test by Mann and Kendall";

/// Result of `PhysiologicalTrendMonitoring`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HeartTrend {
    /// Always `PhysiologicalTrendMonitoring`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Length of a window, in minutes.
    pub window_minutes: f64,
    /// Probability below which a trend counts as present.
    pub significance_level: f64,
    /// Mean heart rate; slope in beats per minute per hour.
    pub heart_rate: Trend,
    /// SDNN; slope in milliseconds per hour.
    #[serde(rename = "SDNN")]
    pub sdnn: Trend,
    /// RMSSD; slope in milliseconds per hour.
    #[serde(rename = "RMSSD")]
    pub rmssd: Trend,
    /// The windows.
    pub windows: Vec<Window>,
}

/// What a window holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Window {
    /// Middle of the window, in seconds since the start of the recording.
    pub at_seconds: f64,
    /// Mean heart rate in beats per minute.
    pub heart_rate_beats_per_minute: f64,
    /// SDNN in milliseconds.
    #[serde(rename = "SDNNMilliseconds")]
    pub sdnn_ms: f64,
    /// RMSSD in milliseconds.
    #[serde(rename = "RMSSDMilliseconds")]
    pub rmssd_ms: f64,
}

/// The trends over windows of some minutes; windows with too few intervals are left out.
///
/// # Errors
///
/// [`EcgError::Parameter`] for a length outside [`super::profile::SEGMENT_MINUTES`], [`EcgError::TooFewWindows`].
pub fn monitor(events: &EventDetection, window_minutes: f64) -> Result<HeartTrend, EcgError> {
    let segments = segments(&events.event_times_seconds, events.duration_seconds, window_minutes)?;
    let windows = segments.iter().filter_map(Window::of).collect::<Vec<_>>();
    let hours = windows.iter().map(|w| w.at_seconds / 3600.0).collect::<Vec<_>>();
    let of = |value: fn(&Window) -> f64| {
        let values = windows.iter().map(value).collect::<Vec<_>>();
        trend(&hours, &values).ok_or(EcgError::TooFewWindows { found: windows.len(), minimum: MIN_VALUES })
    };
    Ok(HeartTrend {
        processing_type: "PhysiologicalTrendMonitoring",
        method: METHOD,
        source: SOURCE,
        window_minutes,
        significance_level: SIGNIFICANT_BELOW,
        heart_rate: of(|w| w.heart_rate_beats_per_minute)?,
        sdnn: of(|w| w.sdnn_ms)?,
        rmssd: of(|w| w.rmssd_ms)?,
        windows,
    })
}

impl Window {
    fn of(segment: &ProfileSegment) -> Option<Self> {
        let HeartRateQuantification { mean_heart_rate_beats_per_minute, sdnn_ms, rmssd_ms, .. } =
            segment.parameters.as_ref()?;
        Some(Self {
            at_seconds: f64::midpoint(segment.start_seconds, segment.end_seconds),
            heart_rate_beats_per_minute: *mean_heart_rate_beats_per_minute,
            sdnn_ms: *sdnn_ms,
            rmssd_ms: *rmssd_ms,
        })
    }
}
