//! The header of an EDF or EDF+ file (Kemp et al. 1992; Kemp & Olivan 2003; edfplus.info/specs).
//!
//! ```text
//! 256 bytes: version 8 · patient 80 · recording 80 · date 8 · time 8 · header bytes 8 · reserved 44
//!            · data records 8 · seconds per record 8 · signals 4
//! then for all signals: label 16 · transducer 80 · unit 8 · physical min 8, max 8 · digital min 8, max 8
//!            · prefilter 80 · samples per record 8 · reserved 32
//! ```
//!
//! BDF differs in its version field and in samples of 24 bits. Patient and recording fields are skipped: the
//! analysis has no use for who it is.

use std::io::Read;

use time::{Date, Month, PrimitiveDateTime, Time};

use super::error::EdfError;
use super::limits::{MAX_CHANNELS, MAX_RECORD_BYTES};

/// The version field of every EDF file.
pub const VERSION: &[u8] = b"0       ";
/// The version field of every BDF file.
pub const BDF_VERSION: &[u8] = b"\xffBIOSEMI";
/// Bytes of the fixed part, and of the part of each signal.
pub const BLOCK_BYTES: u64 = 256;
/// Label of the channels that carry annotations in EDF+.
pub const ANNOTATION_LABEL: &str = "EDF Annotations";
/// Label of the channels that carry annotations in BDF+.
pub const BDF_ANNOTATION_LABEL: &str = "BDF Annotations";

/// How wide a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleWidth {
    /// EDF: 16 bits.
    Two,
    /// BDF: 24 bits.
    Three,
}

impl SampleWidth {
    /// Bytes of a sample.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The range of a sample.
    #[must_use]
    pub fn range(self) -> std::ops::RangeInclusive<i32> {
        match self {
            Self::Two => i32::from(i16::MIN)..=i32::from(i16::MAX),
            Self::Three => -(1 << 23)..=(1 << 23) - 1,
        }
    }
}

/// What the reserved field says of annotations and gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// Plain EDF or BDF: no annotations, no gaps.
    Plain,
    /// `EDF+C` or `BDF+C`: annotations, no gaps.
    Continuous,
    /// `EDF+D` or `BDF+D`: annotations, and gaps between data records.
    Discontinuous,
}

/// A checked header.
#[derive(Debug, Clone, PartialEq)]
pub struct EdfHeader {
    /// 16 or 24 bits.
    pub width: SampleWidth,
    /// Local start time, when the fields hold a calendar time.
    pub start: Option<PrimitiveDateTime>,
    /// Whether there are annotations and gaps.
    pub continuity: Continuity,
    /// Number of data records.
    pub records: u64,
    /// Duration of each, in seconds.
    pub record_seconds: f64,
    /// The signals, in file order.
    pub signals: Vec<EdfSignal>,
}

/// One signal of the header.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EdfSignal {
    /// Label, for instance `EEG Fpz-Cz`.
    pub label: String,
    /// Transducer type.
    pub transducer: String,
    /// Physical dimension, for instance `uV`.
    pub unit: String,
    /// Physical minimum and maximum.
    pub physical: (f64, f64),
    /// Digital minimum and maximum.
    pub digital: (i32, i32),
    /// Prefiltering.
    pub prefilter: String,
    /// Samples in each data record.
    pub samples_per_record: u64,
    /// Bytes before this signal in each data record.
    pub offset: u64,
}

