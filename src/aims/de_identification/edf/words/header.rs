//! The texts of a header: labels, transducers, units, prefilters.

use std::{collections::HashSet, sync::LazyLock};

use super::words;
use crate::aims::aih_data_processing::{ecg::lead::is_lead_name, eeg::channels::is_electrode};

static LABELS: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/labels.txt")));
static TRANSDUCERS: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/transducers.txt")));
static UNITS: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/units.txt")));
static FILTERS: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/filters.txt")));

/// Most digits of a number in a filter text: enough for 1,000.5 Hz, not for a record number.
const MOST_FILTER_DIGITS: usize = 5;

/// Whether a label names only known signals, electrodes and leads.
pub(in crate::aims::de_identification) fn is_label(label: &str) -> bool {
    let number = |word: &str| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
    let known = |word: &str| {
        let lower = word.to_lowercase();
        LABELS.contains(lower.as_str()) || is_electrode(word) || is_lead_name(word) || number(word)
    };
    all_known(label, &[' ', '-', '_', '/', ':', '.', '+', '(', ')', ','], known)
}

/// Whether a transducer text holds only known kinds.
pub(in crate::aims::de_identification) fn is_transducer(text: &str) -> bool {
    all_known(text, &[' ', '-', '/', ',', ';', '(', ')', '.', '+'], |word| {
        TRANSDUCERS.contains(word.to_lowercase().as_str())
    })
}

/// Whether a unit is known.
pub(in crate::aims::de_identification) fn is_unit(unit: &str) -> bool {
    unit.is_empty() || UNITS.contains(unit.to_lowercase().as_str())
}

/// Whether a prefilter text holds only filters and their frequencies, for instance `HP:0.1Hz LP:75Hz N:50Hz`.
pub(in crate::aims::de_identification) fn is_prefilter(text: &str) -> bool {
    let frequency = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.parse::<f64>().is_ok()
            && (1..=MOST_FILTER_DIGITS).contains(&digits)
            && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let mut told = false;
    all_known(text, &[' ', ':', ';', ',', '=', '-', '(', ')'], |word| {
        let lower = word.to_lowercase();
        let bare = lower.strip_suffix("hz").unwrap_or(&lower);
        let named = FILTERS.contains(lower.as_str());
        // A number alone is no filter: something must say which, or that it is a frequency.
        let fits = named || (frequency(bare) && (told || bare.len() < lower.len()));
        told |= named;
        fits
    })
}

fn all_known(text: &str, separators: &[char], known: impl FnMut(&str) -> bool) -> bool {
    text.split(separators).filter(|word| !word.is_empty()).all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_headers_keep_their_texts() {
        for label in [
            "EEG Fpz-Cz",
            "ECG II",
            "EMG chin",
            "MLII",
            "V5",
            "Resp nasal",
            "SaO2",
            "EEG C3-A2",
            "Fp1",
            "aVR",
            "EOG left",
            "HR",
        ] {
            assert!(is_label(label), "{label}");
        }
        for text in ["", "AgAgCl electrodes", "Ag/AgCl electrode", "Active Electrode", "thermistor", "nasal cannula"] {
            assert!(is_transducer(text), "{text}");
        }
        for text in
            ["", "HP:0.1Hz LP:75Hz", "HP:0.1 Hz LP:75 Hz N:50Hz", "HP: DC; LP: 417 Hz", "No filtering", "LP:1000.5Hz"]
        {
            assert!(is_prefilter(text), "{text}");
        }
    }

    #[test]
    fn names_and_numbers_are_not_known() {
        for text in [
            "Haagse Harry",
            "EEG Harry",
            "ECG 1234567",
            "MRN-0234567",
            "Dr. Smith",
            "555-0134",
            "C3-Jones",
            "19510502",
            "12",
            "II van Dam",
        ] {
            assert!(!is_label(text), "{text}");
        }
        for text in ["electrode of Jones", "SN 48219", "AgAgCl 1951"] {
            assert!(!is_transducer(text), "{text}");
        }
        for text in ["HP:Jones", "LP:0234567", "48219", "0234567Hz", "HP:0.1Hz for Jones", "HP:inf", "HP:1e5"] {
            assert!(!is_prefilter(text), "{text}");
        }
        assert!(!is_unit("Jones") && !is_unit("MRN12345") && is_unit("uV") && is_unit("\u{b5}V"));
    }
}
