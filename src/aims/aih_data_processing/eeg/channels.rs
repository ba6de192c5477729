//! Which channels of a recording are an EEG, where on the head they are, and their unit.

use super::error::EegError;
use crate::aims::aih_data_processing::edf::EdfSignal;

/// Which channels are analysed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// Every channel that is an EEG by its name and is measured as a voltage.
    #[default]
    AllEeg,
    /// The channel of this label; case and a leading `EEG` do not matter.
    Named(String),
    /// The channel at this position, counted from 0.
    Index(usize),
}

/// Names before the number or the z of an electrode in the 10–10 system (Nuwer, "10-10 electrode system for EEG
/// recording", Clin. Neurophysiol. 129, 1103, 2018), front to back.
const SITES: [&str; 13] = ["FP", "AF", "F", "FT", "FC", "T", "C", "TP", "CP", "P", "PO", "O", "I"];
/// Those over the back of the head, where the alpha rhythm is.
const POSTERIOR: [&str; 4] = ["P", "PO", "O", "I"];

impl ChannelChoice {
    /// Positions of the chosen channels and microvolts per unit of each.
    ///
    /// # Errors
    ///
    /// [`EegError::NoSuchChannel`], [`EegError::NoEegChannel`] or [`EegError::NotAVoltage`].
    pub(super) fn choose(&self, channels: &[&EdfSignal]) -> Result<Vec<(usize, f64)>, EegError> {
        let voltage = |at: usize| microvolts_per_unit(&channels[at].unit).map(|scale| (at, scale));
        let one = match self {
            Self::AllEeg => {
                let eeg = (0..channels.len()).filter(|at| is_eeg(&channels[*at].label));
                let chosen = eeg.filter_map(voltage).collect::<Vec<_>>();
                let none = EegError::NoEegChannel { channels: channels.len() };
                return if chosen.is_empty() { Err(none) } else { Ok(chosen) };
            }
            Self::Named(name) => channels.iter().position(|c| bare(&c.label) == bare(name)),
            Self::Index(index) => Some(*index).filter(|index| *index < channels.len()),
        };
        let at = one.ok_or(EegError::NoSuchChannel)?;
        Ok(vec![voltage(at).ok_or(EegError::NotAVoltage)?])
    }
}

/// Upper case, without `EEG` in front.
fn bare(label: &str) -> String {
    let upper = label.trim().to_uppercase();
    let rest = upper.strip_prefix("EEG").unwrap_or(&upper).trim_start_matches([' ', '_', '-', ':']);
    if rest.is_empty() { upper } else { rest.to_owned() }
}

/// What is recorded beside an EEG under its name, as `EEG EKG1-REF` is.
const OTHERS: [&str; 10] = ["EKG", "ECG", "EMG", "EOG", "LOC", "ROC", "RESP", "PHOTIC", "PULSE", "SPO2"];

fn is_eeg(label: &str) -> bool {
    let upper = label.trim().to_uppercase();
    let other = OTHERS.iter().any(|other| bare(label).starts_with(other));
    upper == "EEG" || (upper.starts_with("EEG ") && !other) || site(label).is_some()
}

/// The site of the active electrode, for instance `O` for `EEG O1-A2`.
fn site(label: &str) -> Option<&'static str> {
    let bare = bare(label);
    let electrode = bare.split(['-', '/', ' ', '_']).next()?.trim_end_matches('.');
    let name = electrode.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &electrode[name.len()..];
    let (name, placed) = match name.strip_suffix('Z') {
        Some(name) => (name, digits.is_empty()),
        None => (name, matches!(digits.parse::<u8>(), Ok(1..=10))),
    };
    SITES.into_iter().find(|s| *s == name).filter(|_| placed)
}

/// Whether a word is the name of an electrode on the scalp.
pub(in crate::aims) fn is_electrode(word: &str) -> bool {
    site(word).is_some()
}

/// Whether the active electrode is over the back of the head.
pub(super) fn is_posterior(label: &str) -> bool {
    site(label).is_some_and(|site| POSTERIOR.contains(&site))
}

/// Microvolts per unit, for the spellings of volt units that occur in headers.
fn microvolts_per_unit(unit: &str) -> Option<f64> {
    match unit.trim() {
        "V" | "volt" | "volts" => Some(1e6),
        "mV" | "mv" | "millivolt" | "millivolts" => Some(1e3),
        // The micro sign and the Greek letter are two characters; Latin-1 bytes arrive as U+FFFD.
        "uV" | "uv" | "UV" | "\u{b5}V" | "\u{3bc}V" | "\u{fffd}V" | "microvolt" | "microvolts" => Some(1.0),
        "nV" | "nv" => Some(1e-3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(label: &str, unit: &str) -> EdfSignal {
        EdfSignal { label: label.to_owned(), unit: unit.to_owned(), ..EdfSignal::default() }
    }

    #[test]
    fn electrodes_are_told_from_other_channels() {
        for label in ["Fp1", "EEG Fpz-Cz", "EEG O2-A1", "C3-M2", "eeg pz", "POz", "EEG", "EEG 7", "T10", "Fz."] {
            assert!(is_eeg(label), "{label}");
        }
        for label in [
            "EEG EKG1-REF",
            "EEG LOC-REF",
            "EEG ROC-REF",
            "eeg ecg",
            "EEG PHOTIC-REF",
            "ECG",
            "V1",
            "I",
            "F",
            "EMG chin",
            "EOG left",
            "C99",
            "Cz3",
            "Resp",
            "A1",
            "MLII",
            "",
            "Temp",
        ] {
            assert!(!is_eeg(label), "{label}");
        }
        assert!(is_posterior("EEG O1-A2") && is_posterior("PO4") && is_posterior("Pz"));
        assert!(!is_posterior("EEG Cz-Pz") && !is_posterior("Fp1") && !is_posterior("EEG"));
    }

    #[test]
    fn a_choice_must_be_a_voltage() {
        let owned = [signal("ECG", "mV"), signal("Fp1", "uV"), signal("O1", "mV"), signal("O2", "%")];
        let channels = owned.iter().collect::<Vec<_>>();
        assert_eq!(ChannelChoice::AllEeg.choose(&channels).unwrap(), [(1, 1.0), (2, 1e3)]);
        assert_eq!(ChannelChoice::Named("eeg FP1".into()).choose(&channels).unwrap(), [(1, 1.0)]);
        let refused = |choice: ChannelChoice| choice.choose(&channels).unwrap_err();
        assert!(matches!(refused(ChannelChoice::Index(3)), EegError::NotAVoltage));
        assert!(matches!(refused(ChannelChoice::Index(4)), EegError::NoSuchChannel));
        assert!(matches!(refused(ChannelChoice::Named("Cz".into())), EegError::NoSuchChannel));
        let none = ChannelChoice::AllEeg.choose(&channels[..1]);
        assert!(matches!(none, Err(EegError::NoEegChannel { channels: 1 })));
    }
}
