//! Words that a header or an annotation may keep: they say what was measured or what happened, never to whom.
//!
//! Sources: the standard texts of EDF+ (edfplus.info, "standard texts and polarity rules"), electrode names of the 10–20
//! and 10–10 systems, lead names of the ECG, annotation and rhythm texts of the WFDB Applications Guide. Every word of
//! a text must be known, or the text goes.

use crate::aims::aih_data_processing::{ecg::lead::is_lead_name, eeg::channels::is_electrode};

/// Types and places of signals.
const LABELS: &[&str] = &[
    "eeg",
    "ecg",
    "ekg",
    "eog",
    "erg",
    "emg",
    "meg",
    "mcg",
    "ep",
    "temp",
    "resp",
    "sao2",
    "spo2",
    "light",
    "sound",
    "event",
    "dist",
    "area",
    "angle",
    "pos",
    "vol",
    "press",
    "force",
    "vel",
    "acc",
    "hr",
    "rr",
    "pleth",
    "ppg",
    "gsr",
    "eda",
    "flow",
    "airflow",
    "nasal",
    "oral",
    "thorax",
    "thoracic",
    "abdomen",
    "abdominal",
    "chest",
    "chin",
    "leg",
    "arm",
    "tibial",
    "tib",
    "snore",
    "mic",
    "co2",
    "etco2",
    "abp",
    "bp",
    "cvp",
    "pap",
    "icp",
    "status",
    "trigger",
    "marker",
    "battery",
    "body",
    "position",
    "effort",
    "rate",
    "pulse",
    "left",
    "right",
    "l",
    "r",
    "upper",
    "lower",
    "horizontal",
    "vertical",
    "h",
    "v",
    "x",
    "y",
    "z",
    "ref",
    "avg",
    "av",
    "le",
    "a1",
    "a2",
    "m1",
    "m2",
    "cb1",
    "cb2",
    "loc",
    "roc",
    "e1",
    "e2",
    "gnd",
    "lead",
    "rectal",
    "skin",
    "oximetry",
    "channel",
];
/// Kinds of transducers.
const TRANSDUCERS: &[&str] = &[
    "ag",
    "agcl",
    "agagcl",
    "electrode",
    "electrodes",
    "active",
    "passive",
    "cup",
    "gold",
    "tin",
    "disc",
    "disk",
    "needle",
    "surface",
    "scalp",
    "cap",
    "thermistor",
    "thermocouple",
    "piezo",
    "belt",
    "band",
    "nasal",
    "oral",
    "cannula",
    "pressure",
    "microphone",
    "oximeter",
    "pulse",
    "finger",
    "ear",
    "strain",
    "gauge",
    "rip",
    "sensor",
    "sensors",
    "eeg",
    "ecg",
    "emg",
    "eog",
    "chest",
    "wet",
    "dry",
    "gel",
    "triggers",
    "and",
    "status",
    "accelerometer",
    "transducer",
    "impedance",
    "resp",
    "effort",
    "body",
    "position",
    "rectal",
    "skin",
    "temperature",
    "light",
];
/// Units.
const UNITS: &[&str] = &[
    "uv",
    "mv",
    "v",
    "nv",
    "\u{b5}v",
    "\u{3bc}v",
    "\u{fffd}v",
    "%",
    "bpm",
    "hz",
    "khz",
    "s",
    "ms",
    "ohm",
    "kohm",
    "mmhg",
    "cmh2o",
    "kpa",
    "pa",
    "hpa",
    "degc",
    "degf",
    "c",
    "k",
    "l",
    "ml",
    "l/s",
    "l/min",
    "ml/s",
    "m/s",
    "m/s2",
    "g",
    "mg",
    "n",
    "deg",
    "rad",
    "lux",
    "db",
    "us",
    "uus",
    "a",
    "ma",
    "ua",
    "t",
    "ft",
    "boolean",
    "filtered",
    "m",
    "cm",
    "mm",
    "um",
    "w",
];
/// Words of a filter that are no number.
const FILTERS: &[&str] = &["hp", "lp", "bp", "n", "notch", "dc", "ac", "none", "no", "filtering", "filter", "hz"];
/// Events that may stay, whole texts in lower case.
const EVENTS: &[&str] = &[
    "recording starts",
    "recording ends",
    "recording start",
    "recording end",
    "lights off",
    "lights on",
    "sleep stage w",
    "sleep stage n1",
    "sleep stage n2",
    "sleep stage n3",
    "sleep stage n4",
    "sleep stage r",
    "sleep stage 1",
    "sleep stage 2",
    "sleep stage 3",
    "sleep stage 4",
    "sleep stage m",
    "sleep stage ?",
    "movement time",
    "apnea",
    "obstructive apnea",
    "central apnea",
    "mixed apnea",
    "hypopnea",
    "obstructive hypopnea",
    "central hypopnea",
    "mixed hypopnea",
    "rera",
    "arousal",
    "eeg arousal",
    "limb movement",
    "plm",
    "body movement",
    "desaturation",
    "oxygen desaturation",
    "snore",
    "snoring",
    "periodic breathing",
    "cheyne-stokes",
    "bradycardia",
    "tachycardia",
    "eyes open",
    "eyes closed",
    "eyes opened",
    "blink",
    "hyperventilation",
    "hyperventilation start",
    "hyperventilation end",
    "photic stimulation",
    "stimulus",
    "trigger",
    "spike",
    "sharp wave",
    "spike and wave",
    "k-complex",
    "sleep spindle",
    "spindle",
    "seizure",
    "seizure start",
    "seizure end",
    "seizure onset",
    "burst",
    "artifact",
    "artefact",
    "movement",
    "electrode artifact",
    "impedance check",
    "calibration",
    "montage change",
    "rem",
    "rem onset",
    "pause",
    "start",
    "stop",
    "begin",
    "end",
    "beat",
    "qrs",
    "p wave",
    "t wave",
    "normal beat",
    "n",
    "v",
    "a",
    "s",
    "f",
    "l",
    "r",
    "j",
    "e",
    "q",
    "pvc",
    "pac",
    "af",
    "afib",
    "sinus rhythm",
    "vt",
    "vf",
    "svt",
];
/// Rhythms of the WFDB annotation texts, and the other texts that carry a meaning of their own.
const RHYTHMS: &[&str] = &[
    "(AB", "(AFIB", "(AFL", "(B", "(BII", "(IVR", "(N", "(NOD", "(P", "(PREX", "(SBR", "(SVTA", "(T", "(VFL", "(VT",
    "(VF", "(ASYS", "(AVB", "(J", "(NSR", "(SVT", "(AFIB)", "MISSB", "PSE", "TS",
];
/// Most digits of a number in a filter text: enough for 1,000.5 Hz, not for a record number.
const MOST_FILTER_DIGITS: usize = 5;