impl EdfHeader {
    /// Reads and checks the header; the reader is left at the first data record.
    ///
    /// # Errors
    ///
    /// [`EdfError::UnknownFormat`], [`EdfError::Field`], [`EdfError::Limit`], [`EdfError::Truncated`].
    pub fn read(reader: &mut impl Read) -> Result<Self, EdfError> {
        let fixed = Fixed::read(reader)?;
        let count = fixed.signals;
        let block = Fields(exactly(reader, count as u64 * BLOCK_BYTES)?);
        let mut signals =
            (0..count).map(|index| EdfSignal::read(&block, index, count)).collect::<Result<Vec<_>, _>>()?;
        let mut offset = 0;
        for signal in &mut signals {
            signal.offset = offset;
            // At most 512 signals of at most 99,999,999 samples: no overflow.
            offset += signal.samples_per_record * fixed.width.bytes();
        }
        if offset > MAX_RECORD_BYTES {
            let limit = MAX_RECORD_BYTES;
            return Err(EdfError::Limit { what: "a data record in bytes", value: offset, limit });
        }
        Ok(Self {
            width: fixed.width,
            start: fixed.start,
            continuity: fixed.continuity,
            records: fixed.records,
            record_seconds: fixed.record_seconds,
            signals,
        })
    }

    /// Bytes of the header.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.signals.len() as u64 + 1) * BLOCK_BYTES
    }

    /// Bytes of one data record.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        self.signals.iter().map(|s| s.samples_per_record * self.width.bytes()).sum()
    }

    /// Bytes of the whole file, as the header describes it.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.records.saturating_mul(self.record_bytes()).saturating_add(self.bytes())
    }

    /// The bytes of one signal in a data record; empty when the record is shorter than described.
    #[must_use]
    pub fn slice<'a>(&self, record: &'a [u8], signal: &EdfSignal) -> &'a [u8] {
        let (from, bytes) = (signal.offset as usize, (signal.samples_per_record * self.width.bytes()) as usize);
        record.get(from..from + bytes).unwrap_or_default()
    }
}

impl EdfSignal {
    /// Reads one signal. Each field is stored for all signals before the next field begins.
    fn read(block: &Fields, index: usize, count: usize) -> Result<Self, EdfError> {
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
            prefilter: block.text(place(136, 80))?,
            samples_per_record,
            offset: 0,
        })
    }

    /// Whether the channel carries annotations and not samples.
    #[must_use]
    pub fn is_annotation(&self) -> bool {
        self.label == ANNOTATION_LABEL || self.label == BDF_ANNOTATION_LABEL
    }

    /// Physical value = digital value × factor + offset.
    ///
    /// # Errors
    ///
    /// [`EdfError::Field`] when the ranges give no scale. A physical minimum above the maximum is the
    /// format's way to say "inverted" and is fine.
    pub fn scale(&self, width: SampleWidth) -> Result<(f64, f64), EdfError> {
        let (low, high) = self.digital;
        if low >= high || !width.range().contains(&low) || !width.range().contains(&high) {
            return Err(EdfError::field("digital range", "it must rise within the bits of a sample"));
        }
        let (bottom, top) = self.physical;
        #[expect(clippy::float_cmp, reason = "equal texts in the header are what is refused")]
        if !bottom.is_finite() || !top.is_finite() || bottom == top {
            return Err(EdfError::field("physical range", "its ends must be different numbers"));
        }
        let factor = (top - bottom) / (f64::from(high) - f64::from(low));
        Ok((factor, bottom - factor * f64::from(low)))
    }
}

/// The part before the signals.
struct Fixed {
    width: SampleWidth,
    start: Option<PrimitiveDateTime>,
    continuity: Continuity,
    records: u64,
    record_seconds: f64,
    signals: usize,
}

