//! Planted identifiers are gone, samples are the same, damaged files are refused.

use std::io::Cursor;

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::aims::{
    ai_modules::pseudonyms::Pseudonyms,
    aih_data_processing::{
        ecg::{self, LeadChoice, synthetic::SyntheticEcg},
        edf::{
            EdfAnnotation, EdfFile,
            writer::{EdfChannel, EdfContents, write},
        },
    },
};

/// People, numbers, addresses, dates: what 45 CFR 164.514(b)(2) lists, as it turns up in headers.
const PLANTED: [&str; 12] = [
    "Haagse_Harry",
    "MCH-0234567",
    "02-MAY-1951",
    "Zwolleweg 12",
    "+31-555-0134",
    "h.harry@mail.nl",
    "BSN 123456782",
    "Dr_Wijsneus",
    "10.42.7.19",
    "SN-48219-X",
    "NL-7X-99-ZZ",
    "www.harry.nl",
];

/// Two seconds of two channels with annotations.
fn file(annotations: &[(f64, &str)]) -> Vec<u8> {
    let samples = (0..500).map(|n| (f64::from(n) / 7.0).sin() as f32).collect::<Vec<_>>();
    let channel =
        |label| EdfChannel { label, unit: "uV", range: 3_200, sampling_rate_hz: 250, samples: &samples, scale: 1e3 };
    let text = |(onset_seconds, text): &(f64, &str)| EdfAnnotation {
        onset_seconds: *onset_seconds,
        duration_seconds: Some(0.25),
        text: (*text).to_owned(),
    };
    let annotations = annotations.iter().map(text).collect::<Vec<_>>();
    let channels = [channel("ECG II"), channel("EEG Fpz-Cz")];
    let contents =
        EdfContents { start: datetime!(2024-05-02 22:20:30), channels: &channels, annotations: &annotations };
    let mut file = Vec::new();
    write(&contents, &mut file).unwrap();
    file
}

fn put(file: &mut [u8], at: usize, width: usize, text: &str) {
    let text = text.chars().take(width).collect::<String>();
    file[at..at + width].copy_from_slice(format!("{text:<width$}").as_bytes());
}

fn treated(payload: &[u8], parameters: Value) -> Result<Treated, String> {
    let format = if payload.first() == Some(&0xff) { DataFormat::Bdf } else { DataFormat::EdfPlus };
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    treat(&Treatment { format, parameters: &parameters, payload, pseudonyms: &Pseudonyms::new([7; 32]) })
}

fn holds(bytes: &[u8], planted: &str) -> bool {
    let (bytes, planted) = (bytes.to_ascii_lowercase(), planted.to_ascii_lowercase());
    bytes.windows(planted.len()).any(|window| window == planted.as_bytes())
}

fn samples(file: &[u8]) -> (Vec<Vec<f32>>, Vec<EdfAnnotation>) {
    let file = EdfFile::open(Cursor::new(file)).unwrap();
    let header = file.header().clone();
    let signals = header.signals.iter().filter(|s| !s.is_annotation());
    let chosen = signals.map(|s| crate::aims::aih_data_processing::edf::Selection::of(&header, s, 1.0).unwrap());
    file.read(&chosen.collect::<Vec<_>>()).unwrap()
}

/// Places and widths of the free fields of a file of three signals, of which the last is annotations.
fn free_fields() -> Vec<(usize, usize)> {
    let signal = |before: usize, width: usize, number: usize| (256 + 3 * before + number * width, width);
    let mut places = vec![(8, 80), (88, 80), (197, 39)];
    for number in 0..2 {
        places.extend([
            signal(0, 16, number),
            signal(16, 80, number),
            signal(136, 80, number),
            signal(224, 32, number),
        ]);
    }
    places.push(signal(224, 32, 2));
    places
}

#[test]
fn planted_identifiers_are_gone_and_samples_are_not() {
    let (mut planted, mut found) = (0, 0);
    let mut plant = |file: &[u8], text: &str, place: &str| {
        assert!(holds(file, text), "{text} was not planted in {place}");
        planted += 1;
        let out = treated(file, json!({})).unwrap();
        if holds(&out.payload, text) {
            found += 1;
            println!("{text} found in {place}");
        }
        assert_eq!(out.status, DataStatus::Pseudonymised);
        let report = format!("{:?} {:?} {:?} {:?}", out.steps, out.measures, out.residual, out.mapping);
        assert!(!holds(report.as_bytes(), text), "{text} in the report");
        assert!(!out.payload.is_empty() && samples(&out.payload).0[0].len() == 500);
    };
    for text in PLANTED {
        for (at, width) in free_fields() {
            let mut copy = file(&[]);
            put(&mut copy, at, width, text);
            plant(&copy, &text.chars().take(width).collect::<String>(), "the header");
        }
        plant(&file(&[(0.5, text)]), text, "an annotation");
        plant(&file(&[(0.5, &format!("seizure of {text}"))]), text, "an annotation behind an event");
        plant(&[file(&[]), text.as_bytes().to_vec()].concat(), text, "trailing bytes");
    }
    println!("EDF: {planted} identifiers planted, {found} found");
    assert!(planted >= 150 && found == 0);
}

