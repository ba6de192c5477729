//! `hbe`: the Health Back End.

mod bench;
mod chain;
mod conformance;
mod deploy;
mod licence;
mod limits;
mod store;
mod up;
mod users;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use super::{Outcome, finish, on_runtime};
use crate::{
    aims::ai_modules::{child, worker},
    config::settings::{Overrides, Settings},
    startup::keeper,
};

/// The Health Back End of MPAI-AIH, with licences on chain.
#[derive(Debug, Parser)]
#[command(name = "hbe", version)]
struct Arguments {
    /// Settings; hbe.toml when it is there.
    #[arg(long, env = "HBE_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the Back End; starts anvil and deploys the contracts too when no node is named.
    Up(up::Up),
    /// Put the contracts on the chain at --rpc-url, once, and write deployments/<chain id>.json.
    ///
    /// Keys: HBE_ADMIN_KEY, HBE_OPERATOR_KEY and HBE_REGISTRAR_KEY, or HBE_…_KEYSTORE with HBE_…_PASSWORD_FILE; on
    /// chain 31337 anvil's public development keys.
    Deploy,
    /// Model Licences.
    #[command(subcommand)]
    Licence(licence::Licence),
    /// Users and their classes.
    #[command(subcommand)]
    Users(users::Users),
    /// The MPAI Store.
    #[command(subcommand)]
    Store(store::Store),
    /// Validate messages, or all examples, and print the standard's Table 5 with the result per message.
    Conformance(conformance::Conformance),
    /// The chain behind the Back End.
    #[command(subcommand)]
    Chain(chain::Chain),
    /// Measure; each bench compares in one run, on a chain of its own.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// The child process of an AI Module; started by the Back End itself.
    #[command(name = worker::COMMAND, hide = true)]
    RunModule {
        /// Memory it may use, in bytes.
        memory_bytes: u64,
        /// Processor time it may use, in seconds.
        processor_s: u64,
    },
    /// The process that ends anvil when the Back End has gone; started by the Back End itself.
    #[command(name = keeper::COMMAND, hide = true)]
    KeepAnvil {
        /// What to run.
        program: PathBuf,
        /// With which arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// The program `hbe`.
pub fn run() -> ExitCode {
    // Before anything else is read: the child understands nothing but its standard input.
    let arguments = Arguments::parse();
    if let Command::RunModule { memory_bytes, processor_s } = arguments.command {
        return finish(child::child(memory_bytes, processor_s).map(|()| true).map_err(Into::into));
    }
    // Nor does this one: its output is anvil's.
    if let Command::KeepAnvil { program, arguments } = arguments.command {
        return finish(on_runtime(async { Ok(keeper::keep(program, arguments).await?) }));
    }
    // What the Back End and its anvil write is nobody else's to read.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    crate::telemetry::start();
    finish(dispatch(arguments))
}

fn dispatch(arguments: Arguments) -> Outcome {
    let settings = Settings::load(arguments.config.as_deref(), arguments.overrides)?;
    match arguments.command {
        Command::Up(up) => on_runtime(up.run(settings)),
        Command::Deploy => on_runtime(deploy::run(settings)),
        Command::Licence(licence) => on_runtime(licence.run(settings)),
        Command::Users(users) => on_runtime(users.run(settings)),
        Command::Store(store) => on_runtime(store.run(settings)),
        Command::Conformance(conformance) => conformance.run(),
        Command::Chain(chain) => on_runtime(chain.run(settings)),
        Command::Bench(bench) => on_runtime(bench.run(settings)),
        // Done before the settings were read.
        Command::RunModule { .. } | Command::KeepAnvil { .. } => Ok(true),
    }
}
