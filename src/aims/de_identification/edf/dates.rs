//! Start dates: moved by a number of days that is the person's own, or removed.

use serde_json::{Map, Value};
use time::{Duration, PrimitiveDateTime, Time};

use super::error::EdfTreatmentError;
pub(in crate::aims::de_identification) use crate::aims::aih_data_processing::edf::header::unknown_date;

/// Name of the parameter.
const PARAMETER: &str = "DateHandling";
/// Most days a date is moved back.
pub(in crate::aims::de_identification) const MOST_DAYS: u32 = 365;

/// What becomes of the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aims::de_identification) enum DateHandling {
    /// Moved back by whole days; the time of day stays.
    Shift,
    /// Removed with the time of day.
    Remove,
}

impl DateHandling {
    /// From the parameters of a request: `shift` unless `remove` is asked for.
    pub(in crate::aims::de_identification) fn of(parameters: &Map<String, Value>) -> Result<Self, EdfTreatmentError> {
        match parameters.get(PARAMETER).map(Value::as_str) {
            None | Some(Some("shift")) => Ok(Self::Shift),
            Some(Some("remove")) => Ok(Self::Remove),
            Some(_) => Err(EdfTreatmentError::Parameter { name: PARAMETER, words: "shift, remove" }),
        }
    }

    /// The start to write; `None` when there is none, or the moved one would leave the years EDF can say.
    ///
    /// The first of January 1985 is what EDF writes for "not known".
    pub(in crate::aims::de_identification) fn start(
        self,
        start: Option<PrimitiveDateTime>,
        days: &Duration,
    ) -> Option<PrimitiveDateTime> {
        let start = start.filter(|start| self == Self::Shift && start.date() > unknown_date())?;
        start.checked_add(*days).filter(|moved| moved.date() > unknown_date())
    }
}

/// What EDF writes for a start that is not known.
pub(in crate::aims::de_identification) fn unknown_start() -> PrimitiveDateTime {
    PrimitiveDateTime::new(unknown_date(), Time::MIDNIGHT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn handling(value: Value) -> Result<DateHandling, EdfTreatmentError> {
        DateHandling::of(json!({"DateHandling": value}).as_object().unwrap())
    }

    #[test]
    fn only_the_two_words_are_taken() {
        assert_eq!(handling(json!("shift")).unwrap(), DateHandling::Shift);
        assert_eq!(handling(json!("remove")).unwrap(), DateHandling::Remove);
        assert_eq!(DateHandling::of(&Map::new()).unwrap(), DateHandling::Shift);
        for other in [json!("keep"), json!(""), json!(1), json!(null), json!(["shift"])] {
            assert!(handling(other).is_err());
        }
    }

    #[test]
    fn a_date_keeps_its_time_and_does_not_leave_the_years_of_the_format() {
        let days = Duration::days(-30);
        let start = |at| DateHandling::Shift.start(Some(at), &days);
        assert_eq!(start(datetime!(2024-03-15 22:10:05)), Some(datetime!(2024-02-14 22:10:05)));
        assert_eq!(start(datetime!(1985-01-20 22:10:05)), None);
        assert_eq!(start(datetime!(1985-01-01 00:00)), None);
        assert_eq!(DateHandling::Remove.start(Some(datetime!(2024-03-15 22:10)), &days), None);
        assert_eq!(unknown_start(), datetime!(1985-01-01 00:00));
    }
}