#[test]
fn samples_and_known_events_stay_byte_for_byte() {
    let original = file(&[(0.25, "Eyes closed"), (0.5, "Mrs Jones wakes"), (1.5, "Lights off")]);
    let out = treated(&original, json!({})).unwrap();
    assert_eq!(out.payload.len(), original.len());
    let (before, after) = (samples(&original), samples(&out.payload));
    assert_eq!(before.0, after.0);
    assert_eq!(after.1.iter().map(|a| a.text.as_str()).collect::<Vec<_>>(), ["Eyes closed", "Lights off"]);
    assert_eq!(after.1[1].onset_seconds, 1.5);
    assert_eq!(out.measures.iter().map(|m| m.value).collect::<Vec<_>>(), [2.0, 1.0]);
    let none = treated(&original, json!({"Annotations": "remove"})).unwrap();
    assert!(samples(&none.payload).1.is_empty());
    // A second treatment finds nobody and changes no sample.
    let again = treated(&out.payload, json!({"DateHandling": "remove"})).unwrap();
    assert_eq!(samples(&again.payload), after);
}

#[test]
fn the_person_gets_one_pseudonym_and_one_shift_and_both_are_the_keys_own() {
    let mut first = file(&[]);
    put(&mut first, 8, 80, "MCH-0234567 F 02-MAY-1951 Haagse_Harry");
    let mut second = first.clone();
    put(&mut second, 8, 80, "MCH-0234567 F 02-MAY-1951 H_Harry");
    put(&mut second, 168, 8, "12.05.24");
    let (one, two) = (treated(&first, json!({})).unwrap(), treated(&second, json!({})).unwrap());
    assert_eq!(one.mapping[0].pseudonym, two.mapping[0].pseudonym);
    assert_eq!(one.mapping[0].original, "MCH-0234567 F 02-MAY-1951 Haagse_Harry");
    assert_eq!(&one.payload[8..88], format!("{:<80}", format!("{} X X X", one.mapping[0].pseudonym)).as_bytes());
    let start = |out: &Treated| EdfHeader::read(&mut Cursor::new(&out.payload)).unwrap().start.unwrap();
    assert_eq!(start(&two) - start(&one), time::Duration::days(10));
    let moved = datetime!(2024-05-02 22:20:30) - start(&one);
    assert!(moved.whole_days() >= 1 && moved.whole_days() <= 365 && moved.subsec_nanoseconds() == 0);
    assert_eq!(start(&one).time(), time::macros::time!(22:20:30));
    let date = crate::aims::aih_data_processing::edf::writer::recording_date(start(&one).date());
    assert!(holds(&one.payload[88..168], &format!("Startdate {date} X X X")));
    let other = Treatment {
        format: DataFormat::EdfPlus,
        parameters: &serde_json::Map::new(),
        payload: &first,
        pseudonyms: &Pseudonyms::new([8; 32]),
    };
    assert_ne!(treat(&other).unwrap().mapping[0].pseudonym, one.mapping[0].pseudonym);
}

#[test]
fn removed_and_unknown_dates_become_what_edf_writes_for_them() {
    let unknown = |out: Treated| assert_eq!(&out.payload[168..184], b"01.01.8500.00.00");
    unknown(treated(&file(&[]), json!({"DateHandling": "remove"})).unwrap());
    for date in ["01.01.85", "99.99.99", "Harry 12"] {
        let mut copy = file(&[]);
        put(&mut copy, 168, 8, date);
        let out = treated(&copy, json!({})).unwrap();
        assert!(holds(&out.payload[88..168], "Startdate X X X X"));
        unknown(out);
    }
    assert!(treated(&file(&[]), json!({})).unwrap().mapping.is_empty());
    assert!(treated(&file(&[]), json!({"DateHandling": "keep"})).unwrap_err().contains("shift, remove"));
    assert!(treated(&file(&[]), json!({"Annotations": "all"})).unwrap_err().contains("known, remove"));
}

