//! The WFDB header file (`NAME.hea`), as specified in `header(5)` of the WFDB Applications Guide.
//!
//! ```text
//! 100 2 360 650000                              record line: name, signals, rate, samples per signal, time, date
//! 100.dat 212 200(1024)/mV 11 1024 995 -22131 0 MLII   signal line: file, format, gain(baseline)/unit,
//! # 69 M …                                             resolution, zero, first value, checksum, block, text
//! ```
//!
//! Comment lines are not looked at: they may hold age, sex and medication.

use time::{Date, Month, PrimitiveDateTime, Time};

use super::error::EcgError;
use super::limits::{MAX_CHANNELS, MAX_SAMPLES_PER_FRAME};
use super::recording::{check_sample_count, check_sampling_rate};

/// Sampling rate of a record line that states none, in hertz (the default of the specification).
const DEFAULT_SAMPLING_RATE_HZ: f64 = 250.0;
/// Gain of a signal line that states none, in steps per millivolt (the default of the specification).
const DEFAULT_GAIN: f64 = 200.0;

/// How samples are stored in a signal file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aims) enum SampleFormat {
    /// 16-bit two's complement, little-endian.
    Sixteen,
    /// Pairs of 12-bit two's complement samples in 3 bytes.
    TwoTwelve,
}

/// The header of a single-segment record.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::aims) struct WfdbHeader {
    pub(in crate::aims) frames_per_second: f64,
    /// Samples per signal and frame count; `None` when the header leaves it to the file.
    pub(in crate::aims) frames: Option<u64>,
    pub(in crate::aims) start: Option<PrimitiveDateTime>,
    pub(in crate::aims) signals: Vec<WfdbSignal>,
}

/// One signal line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::aims) struct WfdbSignal {
    pub(in crate::aims) file: String,
    pub(in crate::aims) format: SampleFormat,
    pub(in crate::aims) samples_per_frame: u32,
    pub(in crate::aims) byte_offset: u64,
    pub(in crate::aims) gain: f64,
    pub(in crate::aims) calibrated: bool,
    pub(in crate::aims) baseline: i32,
    pub(in crate::aims) unit: String,
    pub(in crate::aims) initial_value: Option<i32>,
    pub(in crate::aims) checksum: Option<i64>,
    pub(in crate::aims) description: String,
}

impl WfdbHeader {
    /// Parses the text of a header file.
    ///
    /// # Errors
    ///
    /// [`EcgError::MultiSegment`], [`EcgError::UnsupportedWfdbFormat`], [`EcgError::Field`], [`EcgError::Limit`].
    pub(in crate::aims) fn parse(text: &str) -> Result<Self, EcgError> {
        let lines = text.lines().map(str::trim);
        let mut lines = lines.filter(|l| !l.is_empty() && !l.starts_with('#'));
        let record = lines.next();
        let record = record.ok_or(EcgError::field("record line", "the header file has none"))?;
        let (count, mut header) = Self::parse_record_line(record)?;
        for line in lines.by_ref().take(count) {
            header.signals.push(WfdbSignal::parse(line)?);
        }
        if header.signals.len() < count {
            return Err(EcgError::field("number of signals", "there are fewer signal lines"));
        }
        if lines.next().is_some() {
            return Err(EcgError::field("number of signals", "there are more signal lines"));
        }
        Ok(header)
    }

    /// The number of signals and a header that still lacks them.
    fn parse_record_line(line: &str) -> Result<(usize, Self), EcgError> {
        let mut fields = line.split_whitespace();
        if fields.next().is_some_and(|name| name.contains('/')) {
            return Err(EcgError::MultiSegment);
        }
        let count = number::<usize>(fields.next(), "number of signals")?.unwrap_or(0);
        if count == 0 || count > MAX_CHANNELS {
            let (value, limit) = (count as u64, MAX_CHANNELS as u64);
            return Err(EcgError::limit("the number of signals", value, limit));
        }
        // The counter frequency after a slash numbers the frames differently; times come from the rate.
        let rate = fields.next().and_then(|field| field.split('/').next());
        let frames_per_second = number(rate, "sampling rate")?.unwrap_or(DEFAULT_SAMPLING_RATE_HZ);
        check_sampling_rate(frames_per_second)?;
        let frames = number::<u64>(fields.next(), "samples per signal")?.filter(|n| *n > 0);
        check_sample_count(frames.unwrap_or(0))?;
        let start = start_time(fields.next(), fields.next());
        let signals = Vec::new();
        Ok((count, Self { frames_per_second, frames, start, signals }))
    }
}

