//! Which candidates are beats: the rules of [`super::qrs`], walked through once in the order of time.
//!
//! ```text
//!            above threshold, not refractory, no T wave
//! candidate ────────────────────────────────────────────► beat   (raises the beat level)
//!     │ otherwise ──► noise (raises the noise level)
//!     ├ gap above 1.66 usual intervals ──► search back: the highest candidate above half the threshold
//!     └ 8 s without a beat ──► learn both levels again from those seconds, and walk them again
//! ```

use std::collections::VecDeque;

use super::qrs_peaks::Candidate;

/// Threshold: share of the way from the noise level to the beat level.
const THRESHOLD_SHARE: f64 = 0.25;
/// Share of the threshold that is enough when searching back.
const SEARCH_BACK_SHARE: f64 = 0.5;
/// No second beat within this time, in seconds.
pub(super) const REFRACTORY_S: f64 = 0.2;
/// Within this many seconds after a beat a peak may be its T wave.
const T_WAVE_S: f64 = 0.36;
/// A T wave is less steep than this share of the beat before it.
const T_WAVE_SLOPE_SHARE: f64 = 0.5;
/// Usual intervals without a beat after which the search goes back.
const SEARCH_BACK_INTERVALS: f64 = 1.66;
/// Peaks of each kind a level is the median of.
const REMEMBERED: usize = 8;
/// Seconds levels are learnt from, and without a beat after which they are learnt again.
const LEARNING_S: f64 = 8.0;
/// New levels below this share of the old beat level mean silence, not small beats.
const RELEARN_FLOOR: f64 = 0.01;
/// Smallest beat in the pass band, in millivolts.
const MIN_AMPLITUDE_MV: f64 = 0.03;

/// The beats among the candidates of a recording of `end_s` seconds.
pub(super) fn decide(candidates: &[Candidate], end_s: f64) -> Vec<Candidate> {
    Decision::new(candidates).run(end_s)
}

/// Median of the last eight peaks of one kind.
#[derive(Debug, Default)]
struct Level(VecDeque<f64>);

impl Level {
    fn push(&mut self, energy: f64) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(energy);
    }

    fn median(&self) -> f64 {
        let mut sorted = [0.0; REMEMBERED];
        for (slot, energy) in sorted.iter_mut().zip(&self.0) {
            *slot = *energy;
        }
        let sorted = &mut sorted[..self.0.len()];
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }
}

/// The state of the decision while it walks along the candidates.
struct Decision<'a> {
    candidates: &'a [Candidate],
    beats: Vec<Candidate>,
    beat_level: Level,
    noise_level: Level,
    intervals: Level,
    /// First candidate after the last beat: where a search back begins.
    after_last_beat: usize,
    /// Time since which the levels have not been learnt, in seconds.
    learnt_s: f64,
}

impl<'a> Decision<'a> {
    fn new(candidates: &'a [Candidate]) -> Self {
        let mut decision = Self {
            candidates,
            beats: Vec::new(),
            beat_level: Level::default(),
            noise_level: Level::default(),
            intervals: Level::default(),
            after_last_beat: 0,
            learnt_s: 0.0,
        };
        decision.beat_level.push(typical_maximum(candidates, 0.0));
        decision
    }

    fn run(mut self, end_s: f64) -> Vec<Candidate> {
        let mut next = 0;
        while let Some(candidate) = self.candidates.get(next) {
            self.search_back(candidate.time_s, next);
            if let Some(again_from) = self.learn_again(candidate.time_s, next) {
                next = again_from;
                continue;
            }
            if self.accepts(candidate, self.threshold()) {
                self.add_beat(*candidate, next);
            } else if self.since_last_beat(candidate) >= REFRACTORY_S {
                self.noise_level.push(candidate.energy);
            }
            next += 1;
        }
        self.search_back(end_s, self.candidates.len());
        self.beats
    }

