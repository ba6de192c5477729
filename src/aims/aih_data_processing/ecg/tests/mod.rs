//! Tests of the whole chain: real recordings, known truth, damaged payloads.

mod hostile;
mod module;
mod real_record;
mod round_trip;
mod synthetic_truth;

use std::io::Cursor;
use std::path::PathBuf;

/// Real recordings, named by `HBE_SAMPLES`. A test that does not find them says so and checks nothing.
fn samples(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("HBE_SAMPLES").map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: HBE_SAMPLES names no folder with the sample recordings");
    }
    folder
}

/// An uncompressed tar archive of some files.
fn tar_of(files: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    Cursor::new(builder.into_inner().unwrap())
}
