//! Parameters of a request to the EEG module. They were held against the declared schema before; a value that does not
//! fit is refused here all the same.

use serde_json::{Map, Value};

use super::channels::ChannelChoice;
use super::line_length::{DEFAULT_FACTOR, DEFAULT_WINDOW_SECONDS, Sensitivity};
use super::quantification::DEFAULT_SEGMENT_SECONDS;
use super::state::DEFAULT_EPOCH_SECONDS;

/// What a request may set.
pub(super) struct Parameters<'a>(pub(super) &'a Map<String, Value>);

impl Parameters<'_> {
    pub(super) fn channel(&self) -> Result<ChannelChoice, String> {
        let refused = || "the parameter Channel is a name or a position counted from 0".to_owned();
        match self.0.get("Channel") {
            None => Ok(ChannelChoice::AllEeg),
            Some(Value::String(name)) => Ok(ChannelChoice::Named(name.clone())),
            Some(value) => {
                let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
                index.map(ChannelChoice::Index).ok_or_else(refused)
            }
        }
    }

    pub(super) fn segment_seconds(&self) -> Result<f64, String> {
        self.number("SegmentSeconds", DEFAULT_SEGMENT_SECONDS)
    }

    pub(super) fn epoch_seconds(&self) -> Result<f64, String> {
        self.number("EpochSeconds", DEFAULT_EPOCH_SECONDS)
    }

    pub(super) fn sensitivity(&self) -> Result<Sensitivity, String> {
        Ok(Sensitivity {
            window_s: self.number("WindowSeconds", DEFAULT_WINDOW_SECONDS)?,
            factor: self.number("ThresholdFactor", DEFAULT_FACTOR)?,
        })
    }

    fn number(&self, name: &str, default: f64) -> Result<f64, String> {
        let number = |value: &Value| value.as_f64().ok_or_else(|| format!("the parameter {name} is a number"));
        self.0.get(name).map_or(Ok(default), number)
    }
}