    fn threshold(&self) -> f64 {
        let (beat, noise) = (self.beat_level.median(), self.noise_level.median());
        noise + THRESHOLD_SHARE * (beat - noise).max(0.0)
    }

    fn since_last_beat(&self, candidate: &Candidate) -> f64 {
        self.beats.last().map_or(f64::INFINITY, |last| candidate.time_s - last.time_s)
    }

    fn accepts(&self, candidate: &Candidate, threshold: f64) -> bool {
        let amplitude = candidate.up.amplitude_mv.max(candidate.down.amplitude_mv);
        if candidate.energy <= threshold || amplitude < MIN_AMPLITUDE_MV {
            return false;
        }
        let Some(last) = self.beats.last() else {
            return true;
        };
        let since = candidate.time_s - last.time_s;
        let like_a_t_wave = since < T_WAVE_S && candidate.slope < T_WAVE_SLOPE_SHARE * last.slope;
        since >= REFRACTORY_S && !like_a_t_wave
    }

    fn add_beat(&mut self, beat: Candidate, position: usize) {
        if let Some(last) = self.beats.last() {
            let interval = beat.time_s - last.time_s;
            // A pause is no measure of how long the next interval will be.
            if interval < LEARNING_S / 2.0 {
                self.intervals.push(interval);
            }
        }
        self.beat_level.push(beat.energy);
        self.beats.push(beat);
        self.after_last_beat = position + 1;
        self.learnt_s = beat.time_s;
    }

    /// While the gap before `now_s` is too long, takes the highest peak in it that passes half the threshold.
    fn search_back(&mut self, now_s: f64, before: usize) {
        while let Some(last) = self.beats.last() {
            let usual = self.intervals.median();
            if usual == 0.0 || now_s - last.time_s <= SEARCH_BACK_INTERVALS * usual {
                return;
            }
            let threshold = SEARCH_BACK_SHARE * self.threshold();
            // In a long silence only its last seconds, or the search would cost the square of its length.
            let recent = self.candidates[..before].partition_point(|c| c.time_s < now_s - LEARNING_S);
            let gap = self.after_last_beat.max(recent)..before;
            let passed = gap.filter(|i| self.accepts(&self.candidates[*i], threshold));
            let highest = |a: &usize, b: &usize| self.candidates[*a].energy.total_cmp(&self.candidates[*b].energy);
            let Some(best) = passed.max_by(highest) else {
                return;
            };
            self.add_beat(self.candidates[best], best);
        }
    }

    /// After eight seconds without a beat: new levels from those seconds, and the candidate to go on from.
    fn learn_again(&mut self, now_s: f64, position: usize) -> Option<usize> {
        if now_s - self.learnt_s <= LEARNING_S {
            return None;
        }
        let start_s = std::mem::replace(&mut self.learnt_s, now_s);
        let from = self.candidates[..position].partition_point(|c| c.time_s <= start_s);
        let level = typical_maximum(&self.candidates[from..position], start_s);
        if level < RELEARN_FLOOR * self.beat_level.median() {
            return None;
        }
        self.beat_level = Level::default();
        self.beat_level.push(level);
        self.noise_level = Level::default();
        Some(from)
    }
}

/// Median over one-second windows of the highest energy: what a beat is like, if most seconds hold one.
fn typical_maximum(candidates: &[Candidate], start_s: f64) -> f64 {
    let mut maxima = [0.0_f64; LEARNING_S as usize];
    let mut seconds = 0;
    for candidate in candidates {
        let second = (candidate.time_s - start_s).max(0.0) as usize;
        let Some(maximum) = maxima.get_mut(second) else {
            break;
        };
        *maximum = maximum.max(candidate.energy);
        seconds = seconds.max(second + 1);
    }
    let maxima = &mut maxima[..seconds];
    maxima.sort_by(f64::total_cmp);
    maxima.get(maxima.len() / 2).copied().unwrap_or(0.0)
}
