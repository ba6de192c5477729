//! Choosing the one lead that is analysed, and reading its unit.

use super::error::EcgError;

/// Which channel of a recording is analysed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LeadChoice {
    /// The first channel that is an ECG by its name (or transducer) and is measured as a voltage.
    #[default]
    FirstEcg,
    /// The first channel of this name; case and a leading `ECG ` do not matter.
    Named(String),
    /// The channel at this position, counted from 0.
    Index(usize),
}

/// What the two formats know about a channel, as far as the choice needs it.
pub(super) struct Channel<'a> {
    pub(super) name: &'a str,
    pub(super) transducer: &'a str,
    pub(super) unit: &'a str,
}

/// Lead names of the 12-lead system, its bipolar chest and ambulatory variants (WFDB) and the EDF+ texts.
const LEAD_NAMES: [&str; 28] = [
    "I", "II", "III", "AVR", "AVL", "AVF", "V", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "MLI", "MLII",
    "MLIII", "MV1", "MV2", "CC5", "CM5", "CM2", "D1", "D2", "D3", "D4",
];

impl LeadChoice {
    /// Position of the chosen channel and millivolts per unit of it.
    ///
    /// # Errors
    ///
    /// [`EcgError::NoSuchLead`], [`EcgError::NoEcgChannel`] or [`EcgError::NotAVoltage`].
    pub(super) fn choose(&self, channels: &[Channel<'_>]) -> Result<(usize, f64), EcgError> {
        let position = match self {
            Self::Index(index) => (*index < channels.len()).then_some(*index).ok_or(EcgError::NoSuchLead)?,
            Self::Named(name) => {
                let wanted = bare_name(name);
                let same = |c: &Channel<'_>| bare_name(c.name) == wanted;
                channels.iter().position(same).ok_or(EcgError::NoSuchLead)?
            }
            Self::FirstEcg => channels
                .iter()
                .position(|c| looks_like_ecg(c) && millivolts_per_unit(c.unit).is_some())
                .ok_or(EcgError::NoEcgChannel { channels: channels.len() })?,
        };
        let scale = millivolts_per_unit(channels[position].unit).ok_or(EcgError::NotAVoltage)?;
        Ok((position, scale))
    }
}

/// Whether a word is the name of an ECG lead.
pub(in crate::aims) fn is_lead_name(word: &str) -> bool {
    LEAD_NAMES.contains(&word.to_uppercase().as_str())
}

/// Upper case, without an `ECG`/`EKG`/`LEAD` word in front.
fn bare_name(name: &str) -> String {
    let upper = name.trim().to_uppercase();
    let mut words = upper.split([' ', '_', '-', ':']).filter(|w| !w.is_empty()).peekable();
    while words.peek().is_some_and(|w| matches!(*w, "ECG" | "EKG" | "LEAD")) {
        words.next();
    }
    let bare = words.collect::<Vec<_>>().join(" ");
    if bare.is_empty() { upper } else { bare }
}

fn looks_like_ecg(channel: &Channel<'_>) -> bool {
    let says_ecg = |text: &str| {
        let upper = text.to_uppercase();
        upper.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with("ECG") || word.starts_with("EKG"))
    };
    says_ecg(channel.name) || LEAD_NAMES.contains(&bare_name(channel.name).as_str()) || says_ecg(channel.transducer)
}

/// Millivolts per unit, for the spellings of volt units that occur in EDF and WFDB headers.
fn millivolts_per_unit(unit: &str) -> Option<f64> {
    match unit.trim() {
        "V" | "volt" | "volts" => Some(1e3),
        "mV" | "mv" | "MV" | "millivolt" | "millivolts" => Some(1.0),
        // The micro sign and the Greek letter are two characters; Latin-1 bytes arrive as U+FFFD.
        "uV" | "uv" | "UV" | "\u{b5}V" | "\u{3bc}V" | "\u{fffd}V" | "microvolt" | "microvolts" => Some(1e-3),
        "nV" | "nv" => Some(1e-6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel<'a>(name: &'a str, unit: &'a str) -> Channel<'a> {
        Channel { name, transducer: "", unit }
    }

    #[test]
    fn first_ecg_skips_eeg_and_non_voltages() {
        let channels = [channel("Fp1", "uV"), channel("ECG rate", "bpm"), channel("ECG II", "uV")];
        assert_eq!(LeadChoice::FirstEcg.choose(&channels).unwrap(), (2, 1e-3));
        let none = LeadChoice::FirstEcg.choose(&channels[..2]);
        assert!(matches!(none, Err(EcgError::NoEcgChannel { channels: 2 })));
    }

    #[test]
    fn a_named_lead_is_found_with_or_without_prefix_and_must_be_a_voltage() {
        let channels = [channel("ECG V5", "mV"), channel("Resp", "Ohm")];
        assert_eq!(LeadChoice::Named("v5".into()).choose(&channels).unwrap(), (0, 1.0));
        assert!(matches!(LeadChoice::Named("resp".into()).choose(&channels), Err(EcgError::NotAVoltage)));
        assert!(matches!(LeadChoice::Named("V6".into()).choose(&channels), Err(EcgError::NoSuchLead)));
        assert!(matches!(LeadChoice::Index(2).choose(&channels), Err(EcgError::NoSuchLead)));
    }

    #[test]
    fn a_transducer_may_tell() {
        let channels = [Channel { name: "Chest", transducer: "ECG electrode", unit: "V" }];
        assert_eq!(LeadChoice::FirstEcg.choose(&channels).unwrap(), (0, 1e3));
    }
}
