//! Candidate QRS complexes: the peaks of the energy, each with what the decision needs to know.
//!
//! The recording passes in blocks with overlapping margins, so the filters never need more memory than one
//! block, whatever the length of the recording.

use super::filter::{Features, QrsFilter};
use super::recording::EcgRecording;

/// Samples decided per block.
const BLOCK: usize = 65_536;
/// Margin on both sides of a block in seconds; the filters have settled after it.
const MARGIN_S: f64 = 2.0;
/// A candidate has the highest energy within this many seconds on both sides.
const DOMINANCE_S: f64 = 0.1;
/// The R peak lies within this many seconds of the peak of the energy.
const SEARCH_S: f64 = 0.1;

/// A possible QRS complex.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Time of the energy peak in seconds.
    pub(super) time_s: f64,
    /// Energy, in (mV/s)².
    pub(super) energy: f64,
    /// Steepest slope, in mV/s.
    pub(super) slope: f64,
    /// Highest point of the band-passed signal.
    pub(super) up: Extremum,
    /// Lowest point, as a positive amplitude.
    pub(super) down: Extremum,
}

/// A turning point of the band-passed signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extremum {
    /// Time in seconds, between samples by a parabola through three of them.
    pub(super) time_s: f64,
    /// Amplitude in millivolts, positive.
    pub(super) amplitude_mv: f64,
}

/// All candidates of a recording, in the order of time.
pub(super) fn candidates(recording: &EcgRecording) -> Vec<Candidate> {
    let rate = recording.sampling_rate_hz();
    let samples = recording.samples_mv();
    let filter = QrsFilter::new(rate);
    let margin = (MARGIN_S * rate) as usize;
    let mut found = Vec::new();
    for start in (0..samples.len()).step_by(BLOCK) {
        let end = (start + BLOCK).min(samples.len());
        let from = start.saturating_sub(margin);
        let to = (end + margin).min(samples.len());
        let features = filter.features(&samples[from..to], rate);
        let block = Block { features: &features, rate, from };
        found.extend((start..end).filter_map(|at| block.candidate(at - from)));
    }
    found
}

struct Block<'a> {
    features: &'a Features,
    rate: f64,
    /// Sample number of the first sample of the block and its margin.
    from: usize,
}

impl Block<'_> {
    fn candidate(&self, at: usize) -> Option<Candidate> {
        let energy = &self.features.energy;
        let here = energy[at];
        let before = at.checked_sub(1).map_or(0.0, |i| energy[i]);
        let after = energy.get(at + 1).copied().unwrap_or(0.0);
        if here <= before || here < after || !self.dominates(at, here) {
            return None;
        }
        let reach = (SEARCH_S * self.rate) as usize;
        let (low, high) = (at.saturating_sub(reach), (at + reach + 1).min(energy.len()));
        let slope = self.features.slope[low..high].iter().fold(0.0_f64, |steepest, s| steepest.max(s.abs()));
        Some(Candidate {
            time_s: self.seconds(at as f64),
            energy: here,
            slope,
            up: self.extremum(low, high, 1.0),
            down: self.extremum(low, high, -1.0),
        })
    }

    /// Whether nothing near is higher; of equal heights the first counts.
    fn dominates(&self, at: usize, here: f64) -> bool {
        let energy = &self.features.energy;
        let reach = (DOMINANCE_S * self.rate) as usize;
        let high = (at + reach + 1).min(energy.len());
        energy[at + 1..high].iter().all(|e| *e <= here)
            && energy[at.saturating_sub(reach)..at].iter().all(|e| *e < here)
    }

    fn extremum(&self, low: usize, high: usize, sign: f64) -> Extremum {
        let band = &self.features.band;
        let peak = (low..high).max_by(|a, b| (sign * band[*a]).total_cmp(&(sign * band[*b]))).unwrap_or(low);
        let height = sign * band[peak];
        let mut place = peak as f64;
        if peak > 0 && peak + 1 < band.len() {
            let (left, right) = (sign * band[peak - 1], sign * band[peak + 1]);
            let curvature = left - 2.0 * height + right;
            if curvature < 0.0 {
                place += (0.5 * (left - right) / curvature).clamp(-0.5, 0.5);
            }
        }
        Extremum { time_s: self.seconds(place), amplitude_mv: height.max(0.0) }
    }

    fn seconds(&self, place: f64) -> f64 {
        (self.from as f64 + place) / self.rate
    }
}
