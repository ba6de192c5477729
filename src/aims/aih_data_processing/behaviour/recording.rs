//! A behavioural recording in epochs of local time.
//!
//! | From | Epoch | Value |
//! | --- | --- | --- |
//! | acceleration | 5 s | mean ENMO in mg: Euclidean norm minus one g, negative values set to zero (van Hees et al. 2013) |
//! | steps | as the file has them | steps a minute |
//!
//! Days begin at midnight of the offset the first timestamp states, or else the parameter `UTCOffsetMinutes` (one that
//! says another than the timestamps is refused), or else in UTC, and then the local clock is not known; a change to
//! or from summer time within a recording shifts the rest by an hour and is not corrected. No autocalibration (van
//! Hees et al. 2014) is done: a recording whose rest is not about 1 g is refused.

use super::{
    acceleration::Acceleration,
    error::BehaviourError,
    steps::Steps,
    table::{self, Measured, Sample},
};
use crate::schema::wire::DataFormat;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// What the values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Signal {
    /// Mean ENMO of each epoch, in mg.
    Acceleration,
    /// Steps a minute.
    Steps,
}

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What the values are.
    pub signal: Signal,
    /// Local time of the first epoch, in seconds since 1970; a multiple of the epoch.
    pub start: i64,
    /// Length of an epoch, in seconds.
    pub epoch: i64,
    /// Each epoch's value; `None` where nothing was recorded or the device was not worn.
    pub values: Vec<Option<f64>>,
    /// Whether anybody said what the local clock shows; else the times are UTC.
    pub clock_known: bool,
    /// Whether the device was worn was judged (acceleration of an hour or more).
    pub wear_assessed: bool,
}

/// One calendar day of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day<'r> {
    /// Number of the day, counted from 1 for the first day of the recording.
    pub number: i64,
    /// Whether it is a Saturday or a Sunday.
    pub weekend: bool,
    /// Its epochs.
    pub values: &'r [Option<f64>],
}

impl Recording {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`BehaviourError`] for everything that is no behavioural recording of one person.
    pub fn read(format: DataFormat, payload: &[u8], offset_seconds: Option<i32>) -> Result<Self, BehaviourError> {
        let mut gathering = Gathering::Nothing;
        let mut clock_known = None;
        let each = |row: u64, sample: Sample| {
            clock_known.get_or_insert(sample.offset.or(offset_seconds).is_some());
            gathering.add(sample, offset_seconds).map_err(|reason| BehaviourError::Row { row, reason })
        };
        match format {
            DataFormat::Csv => table::csv(payload, each)?,
            DataFormat::Json => table::json(payload, each)?,
            _ => return Err(BehaviourError::Format),
        }
        let recording = match gathering {
            Gathering::Nothing => Err(BehaviourError::TooFew { what: "samples", found: 0, minimum: 2 }),
            Gathering::Acceleration(acceleration) => acceleration.recording(),
            Gathering::Steps(steps) => steps.recording(),
        }?;
        Ok(Self { clock_known: clock_known == Some(true), ..recording })
    }

    /// The days, in order, days without an epoch included.
    pub fn days(&self) -> Vec<Day<'_>> {
        let first = self.start.div_euclid(DAY);
        let mut days = Vec::new();
        let mut rest = self.values.as_slice();
        let mut at = self.start;
        while !rest.is_empty() {
            let day = at.div_euclid(DAY);
            let epochs = ((day + 1) * DAY - at).div_euclid(self.epoch).max(1) as usize;
            let (values, later) = rest.split_at(epochs.min(rest.len()));
            // 1970-01-01 was a Thursday.
            let weekend = matches!((day + 4).rem_euclid(7), 0 | 6);
            days.push(Day { number: day - first + 1, weekend, values });
            at += values.len() as i64 * self.epoch;
            rest = later;
        }
        days
    }

    /// Minutes of valid data in some epochs.
    pub fn minutes_of(&self, values: &[Option<f64>]) -> f64 {
        values.iter().flatten().count() as f64 * self.epoch as f64 / 60.0
    }

    /// Values of each slot of so many seconds, the first slot beginning at a multiple of it: the mean of its epochs,
    /// where at least half of them are valid.
    ///
    /// Returns the slots and the local time of the first.
    pub fn slots(&self, seconds: i64) -> (i64, Vec<Option<f64>>) {
        let first = self.start.div_euclid(seconds) * seconds;
        let end = self.start + self.values.len() as i64 * self.epoch;
        let slots = (end - first).div_euclid(seconds) + i64::from((end - first).rem_euclid(seconds) > 0);
        let mut sums = vec![(0.0, 0_i64); slots as usize];
        for (place, value) in self.values.iter().enumerate() {
            let slot = (self.start + place as i64 * self.epoch - first).div_euclid(seconds) as usize;
            if let (Some(value), Some(sum)) = (value, sums.get_mut(slot)) {
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
        let whole = (seconds / self.epoch).max(1);
        let mean = |(sum, count): (f64, i64)| (count > 0 && count * 2 >= whole).then(|| sum / count as f64);
        (first, sums.into_iter().map(mean).collect())
    }
}

/// What was read so far.
enum Gathering {
    Nothing,
    Acceleration(Box<Acceleration>),
    Steps(Steps),
}

impl Gathering {
    fn add(&mut self, sample: Sample, offset: Option<i32>) -> Result<(), &'static str> {
        // Years 1970 to 2200: later ones are milliseconds, or no time at all.
        if !(0.0..7.3e9).contains(&sample.at) {
            return Err("its timestamp is no time between 1970 and 2200 in seconds");
        }
        if let Self::Nothing = self {
            if sample.offset.zip(offset).is_some_and(|(stated, told)| stated != told) {
                return Err("its timestamp says another offset than the parameter UTCOffsetMinutes");
            }
            let offset = f64::from(sample.offset.or(offset).unwrap_or(0));
            *self = match sample.measured {
                Measured::Acceleration(_) => Self::Acceleration(Box::new(Acceleration::new(offset))),
                Measured::Steps(_) => Self::Steps(Steps::new(offset)),
            };
        }
        match (self, sample.measured) {
            (Self::Acceleration(acceleration), Measured::Acceleration(axes)) => acceleration.add(sample.at, axes),
            (Self::Steps(steps), Measured::Steps(count)) => steps.add(sample.at, count),
            _ => Err("it mixes acceleration and steps"),
        }
    }
}
