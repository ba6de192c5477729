//! Damaged and lying payloads: an error, never a panic, never much memory.

use std::io::Cursor;

use time::macros::datetime;

use super::super::edf_writer::{EdfContents, write};
use super::super::synthetic::{Random, SyntheticEcg};
use super::super::wfdb_annotation::read_annotations;
use super::super::wfdb_record::read_tar;
use super::super::*;
use super::tar_of;

const HEADER: &str = "r 2 250 500\nr.dat 212 200(0)/mV 12 0 0 0 0 MLII\nr.dat 212 200(0)/mV 12 0 0 0 0 V5\n";

fn edf_file() -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 8.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = EdfContents {
        start: datetime!(2024-05-02 10:20:30),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &made.beat_times_s,
        beat_text: "Beat",
    };
    let mut file = Vec::new();
    write(&contents, &mut file).unwrap();
    file
}

fn read_edf(file: &[u8]) -> Result<EcgRecording, EcgError> {
    read_recording(Cursor::new(file), &LeadChoice::FirstEcg)
}

fn record(header: &str, data: &[u8]) -> Result<EcgRecording, EcgError> {
    read_tar(tar_of(&[("r.hea", header.as_bytes()), ("r.dat", data)]), &LeadChoice::FirstEcg)
}

/// Replaces a header field of the two-signal EDF file.
fn with_field(at: usize, text: &str, width: usize) -> Result<EcgRecording, EcgError> {
    let mut file = edf_file();
    file[at..at + width].copy_from_slice(format!("{text:<width$}").as_bytes());
    read_edf(&file)
}

#[test]
fn every_truncation_is_refused() {
    let file = edf_file();
    assert!(read_edf(&file).is_ok());
    for end in (0..file.len()).step_by(64).chain([file.len() - 1]) {
        assert!(read_edf(&file[..end]).is_err(), "EDF cut at {end}");
    }
    let tar = tar_of(&[("r.hea", HEADER.as_bytes()), ("r.dat", &[0; 1500])]).into_inner();
    let data_end = 512 + 512 + 512 + 1500;
    assert!(read_edf(&tar).is_ok());
    for end in (0..data_end).step_by(64).chain([data_end - 1]) {
        assert!(read_edf(&tar[..end]).is_err(), "tar cut at {end}");
    }
}

#[test]
fn edf_headers_that_lie_are_refused_with_the_reason() {
    const LEAD: usize = 256;
    let signals = |before: usize| LEAD + 2 * before;
    let cases: [(usize, &str, usize, &str); 17] = [
        (0, "1", 8, "neither"),
        (184, "1024", 8, "header bytes"),
        (192, "EDF+D", 44, "continuous"),
        (236, "99999999", 8, "ends early"),
        (236, "7", 8, "describes only"),
        (236, "-1", 8, "data records"),
        (236, "0", 8, "data records"),
        (244, "0", 8, "seconds per data record"),
        (244, "NaN", 8, "seconds per data record"),
        (244, "1e-9", 8, "sampling rate"),
        (252, "9999", 4, "number of signals"),
        (252, "-2", 4, "signals"),
        (signals(16 + 80), "mmHg", 8, "none of the 1 channels"),
        (signals(16 + 80 + 8), "5000", 8, "physical range"),
        (signals(16 + 80 + 8), "inf", 8, "physical range"),
        (signals(16 + 80 + 24), "32767", 8, "digital range"),
        (signals(16 + 80 + 40 + 80), "99999999", 8, "data record in bytes"),
    ];
    for (at, text, width, reason) in cases {
        let sentence = with_field(at, text, width).unwrap_err().to_string();
        assert!(sentence.contains(reason), "{at} {text:?}: {sentence}");
    }
    let zero_rate = with_field(signals(16 + 80 + 40 + 80), "0", 8);
    assert!(zero_rate.is_err());
    let unbelievable = with_field(signals(16 + 80 + 16), "1e30", 8).unwrap_err().to_string();
    assert!(unbelievable.contains("amplitude"), "{unbelievable}");
}

#[test]
fn records_whose_times_leave_gaps_are_refused() {
    let mut file = edf_file();
    let at = file.windows(4).rposition(|w| w == b"+7\x14\x14").unwrap();
    file[at + 1] = b'9';
    assert!(matches!(read_edf(&file), Err(EcgError::Discontinuous)));
}