impl Fixed {
    fn read(reader: &mut impl Read) -> Result<Self, EdfError> {
        let fields = Fields(exactly(reader, BLOCK_BYTES)?);
        let width = match fields.0.get(..8) {
            Some(VERSION) => SampleWidth::Two,
            Some(BDF_VERSION) => SampleWidth::Three,
            _ => return Err(EdfError::UnknownFormat),
        };
        let reserved = fields.text((192, 44))?;
        let signals = fields.number::<usize>((252, 4), "signals")?;
        if signals == 0 || signals > MAX_CHANNELS {
            let (value, limit) = (signals as u64, MAX_CHANNELS as u64);
            return Err(EdfError::Limit { what: "the number of signals", value, limit });
        }
        if fields.number::<u64>((184, 8), "header bytes")? != (signals as u64 + 1) * BLOCK_BYTES {
            let reason = "it contradicts the number of signals";
            return Err(EdfError::field("header bytes", reason));
        }
        let (records, record_seconds) = extent(&fields)?;
        Ok(Self {
            width,
            start: start_time(&fields.text((168, 8))?, &fields.text((176, 8))?),
            continuity: continuity(&reserved),
            records,
            record_seconds,
            signals,
        })
    }
}

fn continuity(reserved: &str) -> Continuity {
    match reserved.get(..5) {
        Some("EDF+D" | "BDF+D") => Continuity::Discontinuous,
        Some("EDF+C" | "BDF+C") => Continuity::Continuous,
        // Early writers left the letter out.
        _ if reserved.starts_with("EDF+") || reserved.starts_with("BDF+") => Continuity::Continuous,
        _ => Continuity::Plain,
    }
}

/// Number of data records and seconds of each; the writer of an unfinished recording leaves -1 records.
fn extent(fields: &Fields) -> Result<(u64, f64), EdfError> {
    let records = fields.number::<i64>((236, 8), "data records")?;
    let records = u64::try_from(records).unwrap_or(0);
    if records == 0 {
        let reason = "a finished recording has at least one";
        return Err(EdfError::field("data records", reason));
    }
    let seconds = fields.number::<f64>((244, 8), "seconds per data record")?;
    if !seconds.is_finite() || seconds <= 0.0 {
        let reason = "it must be a positive number";
        return Err(EdfError::field("seconds per data record", reason));
    }
    Ok((records, seconds))
}

/// Header bytes, read by place: first byte and width.
struct Fields(Vec<u8>);

impl Fields {
    fn text(&self, (from, width): (usize, usize)) -> Result<String, EdfError> {
        let bytes = self.0.get(from..from + width);
        let bytes = bytes.ok_or(EdfError::field("header", "it is shorter than its fields"))?;
        // Texts should be ASCII; a micro sign in Latin-1 is common and becomes U+FFFD.
        Ok(String::from_utf8_lossy(bytes).trim().to_owned())
    }

    fn number<T: std::str::FromStr>(&self, place: (usize, usize), name: &'static str) -> Result<T, EdfError> {
        let text = self.text(place)?;
        text.parse().map_err(|_| EdfError::field(name, "it is not a number in range"))
    }
}

fn exactly(reader: &mut impl Read, described: u64) -> Result<Vec<u8>, EdfError> {
    let mut bytes = Vec::new();
    let found = reader.by_ref().take(described).read_to_end(&mut bytes)? as u64;
    if found < described {
        return Err(EdfError::Truncated { what: "the EDF header", described, found });
    }
    Ok(bytes)
}

/// The date EDF writes where the true one is not known, as after de-identification.
pub(in crate::aims) fn unknown_date() -> Date {
    // Cannot fail: every year has a first of January.
    Date::from_calendar_date(1985, Month::January, 1).unwrap_or(Date::MIN)
}

/// `dd.mm.yy` (1985–2084) and `hh.mm.ss`; a start that is no calendar time, or of [`unknown_date`], is not known: its time
/// of day is none either.
fn start_time(date: &str, time: &str) -> Option<PrimitiveDateTime> {
    let mut calendar = date.split('.').map(str::parse::<u8>);
    let (day, month, year) = (calendar.next()?.ok()?, calendar.next()?.ok()?, calendar.next()?.ok()?);
    let year = i32::from(year) + if year >= 85 { 1900 } else { 2000 };
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    if date == unknown_date() {
        return None;
    }
    let mut clock = time.split('.').map(str::parse::<u8>);
    let time = Time::from_hms(clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}
