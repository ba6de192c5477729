//! The command lines: `hbe`, the Back End, and `hfe`, the reference Front End. Each sub-command has its own file.

pub mod hbe;
pub mod hfe;

use std::{error::Error, process::ExitCode};

/// What every sub-command returns: whether it succeeded in what it is for.
type Outcome = Result<bool, Box<dyn Error>>;

/// Runs a sub-command to its end and says on standard error what went wrong, with its causes.
fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because: {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn on_runtime(task: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(task)
}
