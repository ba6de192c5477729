//! Limits between levels of activity: data, each with its source. They depend on where the device is worn, on the
//! device, and on age.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{error::BehaviourError, recording::Signal};

/// Parameter: `wrist` or `hip`.
pub const WEAR_SITE: &str = "WearSite";
/// Parameter: `ActiGraph` or `GENEActiv`.
pub const DEVICE: &str = "Device";
/// Parameter: `adult` or `child`.
pub const AGE_GROUP: &str = "AgeGroup";

/// A level of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Level {
    /// Hardly any movement; sleep belongs to it.
    Sedentary,
    /// Slow walking, housework.
    Light,
    /// Brisk walking: three metabolic equivalents or more.
    Moderate,
    /// Running: six metabolic equivalents or more.
    Vigorous,
}

/// Where light, moderate and vigorous begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CutPoints {
    /// Which set this is, in words.
    pub name: &'static str,
    /// Unit of the limits.
    pub unit: &'static str,
    /// Light from here.
    pub light: f64,
    /// Moderate from here.
    pub moderate: f64,
    /// Vigorous from here.
    pub vigorous: f64,
    /// Where they come from.
    pub source: &'static str,
}

const HILDEBRAND: &str = "Hildebrand et al., Age group comparability of raw accelerometer output from wrist- and hip-worn \
                          monitors, Medicine and Science in Sports and Exercise 46(9), 1816-1824, 2014; Hildebrand et \
                          al., Evaluation of raw acceleration sedentary thresholds in children and adults, Scandinavian \
                          Journal of Medicine and Science in Sports 27(12), 1814-1823, 2017";
const ROUNDED: &str = "Hildebrand et al. 2014 and 2017, rounded for any device at an adult's wrist as is the custom of the \
                       GGIR package: Migueles et al., GGIR, Journal for the Measurement of Physical Behaviour 2(3), \
                       188-196, 2019";
const CADENCE: &str = "Tudor-Locke et al., How fast is fast enough? Walking cadence (steps/min) as a practical estimate of \
                       intensity in adults, British Journal of Sports Medicine 52, 776-788, 2018; Tudor-Locke et al., \
                       Patterns of adult stepping cadence in the 2005-2006 NHANES, Preventive Medicine 53, 178-181, 2011";