/// Whether a label names only known signals, electrodes and leads.
pub(in crate::aims::de_identification) fn is_label(label: &str) -> bool {
    let number = |word: &str| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
    let known = |word: &str| {
        let lower = word.to_lowercase();
        LABELS.contains(&lower.as_str()) || is_electrode(word) || is_lead_name(word) || number(word)
    };
    all_known(label, &[' ', '-', '_', '/', ':', '.', '+', '(', ')', ','], known)
}

/// Whether a transducer text holds only known kinds.
pub(in crate::aims::de_identification) fn is_transducer(text: &str) -> bool {
    all_known(text, &[' ', '-', '/', ',', ';', '(', ')', '.', '+'], |word| {
        TRANSDUCERS.contains(&word.to_lowercase().as_str())
    })
}

/// Whether a unit is known.
pub(in crate::aims::de_identification) fn is_unit(unit: &str) -> bool {
    unit.is_empty() || UNITS.contains(&unit.to_lowercase().as_str())
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
        let named = FILTERS.contains(&lower.as_str());
        // A number alone is no filter: something must say which, or that it is a frequency.
        let fits = named || (frequency(bare) && (told || bare.len() < lower.len()));
        told |= named;
        fits
    })
}

/// Whether an annotation is a known event.
pub(in crate::aims::de_identification) fn is_event(text: &str) -> bool {
    EVENTS.contains(&text.trim().to_lowercase().as_str())
}

/// Whether the text of a WFDB annotation is a known rhythm or mark.
pub(in crate::aims::de_identification) fn is_rhythm(text: &str) -> bool {
    RHYTHMS.contains(&text.trim_end_matches('\0'))
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
        assert!(["Sleep stage W", "Lights off", "SPIKE", " Eyes closed ", "N"].into_iter().all(is_event));
        assert!(is_rhythm("(AFIB") && is_rhythm("(N\0"));
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
        for text in ["Patient Jones arrives", "seizure of Mrs Jones", "555-0134", ""] {
            assert!(!is_event(text), "{text}");
        }
        assert!(!is_rhythm("(N Jones") && !is_rhythm("Jones") && !is_unit("Jones") && !is_unit("MRN12345"));
    }
}