#[test]
fn wfdb_headers_that_lie_are_refused_with_the_reason() {
    let data = [0; 1500];
    assert!(record(HEADER, &data).is_ok());
    let cases = [
        ("r 2 250 500", "r 2 250 501", "ends early"),
        ("r 2 250 500", "r 2 250 400", "describes only"),
        ("r 2 250 500", "r 2 250 31999999", "ends early"),
        ("r 2 250 500", "r 2 250 99999999", "number of samples"),
        ("r 2 250 500", "r 2 0 500", "sampling rate"),
        ("r 2 250 500", "r/2 2 250 500", "multi-segment"),
        ("0 0 0 MLII", "0 1 0 MLII", "checksum"),
        ("0 0 0 MLII", "5 0 0 MLII", "initial value"),
        ("0 0 0 MLII", "0 0 0 Resp", "EOF"),
        ("/mV 12 0 0 0 0 MLII", "/mmHg 12 0 0 0 0 MLII", "EOF"),
        ("r.dat 212 200(0)/mV 12 0 0 0 0 V5", "r.dat 16 200(0)/mV 12 0 0 0 0 V5", "must agree"),
        ("r.dat 212 200", "other.dat 212 200", "not in it"),
        ("r.dat 212 200", "/etc/passwd 212 200", "not in it"),
        ("212 200", "80 200", "format 80"),
        ("212 200", "212+99999999999999999999 200", "byte offset"),
    ];
    for (from, to, reason) in cases {
        let result = record(&HEADER.replacen(from, to, 1), &data);
        match reason {
            // The other lead is an ECG too and is taken instead.
            "EOF" => assert_eq!(result.unwrap().lead(), "V5", "{to}"),
            _ => assert!(result.as_ref().is_err_and(|e| e.to_string().contains(reason)), "{to}: {result:?}"),
        }
    }
    assert!(matches!(record(HEADER, &[0; 1510]), Err(EcgError::Excess { .. })));
    let beyond = record(&HEADER.replace("212 200", "212+9999999999999999999 200"), &data);
    assert!(matches!(beyond, Err(EcgError::Truncated { found: 0, .. })), "{beyond:?}");
    let missing = [0x00, 0x88, 0x00].repeat(500);
    let header = HEADER.replace("0 0 0 0 MLII", "0 -2048").replace("0 0 0 0 V5", "0");
    let lead = LeadChoice::Index(0);
    let tar = tar_of(&[("r.hea", header.as_bytes()), ("r.dat", &missing)]);
    assert!(matches!(read_tar(tar, &lead), Err(EcgError::TooManyMissing { missing: 500, total: 500 })));
}

#[test]
fn archives_with_anything_but_plain_files_are_refused() {
    let with_member = |kind: tar::EntryType, name: &[u8], content: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        bytes.truncate(bytes.len() - 1024);
        bytes.extend(tar_of(&[("r.hea", HEADER.as_bytes()), ("r.dat", &[0; 1500])]).into_inner());
        read_edf(&bytes)
    };
    use tar::EntryType as Kind;
    assert!(with_member(Kind::Regular, b"notes.txt", b"x").is_ok());
    assert!(with_member(Kind::XHeader, b"x", b"20 mtime=1234567890\n").is_ok());
    for name in [&b"../r.atr"[..], b"/r.atr", b"d/r.atr", b".hidden", b"a b", b"\xff", b"r.dat", b"s.hea"] {
        assert!(matches!(with_member(Kind::Regular, name, b""), Err(EcgError::Archive { .. })), "{name:?}");
    }
    for kind in [Kind::Symlink, Kind::Link, Kind::Directory, Kind::Fifo, Kind::GNULongName, Kind::GNUSparse] {
        assert!(matches!(with_member(kind, b"x", b""), Err(EcgError::Archive { .. })), "{kind:?}");
    }
    assert!(matches!(with_member(Kind::XHeader, b"x", b"14 path=../xy\n"), Err(EcgError::Archive { .. })));
    assert!(with_member(Kind::XHeader, b"x", b"99 mtime=1\n").is_err());
    assert!(matches!(with_member(Kind::XHeader, b"x", &[b'a'; 5000]), Err(EcgError::Limit { .. })));
    assert!(matches!(read_tar(tar_of(&[("r.dat", b"x")]), &LeadChoice::FirstEcg), Err(EcgError::Archive { .. })));
    for size in [1 << 40, 1 << 63, u64::MAX - 511, u64::MAX] {
        let mut header = tar::Header::new_ustar();
        header.set_path("r.hea").unwrap();
        header.set_size(size);
        header.set_cksum();
        let lying = [header.as_bytes().as_slice(), &[0; 2048]].concat();
        assert!(read_edf(&lying).is_err(), "{size}");
    }
    let names = (0..100).map(|n| format!("f{n}")).collect::<Vec<_>>();
    let many = names.iter().map(|n| (n.as_str(), &b""[..])).collect::<Vec<_>>();
    assert!(matches!(read_tar(tar_of(&many), &LeadChoice::FirstEcg), Err(EcgError::Limit { .. })));
    assert!(matches!(read_edf(b"PK\x03\x04"), Err(EcgError::UnknownFormat)));
    assert!(matches!(read_edf(b""), Err(EcgError::UnknownFormat)));
}