/// Site, device (empty: any), age group, and the limits in mg.
type Row = (&'static str, &'static str, &'static str, CutPoints);

const fn mg(name: &'static str, light: f64, moderate: f64, vigorous: f64) -> CutPoints {
    CutPoints { name, unit: "mg", light, moderate, vigorous, source: HILDEBRAND }
}

const TABLE: [Row; 9] = [
    ("wrist", "", "adult", CutPoints { source: ROUNDED, ..mg("adult's wrist, any device", 40.0, 100.0, 400.0) }),
    ("wrist", "ActiGraph", "adult", mg("adult's wrist, ActiGraph", 44.8, 100.6, 428.8)),
    ("wrist", "GENEActiv", "adult", mg("adult's wrist, GENEActiv", 45.8, 93.2, 418.3)),
    ("hip", "ActiGraph", "adult", mg("adult's hip, ActiGraph", 47.4, 69.1, 258.7)),
    ("hip", "GENEActiv", "adult", mg("adult's hip, GENEActiv", 46.9, 68.7, 266.8)),
    ("wrist", "ActiGraph", "child", mg("child's wrist, ActiGraph", 35.6, 201.4, 707.0)),
    ("wrist", "GENEActiv", "child", mg("child's wrist, GENEActiv", 56.3, 191.6, 695.8)),
    ("hip", "ActiGraph", "child", mg("child's hip, ActiGraph", 63.3, 142.6, 464.6)),
    ("hip", "GENEActiv", "child", mg("child's hip, GENEActiv", 64.1, 152.8, 514.3)),
];

/// Steps a minute of adults. Any step ends sitting still; 100 is moderate and 130 vigorous.
const STEPS: CutPoints = CutPoints {
    name: "adult's cadence",
    unit: "steps/min",
    light: 1.0,
    moderate: 100.0,
    vigorous: 130.0,
    source: CADENCE,
};

/// Cadence bands of Tudor-Locke et al. 2011: name and first step a minute.
pub const CADENCE_BANDS: [(&str, f64); 8] = [
    ("None", 0.0),
    ("Incidental", 1.0),
    ("Sporadic", 20.0),
    ("Purposeful", 40.0),
    ("SlowWalking", 60.0),
    ("MediumWalking", 80.0),
    ("BriskWalking", 100.0),
    ("FasterLocomotion", 120.0),
];

impl CutPoints {
    /// The limits for a recording.
    ///
    /// # Errors
    ///
    /// [`BehaviourError::Parameter`] for unknown words, and where no limits were published for the combination.
    pub fn choose(signal: Signal, parameters: &Map<String, Value>) -> Result<Self, BehaviourError> {
        let site = word(parameters, WEAR_SITE, &["wrist", "hip"])?.unwrap_or("wrist");
        let device = word(parameters, DEVICE, &["ActiGraph", "GENEActiv"])?.unwrap_or("");
        let age = word(parameters, AGE_GROUP, &["adult", "child"])?.unwrap_or("adult");
        if signal == Signal::Steps {
            let reason = "cadence limits are published for adults only";
            let refusal = BehaviourError::Parameter { name: AGE_GROUP, reason };
            return if age == "adult" { Ok(STEPS) } else { Err(refusal) };
        }
        let row = TABLE.iter().find(|row| (row.0, row.1, row.2) == (site, device, age));
        let reason = "for this wear site and age group the device must be named: ActiGraph or GENEActiv";
        row.map(|row| row.3).ok_or(BehaviourError::Parameter { name: DEVICE, reason })
    }

    /// The level of a value.
    pub fn level(&self, value: f64) -> Level {
        match value {
            v if v >= self.vigorous => Level::Vigorous,
            v if v >= self.moderate => Level::Moderate,
            v if v >= self.light => Level::Light,
            _ => Level::Sedentary,
        }
    }
}

pub(super) fn word(
    parameters: &Map<String, Value>,
    name: &'static str,
    words: &'static [&'static str],
) -> Result<Option<&'static str>, BehaviourError> {
    let Some(value) = parameters.get(name) else { return Ok(None) };
    let known = value.as_str().and_then(|text| words.iter().copied().find(|word| *word == text));
    known.map(Some).ok_or(BehaviourError::Parameter { name, reason: "it is not one of the declared words" })
}

/// A number within a range, or what stands for none.
pub(super) fn number(
    parameters: &Map<String, Value>,
    name: &'static str,
    range: std::ops::RangeInclusive<f64>,
    otherwise: f64,
) -> Result<f64, BehaviourError> {
    let Some(value) = parameters.get(name) else { return Ok(otherwise) };
    let number = value.as_f64().filter(|n| range.contains(n));
    number.ok_or(BehaviourError::Parameter { name, reason: "it is outside the declared range" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn choose(signal: Signal, parameters: Value) -> Result<CutPoints, BehaviourError> {
        CutPoints::choose(signal, parameters.as_object().unwrap())
    }

    #[test]
    fn limits_follow_site_device_and_age() {
        let points = choose(Signal::Acceleration, json!({})).unwrap();
        assert_eq!((points.light, points.moderate, points.vigorous), (40.0, 100.0, 400.0));
        let points =
            choose(Signal::Acceleration, json!({"WearSite": "hip", "Device": "GENEActiv", "AgeGroup": "child"}));
        assert_eq!(points.unwrap().moderate, 152.8);
        assert!(choose(Signal::Acceleration, json!({"WearSite": "hip"})).is_err());
        assert!(choose(Signal::Acceleration, json!({"WearSite": "ankle"})).is_err());
        assert!(choose(Signal::Acceleration, json!({"AgeGroup": 5})).is_err());
        assert!(choose(Signal::Steps, json!({"AgeGroup": "child"})).is_err());
    }

    #[test]
    fn a_limit_belongs_to_the_level_above_it() {
        let points = choose(Signal::Steps, json!({})).unwrap();
        let levels = [0.0, 1.0, 99.0, 100.0, 129.0, 130.0].map(|cadence| points.level(cadence));
        use Level::{Light, Moderate, Sedentary, Vigorous};
        assert_eq!(levels, [Sedentary, Light, Light, Moderate, Moderate, Vigorous]);
    }
}
