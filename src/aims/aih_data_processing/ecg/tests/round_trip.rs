//! What the writer writes, the readers read: ours and an independent one.

use std::io::Cursor;

use time::macros::datetime;

use super::super::edf_writer::{EdfContents, write};
use super::super::synthetic::SyntheticEcg;
use super::super::wfdb_record::read_tar;
use super::super::*;
use super::tar_of;

fn contents<'a>(samples_mv: &'a [f32], beat_times_s: &'a [f64]) -> EdfContents<'a> {
    EdfContents {
        start: datetime!(2024-05-02 10:20:30),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv,
        beat_times_s,
        beat_text: "Beat",
    }
}

#[test]
fn edf_comes_back_with_beats_start_and_samples() {
    let made = SyntheticEcg { duration_s: 20.5, ..SyntheticEcg::default() }.generate().unwrap();
    let mut file = Vec::new();
    write(&contents(&made.samples_mv, &made.beat_times_s), &mut file).unwrap();
    assert_eq!(EcgFormat::recognise(&mut Cursor::new(&file)).unwrap(), EcgFormat::Edf);
    let read = edf::read(Cursor::new(&file), &LeadChoice::FirstEcg).unwrap();
    assert_eq!(read.recording.start(), Some(datetime!(2024-05-02 10:20:30)));
    assert_eq!((read.recording.lead(), read.recording.sampling_rate_hz()), ("ECG II", 250.0));
    assert_eq!(read.recording.samples_mv().len(), 21 * 250);
    for (read, written) in read.recording.samples_mv().iter().zip(&made.samples_mv) {
        assert!((read - written).abs() < 1e-4);
    }
    assert_eq!(read.annotations.len(), made.beat_times_s.len());
    for (annotation, time) in read.annotations.iter().zip(&made.beat_times_s) {
        assert_eq!(annotation.text, "Beat");
        assert!((annotation.onset_seconds - time).abs() < 1e-6);
    }
    assert_eq!(&file[8..88], format!("{:<80}", "X X X X").as_bytes());
    independent_reader_agrees(&file, &made.beat_times_s);
}

fn independent_reader_agrees(file: &[u8], beat_times_s: &[f64]) {
    let path = std::env::temp_dir().join(format!("ecg-round-trip-{}.edf", std::process::id()));
    std::fs::write(&path, file).unwrap();
    let mut reader = edf_rs::file::EDFFile::open(&path).unwrap();
    let mut beats = 0;
    while let Some(record) = reader.read_record().unwrap() {
        beats += record.annotations.iter().flatten().filter(|list| list.annotations == ["Beat"]).count();
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(beats, beat_times_s.len());
}

#[test]
fn the_writer_refuses_what_edf_cannot_hold() {
    let good = contents(&[0.0; 500], &[0.5, 1.0]);
    let bad = [
        EdfContents { sampling_rate_hz: 0, ..good },
        EdfContents { start: datetime!(1984-12-31 0:00), ..good },
        EdfContents { label: "a label that is too long", ..good },
        EdfContents { label: "\u{b5}V", ..good },
        EdfContents { beat_text: "a\u{14}b", ..good },
        EdfContents { samples_mv: &[], ..good },
        EdfContents { samples_mv: &[6.0], ..good },
        EdfContents { samples_mv: &[f32::NAN], ..good },
        EdfContents { beat_times_s: &[1.0, 0.5], ..good },
        EdfContents { beat_times_s: &[3.0], ..good },
        EdfContents { beat_times_s: &[f64::NAN], ..good },
    ];
    for contents in bad {
        let refused = write(&contents, &mut Vec::new());
        assert!(matches!(refused, Err(EcgError::Parameter { .. })), "{contents:?}");
    }
}

/// Packs samples in format 212.
fn packed(samples: &[i16]) -> Vec<u8> {
    let nibble = |s: i16| (s as u16 >> 8 & 0x0f) as u8;
    let pair = |p: &[i16]| match *p {
        [a, b] => vec![a as u8, nibble(a) | nibble(b) << 4, b as u8],
        [a] => vec![a as u8, nibble(a)],
        _ => vec![],
    };
    samples.chunks(2).flat_map(pair).collect()
}

#[test]
fn both_wfdb_formats_are_read_with_any_number_of_signals_and_frames() {
    // Three signals a frame: pairs of format 212 straddle frames, and the last one is half.
    let samples = [0, 100, 1, -1, 101, 2047, 2, -102, -2047_i16];
    let words = samples.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>();
    for (format, bytes) in [("16", words), ("212", packed(&samples))] {
        let line = |text: &str| format!("r.dat {format} 100(10)/mV 12 0 {text}\n");
        let header = format!("r 3 250 3\n{}{}{}", line("0 1 0 Resp"), line("100 99 0 MLII"), line("1 1 0 V1"));
        let read = read_tar(tar_of(&[("r.hea", header.as_bytes()), ("r.dat", &bytes)]), &LeadChoice::Index(1));
        assert_eq!(read.unwrap().samples_mv(), [0.9, 0.91, -1.12], "format {format}");
    }
}

#[test]
fn several_samples_a_frame_and_an_offset_raise_the_rate() {
    let samples = [1, 10, 11, 2, 12, 13_i16];
    let mut bytes = vec![0xee; 5];
    bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    let header = "r 2 125 2\nr.dat 16+5 1 16 0 1 3 0 x\nr.dat 16x2+5 1/uV 16 0 10 46 0 ECG\n";
    let read = read_tar(tar_of(&[("r.dat", &bytes), ("r.hea", header.as_bytes())]), &LeadChoice::FirstEcg).unwrap();
    assert_eq!((read.sampling_rate_hz(), read.samples_mv()), (250.0, &[0.010, 0.011, 0.012, 0.013][..]));
}