/// Changes one to six bytes, half of them to characters that matter in headers.
fn mutated(file: &[u8], header_bytes: usize, random: &mut Random) -> Vec<u8> {
    const POOL: &[u8] = b"0123456789+-.eE /()x:NaIn\x14\x15\x00\xff";
    let mut copy = file.to_vec();
    for _ in 0..=random.next() % 6 {
        let within = if random.next().is_multiple_of(4) { copy.len() } else { header_bytes.min(copy.len()) };
        let at = random.next() as usize % within;
        let byte = random.next();
        copy[at] = if byte.is_multiple_of(2) { POOL[(byte >> 8) as usize % POOL.len()] } else { (byte >> 8) as u8 };
    }
    if random.next().is_multiple_of(8) {
        copy.truncate(random.next() as usize % copy.len());
    }
    copy
}

#[test]
fn seeded_mutations_never_panic_and_stay_bounded() {
    let edf = edf_file();
    let data = (0..1500_u32).map(|n| (n * 7) as u8).collect::<Vec<_>>();
    // Without first value and checksum, so that changed samples are still read.
    let header = "r 2 250\nr.dat 212 200(0)/mV\nr.dat 212 200(0)/mV\n";
    let wfdb = tar_of(&[("r.hea", header.as_bytes()), ("r.dat", &data)]).into_inner();
    let mut random = Random(20_240_502);
    let (mut read, mut refused) = (0, 0);
    let clock = std::time::Instant::now();
    for round in 0..6_000 {
        let (file, headers) = if round % 2 == 0 { (&edf, 768) } else { (&wfdb, 1024) };
        let lead = if round % 3 == 0 && file == &edf { LeadChoice::FirstEcg } else { LeadChoice::Index(0) };
        let mut payload = mutated(file, headers, &mut random);
        if file == &wfdb && round % 4 == 1 {
            fix_tar_checksum(&mut payload);
        }
        match read_recording(Cursor::new(&payload), &lead) {
            Ok(recording) => {
                read += 1;
                // No reader may make samples out of nothing.
                assert!(recording.samples_mv().len() <= payload.len());
                if let Ok(events) = detect_events(&recording) {
                    let _ = (quantify_heart_rate(&events), classify_rhythm(&events));
                }
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    println!("6,000 mutations: {read} read, {refused} refused, {:?}", clock.elapsed());
    assert!(read > 100 && refused > 1_000);
}

/// Gives the first member of the archive a right checksum again, so that its other fields are looked at.
fn fix_tar_checksum(archive: &mut [u8]) {
    if let Some(block) = archive.get_mut(..512) {
        block[148..156].fill(b' ');
        let sum = block.iter().map(|b| u32::from(*b)).sum::<u32>();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

#[test]
fn mutated_annotations_never_panic() {
    let mut file = Vec::new();
    for n in 0..200_u16 {
        file.extend((1 << 10 | (n % 400 + 200)).to_le_bytes());
    }
    file.extend([0, 0]);
    assert_eq!(read_annotations(&file[..]).unwrap().len(), 200);
    let mut random = Random(7);
    for _ in 0..3_000 {
        let copy = mutated(&file, file.len(), &mut random);
        if let Ok(annotations) = read_annotations(&copy[..]) {
            assert!(annotations.len() <= copy.len() / 2);
        }
    }
}

#[test]
fn a_day_of_noise_below_the_floor_costs_time_in_proportion() {
    let mut random = Random(3);
    let mut noise = |amplitude: f32| (random.next() >> 40) as f32 / (1 << 24) as f32 * amplitude;
    let samples_mv = (0..600_000).map(|n| noise(if n < 10_000 { 5.0 } else { 0.4 })).collect();
    let parts = recording::RecordingParts { sampling_rate_hz: 100.0, samples_mv, ..Default::default() };
    let clock = std::time::Instant::now();
    detect_events(&EcgRecording::new(parts).unwrap()).unwrap();
    println!("100 minutes of noise: {:?}", clock.elapsed());
    assert!(clock.elapsed().as_secs() < 20);
}
