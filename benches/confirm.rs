//! `cargo bench --bench confirm [-- --quick]`: the same measurement as `hbe bench confirm`.

use std::{path::Path, process::ExitCode};

use health_back_end::{
    bench::{self, Options},
    startup::devnet::binary,
};

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let options = Options::new(binary(Path::new(env!("CARGO_MANIFEST_DIR"))), quick);
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    match runtime.block_on(bench::confirm(&options)) {
        Ok(report) => {
            println!("{report}");
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
