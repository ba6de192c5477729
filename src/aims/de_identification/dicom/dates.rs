//! Dates and times: whether a value is one, and how it is shifted by whole days.
//!
//! Only what is a date, time or date-time of PS3.5 section 6.2 to the last character is kept or shifted; anything else
//! in such an attribute falls back to the Basic Profile.

use dicom_core::VR;
use time::{Date, Duration, Month};

/// The value shifted by `days`, or as it was for a time of day; `None` when it is no valid value of its representation.
pub(super) fn shifted(vr: VR, value: &str, days: i64) -> Option<String> {
    let value = value.trim_end_matches([' ', '\0']);
    match vr {
        VR::DA => shifted_date(value, days),
        VR::TM => is_time(value).then(|| value.to_owned()),
        VR::DT => {
            let (date, rest) = value.split_at_checked(8)?;
            let (time, zone) = rest.split_at(rest.find(['+', '-']).unwrap_or(rest.len()));
            let valid = (time.is_empty() || is_time(time)) && (zone.is_empty() || is_zone(zone));
            valid.then(|| shifted_date(date, days)).flatten().map(|date| format!("{date}{rest}"))
        }
        // Timezone Offset From UTC.
        VR::SH => is_zone(value).then(|| value.to_owned()),
        _ => None,
    }
}

fn shifted_date(text: &str, days: i64) -> Option<String> {
    // Before 1993 dates were written with points.
    let text: String = match text.split('.').collect::<Vec<_>>()[..] {
        [year, month, day] => [year, month, day].concat(),
        _ => text.to_owned(),
    };
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from, to| text.get(from..to).and_then(|digits: &str| digits.parse::<u16>().ok());
    let month = Month::try_from(u8::try_from(number(4, 6)?).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, u8::try_from(number(6, 8)?).ok()?).ok()?;
    let date = date.checked_add(Duration::days(days))?;
    // A year before 0 or of five digits has no DICOM form.
    (0..=9999)
        .contains(&date.year())
        .then(|| format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// `HHMMSS.FFFFFF`, from the right shortened.
fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let within = |from: usize, limit: u8| {
        clock.get(from..from + 2).is_none_or(|two| two.parse::<u8>().is_ok_and(|number| number <= limit))
    };
    matches!(clock.len(), 2 | 4 | 6)
        && digits(clock)
        && within(0, 23)
        && within(2, 59)
        && within(4, 60)
        && fraction.is_none_or(|f| clock.len() == 6 && (1..=6).contains(&f.len()) && digits(f))
}

fn is_zone(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) && digits <= "1400"
}
