//! `cargo bench --bench aggregation [-- --quick]`: the same measurement as `hbe bench aggregation`.

use std::process::ExitCode;

use health_back_end::bench::{Size, aggregation};

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    match aggregation(&Size::new(quick)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
