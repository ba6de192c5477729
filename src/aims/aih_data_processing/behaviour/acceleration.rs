//! Raw acceleration in epochs of five seconds, and when the device was worn.
//!
//! ENMO (Euclidean norm minus one, negative values set to zero): van Hees et al., "Separating movement and gravity
//! components in an acceleration signal and implications for the assessment of human daily physical activity", PLoS ONE
//! 8(4), e61691, 2013. Non-wear, by the same paper as the GGIR package carries it out: a block of 15 minutes is not worn
//! when in the hour around it at least two of the three axes have a standard deviation below 13 mg **and** a range below
//! 50 mg (the "or" of van Hees et al. 2011 goes with a deviation of 3 mg). Five seconds are the epoch of that package
//! (Migueles et al., Journal for the Measurement of Physical Behaviour 2(3), 188–196, 2019; github.com/wadpac/GGIR).

use super::{
    error::BehaviourError,
    limits::{MAX_ACCELERATION_G, MAX_DAYS, MIN_RATE_HZ},
    recording::{DAY, Recording, Signal},
};

/// Length of an epoch, in seconds.
const EPOCH: i64 = 5;
/// Longest time between two samples that is no gap, in seconds.
const GAP: f64 = 1.0;
/// Epochs of a 15-minute block, and of the part of the hour before and after it.
const BLOCK: usize = 180;
const AROUND: usize = 270;
/// Epochs of an hour: a shorter recording is not judged.
const HOUR: usize = 720;
/// Below both: an axis is still. In g.
const STILL_DEVIATION: f64 = 0.013;
const STILL_RANGE: f64 = 0.050;
/// Norm at rest that can be a calibrated sensor in g; the median epoch counts.
const NORM: std::ops::RangeInclusive<f64> = 0.8..=1.25;

/// Acceleration gathered so far.
pub(super) struct Acceleration {
    offset: f64,
    first_epoch: i64,
    last: Option<f64>,
    /// Number and sum of the times between samples that are no gaps.
    steps: (u64, f64),
    epochs: Vec<Epoch>,
}

#[derive(Clone, Copy, Default)]
struct Epoch {
    count: u32,
    norm: f64,
    enmo: f64,
    axes: [Axis; 3],
}

#[derive(Clone, Copy)]
struct Axis {
    sum: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Default for Axis {
    fn default() -> Self {
        Self { sum: 0.0, squares: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Acceleration {
    pub(super) fn new(offset: f64) -> Self {
        Self { offset, first_epoch: 0, last: None, steps: (0, 0.0), epochs: Vec::new() }
    }

    pub(super) fn add(&mut self, at: f64, axes: [f64; 3]) -> Result<(), &'static str> {
        if !axes.iter().all(|a| a.abs() <= MAX_ACCELERATION_G) {
            return Err("its acceleration is no number within 20 g");
        }
        let epoch = ((at + self.offset) / EPOCH as f64).floor() as i64;
        match self.last {
            None => self.first_epoch = epoch,
            Some(last) if at <= last => return Err("its timestamp is not after the one before"),
            Some(last) if at - last <= GAP => self.steps = (self.steps.0 + 1, self.steps.1 + at - last),
            Some(_) => {}
        }
        self.last = Some(at);
        let place = epoch - self.first_epoch;
        if place >= MAX_DAYS as i64 * DAY / EPOCH {
            return Err("it is more than 60 days after the first");
        }
        let place = place as usize;
        if place >= self.epochs.len() {
            self.epochs.resize(place + 1, Epoch::default());
        }
        self.epochs[place].add(axes);
        Ok(())
    }

    pub(super) fn recording(self) -> Result<Recording, BehaviourError> {
        let rate = self.steps.0 as f64 / self.steps.1;
        // Not a number when there is no pair of samples without a gap.
        if rate.is_nan() || rate < f64::from(MIN_RATE_HZ) * 0.99 {
            return Err(BehaviourError::Rate { minimum: MIN_RATE_HZ });
        }
        self.check_unit()?;
        let least = rate * EPOCH as f64 / 2.0;
        let wear_assessed = self.epochs.len() >= HOUR;
        let worn = (0..self.epochs.len()).step_by(BLOCK).map(|block| !wear_assessed || self.is_worn(block));
        let worn = worn.collect::<Vec<_>>();
        let value = |(place, epoch): (usize, &Epoch)| {
            let valid = f64::from(epoch.count) >= least && worn.get(place / BLOCK) == Some(&true);
            valid.then(|| epoch.enmo / f64::from(epoch.count) * 1e3)
        };
        let values = self.epochs.iter().enumerate().map(value).collect();
        let start = self.first_epoch * EPOCH;
        Ok(Recording { signal: Signal::Acceleration, start, epoch: EPOCH, values, clock_known: false, wear_assessed })
    }

    /// Half of all epochs or more are spent without much movement, so their median norm is about 1 g.
    fn check_unit(&self) -> Result<(), BehaviourError> {
        let recorded = self.epochs.iter().filter(|epoch| epoch.count > 0);
        let mut norms = recorded.map(|epoch| epoch.norm / f64::from(epoch.count)).collect::<Vec<_>>();
        norms.sort_by(f64::total_cmp);
        match norms.get(norms.len() / 2) {
            Some(norm) if NORM.contains(norm) => Ok(()),
            _ => Err(BehaviourError::Unit),
        }
    }

    fn is_worn(&self, block: usize) -> bool {
        let end = (block + BLOCK + AROUND).min(self.epochs.len());
        let hour = self.epochs.get(block.saturating_sub(AROUND)..end).unwrap_or_default();
        let still = (0..3).filter(|axis| {
            let (mut all, mut count) = (Axis::default(), 0.0);
            for epoch in hour {
                all.merge(&epoch.axes[*axis]);
                count += f64::from(epoch.count);
            }
            all.deviation(count) < STILL_DEVIATION && all.high - all.low < STILL_RANGE
        });
        still.count() < 2
    }
}

impl Epoch {
    fn add(&mut self, axes: [f64; 3]) {
        let norm = axes.iter().map(|a| a * a).sum::<f64>().sqrt();
        self.count += 1;
        self.norm += norm;
        self.enmo += (norm - 1.0).max(0.0);
        for (axis, value) in self.axes.iter_mut().zip(axes) {
            axis.merge(&Axis { sum: value, squares: value * value, low: value, high: value });
        }
    }
}

impl Axis {
    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.squares += other.squares;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    fn deviation(&self, count: f64) -> f64 {
        let mean = self.sum / count;
        (self.squares / count - mean * mean).max(0.0).sqrt()
    }
}
