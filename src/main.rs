//! `hbe`, the Health Back End.

use std::process::ExitCode;

fn main() -> ExitCode {
    health_back_end::cli::hbe::run()
}