impl WfdbSignal {
    fn parse(line: &str) -> Result<Self, EcgError> {
        let mut fields = line.split_whitespace();
        let file = fields.next().unwrap_or_default().to_owned();
        let storage = Storage::parse(fields.next().unwrap_or_default())?;
        let gain = Gain::parse(fields.next().unwrap_or_default())?;
        number::<u32>(fields.next(), "ADC resolution")?;
        let zero = number::<i32>(fields.next(), "ADC zero")?.unwrap_or(0);
        let initial_value = number(fields.next(), "initial value")?;
        let checksum = number(fields.next(), "checksum")?;
        number::<i64>(fields.next(), "block size")?;
        Ok(Self {
            file,
            format: storage.format,
            samples_per_frame: storage.samples_per_frame,
            byte_offset: storage.byte_offset,
            gain: gain.steps_per_unit.unwrap_or(DEFAULT_GAIN),
            calibrated: gain.steps_per_unit.is_some(),
            baseline: gain.baseline.unwrap_or(zero),
            unit: gain.unit,
            initial_value,
            checksum,
            description: fields.collect::<Vec<_>>().join(" "),
        })
    }
}

/// The format field: `format[xsamples_per_frame][:skew][+byte_offset]`.
struct Storage {
    format: SampleFormat,
    samples_per_frame: u32,
    byte_offset: u64,
}

impl Storage {
    fn parse(field: &str) -> Result<Self, EcgError> {
        let (rest, offset) = split_mark(field, '+');
        let (rest, skew) = split_mark(rest, ':');
        let (code, per_frame) = split_mark(rest, 'x');
        if number::<u32>(skew, "skew")?.unwrap_or(0) != 0 {
            return Err(EcgError::field("skew", "skewed signals are not read"));
        }
        let samples_per_frame = number::<u32>(per_frame, "samples per frame")?.unwrap_or(1);
        if samples_per_frame == 0 || samples_per_frame > MAX_SAMPLES_PER_FRAME {
            let (value, limit) = (u64::from(samples_per_frame), u64::from(MAX_SAMPLES_PER_FRAME));
            return Err(EcgError::limit("the number of samples per frame", value, limit));
        }
        let format = match number::<u32>(Some(code), "signal format")? {
            Some(16) => SampleFormat::Sixteen,
            Some(212) => SampleFormat::TwoTwelve,
            Some(other) => return Err(EcgError::UnsupportedWfdbFormat(other)),
            None => return Err(EcgError::field("signal format", "it is absent")),
        };
        let byte_offset = number(offset, "byte offset")?.unwrap_or(0);
        Ok(Self { format, samples_per_frame, byte_offset })
    }
}

/// The gain field: `steps_per_unit[(baseline)][/unit]`; a gain of 0 means "not calibrated".
struct Gain {
    steps_per_unit: Option<f64>,
    baseline: Option<i32>,
    unit: String,
}

impl Gain {
    fn parse(field: &str) -> Result<Self, EcgError> {
        let (rest, unit) = split_mark(field, '/');
        let (steps, baseline) = match rest.split_once('(') {
            Some((steps, tail)) => {
                let inside = tail.strip_suffix(')').ok_or(EcgError::field("baseline", "its bracket is not closed"))?;
                (steps, Some(inside))
            }
            None => (rest, None),
        };
        let steps_per_unit = number::<f64>(Some(steps).filter(|s| !s.is_empty()), "gain")?;
        if steps_per_unit.is_some_and(|g| !g.is_finite() || g < 0.0) {
            return Err(EcgError::field("gain", "it must be a positive number"));
        }
        Ok(Self {
            steps_per_unit: steps_per_unit.filter(|g| *g > 0.0),
            baseline: number(baseline, "baseline")?,
            unit: unit.unwrap_or("mV").to_owned(),
        })
    }
}

