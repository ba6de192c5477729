//! The header of an EDF or EDF+ file (Kemp et al. 1992; Kemp & Olivan 2003; edfplus.info/specs).
//!
//! ```text
//! 256 bytes: version 8 · patient 80 · recording 80 · date 8 · time 8 · header bytes 8 · reserved 44
//!            · data records 8 · seconds per record 8 · signals 4
//! then for all signals: label 16 · transducer 80 · unit 8 · physical min 8, max 8 · digital min 8, max 8
//!            · prefilter 80 · samples per record 8 · reserved 32
//! ```
//!
//! Patient and recording fields are skipped: the analysis has no use for who it is.

use std::io::Read;

use time::{Date, Month, PrimitiveDateTime, Time};

use super::error::EcgError;
use super::limits::{MAX_CHANNELS, MAX_EDF_RECORD_BYTES};

/// The version field of every EDF file.
pub(super) const VERSION: &[u8] = b"0       ";
/// Bytes of the fixed part, and of the part of each signal.
pub(super) const BLOCK_BYTES: u64 = 256;
/// Label of the channels that carry annotations in EDF+.
pub(super) const ANNOTATION_LABEL: &str = "EDF Annotations";

/// A checked header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EdfHeader {
    pub(super) start: Option<PrimitiveDateTime>,
    pub(super) is_plus: bool,
    pub(super) records: u64,
    pub(super) record_seconds: f64,
    pub(super) signals: Vec<EdfSignal>,
}

/// One signal of the header.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct EdfSignal {
    pub(super) label: String,
    pub(super) transducer: String,
    pub(super) unit: String,
    pub(super) physical: (f64, f64),
    pub(super) digital: (i32, i32),
    pub(super) samples_per_record: u64,
    /// Bytes before this signal in each data record.
    pub(super) offset: u64,
}

impl EdfHeader {
    /// Reads and checks the header; the reader is left at the first data record.
    ///
    /// # Errors
    ///
    /// [`EcgError::Field`], [`EcgError::Limit`], [`EcgError::Truncated`], [`EcgError::Discontinuous`].
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, EcgError> {
        let fixed = Fixed::read(reader)?;
        let count = fixed.signals;
        let block = Fields(exactly(reader, count as u64 * BLOCK_BYTES)?);
        let mut signals =
            (0..count).map(|index| EdfSignal::read(&block, index, count)).collect::<Result<Vec<_>, _>>()?;
        let mut offset = 0;
        for signal in &mut signals {
            signal.offset = offset;
            // At most 512 signals of at most 99,999,999 samples: no overflow.
            offset += signal.samples_per_record * 2;
        }
        if offset > MAX_EDF_RECORD_BYTES {
            let limit = MAX_EDF_RECORD_BYTES;
            return Err(EcgError::limit("a data record in bytes", offset, limit));
        }
        Ok(Self {
            start: fixed.start,
            is_plus: fixed.is_plus,
            records: fixed.records,
            record_seconds: fixed.record_seconds,
            signals,
        })
    }

    /// Bytes of the header.
    pub(super) fn bytes(&self) -> u64 {
        (self.signals.len() as u64 + 1) * BLOCK_BYTES
    }

    /// Bytes of one data record.
    pub(super) fn record_bytes(&self) -> u64 {
        self.signals.iter().map(|s| s.samples_per_record * 2).sum()
    }
}

impl EdfSignal {
    /// Reads one signal. Each field is stored for all signals before the next field begins.
    fn read(block: &Fields, index: usize, count: usize) -> Result<Self, EcgError> {
        let place = |before: usize, width: usize| (before * count + index * width, width);
        let samples_per_record = block.number(place(216, 8), "samples per data record")?;
        Ok(Self {
            label: block.text(place(0, 16))?,
            transducer: block.text(place(16, 80))?,
            unit: block.text(place(96, 8))?,
            physical: (
                block.number(place(104, 8), "physical minimum")?,
                block.number(place(112, 8), "physical maximum")?,
            ),
            digital: (block.number(place(120, 8), "digital minimum")?, block.number(place(128, 8), "digital maximum")?),
            samples_per_record,
            offset: 0,
        })
    }

    /// Whether the channel carries annotations and not samples.
    pub(super) fn is_annotation(&self) -> bool {
        self.label == ANNOTATION_LABEL
    }

