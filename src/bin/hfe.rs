//! `hfe`, the reference Health Front End.

use std::process::ExitCode;

fn main() -> ExitCode {
    health_back_end::cli::hfe::run()
}
