//! Bouts of activity and of inactivity (processing type `BehaviouralStateDetection`).
//!
//! A **bout of moderate-to-vigorous activity** lasts ten minutes or more, of which one or two may be below the limit
//! (Troiano et al. 2008): it begins where eight of ten minutes reach it, and ends before three minutes in a row that do
//! not. A **bout of inactivity** is thirty minutes or more, each sedentary. A minute without valid data ends both.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cut_points::{CutPoints, Level, number},
    error::BehaviourError,
    recording::{Recording, Signal},
};

/// Parameter: shortest bout of activity, in minutes.
pub const ACTIVITY_MINUTES: &str = "ActivityMinutes";
/// Parameter: shortest bout of inactivity, in minutes.
pub const INACTIVITY_MINUTES: &str = "InactivityMinutes";
/// Minutes below the limit that end a bout of activity.
const BREAK: usize = 3;

const METHOD: &str = "minute means; activity: at least four fifths of the shortest bout at or above the moderate limit to \
                      begin, ended by three minutes in a row below it; inactivity: every minute sedentary; minutes \
                      without valid data end a bout";
const SOURCE: &str = "Troiano et al., Physical activity in the United States measured by accelerometer, Medicine and \
                      Science in Sports and Exercise 40(1), 181-188, 2008";

/// Result of `BehaviouralStateDetection`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateDetection {
    /// Always `BehaviouralStateDetection`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// The limits used, with their own source.
    pub cut_points: CutPoints,
    /// Minutes with valid data.
    pub valid_minutes: usize,
    /// Bouts of moderate-to-vigorous activity.
    pub activity_bouts: Vec<Bout>,
    /// Bouts of inactivity.
    pub inactivity_bouts: Vec<Bout>,
}

/// One bout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bout {
    /// Minutes from the start of the recording's first minute.
    pub start_minute: usize,
    /// Its length in minutes.
    pub minutes: usize,
    /// Mean over it: ENMO in mg, or steps a minute.
    pub mean: f64,
}

/// Finds the bouts.
///
/// # Errors
///
/// [`BehaviourError::TooCoarse`], [`BehaviourError::Parameter`], [`BehaviourError::TooFew`].
pub fn detect(recording: &Recording, parameters: &Map<String, Value>) -> Result<StateDetection, BehaviourError> {
    let cut_points = CutPoints::choose(recording.signal, parameters)?;
    let active = number(parameters, ACTIVITY_MINUTES, 5.0..=120.0, 10.0)? as usize;
    let inactive = number(parameters, INACTIVITY_MINUTES, 5.0..=720.0, 30.0)? as usize;
    if recording.epoch > 60 {
        return Err(BehaviourError::TooCoarse("a detection of bouts"));
    }
    let (_, minutes) = recording.slots(60);
    let valid_minutes = minutes.iter().flatten().count();
    if valid_minutes < active {
        return Err(BehaviourError::TooFew { what: "minutes", found: valid_minutes, minimum: active });
    }
    let level = |at: usize| minutes.get(at).copied().flatten().map(|value| cut_points.level(value));
    let bout = |(start, end): (usize, usize)| {
        let values = minutes.get(start..end).unwrap_or_default().iter().flatten();
        Bout { start_minute: start, minutes: end - start, mean: values.sum::<f64>() / (end - start) as f64 }
    };
    let active = activity(minutes.len(), active, |at| level(at).map(|level| level >= Level::Moderate));
    let inactive = inactivity(minutes.len(), inactive, |at| level(at) == Some(Level::Sedentary));
    Ok(StateDetection {
        processing_type: "BehaviouralStateDetection",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        cut_points,
        valid_minutes,
        activity_bouts: active.into_iter().map(bout).collect(),
        inactivity_bouts: inactive.into_iter().map(bout).collect(),
    })
}

/// Bouts as first minute and the minute after the last. `reaches`: `None` where nothing is known.
fn activity(minutes: usize, shortest: usize, reaches: impl Fn(usize) -> Option<bool>) -> Vec<(usize, usize)> {
    let allowed = shortest / 5;
    let mut bouts = Vec::new();
    let mut at = 0;
    while at + shortest <= minutes {
        let first = (at..at + shortest).map(&reaches).collect::<Option<Vec<_>>>();
        let begins = reaches(at) == Some(true) && first.is_some_and(|m| m.iter().filter(|r| !**r).count() <= allowed);
        if !begins {
            at += 1;
            continue;
        }
        let end = extent(at, shortest, minutes, &reaches);
        if end - at >= shortest {
            bouts.push((at, end));
            at = end;
        } else {
            at += 1;
        }
    }
    bouts
}

/// Where a bout that begins ends: after its last minute that reaches the limit.
fn extent(start: usize, shortest: usize, minutes: usize, reaches: &impl Fn(usize) -> Option<bool>) -> usize {
    let (mut end, mut below) = (start, 0);
    for at in start..minutes {
        match reaches(at) {
            Some(true) => (end, below) = (at + 1, 0),
            Some(false) if below + 1 < BREAK => below += 1,
            _ => break,
        }
    }
    // The first minutes themselves allow for interruptions at their end.
    if end < start + shortest && end + BREAK > start + shortest { start + shortest } else { end }
}

fn inactivity(minutes: usize, shortest: usize, still: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut bouts = Vec::new();
    let mut start = None;
    for at in 0..=minutes {
        match (start, at < minutes && still(at)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if at - from >= shortest {
                    bouts.push((from, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    bouts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x` reaches the limit, `.` does not, `?` is not known.
    fn bouts(text: &str, shortest: usize) -> Vec<(usize, usize)> {
        let minutes = text.as_bytes();
        activity(minutes.len(), shortest, |at| match minutes.get(at) {
            Some(b'x') => Some(true),
            Some(b'.') => Some(false),
            _ => None,
        })
    }

    #[test]
    fn ten_minutes_make_a_bout_and_nine_do_not() {
        assert_eq!(bouts("..xxxxxxxxxx...", 10), [(2, 12)]);
        assert_eq!(bouts("..xxxxxxxxx....", 10), [(2, 12)], "nine of ten");
        assert_eq!(bouts("..xxxxxxx......", 10), []);
    }

    #[test]
    fn two_minutes_may_be_below_and_three_end_it() {
        assert_eq!(bouts("xxxxx..xxxxx", 10), [(0, 12)]);
        assert_eq!(bouts("xxxxx...xxxxx", 10), []);
        assert_eq!(bouts("xxxxxxxxxx..xx...xxxxxxxxxx", 10), [(0, 14), (17, 27)]);
    }

    #[test]
    fn a_minute_without_data_ends_it() {
        assert_eq!(bouts("xxxxxxxxxxx?xxxx", 10), [(0, 11)]);
        assert_eq!(bouts("xxxxx?xxxxxx", 10), []);
    }

    #[test]
    fn inactivity_is_without_interruption() {
        let still = |text: &'static str| inactivity(text.len(), 3, move |at| text.as_bytes()[at] == b'-');
        assert_eq!(still("---.--.----"), [(0, 3), (7, 11)]);
        assert_eq!(still("--.--"), []);
    }
}