#[test]
fn bdf_and_discontinuous_files_are_treated_too() {
    let mut gaps = file(&[(0.5, "Mrs Jones")]);
    put(&mut gaps, 192, 44, "EDF+D");
    let at = gaps.windows(4).rposition(|w| w == b"+1\x14\x14").unwrap();
    gaps[at + 1] = b'9';
    let out = treated(&gaps, json!({})).unwrap().payload;
    assert!(!holds(&out, "Jones") && holds(&out[192..236], "EDF+D") && holds(&out, "+9\x14\x14"));

    // One 24-bit channel of two samples and a second.
    let mut bdf = b"\xffBIOSEMI".to_vec();
    let mut field = |text: &str, width: usize| bdf.extend(format!("{text:<width$}").as_bytes());
    for (text, width) in [
        ("Haagse Harry", 80),
        ("at Dr_Wijsneus", 80),
        ("02.05.24", 8),
        ("10.20.30", 8),
        ("512", 8),
        ("24BIT Harry", 44),
        ("1", 8),
        ("1", 8),
        ("1", 4),
        ("A1", 16),
        ("Active Electrode", 80),
        ("uV", 8),
        ("-262144", 8),
        ("262143", 8),
        ("-8388608", 8),
        ("8388607", 8),
        ("HP: DC; LP: 417 Hz", 80),
        ("2", 8),
        ("Harry", 32),
    ] {
        field(text, width);
    }
    bdf.extend([1, 2, 3, 0xff, 0xff, 0xff]);
    let out = treated(&bdf, json!({})).unwrap();
    assert!(!holds(&out.payload, "Harry") && !holds(&out.payload, "Wijsneus"));
    assert!(out.payload.starts_with(b"\xffBIOSEMI") && out.payload.ends_with(&bdf[512..]));
    assert!(
        holds(&out.payload, "Active Electrode") && holds(&out.payload, "LP: 417 Hz") && holds(&out.payload, "24BIT ")
    );
    let wrong = Treatment {
        format: DataFormat::Edf,
        parameters: &serde_json::Map::new(),
        payload: &bdf,
        pseudonyms: &Pseudonyms::new([7; 32]),
    };
    assert!(treat(&wrong).unwrap_err().contains("format"));
}

#[test]
fn what_is_not_understood_is_refused() {
    let good = file(&[(0.5, "Eyes closed")]);
    assert!(treated(&good, json!({})).is_ok());
    for end in (0..good.len()).step_by(37).chain([good.len() - 1]) {
        assert!(treated(&good[..end], json!({})).is_err(), "cut at {end}");
    }
    assert!(treated(b"", json!({})).is_err());
    let at = |mark: &[u8]| good.windows(mark.len()).position(|w| w == mark).unwrap();
    // An onset in place of a number; a list without an end; a time of record that is a person's number; a long number.
    for (mark, by) in [
        (&b"+0.500000"[..], &b"+0.5Jones"[..]),
        (b"closed\x14\0", b"closed\x14J"),
        (b"+1\x14\x14\0", b"+7\x14\x14\0"),
        (b"+0\x14\x14\0", b"+9\x14\x14\0"),
    ] {
        let mut copy = good.clone();
        copy[at(mark)..at(mark) + by.len()].copy_from_slice(by);
        let refused = treated(&copy, json!({}));
        assert!(refused.is_err(), "{mark:?}: {refused:?}");
        assert!(!refused.unwrap_err().contains("Jones"));
    }
    // A known event outside the recording: the number goes with it.
    let mut copy = good.clone();
    copy[at(b"+0.500000")..][..9].copy_from_slice(b"+02345678");
    assert!(!holds(&treated(&copy, json!({})).unwrap().payload, "02345678"));
}

#[test]
fn beats_of_a_treated_ecg_are_the_same() {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = ecg::edf_writer::EdfContents {
        start: datetime!(2024-05-02 10:20:30),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &made.beat_times_s,
        beat_text: "N",
    };
    let mut original = Vec::new();
    ecg::edf_writer::write(&contents, &mut original).unwrap();
    let out = treated(&original, json!({})).unwrap().payload;
    let beats = |file: &[u8]| {
        let recording = ecg::read_recording(Cursor::new(file), &LeadChoice::FirstEcg).unwrap();
        ecg::detect_events(&recording).unwrap().event_times_seconds
    };
    assert_eq!(beats(&original), beats(&out));
    assert_eq!(samples(&original), samples(&out));
}

#[test]
fn the_sample_recordings_are_treated() {
    let folder = std::env::var_os("HBE_SAMPLES").map(std::path::PathBuf::from).filter(|p| p.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED the_sample_recordings_are_treated: HBE_SAMPLES names no folder with the sample recordings");
        return;
    };
    for name in ["test_subsecond.edf", "test_utf8.edf"] {
        let original = std::fs::read(folder.join("edf").join(name)).unwrap();
        let out = treated(&original, json!({})).unwrap();
        let (before, after) = (samples(&original), samples(&out.payload));
        assert_eq!(before.0, after.0);
        println!("{name}: {} texts, {} kept: {:?}", before.1.len(), after.1.len(), out.steps);
        for gone in ["20-JAN-1998", "unnecessary comment"] {
            assert!(!holds(&out.payload, gone), "{name}: {gone}");
        }
    }
}
