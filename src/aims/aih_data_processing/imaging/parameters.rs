//! The parameters of a request, as the declaration `AIP-IMG-V1.0.json` describes them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ImagingError;

/// Which side of the threshold is structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Foreground {
    /// Intensities above the threshold.
    Above,
    /// Intensities at or below it.
    Below,
}

/// Which pixels touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// The four that share an edge (6 in a stack).
    Edges,
    /// The eight that share an edge or a corner (26 in a stack).
    Corners,
}

impl Connectivity {
    /// How many neighbours a pixel has in its frame.
    pub fn neighbours(self) -> u8 {
        match self {
            Self::Edges => 4,
            Self::Corners => 8,
        }
    }
}

/// Which part of a frame is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// All of it but padding.
    Image,
    /// The structure with the most pixels.
    Largest,
    /// The structure that holds this row and column, counted from 0.
    Seed(usize, usize),
}

/// What a request asks beyond its processing type.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Frame, counted from 0.
    pub frame: usize,
    /// Intensity that separates structure from background; absent: Otsu's.
    pub threshold: Option<f64>,
    /// Which side is structure.
    pub foreground: Foreground,
    /// Which pixels touch.
    pub connectivity: Connectivity,
    /// Smallest structure, in mm².
    pub minimum_area_mm2: Option<f64>,
    /// Part looked at, when the request names one.
    pub region: Option<Region>,
    /// Width of a grey level, in the intensity's unit.
    pub bin_width: Option<f64>,
}

impl Parameters {
    /// Reads the parameters of a request.
    ///
    /// # Errors
    ///
    /// [`ImagingError::Parameter`] for a value outside its range.
    pub fn read(given: &Map<String, Value>) -> Result<Self, ImagingError> {
        let frame = whole(given, "Frame")?.unwrap_or(1);
        let frame =
            frame.checked_sub(1).ok_or(ImagingError::Parameter { name: "Frame", reason: "frames count from 1" })?;
        Ok(Self {
            frame,
            threshold: number(given, "Threshold", f64::MIN)?,
            foreground: match word(given, "Foreground")? {
                None | Some("above") => Foreground::Above,
                Some("below") => Foreground::Below,
                Some(_) => return Err(ImagingError::Parameter { name: "Foreground", reason: "above or below" }),
            },
            connectivity: match whole(given, "Connectivity")? {
                None | Some(8) => Connectivity::Corners,
                Some(4) => Connectivity::Edges,
                Some(_) => return Err(ImagingError::Parameter { name: "Connectivity", reason: "4 or 8" }),
            },
            minimum_area_mm2: number(given, "MinimumAreaMm2", 0.0)?,
            region: region(given)?,
            bin_width: number(given, "BinWidth", f64::MIN_POSITIVE)?,
        })
    }
}

fn region(given: &Map<String, Value>) -> Result<Option<Region>, ImagingError> {
    let seed = match (whole(given, "SeedRow")?, whole(given, "SeedColumn")?) {
        (Some(row), Some(column)) => Some(Region::Seed(row, column)),
        (None, None) => None,
        _ => return Err(ImagingError::Parameter { name: "SeedRow", reason: "it goes together with SeedColumn" }),
    };
    let named = match word(given, "Region")? {
        None => None,
        Some("image") => Some(Region::Image),
        Some("largest") => Some(Region::Largest),
        Some(_) => return Err(ImagingError::Parameter { name: "Region", reason: "image or largest" }),
    };
    if seed.is_some() && named.is_some() {
        return Err(ImagingError::Parameter { name: "Region", reason: "a region or a seed, not both" });
    }
    Ok(seed.or(named))
}

fn whole(given: &Map<String, Value>, name: &'static str) -> Result<Option<usize>, ImagingError> {
    let Some(value) = given.get(name) else { return Ok(None) };
    let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
    number.map(Some).ok_or(ImagingError::Parameter { name, reason: "a whole number, not negative" })
}

fn number(given: &Map<String, Value>, name: &'static str, least: f64) -> Result<Option<f64>, ImagingError> {
    let Some(value) = given.get(name) else { return Ok(None) };
    let number = value.as_f64().filter(|n| n.is_finite() && *n >= least);
    number.map(Some).ok_or(ImagingError::Parameter { name, reason: "a finite number within its range" })
}

fn word<'a>(given: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, ImagingError> {
    let Some(value) = given.get(name) else { return Ok(None) };
    value.as_str().map(Some).ok_or(ImagingError::Parameter { name, reason: "a word" })
}
