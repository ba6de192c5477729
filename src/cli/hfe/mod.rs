//! `hfe`: the reference Health Front End.

mod account;
mod audit;
mod demo;
mod licence;
mod listen;
mod sample;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::{Outcome, finish, on_runtime};

/// A reference Health Front End of MPAI-AIH: keys, Model Licences, signatures, requests, audits.
#[derive(Debug, Parser)]
#[command(name = "hfe", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write, sign and read Model Licences.
    #[command(subcommand)]
    Licence(licence::Licence),
    /// Print the account of the key in HFE_KEY.
    Account(account::Account),
    /// Sign a text with the key in HFE_KEY (EIP-191), such as the challenge of a registration.
    SignMessage(account::SignMessage),
    /// Audits.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Write a synthetic ECG recording with known beat times (EDF+).
    Sample(sample::Sample),
    /// Listen for what concerns the user of the key in HFE_KEY, such as alerts, and print it.
    Listen(listen::Listen),
    Train(train::Train),
    /// Models: new ones, data to judge them by, and those of a Store.
    #[command(subcommand)]
    Model(train::Model),
    /// Walk the main job against a running Back End.
    Demo(demo::Demo),
}

/// The program `hfe`.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    finish(dispatch(arguments.command))
}

fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Licence(licence) => licence.run(),
        Command::Account(account) => account.run(),
        Command::SignMessage(message) => message.run(),
        Command::Audit(audit) => on_runtime(audit.run()),
        Command::Sample(sample) => sample.run(),
        Command::Listen(listen) => on_runtime(listen.run()),
        Command::Train(train) => on_runtime(train.run()),
        Command::Model(model) => on_runtime(model.run()),
        Command::Demo(demo) => on_runtime(demo.run()),
    }
}