    /// Physical value = digital value × factor + offset.
    ///
    /// # Errors
    ///
    /// [`EcgError::Field`] when the ranges give no scale. A physical minimum above the maximum is the
    /// format's way to say "inverted" and is fine.
    pub(super) fn scale(&self) -> Result<(f64, f64), EcgError> {
        let (low, high) = self.digital;
        if low >= high || low < i32::from(i16::MIN) || high > i32::from(i16::MAX) {
            return Err(EcgError::field("digital range", "it must rise within 16 bits"));
        }
        let (bottom, top) = self.physical;
        #[expect(clippy::float_cmp, reason = "equal texts in the header are what is refused")]
        if !bottom.is_finite() || !top.is_finite() || bottom == top {
            return Err(EcgError::field("physical range", "its ends must be different numbers"));
        }
        let factor = (top - bottom) / (f64::from(high) - f64::from(low));
        Ok((factor, bottom - factor * f64::from(low)))
    }
}

/// The part before the signals.
struct Fixed {
    start: Option<PrimitiveDateTime>,
    is_plus: bool,
    records: u64,
    record_seconds: f64,
    signals: usize,
}

impl Fixed {
    fn read(reader: &mut impl Read) -> Result<Self, EcgError> {
        let fields = Fields(exactly(reader, BLOCK_BYTES)?);
        if !fields.0.starts_with(VERSION) {
            return Err(EcgError::UnknownFormat);
        }
        let reserved = fields.text((192, 44))?;
        if reserved.starts_with("EDF+D") {
            return Err(EcgError::Discontinuous);
        }
        let signals = fields.number::<usize>((252, 4), "signals")?;
        if signals == 0 || signals > MAX_CHANNELS {
            let (value, limit) = (signals as u64, MAX_CHANNELS as u64);
            return Err(EcgError::limit("the number of signals", value, limit));
        }
        if fields.number::<u64>((184, 8), "header bytes")? != (signals as u64 + 1) * BLOCK_BYTES {
            let reason = "it contradicts the number of signals";
            return Err(EcgError::field("header bytes", reason));
        }
        let (records, record_seconds) = extent(&fields)?;
        Ok(Self {
            start: start_time(&fields.text((168, 8))?, &fields.text((176, 8))?),
            is_plus: reserved.starts_with("EDF+"),
            records,
            record_seconds,
            signals,
        })
    }
}

/// Number of data records and seconds of each; the writer of an unfinished recording leaves -1 records.
fn extent(fields: &Fields) -> Result<(u64, f64), EcgError> {
    let records = fields.number::<i64>((236, 8), "data records")?;
    let records = u64::try_from(records).unwrap_or(0);
    if records == 0 {
        let reason = "a finished recording has at least one";
        return Err(EcgError::field("data records", reason));
    }
    let seconds = fields.number::<f64>((244, 8), "seconds per data record")?;
    if !seconds.is_finite() || seconds <= 0.0 {
        let reason = "it must be a positive number";
        return Err(EcgError::field("seconds per data record", reason));
    }
    Ok((records, seconds))
}

/// Header bytes, read by place: first byte and width.
struct Fields(Vec<u8>);

impl Fields {
    fn text(&self, (from, width): (usize, usize)) -> Result<String, EcgError> {
        let bytes = self.0.get(from..from + width);
        let bytes = bytes.ok_or(EcgError::field("header", "it is shorter than its fields"))?;
        // Texts should be ASCII; a micro sign in Latin-1 is common and becomes U+FFFD.
        Ok(String::from_utf8_lossy(bytes).trim().to_owned())
    }

    fn number<T: std::str::FromStr>(&self, place: (usize, usize), name: &'static str) -> Result<T, EcgError> {
        let text = self.text(place)?;
        text.parse().map_err(|_| EcgError::field(name, "it is not a number in range"))
    }
}

fn exactly(reader: &mut impl Read, described: u64) -> Result<Vec<u8>, EcgError> {
    let mut bytes = Vec::new();
    let found = reader.by_ref().take(described).read_to_end(&mut bytes)? as u64;
    if found < described {
        return Err(EcgError::Truncated { what: "the EDF header", described, found });
    }
    Ok(bytes)
}

/// `dd.mm.yy` (1985–2084) and `hh.mm.ss`; a start that is no calendar time, as after de-identification, is not known.
fn start_time(date: &str, time: &str) -> Option<PrimitiveDateTime> {
    let mut calendar = date.split('.').map(str::parse::<u8>);
    let (day, month, year) = (calendar.next()?.ok()?, calendar.next()?.ok()?, calendar.next()?.ok()?);
    let year = i32::from(year) + if year >= 85 { 1900 } else { 2000 };
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let mut clock = time.split('.').map(str::parse::<u8>);
    let time = Time::from_hms(clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}
