//! Step counts over regular epochs.

use super::{
    error::BehaviourError,
    limits::{MAX_STEP_DAYS, MAX_STEPS_PER_SECOND},
    recording::{DAY, Recording, Signal},
};

/// Steps gathered so far.
pub(super) struct Steps {
    offset: f64,
    /// Local time and count of each epoch.
    counts: Vec<(i64, f64)>,
}

impl Steps {
    pub(super) fn new(offset: f64) -> Self {
        Self { offset, counts: Vec::new() }
    }

    pub(super) fn add(&mut self, at: f64, count: f64) -> Result<(), &'static str> {
        if !(0.0..=1e6).contains(&count) || count.fract() != 0.0 {
            return Err("its steps are no count");
        }
        let at = (at + self.offset).floor() as i64;
        if self.counts.last().is_some_and(|(last, _)| at <= *last) {
            return Err("its timestamp is not a second or more after the one before");
        }
        if self.counts.first().is_some_and(|(first, _)| at - first >= MAX_STEP_DAYS as i64 * DAY) {
            return Err("it is more than 800 days after the first");
        }
        self.counts.push((at, count));
        Ok(())
    }

    /// The epoch is the shortest time between two counts; every other must be a multiple of it.
    pub(super) fn recording(self) -> Result<Recording, BehaviourError> {
        let between = || self.counts.windows(2).map(|pair| pair[1].0 - pair[0].0);
        let few = BehaviourError::TooFew { what: "samples", found: self.counts.len(), minimum: 2 };
        let epoch = between().min().ok_or(few)?;
        let (start, _) = self.counts[0];
        let regular = between().all(|step| step % epoch == 0);
        if !regular || epoch > 3600 || 3600 % epoch != 0 || start.rem_euclid(epoch) != 0 {
            return Err(BehaviourError::Epochs);
        }
        let (end, _) = self.counts[self.counts.len() - 1];
        let mut values = vec![None; ((end - start) / epoch + 1) as usize];
        for (row, (at, count)) in (1_u64..).zip(&self.counts) {
            if *count > MAX_STEPS_PER_SECOND * epoch as f64 {
                return Err(BehaviourError::Row {
                    row,
                    reason: "it has more steps than a person can make in its epoch",
                });
            }
            // In range: the vector reaches to the last count.
            values[((at - start) / epoch) as usize] = Some(count * 60.0 / epoch as f64);
        }
        Ok(Recording { signal: Signal::Steps, start, epoch, values, clock_known: false, wear_assessed: false })
    }
}