fn split_mark(field: &str, mark: char) -> (&str, Option<&str>) {
    field.split_once(mark).map_or((field, None), |(front, back)| (front, Some(back)))
}

/// A number that may be absent; text that is no number is an error, not an absence.
fn number<T: std::str::FromStr>(field: Option<&str>, name: &'static str) -> Result<Option<T>, EcgError> {
    field.map(|text| text.parse().map_err(|_| EcgError::field(name, "it is not a number in range"))).transpose()
}

/// `HH:MM:SS[.fraction]` and `DD/MM/YYYY`; a start that is absent or not a calendar time is simply not known.
fn start_time(time: Option<&str>, date: Option<&str>) -> Option<PrimitiveDateTime> {
    let mut clock = time?.split(':');
    let (hour, minute) = (clock.next()?.parse().ok()?, clock.next()?.parse().ok()?);
    let second = clock.next()?.split('.').next()?.parse().ok()?;
    let mut calendar = date?.split('/');
    let day = calendar.next()?.parse().ok()?;
    let month = Month::try_from(calendar.next()?.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(calendar.next()?.parse().ok()?, month, day).ok()?;
    Some(PrimitiveDateTime::new(date, Time::from_hms(hour, minute, second).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_header_is_read() {
        let text = "# note\nr 1 360/720(3) 10 12:30:05.5 01/02/1999\n\nr.dat 212x2+512 200(-5)/uV 11 1024 995 -22131 0 ECG II\n";
        let header = WfdbHeader::parse(text).unwrap();
        assert_eq!((header.frames_per_second, header.frames), (360.0, Some(10)));
        assert_eq!(header.start.unwrap().to_string(), "1999-02-01 12:30:05.0");
        let signal = &header.signals[0];
        assert_eq!((signal.format, signal.samples_per_frame, signal.byte_offset), (SampleFormat::TwoTwelve, 2, 512));
        assert_eq!((signal.gain, signal.baseline, signal.unit.as_str()), (200.0, -5, "uV"));
        assert_eq!((signal.checksum, signal.description.as_str()), (Some(-22131), "ECG II"));
    }

    #[test]
    fn defaults_are_those_of_the_specification() {
        let header = WfdbHeader::parse("r 1\nr.dat 16\n").unwrap();
        assert_eq!((header.frames_per_second, header.frames), (250.0, None));
        let signal = &header.signals[0];
        assert_eq!((signal.gain, signal.calibrated, signal.baseline, signal.unit.as_str()), (200.0, false, 0, "mV"));
    }

    #[test]
    fn impossible_headers_are_refused() {
        let refused = [
            "",
            "r\n",
            "r 0 360\n",
            "r -1 360\n",
            "r 100000 360\n",
            "r 1 0 10\nr.dat 16\n",
            "r 1 nan 10\nr.dat 16\n",
            "r 1 inf 10\nr.dat 16\n",
            "r 1 -5\nr.dat 16\n",
            "r 1 360 99999999999\nr.dat 16\n",
            "r 2 360 10\nr.dat 16\n",
            "r 1 360 10\nr.dat 16\nr.dat 16\n",
            "r 1 360 10\nr.dat\n",
            "r 1 360 10\nr.dat 16x0\n",
            "r 1 360 10\nr.dat 16:4\n",
            "r 1 360 10\nr.dat 16 NaN/mV\n",
            "r 1 360 10\nr.dat 16 2)0(/mV\n",
            "r 1 360 10\nr.dat 16 -200\n",
            "r 1 360 10\nr.dat 16 200 11 x\n",
            "r 1 360 10\nr.dat 8\n",
        ];
        for text in refused {
            assert!(WfdbHeader::parse(text).is_err(), "{text:?}");
        }
        assert!(matches!(WfdbHeader::parse("r/3 1 360\n"), Err(EcgError::MultiSegment)));
        assert!(matches!(WfdbHeader::parse("r 1\nr.dat 516\n"), Err(EcgError::UnsupportedWfdbFormat(516))));
    }
}
